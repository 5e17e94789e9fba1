"""A scan on Ray gives the same rows as one without, also when a worker dies."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.serve.scan.adverts import assert_same, results, write_adverts


@pytest.mark.timeout(900)
def test_a_killed_worker_changes_nothing(tmp_path: Path, photos: list[Any], scan: Any) -> None:
    adverts = write_adverts(tmp_path / "in", photos, 40)
    with adverts.open("a", encoding="utf-8", newline="") as file:
        file.writelines(f"{number},Ivory figure,{number % 40}-0.jpg\r\n" for number in range(40, 300))
    assert scan(adverts, tmp_path / "here") == 3

    command = [Path(sys.executable).with_name("schreger"), "scan", adverts, "--ray", "local", "--out", tmp_path / "ray"]
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
