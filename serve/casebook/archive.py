"""A case as a ZIP file with a manifest: handed over whole, checked whole before anything of it is taken in."""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from model.photo import MAX_BYTES, PhotoError
from model.photo.kind import kind_of
from serve.casebook.casefile import CaseFile, digest_of, read_case
from serve.casebook.chain import Entry, public_key
from serve.casebook.error import CasebookError
from serve.casebook.keys import write_whole
from serve.casebook.records import OF_CASES, Case, Item, Photo, Record, Result, canonical
from serve.casebook.tables import METADATA, entries

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from serve.casebook.casebook import Casebook

MANIFEST, LOG, HELD = "manifest.json", "log.jsonl", "records.jsonl"
MAX_FILES, MAX_TEXT = 20_000, 64 << 20
_BYTES = re.compile(r"(?:photos|logs)/([0-9a-f]{64})\.[a-z]{3,5}")


class Manifest(BaseModel):
    """What an archive holds: every file but the manifest itself, with its sha256."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    format: Literal["schreger case 1"] = "schreger case 1"
    casebook: str
    public_key: str
    ref: str
    case: str
    files: dict[str, str]


class Archive(NamedTuple):
    """An archive that was read and found whole: the records of the case, and the log's entries on it."""

    manifest: Manifest
    records: list[Record]
    log: list[Entry]


def export_case(casebook: Casebook, ref: str, out: Path, by: str) -> CaseFile:
    """Write a case to a ZIP file; the audit log notes that it was handed over. The case as it was then.

    Raises:
        CasebookError: There is no such case, or the file cannot be written.
    """
    if out.exists():
        raise CasebookError(f"{out} is there already; name another file.")
    with casebook.change(by) as change:
        case = read_case(change.connection, ref)
        first = change.connection.execute(sa.select(entries).where(entries.c.number == 1)).mappings().one()
        sealed = casebook.seal(change, "export", case.case.id, digest=case.digest)
    log = (Entry(**first), *case.entries, sealed)
    try:
        write_whole(out, lambda partial: _write(partial, casebook, case, log))
    except OSError as error:
        raise CasebookError(f"{out} cannot be written: {error.strerror}.") from error
    return case


def _write(partial: Path, casebook: Casebook, case: CaseFile, log: Sequence[Entry]) -> None:
    """Nothing is compressed, since photos are already, and so that no archive unpacks to more than it is."""
    digests: dict[str, str] = {}
    with zipfile.ZipFile(partial, "w") as archive:

        def put(name: str, content: bytes) -> None:
            archive.writestr(name, content)
            digests[name] = hashlib.sha256(content).hexdigest()

        put(HELD, _lines([{"table": record.table, **asdict(record)} for record in case.records]))
        put(LOG, _lines([asdict(entry) for entry in log]))
        logs = [sha256 for entry in log for sha256 in entry.body.files]
        for sha256 in dict.fromkeys([photo.sha256 for item in case.items for photo in item.photos] + logs):
            content = casebook.original(sha256)
            put(f"logs/{sha256}.jsonl" if sha256 in logs else f"photos/{sha256}.{_ending(content)}", content)
        manifest = Manifest(
            casebook=casebook.id, public_key=casebook.public_key, ref=case.case.ref, case=case.case.id, files=digests
        )
        archive.writestr(MANIFEST, manifest.model_dump_json(indent=2))


def import_case(casebook: Casebook, file: Path, by: str, sender: str | None = None) -> Archive:
    """Take in a case that another casebook handed over; nothing is written unless all of it is as it was exported.

    `sender` is the public key that it must be signed with; without one, any will do.

    Raises:
        CasebookError: The file is no such archive, was altered, or is of another sender; or the case is here already.
    """
    archive = read_archive(file)
    _demand(sender in (None, archive.manifest.public_key), file, "it is not signed with the key of the sender")
    with casebook.change(by) as change, _opened(file) as opened:
        cases = METADATA.tables["cases"]
        if change.connection.scalar(sa.select(cases.c.id).where(cases.c.id == archive.manifest.case)):
            raise CasebookError(f"Case {archive.manifest.ref!r} is in this casebook already.")
        for name, sha256 in archive.manifest.files.items():
            content = opened.read(name)
            _demand(hashlib.sha256(content).hexdigest() == sha256, file, "it changed while it was read")
            if name.startswith("photos/"):
                change.keep(content)
            elif name != HELD:
                change.attach(content)
        for record in archive.records:
            change.add(record)
        about = {"casebook": archive.manifest.casebook, "public_key": archive.manifest.public_key}
        casebook.seal(change, "import", archive.manifest.case, **about, export=archive.log[-1].hash)
    return archive


def read_archive(file: Path) -> Archive:
    """Read an archive and check all of it.

    Raises:
        CasebookError: It is none, or was altered.
    """
    with _opened(file) as archive:
        return _read(archive, file)


@contextmanager
def _opened(file: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(file) as archive:
            yield archive
    except OSError as error:
        raise CasebookError(f"{file} cannot be read: {error.strerror or error}.") from error
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, EOFError, UnicodeError) as error:
        raise CasebookError(f"{file} is no case as `schreger casebook export` writes it: {error}.") from error


def _read(archive: zipfile.ZipFile, file: Path) -> Archive:
    members = {info.filename: info for info in archive.infolist()}
    size = file.stat().st_size
    _demand(len(members) == len(archive.infolist()) <= MAX_FILES, file, "it holds too many files, or one twice")
    _demand(MANIFEST in members, file, "it holds no manifest")
    stored = all(info.compress_type == zipfile.ZIP_STORED and not info.flag_bits & 1 for info in members.values())
    _demand(stored, file, "another program compressed it; hand over the file that was exported")
    _demand(sum(info.file_size for info in members.values()) <= size, file, "its files are larger than itself")
    limits = {name: MAX_BYTES if _BYTES.fullmatch(name) else MAX_TEXT for name in members}
    _demand(all(info.file_size <= limits[name] for name, info in members.items()), file, "a file in it is too large")
    try:
        manifest = Manifest.model_validate_json(archive.read(MANIFEST))
    except ValidationError as error:
        raise CasebookError(f"{file} is no case that was exported: its manifest cannot be read.") from error
    _demand(members.keys() == {MANIFEST, *manifest.files}, file, "its manifest names other files than there are")
    _demand({HELD, LOG} <= manifest.files.keys(), file, f"{HELD} or {LOG} is missing")
    for name, sha256 in manifest.files.items():
        of_bytes = _BYTES.fullmatch(name)
        _demand(bool(of_bytes) or name in (HELD, LOG), file, f"{name!r} has no place in it")
        _demand(hashlib.sha256(archive.read(name)).hexdigest() == sha256, file, f"{name} was altered")
        _demand(of_bytes is None or of_bytes[1] == sha256, file, f"{name} is not named after its bytes")
    try:
        records = [_record(line) for line in archive.read(HELD).splitlines()]
        log = [TypeAdapter(Entry).validate_json(line) for line in archive.read(LOG).splitlines()]
    except (ValueError, TypeError, KeyError) as error:
        raise CasebookError(f"{file} is no case that was exported: a line of it cannot be read.") from error
    _check_log(manifest, log, file)
    _check_records(manifest, records, log, file)
    return Archive(manifest, records, log)


def _check_log(manifest: Manifest, log: list[Entry], file: Path) -> None:
    """Each entry is signed with the casebook's key, and the last one is the export of this case."""
    _demand(len(log) > 1, file, "its log is cut off")
    for entry in log:
        try:
            fault = entry.fault(public_key(manifest.public_key))
        except ValueError:
            fault = "the key in the manifest is none"
        _demand(fault is None, file, f"entry {entry.number} of its log is not as it was written: {fault}")
    about = log[0].body.about
    _demand(
        log[0].number == 1
        and (about.get("casebook"), about.get("public_key")) == (manifest.casebook, manifest.public_key),
        file,
        "its log is of another casebook",
    )
    numbers = [entry.number for entry in log]
    _demand(numbers == sorted(set(numbers)), file, "its log is out of order")
    _demand(all(entry.case_id == manifest.case for entry in log[1:]), file, "its log is of another case")
    _demand(log[-1].body.action == "export", file, "its log does not end with the export")


def _check_records(manifest: Manifest, records: list[Record], log: list[Entry], file: Path) -> None:
    """The records are those that the log names, make one case, and have their bytes."""
    named = {name for entry in log for name in entry.body.records}
    names = [str(record.name) for record in records]
    _demand(named == set(names) and len(names) == len(named), file, "its records are not those that its log names")
    _demand(digest_of(records) == log[-1].body.about.get("digest"), file, "its records are not those of the export")
    cases = {record.id for record in records if isinstance(record, Case)}
    items = {record.id for record in records if isinstance(record, Item)}
    photos = {record.id for record in records if isinstance(record, Photo)}
    for record in records:
        fits = (
            getattr(record, "case_id", manifest.case) in cases
            and getattr(record, "item_id", None) in {None, *items}
            and getattr(record, "photo_id", None) in {None, *photos}
        )
        _demand(fits and cases == {manifest.case}, file, f"{record.name} belongs to another case")
    needed = {record.sha256 for record in records if isinstance(record, Photo)}
    needed |= {sha256 for entry in log for sha256 in entry.body.files}
    given = {sha256 for name, sha256 in manifest.files.items() if _BYTES.fullmatch(name)}
    _demand(needed == given, file, "its photos are not those that its records name")


def _record(line: bytes) -> Record:
    cells: dict[str, Any] = json.loads(line)
    record = TypeAdapter(OF_CASES[cells.pop("table")]).validate_json(canonical(cells), strict=True)
    if any(isinstance(cell, str) and "\0" in cell for cell in asdict(record).values()):
        raise ValueError("a record holds a NUL")
    if isinstance(record, Result):
        TypeAdapter(list[tuple[str, float]]).validate_json(record.probabilities)
    return record


def _demand(met: bool, file: Path, otherwise: str) -> None:
    if not met:
        raise CasebookError(f"{file} was not taken in: {otherwise}.")


def _lines(values: Sequence[Any]) -> bytes:
    return "".join(canonical(value) + "\n" for value in values).encode()


def _ending(content: bytes) -> str:
    try:
        return kind_of(content).lower()
    except PhotoError:
        return "bin"
