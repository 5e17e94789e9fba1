"""`dataset collect casebook`: photos of items that an expert corrected, from cases that a casebook exported.

What is read is the archive of `schreger casebook export`: manifest.json with the sha256 of every file, records.jsonl
with one record a line, and photos named after their sha256.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model.photo import MAX_BYTES
from training.collect.client import Client
from training.collect.collect import collect
from training.collect.found import CollectError, Found
from training.collect.labels import label_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MAX_TEXT = 64 << 20


def command(
    archives: Sequence[Path], out: Path, licence: str, attribution: str, source: str | None, limit: int | None
) -> int:
    """Collect the photos of corrected items, each labelled with the last correction of its item.

    They are the collector's own, so that the licence may be any text; items that nobody corrected are passed over.
    """
    if not (licence.strip() and attribution.strip()):
        raise CollectError("Say under what terms you may train on these photos, and whose they are.")
    with tempfile.TemporaryDirectory() as folder:
        terms = {"licence": licence, "attribution": attribution, "own": True}
        found = [photo for archive in archives for photo in _found(archive, source, Path(folder), terms)]
        if not found:
            raise CollectError("No item of these cases was corrected; `schreger casebook correct` does that.")
        return collect(found, out, Client(), limit)


def _found(archive: Path, source: str | None, folder: Path, terms: dict[str, Any]) -> Iterator[Found]:
    try:
        with zipfile.ZipFile(archive) as opened:
            manifest = json.loads(_read(opened, "manifest.json", MAX_TEXT))
            records = [json.loads(line) for line in _read(opened, "records.jsonl", MAX_TEXT).splitlines()]
            labels = _labels(records)
            names = {sha256: name for name, sha256 in manifest["files"].items() if name.startswith("photos/")}
            whose = source or f"casebook/{manifest['casebook']}"
            photos = (record for record in records if record["table"] == "photos" and record["item_id"] in labels)
            for photo in photos:
                label, why = labels[photo["item_id"]]
                file = folder / photo["sha256"]
                file.write_bytes(_checked(opened, names[photo["sha256"]], photo["sha256"]))
                origin, group = (f"{whose}/{name}" for name in (photo["sha256"], photo["item_id"]))
                yield Found(origin, file, label_of(label), group, whose, note=why, **terms)
    except OSError as error:
        raise CollectError(f"{archive} cannot be read: {error.strerror or error}.") from error
    except (zipfile.BadZipFile, NotImplementedError, ValueError, KeyError, TypeError, AttributeError) as error:
        if isinstance(error, CollectError):
            raise
        raise CollectError(f"{archive} is no case as `schreger casebook export` writes it.") from error


def _labels(records: Sequence[dict[str, Any]]) -> dict[str, tuple[str, str]]:
    """What each corrected item is, and how that is known, by the id of the item; the last word counts."""
    said = (record for record in records if record["table"] == "corrections")
    return {record["item_id"]: (record["label"], record["why"]) for record in said}


def _checked(archive: zipfile.ZipFile, name: str, sha256: str) -> bytes:
    content = _read(archive, name, MAX_BYTES)
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ValueError("altered")
    return content


def _read(archive: zipfile.ZipFile, name: str, limit: int) -> bytes:
    member = archive.getinfo(name)
    if member.compress_type != zipfile.ZIP_STORED or member.flag_bits & 1 or member.file_size > limit:
        raise ValueError("not as it was exported")
    return archive.read(member)
