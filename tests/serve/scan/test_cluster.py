"""A scan on Ray gives the same rows as one without, also when a worker dies, and with pictures that it downloads."""

import os
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path
from typing import Any

import psutil
import pytest

from serve.scanned import FETCHED, fetched_file
from tests.serve.scan.adverts import assert_same, results, write_adverts

FETCHED_BEFORE, NO_PUBLIC_ADDRESS = "http://shop.example/1.jpg", "http://127.0.0.1/2.jpg"


@pytest.mark.timeout(900)
def test_a_killed_worker_changes_nothing(tmp_path: Path, photos: list[Any], scan: Any) -> None:
    adverts = write_adverts(tmp_path / "in", photos, 40)
    with adverts.open("a", encoding="utf-8", newline="") as file:
        file.writelines(f"{number},Ivory figure,{number % 40}-0.jpg\r\n" for number in range(40, 300))
        file.writelines(f"{url},Ivory figure,{url}\r\n" for url in (FETCHED_BEFORE, NO_PUBLIC_ADDRESS))
    for out in ("here", "ray"):
        there = fetched_file(tmp_path / out / FETCHED, FETCHED_BEFORE)
        there.parent.mkdir(parents=True)
        there.write_bytes(photos[0].content)
    assert scan(adverts, tmp_path / "here", fetch=True) == 3
    *_, good, bad = results(tmp_path / "here")
    assert good["pictures"][0]["sha256"] == sha256(photos[0].content).hexdigest()
    assert "not a public address" in bad["pictures"][0]["error"]

    schreger = Path(sys.executable).with_name("schreger")
    command = [schreger, "scan", adverts, "--ray", "local", "--fetch", "--out", tmp_path / "ray"]
    quick = {"RAY_worker_niceness": "0", "RAY_AUTH_MODE": "disabled"}
    with subprocess.Popen([*map(str, command), "-q"], env={**os.environ, **quick}, stderr=subprocess.PIPE) as cluster:
        while not (workers := working(psutil.Process(cluster.pid))):
            assert cluster.poll() is None, cluster.communicate()[1].decode()
            time.sleep(0.05)
        for worker in workers:
            worker.kill()
        assert not list((tmp_path / "ray").glob("part-*.json"))
        assert cluster.wait() == 3
    assert_same(results(tmp_path / "ray"), results(tmp_path / "here"))


def working(scan: psutil.Process) -> list[psutil.Process]:
    """The workers that are at a part, as Ray says in their titles."""
    return [process for process in scan.children(recursive=True) if "_Worker)).submit" in title(process)]


def title(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""
