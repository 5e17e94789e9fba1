"""Killed at any moment and run again, a collector ends with what an unbroken run ends with."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

COUNT = 14


@pytest.fixture
def observations(web: Any, answer: Any, reply: Any) -> str:
    """iNaturalist on a bad day: photos closed, missing, broken and doubled, and faults that pass; the API's address."""
    seen = []
    for number in range(1, COUNT + 1):
        address = web.picture(f"/photos/{number}/large.jpg", number)
        photo = {"id": number, "url": address, "license_code": "cc0", "attribution": "A. Person"}
        seen.append({"id": number, "user": {"login": f"o{number % 3}"}, "taxon": {"id": 1, "name": "Manis javanica"},
                     "photos": [photo]})  # fmt: skip
    seen[3]["photos"][0]["license_code"] = "cc-by-nc"
    cut = reply(web.pages["/photos/2/large.jpg"].body, cut=True)
    web.faults["/photos/2/large.jpg"] = [reply(status=500), cut, reply(status=429, headers={"Retry-After": "0"})]
    web.faults["/v1/observations"] = [reply(status=503), reply(b'{"results": []}', cut=True)]
    del web.pages["/photos/6/large.jpg"]
    web.pages["/photos/8/large.jpg"] = reply(b"broken")
    web.pages["/photos/10/large.jpg"] = web.pages["/photos/9/large.jpg"]

    def page(query: dict[str, str]) -> Any:
        return answer({"results": [one for one in seen if one["id"] > int(query["id_above"])][:4]})

    web.pages["/v1/observations"] = page
    web.pages["/v1/taxa"] = answer({"results": [{"id": 1, "name": "Manis javanica"}]})
    return str(web.url + "/v1")


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_killed_and_run_again_the_folder_is_the_same(
    observations: str, web: Any, schreger: Any, start_schreger: Callable[..., Any], tmp_path: Path
) -> None:
    words = ("dataset", "collect", "inaturalist", "manis_javanica", "--api", observations, "--pause", "0", "--out")
    unbroken, broken = tmp_path / "unbroken", tmp_path / "broken"
    done = schreger(*words, unbroken)
    assert done.exit_code == 3
    assert f"Taken {COUNT - 4}, already there 1, refused by licence 1 (non-commercial 1), missing 1, unreadable 1." in (
        done.stderr
    )

    web.delay = 0.05
    for pictures in (1, 3, 5):
        web.asked.clear()
        process = start_schreger(*words, broken)
        deadline = time.monotonic() + 60
        while sum(path.startswith("/photos/") for path in web.paths()) < pictures and time.monotonic() < deadline:
            time.sleep(0.002)
        assert process.poll() is None
        process.kill()
        process.communicate()
    assert 0 < len(contents(broken)) < len(contents(unbroken))
    web.delay = 0
    again = schreger(*words, broken)
    assert again.exit_code == 3
    assert contents(broken) == contents(unbroken)
    assert f"already there {COUNT - 3}," not in again.stderr


def test_killed_between_the_photo_and_its_row_nothing_is_lost_or_doubled(
    collect: Any, tmp_path: Path, out: Path, draw: Any
) -> None:
    photos = tmp_path / "bone"
    photos.mkdir()
    for number in range(3):
        (photos / f"{number}.jpg").write_bytes(draw(number))
    words = ("folder", photos, "--label", "bone", "--licence", "CC0", "--attribution", "A. Person")
    collect(*words)
    whole = contents(out)
    lines = whole["manifest.csv"].splitlines(keepends=True)
    (out / "manifest.csv").write_bytes(b"".join(lines[:-1]))
    (out / "photos" / ".partial").write_bytes(b"half a pho")
    assert collect(*words).exit_code == 0
    assert contents(out) == whole
