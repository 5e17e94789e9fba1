"""WebDataset tars: members with the same name up to the first dot are one sample, here one advert."""

from __future__ import annotations

import json
import posixpath
import tarfile
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

from model.errors import reason
from serve.scan.error import ScanError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from serve.scan.store import Place

TEXTS = {"json": "", "txt": "text", "title": "title"}
"""Members that are no pictures, by ending, and the field of the advert that each is; JSON holds any of them."""

NEITHER = ("cls", "id", "index")
LONGEST_TEXT = 1 << 20


class Member(NamedTuple):
    """A picture in a tar: its name and where its bytes are."""

    name: str
    start: int
    size: int


def read_tar(file: Place) -> Iterator[tuple[dict[str, Any], list[Member], str]]:
    """For each sample its fields, its pictures, and what is wrong with it; `id` is its key where no other is given.

    Raises:
        ScanError: It is no tar, or is damaged or cut off.
    """
    try:
        with file.open() as stream, tarfile.open(fileobj=stream, mode="r:") as opened:
            members = (member for member in _members(opened) if member.isreg() and not member.issparse())
            for key, sample in groupby(members, lambda member: _split(member.name)[0]):
                yield _sample(opened, key, list(sample))
    except (OSError, tarfile.TarError) as error:
        raise ScanError(f"{file.path!r} cannot be read as a tar: {reason(error)}.") from error


def _members(opened: Any) -> Iterator[tarfile.TarInfo]:
    """The members one by one; the list that tarfile keeps of them is emptied, since it would grow.

    tarfile ends as quietly at a damaged header, or where the file was cut, as at the block of zeros that every writer
    puts after the last member.
    """
    while member := opened.next():
        opened.members.clear()
        yield member
    opened.fileobj.seek(opened.offset)
    if opened.fileobj.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
        raise tarfile.ReadError(f"it is damaged or cut off at byte {opened.offset:,}, so that what follows is lost")


def _sample(
    opened: tarfile.TarFile, key: str, members: list[tarfile.TarInfo]
) -> tuple[dict[str, Any], list[Member], str]:
    fields: dict[str, Any] = {"id": key}
    pictures, fault = [], ""
    for member in members:
        ending = _split(member.name)[1]
        if ending in TEXTS:
            text = _text(opened, member)
            if TEXTS[ending]:
                fields[TEXTS[ending]] = text
            elif isinstance(told := _parsed(text), dict):
                fields |= told
            else:
                fault = f"{member.name!r} is no JSON object."
        elif ending not in NEITHER:
            pictures.append(Member(member.name, member.offset_data, member.size))
    return fields, pictures, fault


def _split(name: str) -> tuple[str, str]:
    folder, base = posixpath.split(posixpath.normpath(name))
    stem, _, ending = base.partition(".")
    return posixpath.join(folder, stem), ending.lower()


def _text(opened: tarfile.TarFile, member: tarfile.TarInfo) -> str:
    stream = opened.extractfile(member)
    return stream.read(LONGEST_TEXT).decode("utf-8", "replace") if stream else ""


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
