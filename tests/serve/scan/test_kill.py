"""A scan that is killed at any moment goes on and equals one that was not."""

import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.serve.scan.adverts import assert_same, generate_adverts, results, write_adverts

SCAN = """
import signal
import sys
from serve.scan import parts
signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell takes from what it runs in the background
parts.ROWS = int(sys.argv.pop(1))
from serve.cli import main
main()
"""


def start(rows: int, source: Path, out: Path, *options: str) -> "subprocess.Popen[str]":
    """The command as people run it, with parts of so many rows."""
    command = [sys.executable, "-c", SCAN, str(rows), "scan", str(source), "--out", str(out), *options]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ, "COLUMNS": "80"})


def finish(scan: "subprocess.Popen[str]") -> str:
    _, said = scan.communicate(timeout=280)
    assert scan.returncode == 3, said
    return said


def parts_done(out: Path) -> int:
    return len(list(out.glob("part-*.json")))


def test_killed_again_and_again_it_ends_as_if_never(tmp_path: Path, photos: list[Any]) -> None:
    adverts, chance = write_adverts(tmp_path / "in", photos, 60), random.Random(3)  # noqa: S311
    finish(start(4, adverts, tmp_path / "unbroken", "-q"))
    for _ in range(2):
        had, more = parts_done(tmp_path / "out"), chance.randint(1, 3)
        with start(4, adverts, tmp_path / "out", "-q") as scan:
            while scan.poll() is None and parts_done(tmp_path / "out") < had + more:
                time.sleep(0.001)
            time.sleep(chance.uniform(0, 0.1))
            scan.kill()
        assert scan.returncode == -signal.SIGKILL
    assert 2 <= parts_done(tmp_path / "out") < 15  # it was cut off, and kept what was done
    finish(start(4, adverts, tmp_path / "out", "-q"))
    assert_same(results(tmp_path / "out", 4), results(tmp_path / "unbroken", 4))
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == sorted(
        file.name for file in (tmp_path / "unbroken").iterdir()
    )


def test_ctrl_c_ends_it_in_a_sentence(tmp_path: Path, photos: list[Any]) -> None:
    adverts = write_adverts(tmp_path / "in", photos, 60)
    with start(4, adverts, tmp_path / "out") as scan:
        while scan.poll() is None and parts_done(tmp_path / "out") < 2:
            time.sleep(0.001)
        scan.send_signal(signal.SIGINT)
        _, said = scan.communicate(timeout=60)
    assert scan.returncode == 130
    assert said == "What is done is kept: the same command goes on from there.\nStopped.\n"


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_a_hundred_thousand_adverts_survive_two_hundred_kills_in_flat_memory(data_dir: Path, tmp_path: Path) -> None:
    """Hours; `--basetemp` names where some 5 GB go. SCHREGER_SOAK=0.04 tries a 25th: by then memory has settled."""
    share = float(os.environ.get("SCHREGER_SOAK", "1"))
    adverts, kills = round(100_000 * share), round(200 * share)
    generate_adverts(data_dir, tmp_path / "tenth", adverts // 10)
    generate_adverts(data_dir, tmp_path / "all", adverts)
    peak = {}
    for name in ("tenth", "all"):
        began = time.monotonic()
        peak[name] = finish_measured(start(256, tmp_path / name / "adverts.csv", tmp_path / f"{name}-unbroken", "-q"))
        seconds = time.monotonic() - began
    assert peak["all"] <= 1.1 * peak["tenth"]

    chance, struck = random.Random(200), 0  # noqa: S311
    while struck < kills:
        # Some strike while it starts, most while it works, and on the average it gains less than a kill's share.
        with start(256, tmp_path / "all" / "adverts.csv", tmp_path / "killed", "-q") as scan:
            try:
                scan.wait(chance.uniform(0, 8 + 0.6 * seconds / kills))
            except subprocess.TimeoutExpired:
                scan.kill()
                struck += 1
        assert scan.returncode == -signal.SIGKILL, "it ended before it was killed often enough"
    finish_measured(start(256, tmp_path / "all" / "adverts.csv", tmp_path / "killed", "-q"))
    assert_same(results(tmp_path / "killed"), results(tmp_path / "all-unbroken"))


def finish_measured(scan: "subprocess.Popen[str]") -> int:
    """Let it end, and say how many kilobytes of memory it took at most."""
    peak = 0
    with scan:
        while scan.poll() is None:
            found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{scan.pid}/status").read_text())
            peak = int(found[1]) if found else peak  # none once it has ended
            time.sleep(0.5)
    assert scan.returncode == 0
    return peak
