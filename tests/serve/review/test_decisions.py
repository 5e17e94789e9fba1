"""Decisions are added one by one, and none is lost."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serve.review import Decision, ReviewError, append_decision, latest, read_decisions

TEXT = st.text(st.characters(codec="utf-8"), max_size=20)


def decision(own: str, at: str = "2026-11-26T10:00:00Z", **more: str) -> Decision:
    return Decision(**{"id": own, "decision": "block", "label": "ivory", "by": "ann", "at": at, "note": "", **more})


def test_of_several_decisions_on_an_advert_the_latest_counts(tmp_path: Path) -> None:
    file = tmp_path / "decisions.csv"
    later = decision("1", "2026-11-27T08:00:00Z", decision="clear", label="bone")
    for each in (decision("1"), later, decision("2"), decision("1", "2026-11-26T23:00:00Z")):
        append_decision(file, each)
    assert latest(read_decisions(file)) == {"1": later, "2": decision("2")}
    assert len(read_decisions(file)) == 4


@given(own=TEXT.filter(lambda text: text == " ".join(text.splitlines())), note=TEXT)
def test_whatever_a_note_holds_is_one_line_that_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, own: str, note: str
) -> None:
    file = tmp_path_factory.mktemp("decisions") / "decisions.csv"
    given = decision(own, note=note)
    append_decision(file, given)
    append_decision(file, decision("last"))
    assert file.read_bytes().count(b"\n") == 3
    assert read_decisions(file) == [decision(own, note=" ".join(note.splitlines())), decision("last")]


def test_a_line_that_was_cut_off_takes_no_other_with_it(tmp_path: Path) -> None:
    file = tmp_path / "decisions.csv"
    append_decision(file, decision("1"))
    with file.open("ab") as stream:
        stream.write(b'2,block,"ivo')
    append_decision(file, decision("3"))
    assert [each.id for each in read_decisions(file)] == ["1", "3"]


def test_what_was_decided_before_a_kill_is_there(tmp_path: Path) -> None:
    file = tmp_path / "decisions.csv"
    script = (
        "import sys; from pathlib import Path; from itertools import count\n"
        "from serve.review import Decision, append_decision\n"
        "for n in count():\n"
        "    append_decision(Path(sys.argv[1]), Decision(str(n), 'clear', '', 'ann', 'now', 'x' * 300))\n"
        "    print(n, flush=True)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script, file], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout
        while writer.stdout.readline() != "20\n":
            time.sleep(0)
        os.kill(writer.pid, signal.SIGKILL)
        told = 20 + len(writer.stdout.read().splitlines())
    append_decision(file, decision("after"))
    assert {str(number) for number in range(told + 1)} | {"after"} <= {each.id for each in read_decisions(file)}


def test_a_decision_that_a_full_disk_does_not_take_is_refused_and_no_part_of_it_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "decisions.csv"
    append_decision(file, decision("1"))
    room = file.stat().st_size + 100  # up to the note: without its end the line would still be a decision
    script = (
        "import resource, sys; from pathlib import Path\n"
        "from serve.review import Decision, ReviewError, append_decision\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)\n"
        "try:\n"
        "    append_decision(Path(sys.argv[1]), Decision('2', 'block', 'ivory', 'ann', 'now', 'x' * 300))\n"
        "except ReviewError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, file, str(room)], capture_output=True, text=True, check=True)
    assert done.stdout == f"{str(file)!r} cannot be written: No space left on device.\n"
    append_decision(file, decision("3"))
    assert [each.id for each in read_decisions(file)] == ["1", "3"]


def test_another_file_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "adverts.csv"
    file.write_text("id,title\n1,netsuke\n")
    with pytest.raises(ReviewError, match="no file of decisions"):
        read_decisions(file)
    assert read_decisions(tmp_path / "none.csv") == []
