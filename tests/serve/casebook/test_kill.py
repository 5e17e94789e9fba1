"""Whoever is killed while saving leaves nothing half done."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from serve.casebook import Casebook, open_casebook, verify

ADD_FOR_EVER = """
import os, sys
from itertools import count
from pathlib import Path
from model.finding import Finding
from serve.casebook import Received, open_casebook
casebook = open_casebook(sys.argv[1], Path(sys.argv[2]))
finding = Finding("ivory", "recognised", 0.9, (("ivory", 0.9), ("bone", 0.1)), 0.2, (), "lite2@0123456789ab")
for number in count():
    photos = [Received(f"{part}.jpg", os.urandom(300_000), finding) for part in range(3)]
    casebook.add_item(f"K-{os.getpid()}-{number}", photos, finding, "Amina", new=True, note="measured")
    print(number, flush=True)
"""


LONG = (pytest.mark.soak, pytest.mark.timeout(1800))


@pytest.mark.parametrize("kills", [pytest.param(3, id="3"), pytest.param(50, id="50", marks=LONG)])
def test_a_kill_leaves_no_half_case(casebook: Casebook, url: str, keys: Path, kills: int) -> None:
    chance, saved = random.Random(kills), 0  # noqa: S311 - when it strikes need not be unforeseeable
    for _ in range(kills):
        command = [sys.executable, "-c", ADD_FOR_EVER, url, str(keys)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            writer.stdout.readline()  # it is under way
            time.sleep(chance.uniform(0, 0.2))
            writer.send_signal(signal.SIGKILL)
            saved += 1 + len(writer.stdout.read().splitlines())
        assert verify(url, keys) == ()
    opened = open_casebook(url, keys)
    files = [opened.case(case.ref) for case in opened.cases()]
    assert saved <= len(files) <= saved + kills  # what it said it saved is there; the last may be without its word
    for file in files:
        item = file.item(1)
        assert (len(file.items), len(item.photos), len(item.results), len(item.notes)) == (1, 3, 4, 1)
        assert all(len(opened.original(photo.sha256)) == photo.size for photo in item.photos)
    opened.note(files[0].case.ref, "It goes on", "Amina")
    assert verify(url, keys) == ()
