"""`dataset collect inaturalist`: research-grade observations of a taxon (https://api.inaturalist.org/v1/docs)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from model.taxonomy import Node
from training.collect.client import Client, Shape
from training.collect.collect import collect
from training.collect.found import CollectError, Found
from training.collect.labels import most_exact, taxon_of

PER_PAGE = 200
PHOTOS = 5  # of one observation, so that one animal does not drown others


class _Photo(Shape):
    id: int
    url: str
    license_code: str = ""
    attribution: str = ""


class _User(Shape):
    login: str


class _Taxon(Shape):
    id: int
    name: str


class _Taxa(Shape):
    results: tuple[_Taxon, ...]


class _Observation(Shape):
    id: int
    user: _User
    taxon: _Taxon | None = None
    photos: tuple[_Photo, ...] = ()


class _Page(Shape):
    results: tuple[_Observation, ...]


def command(taxon: str, out: Path, contact: str | None, pause: float, limit: int | None, api: str) -> int:
    """Collect photos of a taxon, each labelled as exactly as the taxonomy can; the source is the observer."""
    asked, client = taxon_of(taxon), Client(contact, pause)
    name = asked.scientific or ""
    taxa = client.ask(_Taxa, f"{api}/taxa", q=name, is_active="true").results
    known = next((taxon for taxon in taxa if taxon.name == name), None)
    if known is None:
        raise CollectError(f"iNaturalist has no taxon {name}.")
    photos = (found for seen in _observations(client, api, known.id) for found in _photos(seen, asked))
    return collect(photos, out, client, limit)


def _observations(client: Client, api: str, taxon: int) -> Iterator[_Observation]:
    after = 0
    while True:
        page = client.ask(
            _Page,
            f"{api}/observations",
            taxon_id=taxon,
            photo_license="cc0,cc-by,cc-by-sa",
            quality_grade="research",
            per_page=PER_PAGE,
            order_by="id",
            order="asc",
            id_above=after,
        )
        fresh = [observation for observation in page.results if observation.id > after]
        if not fresh:
            return
        yield from fresh
        after = max(observation.id for observation in fresh)


def _photos(seen: _Observation, asked: Node) -> Iterator[Found]:
    name = seen.taxon.name if seen.taxon else ""
    for photo in seen.photos[:PHOTOS]:
        yield Found(
            origin=f"https://www.inaturalist.org/photos/{photo.id}",
            picture=photo.url.replace("/square.", "/large."),  # 1024 pixels
            label=most_exact(asked, name),
            group=f"inaturalist/{seen.id}",
            source=f"inaturalist/{seen.user.login}",
            licence=photo.license_code,
            attribution=photo.attribution,
            note=name,
        )
