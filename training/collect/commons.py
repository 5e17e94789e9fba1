"""`dataset collect commons`: the files of a category of Wikimedia Commons (https://commons.wikimedia.org/w/api.php)."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import AliasPath, Field

from training.collect.client import Client, Shape
from training.collect.collect import collect
from training.collect.found import CollectError, Found
from training.collect.labels import label_of

PER_PAGE = 50
WIDTH = 960  # pixels; one of the widths that Commons has ready


class _Value(Shape):
    value: Any = ""


class _Info(Shape):
    url: str
    thumb: str = Field("", validation_alias="thumburl")
    page: str = Field(validation_alias="descriptionurl")
    mime: str = ""
    user: str = ""
    about: dict[str, _Value] = Field({}, validation_alias="extmetadata")


class _File(Shape):
    id: int = Field(validation_alias="pageid")
    info: tuple[_Info, ...] = Field((), validation_alias="imageinfo")


class _Answer(Shape):
    pages: tuple[_File, ...] = Field((), validation_alias=AliasPath("query", "pages"))
    go_on: dict[str, str] = Field({}, validation_alias="continue")
    error: str = Field("", validation_alias=AliasPath("error", "info"))


def command(
    category: str, label: str, out: Path, contact: str | None, pause: float, limit: int | None, api: str
) -> int:
    """Collect the photos that are directly in a category; the source is who uploaded them."""
    client, label = Client(contact, pause), label_of(label)
    files = _files(client, api, category.removeprefix("Category:"))
    return collect((found for file in files for found in _photo(file, label)), out, client, limit)


def _files(client: Client, api: str, category: str) -> Iterator[_File]:
    asked: dict[str, str | int] = {
        "action": "query", "format": "json", "formatversion": 2, "generator": "categorymembers",
        "gcmtitle": f"Category:{category}", "gcmtype": "file", "gcmlimit": PER_PAGE, "prop": "imageinfo",
        "iiprop": "url|user|mime|extmetadata", "iiurlwidth": WIDTH,
    }  # fmt: skip
    go_on: dict[str, str] = {}
    while True:
        answer = client.ask(_Answer, api, **{**asked, **go_on})
        if answer.error:
            raise CollectError(f"Commons refuses to answer: {answer.error}")
        yield from answer.pages
        if not answer.go_on or answer.go_on == go_on:
            return
        go_on = answer.go_on


def _photo(file: _File, label: str) -> Iterator[Found]:
    for info in file.info[:1]:
        if info.mime.startswith("image/") and "svg" not in info.mime:
            yield Found(
                origin=info.page,
                picture=info.thumb or info.url,
                label=label,
                group=f"commons/{file.id}",
                source=f"commons/{info.user}",
                licence=_text(info, "LicenseShortName") or _text(info, "License"),
                attribution=_text(info, "Artist") or _text(info, "Credit"),
            )


def _text(info: _Info, name: str) -> str:
    """What is told about a file, without its HTML."""
    value = info.about.get(name, _Value()).value
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", str(value))).split())
