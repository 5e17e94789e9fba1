"""Wikimedia Commons, as its API speaks: the photos of a category."""

from collections.abc import Callable
from typing import Any

import pytest

Rows = Callable[[], list[dict[str, str]]]


def file(web: Any, number: int, licence: str = "CC BY-SA 4.0", mime: str = "image/jpeg", **about: Any) -> Any:
    name = f"Carving_{number}.jpg"
    thumb = web.picture(f"/thumb/960px-{name}", number)
    artist = '<a href="//commons.wikimedia.org/wiki/User:P" title="User:P">A.&nbsp;Person</a> &amp; co.'
    stated = {"LicenseShortName": licence, "Artist": artist, "CommonsMetadataExtension": 1.2} | about
    info = {
        "user": f"Uploader {number}", "thumburl": thumb, "thumbwidth": 960, "thumbheight": 640, "mime": mime,
        "url": f"{web.url}/full/{name}", "descriptionurl": f"https://commons.wikimedia.org/wiki/File:{name}",
        "extmetadata": {key: {"value": value, "source": "commons-desc-page"} for key, value in stated.items()},
    }  # fmt: skip
    return {"pageid": 500 + number, "ns": 6, "title": f"File:Carving {number}.jpg", "imageinfo": [info]}


@pytest.fixture
def category(web: Any, answer: Any) -> list[Any]:
    """The files of the one category there is, two an answer."""
    files: list[Any] = []

    def api(query: dict[str, str]) -> Any:
        start = int(query.get("gcmcontinue", "0"))
        if query["gcmtitle"] != "Category:Bone carvings" or not files:
            return answer({"batchcomplete": True})
        content = {"batchcomplete": True, "query": {"pages": files[start : start + 2]}}
        if start + 2 < len(files):
            content["continue"] = {"gcmcontinue": str(start + 2), "continue": "gcmcontinue||"}
        return answer(content)

    web.pages["/w/api.php"] = api
    return files


def test_a_category_s_open_photos_are_collected_answer_by_answer(
    web: Any, category: list[Any], collect: Any, rows: Rows
) -> None:
    category += [
        file(web, 1),
        file(web, 2, "CC BY-NC 2.0"),
        file(web, 3, mime="image/svg+xml"),
        file(web, 4, "Public domain", Artist=""),
        {"pageid": 9, "title": "File:No info yet.jpg"},
        file(web, 5, mime="video/webm"),
        file(web, 6, "", License="cc0"),
    ]
    done = collect("commons", "Category:Bone carvings", "--label", "bone", "--api", web.url + "/w/api.php")
    assert done.exit_code == 0, done.stderr
    asked = [asked.query for asked in web.asked if asked.path == "/w/api.php"]
    assert [query.get("gcmcontinue") for query in asked] == [None, "2", "4", "6"]
    wanted = {
        "action": "query", "generator": "categorymembers", "gcmtype": "file", "prop": "imageinfo", "format": "json"
    }  # fmt: skip
    assert wanted.items() <= asked[0].items()
    first, second, third = rows()
    assert (first["group"], first["source"], first["label"]) == ("commons/501", "commons/Uploader 1", "bone")
    assert (first["licence"], first["attribution"]) == ("CC-BY-SA-4.0", "A. Person & co.")
    assert first["original"] == "https://commons.wikimedia.org/wiki/File:Carving_1.jpg"
    assert (second["licence"], second["attribution"]) == ("public-domain", "")
    assert third["licence"] == "CC0-1.0"
    assert "refused by licence 1 (non-commercial 1)" in done.stderr
    assert not [path for path in web.paths() if path.startswith("/full/")]


def test_an_empty_category_is_said(web: Any, category: list[Any], refusal: Callable[..., str]) -> None:
    words = ("commons", "Bone carvngs", "--label", "bone", "--api", web.url + "/w/api.php")
    assert refusal(*words).startswith("Nothing was found")


def test_what_commons_complains_of_is_passed_on(web: Any, answer: Any, refusal: Callable[..., str]) -> None:
    web.pages["/w/api.php"] = answer({"error": {"code": "invalidcategory", "info": "The category is not valid."}})
    words = ("commons", "A|B", "--label", "bone", "--api", web.url + "/w/api.php")
    assert refusal(*words) == "Commons refuses to answer: The category is not valid."


def test_an_answer_that_leads_to_itself_is_left(web: Any, answer: Any, collect: Any, rows: Rows) -> None:
    content = {"query": {"pages": [file(web, 1)]}, "continue": {"gcmcontinue": "x", "continue": "-||"}}
    web.pages["/w/api.php"] = answer(content)
    assert collect("commons", "Any", "--label", "bone", "--api", web.url + "/w/api.php").exit_code == 0
    assert len(rows()) == 1
    assert web.paths().count("/w/api.php") == 2
