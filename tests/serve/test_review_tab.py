"""The page's tab for review, over HTTP: what it shows, who may decide there, and what is kept."""

import json
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pyarrow
import pyarrow.parquet
import pytest

from model.photo import read_file
from model.taxonomy import load_taxonomy
from serve.casebook import Users, create_casebook
from serve.page.review import Turn, take_turn
from serve.review import PictureShown, ReviewDesk, ReviewError, Undecided, read_decisions
from serve.texts import load_texts
from serve.words import Words
from tests.served import served

EN = load_texts("en")
PASSWORD = "four plain words here"  # noqa: S105
EMPTY = dict.fromkeys(("by", "advert", "choice", "label", "note", "again"), "")
HOSTILE = "<script>alert(1)</script>"
Decide = Callable[..., str]


def make_scan(folder: Path, picture: bytes) -> None:
    """Two adverts under review and a clear one, with the file that they are of."""
    (folder / "tusk.jpg").write_bytes(picture)
    names = {"a": "tusk.jpg;missing.jpg", "b": "", "c": ""}
    lines = [f'{own},ann,"{HOSTILE} tusk {own}",{pictures}' for own, pictures in names.items()]
    (folder / "adverts.csv").write_text("\n".join(["id,seller,title,pictures", *lines]), encoding="utf-8")
    shown = [{"path": name, "answer": "ivory", "probability": 0.9} for name in names["a"].split(";")]
    rows = [
        {
            "row": number, "id": own, "verdict": "clear" if own == "c" else "review", "score": 0.7, "answer": "ivory",
            "reasons": [f"It says {HOSTILE}"], "bundle": "lite2@0", "policy": "1/1",
            "pictures": shown if own == "a" else [],
        }
        for number, own in enumerate(names)
    ]  # fmt: skip
    (folder / "scan").mkdir()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), folder / "scan/part-00000.parquet")
    (folder / "scan/part-00000.json").write_text("{}")


@pytest.fixture
def url(tmp_path: Path, photos: list[Any]) -> Iterator[str]:
    """The page with a review, where an officer and an expert may sign in."""
    make_scan(tmp_path, photos[0].content)
    casebook = create_casebook(str(tmp_path / "casebook.db"), tmp_path / "keys", "Root")
    Users(casebook).add("Olu", "officer", PASSWORD, "Root")
    Users(casebook).add("Ada", "expert", PASSWORD, "Root")
    cases = {"casebook": str(tmp_path / "casebook.db"), "keys": tmp_path / "keys"}
    files = {"adverts": tmp_path / "adverts.csv", "decisions": tmp_path / "decisions.csv"}
    with served(tmp_path, review=tmp_path / "scan", **cases, **files) as (url, process):
        yield url
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


@contextmanager
def signed_in(url: str, name: str) -> Iterator[Decide]:
    """Sends the form of the tab as somebody, and gives the HTML that it shows then."""
    with httpx.Client(base_url=url, timeout=120) as client:
        assert client.post("/signin", data={"name": name, "password": PASSWORD}).status_code == 303
        config = client.get("/config").json()
        review = next(part["id"] for part in config["components"] if part["props"].get("elem_id") == "review")
        event = next(each for each in config["dependencies"] if [review, "submit"] in each["targets"])

        def decide(**form: str) -> str:
            asked = {"data": [None], "fn_index": event["id"], "event_data": form, "session_hash": name}
            assert client.post("/gradio_api/queue/join", json=asked).status_code == 200
            return str(answered(client, name)[-1])

        yield decide


def answered(client: httpx.Client, session: str) -> list[Any]:
    with client.stream("GET", "/gradio_api/queue/data", params={"session_hash": session}) as stream:
        for line in stream.iter_lines():
            message = json.loads(line.removeprefix("data:")) if line.startswith("data:") else {}
            if message.get("msg") == "process_completed":
                return list(message["output"]["data"])
    raise AssertionError("no answer")


def test_experts_decide_in_their_own_name_and_officers_do_not(url: str, tmp_path: Path) -> None:
    with signed_in(url, "Olu") as decide:
        said = decide(advert="a", choice="block", by="Ada")
        assert EN["review_refused"] in said
        assert "tusk" not in said
    with signed_in(url, "Ada") as decide:
        first = decide()
        assert "tusk a" in first
        assert HOSTILE not in first
        assert first.count("data:image/webp") == 1
        assert EN["review_no_picture"] in first
        assert "tusk b" in decide(advert="a", choice="block", label="ivory", note="grain", by="Olu")
        assert EN["review_done"].format(count=1) in decide(advert="b", choice="skip")
        assert "tusk b" in decide(again="1")
        assert EN["review_done"].format(count=0) in decide(advert="b", choice="clear", label="no key")
    decisions = read_decisions(tmp_path / "decisions.csv")
    assert [(each.id, each.decision, each.label, each.by, each.note) for each in decisions] == [
        ("a", "block", "ivory", "Ada", "grain"),
        ("b", "clear", "", "Ada", ""),
    ]
    assert all(each.at.endswith("Z") for each in decisions)


@pytest.fixture
def desk(tmp_path: Path) -> ReviewDesk:
    pictures = (PictureShown("tusk.jpg", "no key", 0.5, partial(read_file, tmp_path / "missing.jpg")),)
    adverts = [Undecided(own, own, "", "", "", 0.5, "", (), pictures, "") for own in "ab"]
    return ReviewDesk({each.id: each for each in adverts}, tmp_path / "decisions.csv")


def test_a_name_is_asked_for_once_and_what_others_decided_meanwhile_is_not_asked_again(desk: ReviewDesk) -> None:
    words = Words("en", load_taxonomy())
    turn, said = take_turn(desk, words, Turn(), EMPTY | {"advert": "a", "choice": "block"})
    assert 'name="by"' in said
    assert not desk.decisions.exists()
    turn, said = take_turn(desk, words, turn, EMPTY | {"by": " Ann\n"})
    assert turn.by == "Ann"
    desk.decide("a", "clear", "", "Bob", "")
    _, said = take_turn(desk, words, turn, EMPTY | {"advert": "b", "choice": "clear"})
    assert EN["review_done"].format(count=0) in said
    assert [(each.id, each.by) for each in read_decisions(desk.decisions)] == [("a", "Bob"), ("b", "Ann")]


def test_reviewers_start_at_different_adverts_and_who_is_slower_is_told(desk: ReviewDesk) -> None:
    words = Words("en", load_taxonomy())
    first = {by: take_turn(desk, words, Turn(by), EMPTY)[1] for by in ("Bob", "Ann")}
    assert [f'name="advert" value="{own}"' in first[by] for by, own in (("Bob", "a"), ("Ann", "b"))] == [True, True]
    _, kept = take_turn(desk, words, Turn("Bob"), EMPTY | {"advert": "a", "choice": "clear"})
    _, refused = take_turn(desk, words, Turn("Ann"), EMPTY | {"advert": "a", "choice": "block"})
    _, changed = take_turn(desk, words, Turn("Bob"), EMPTY | {"advert": "a", "choice": "block"})
    assert [EN["review_meanwhile"] in said for said in (kept, refused, changed)] == [False, True, False]
    assert [(each.by, each.decision) for each in read_decisions(desk.decisions)] == [("Bob", "clear"), ("Bob", "block")]


def test_a_decision_that_cannot_be_kept_is_said(desk: ReviewDesk, caplog: pytest.LogCaptureFixture) -> None:
    desk.decisions.mkdir()
    _, said = take_turn(desk, Words("en", load_taxonomy()), Turn("Ann"), EMPTY | {"advert": "a", "choice": "clear"})
    assert EN["our_fault"] in said
    with pytest.raises(ReviewError, match="There is no folder"):
        ReviewDesk({}, desk.decisions / "none" / "d.csv")


def test_a_review_without_its_files_is_one_sentence(schreger: Callable[..., Any], tmp_path: Path) -> None:
    done = schreger("serve", "--port", "17862", "--review", tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "--adverts" in done.stderr


def test_a_place_where_decisions_cannot_be_kept_is_told_at_the_start(
    schreger: Callable[..., Any], tmp_path: Path, photos: list[Any]
) -> None:
    make_scan(tmp_path, photos[0].content)
    files = ("--adverts", tmp_path / "adverts.csv", "--decisions", "/proc/decisions.csv")
    done = schreger("serve", "--port", "17862", "--review", tmp_path / "scan", *files)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.startswith("'/proc/decisions.csv' cannot be written: ")
    assert done.stderr.endswith("; name another file with --decisions.\n")
