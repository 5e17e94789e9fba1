"""`dataset collect gbif`: photos of a taxon from the collections and surveys that GBIF gathers (https://api.gbif.org).

iNaturalist's photos are in GBIF too; they are left to their own collector, whose groups would otherwise not be known
to be the same animals.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydantic import Field

from model.taxonomy import Node
from training.collect.client import Client, Shape
from training.collect.collect import collect
from training.collect.found import CollectError, Found
from training.collect.labels import most_exact, taxon_of

PER_PAGE = 300
MOST = 100_000  # further the API does not count
PHOTOS = 5  # of one occurrence, so that one specimen does not drown others
INATURALIST = "50c9509d-22c7-4a22-a47d-8c48425ef4a7"


class _Match(Shape):
    key: int = Field(0, validation_alias="usageKey")
    kind: str = Field("", validation_alias="matchType")


class _Media(Shape):
    type: str = ""
    identifier: str = ""
    license: str = ""
    rights_holder: str = Field("", validation_alias="rightsHolder")
    creator: str = ""
    publisher: str = ""


class _Occurrence(Shape):
    key: int
    dataset: str = Field(validation_alias="datasetKey")
    institution: str = Field("", validation_alias="institutionCode")
    basis: str = Field("", validation_alias="basisOfRecord")
    species: str = ""
    genus: str = ""
    media: tuple[_Media, ...] = ()


class _Page(Shape):
    results: tuple[_Occurrence, ...]
    is_last: bool = Field(validation_alias="endOfRecords")


def command(taxon: str, out: Path, contact: str | None, pause: float, limit: int | None, api: str) -> int:
    """Collect photos of a taxon, each labelled as exactly as the taxonomy can; the source is the institution."""
    asked, client = taxon_of(taxon), Client(contact, pause)
    match = client.ask(_Match, f"{api}/species/match", name=asked.scientific or "", strict="true")
    if match.kind != "EXACT":
        raise CollectError(f"GBIF has no taxon {asked.scientific}.")
    occurrences = _occurrences(client, api, match.key)
    return collect((found for seen in occurrences for found in _photos(seen, asked)), out, client, limit)


def _occurrences(client: Client, api: str, key: int) -> Iterator[_Occurrence]:
    offset, is_last = 0, False
    while not is_last and offset < MOST:
        page = client.ask(
            _Page, f"{api}/occurrence/search", taxonKey=key, mediaType="StillImage", limit=PER_PAGE, offset=offset
        )
        yield from (occurrence for occurrence in page.results if occurrence.dataset != INATURALIST)
        offset, is_last = offset + len(page.results), page.is_last or not page.results


def _photos(seen: _Occurrence, asked: Node) -> Iterator[Found]:
    name = seen.species or seen.genus
    images = [media for media in seen.media if media.type in ("", "StillImage") and media.identifier]
    for media in images[:PHOTOS]:
        yield Found(
            origin=media.identifier,
            picture=media.identifier,
            label=most_exact(asked, name),
            group=f"gbif/{seen.key}",
            source=f"gbif/{seen.institution or seen.dataset}",
            licence=media.license,
            attribution=media.rights_holder or media.creator or media.publisher,
            note=", ".join(filter(None, (name, seen.basis.replace("_", " ").lower()))),
        )
