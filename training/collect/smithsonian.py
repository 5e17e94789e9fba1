"""`dataset collect smithsonian`: the Smithsonian's museums, Open Access (https://edan.si.edu/openaccess/apidocs)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydantic import AliasPath, Field

from training.collect.client import Client, Shape
from training.collect.collect import collect
from training.collect.found import Found
from training.collect.labels import label_of

ROWS = 100


class _Resource(Shape):
    label: str = ""
    url: str = ""


class _Media(Shape):
    type: str = ""
    content: str = ""
    access: str = Field("", validation_alias=AliasPath("usage", "access"))
    resources: tuple[_Resource, ...] = ()


class _Text(Shape):
    content: str = ""


class _Row(Shape):
    id: str
    unit: str = Field("", validation_alias="unitCode")
    museum: str = Field("", validation_alias=AliasPath("content", "descriptiveNonRepeating", "data_source"))
    media: tuple[_Media, ...] = Field(
        (), validation_alias=AliasPath("content", "descriptiveNonRepeating", "online_media", "media")
    )
    physical: tuple[_Text, ...] = Field((), validation_alias=AliasPath("content", "freetext", "physicalDescription"))


class _Page(Shape):
    rows: tuple[_Row, ...] = Field(validation_alias=AliasPath("response", "rows"))
    count: int = Field(validation_alias=AliasPath("response", "rowCount"))


def command(
    medium: str, label: str, out: Path, key: str, contact: str | None, pause: float, limit: int | None, api: str
) -> int:
    """Collect the pictures of objects whose medium is exactly the one asked for."""
    client, label = Client(contact, pause), label_of(label)
    rows = (row for row in _rows(client, api, medium, key) if _is_of(row, medium))
    return collect((found for row in rows for found in _pictures(row, label)), out, client, limit)


def _rows(client: Client, api: str, medium: str, key: str) -> Iterator[_Row]:
    words = medium.replace('"', " ")
    query = f'"{words}" AND online_media_type:"Images"'
    start = 0
    while True:
        page = client.ask(_Page, f"{api}/search", q=query, start=start, rows=ROWS, api_key=key)
        yield from page.rows
        start += len(page.rows)
        if not page.rows or start >= page.count:
            return


def _is_of(row: _Row, medium: str) -> bool:
    return any(text.content.casefold() == medium.casefold() for text in row.physical)


def _pictures(row: _Row, label: str) -> Iterator[Found]:
    for media in row.media:
        if media.type == "Images" and media.content:
            screen = (resource.url for resource in media.resources if resource.label.startswith("Screen"))
            yield Found(
                origin=media.content,
                picture=next(filter(None, screen), media.content),
                label=label,
                group=f"smithsonian/{row.id}",
                source=f"smithsonian/{row.unit}",
                licence=media.access,
                attribution=", ".join(filter(None, (row.museum, "Smithsonian Institution"))),
            )
