"""`dataset collect met`: The Metropolitan Museum of Art, Open Access (https://metmuseum.github.io)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from pydantic import Field

from training.collect.client import Client, FetchError, Shape, UnreachableError
from training.collect.collect import collect
from training.collect.found import CollectError, Found, Missing, Pending
from training.collect.labels import label_of
from training.collect.table import read_table

if TYPE_CHECKING:
    from pathlib import Path

PAGE = "https://www.metmuseum.org/art/collection/search/"


class _Hits(Shape):
    ids: tuple[int, ...] = Field((), validation_alias="objectIDs")


class _Object(Shape):
    is_public_domain: bool = Field(False, validation_alias="isPublicDomain")
    image: str = Field("", validation_alias="primaryImage")
    small_image: str = Field("", validation_alias="primaryImageSmall")
    medium: str = ""
    credit: str = Field("", validation_alias="creditLine")


def command(
    objects: Path | None,
    medium: str | None,
    label: str | None,
    out: Path,
    contact: str | None,
    pause: float,
    limit: int | None,
    api: str,
) -> int:
    """Collect one picture each of listed objects, or of those whose medium is exactly the one asked for."""
    client = Client(contact, pause)
    if objects and not medium:
        candidates = _listed(client, api, objects, label)
    elif medium and label and not objects:
        candidates = _searched(client, api, medium, label_of(label))
    else:
        raise CollectError("Say what to collect: --objects FILE, or --medium TEXT with --label KEY.")
    return collect(candidates, out, client, limit)


def _listed(client: Client, api: str, objects: Path, label: str | None) -> list[Pending]:
    """The objects of a table with the columns `object_id`, `label` (or one label for all) and perhaps `picture_url`."""
    columns, rows = read_table(objects)
    if "object_id" not in columns:
        raise CollectError(f"{objects} has no column object_id.")
    pending = []
    for line, cells in rows:
        number, text = cells.get("object_id", ""), cells.get("label") or label
        if not (number.isascii() and number.isdigit() and text):
            raise CollectError(f"{objects}, line {line}: an object needs an object_id of digits and a label.")
        look_up = partial(_look_up, client, api, number, label_of(text), picture=cells.get("picture_url"))
        pending.append(Pending(PAGE + number, look_up))
    return pending


def _searched(client: Client, api: str, medium: str, label: str) -> list[Pending]:
    hits = client.ask(_Hits, f"{api}/search", medium=medium, hasImages="true", q=medium)
    look_ups = ((number, partial(_look_up, client, api, str(number), label, medium=medium)) for number in hits.ids)
    return [Pending(f"{PAGE}{number}", look_up) for number, look_up in look_ups]


def _look_up(
    client: Client, api: str, number: str, label: str, medium: str | None = None, picture: str | None = None
) -> Found | Missing | None:
    """The object's record; None where its medium is another than the one given, so that an inlaid box is not ivory.

    The museum gives pictures of 4000 pixels and small ones; the small ones are as large as the classifier can use.
    """
    try:
        record = client.ask(_Object, f"{api}/objects/{number}")
    except UnreachableError:
        raise
    except FetchError as error:
        return Missing(PAGE + number, str(error))
    if medium and record.medium.casefold() != medium.casefold():
        return None
    picture = picture or record.small_image or record.image
    if record.is_public_domain and not picture:
        return Missing(PAGE + number, "has no picture")
    return Found(
        origin=PAGE + number,
        picture=picture,
        label=label,
        group=f"met/{number}",
        source="met",
        licence="CC0" if record.is_public_domain else "under copyright",
        attribution=", ".join(filter(None, ("The Metropolitan Museum of Art", record.credit))),
        note=record.medium,
    )
