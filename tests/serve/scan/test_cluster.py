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


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_a_killed_worker_changes_nothing(tmp_path: Path, photos: list[Any], scan: Any) -> None:
    adverts = write_adverts(tmp_path / "in", photos, 100)
    with adverts.open("a", encoding="utf-8", newline="") as file:
        file.writelines(f"{number},Ivory figure,{number % 100}-0.jpg\r\n" for number in range(100, 1500))
    assert scan(adverts, tmp_path / "here") == 3

    command = [Path(sys.executable).with_name("schreger"), "scan", adverts, "--ray", "local", "--out", tmp_path / "ray"]
    quick = {"RAY_worker_niceness": "0", "RAY_AUTH_MODE": "disabled"}
    with subprocess.Popen([*map(str, command), "-q"], env={**os.environ, **quick}, stderr=subprocess.PIPE) as cluster:
        while cluster.poll() is None and not list((tmp_path / "ray").glob("part-*.json")):
            time.sleep(0.01)
        workers = [child for child in psutil.Process(cluster.pid).children(recursive=True) if is_worker(child)]
        assert workers, cluster.communicate()[1].decode()
        for worker in workers:
            worker.kill()
        assert cluster.wait() == 3
    assert_same(results(tmp_path / "ray"), results(tmp_path / "here"))


def is_worker(process: psutil.Process) -> bool:
    try:
        return "_Worker" in " ".join(process.cmdline())
    except psutil.Error:
        return False
