"""The results: a folder of Parquet parts of 256 rows each, a part done when its small JSON file is there.

Parts are cut by the order of the input, so that a scan that was cut off and went on equals one that was not.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import pyarrow
import pyarrow.parquet

from serve.scan.error import ScanError
from serve.scanned import CLAIM

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Iterable, Iterator, Mapping
    from pathlib import Path

    from serve.scan.read import Row

    Record = dict[str, Any]

ROWS = 256
"""Rows of a part: some seconds of work, which is all that a kill loses."""

TEXT, TEXTS = pyarrow.string(), pyarrow.list_(pyarrow.string())
PICTURE = pyarrow.struct({
    "path": TEXT, "sha256": TEXT, "status": TEXT, "answer": TEXT, "probability": pyarrow.float64(), "top": TEXT,
    "unfamiliarity": pyarrow.float64(), "advice": TEXT, "error": TEXT,
})  # fmt: skip
SCHEMA = pyarrow.schema({
    "row": pyarrow.int64(), "id": TEXT, "platform": TEXT, "seller": TEXT, "verdict": TEXT, "score": pyarrow.float64(),
    "answer": TEXT, "reasons": TEXTS, "error": TEXT, "bundle": TEXT, "policy": TEXT, "pictures": pyarrow.list_(PICTURE),
})  # fmt: skip


@dataclass(frozen=True)
class Claim:
    """What the results in a folder are of: a digest of the input, its number of rows, and what judged it.

    `ocr`: whether text in pictures was read.
    """

    input: str
    rows: int
    bundle: str
    policy: str
    ocr: bool = False


class Parts:
    """The parts in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def claimed(self) -> Claim | None:
        """What the results that are here are of; None where there are none."""
        try:
            return Claim(**json.loads((self.folder / CLAIM).read_bytes()))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError) as error:
            raise ScanError(f"{str(self.folder / CLAIM)!r} cannot be read: name another folder with --out.") from error

    def claim(self, claim: Claim) -> None:
        """Take the folder for a scan.

        Raises:
            ScanError: It holds the results of another one, or cannot be written.
        """
        before = self.claimed()
        others = {name: f"with another {name}" for name in ("input", "bundle", "policy")}
        others["ocr"] = "without --ocr" if claim.ocr else "with --ocr"
        for name, other in others.items():
            if before and getattr(before, name) != getattr(claim, name):
                raise ScanError(f"{str(self.folder)!r} holds a scan {other}: name another folder with --out.")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if not before:
                _write(self.folder / CLAIM, _json(asdict(claim)))
        except OSError as error:
            raise ScanError(f"{str(self.folder)!r} cannot be written: {error.strerror or error}.") from error

    def missing(self, rows: int, retry: bool) -> dict[int, Collection[int]]:
        """The rows that are still to be done of so many, by part; with `retry` those that failed, too."""
        missing: dict[int, Collection[int]] = {}
        for part in range(_parts(rows)):
            done = self.done(part)
            if done is None:
                missing[part] = range(part * ROWS, min(rows, (part + 1) * ROWS))
            elif retry and done["failed"]:
                missing[part] = {record["row"] for record in self.records(part) if record["error"]}
        return missing

    def done(self, part: int) -> dict[str, Any] | None:
        """What a part's JSON file says; None unless it is there and fits the part, which is otherwise done again."""
        file = self._file(part)
        try:
            said: dict[str, Any] = json.loads(file.with_suffix(".json").read_bytes())
            return said if said["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest() else None
        except (OSError, ValueError, KeyError):
            return None

    def records(self, part: int) -> list[Record]:
        """The rows of a part."""
        rows: list[Record] = pyarrow.parquet.read_table(self._file(part), schema=SCHEMA).to_pylist()
        return rows

    def finish(self, part: int, records: Iterable[Record]) -> None:
        """Write a part; of one that is done already, the rows given replace the old ones.

        The JSON file goes first and comes last: whenever we are killed, it speaks of a part that is whole.
        """
        old = self.records(part) if self.done(part) else []
        merged = {record["row"]: record for record in (*old, *records)}
        rows = [merged[number] for number in sorted(merged)]
        content = io.BytesIO()
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows, SCHEMA), content, compression="zstd")
        file = self._file(part)
        said = {
            "rows": len(rows),
            "failed": sum(bool(record["error"]) for record in rows),
            "sha256": hashlib.sha256(content.getvalue()).hexdigest(),
            "bundle": rows[0]["bundle"],
            "policy": rows[0]["policy"],
        }
        try:
            file.with_suffix(".json").unlink(missing_ok=True)
            _write(file, content.getvalue())
            _write(file.with_suffix(".json"), _json(said))
        except OSError as error:
            raise ScanError(
                f"{str(file)!r} cannot be written: {error.strerror or error}; what is done is kept, go on when it can."
            ) from error

    def all(self, rows: int) -> Iterator[tuple[int, dict[str, Any]]]:
        """Every part of a scan of so many rows, with what its JSON file says.

        Raises:
            ScanError: One is missing or was altered.
        """
        for part in range(_parts(rows)):
            done = self.done(part)
            if done is None:
                raise ScanError(f"{str(self._file(part))!r} is missing or was altered: the same command makes it anew.")
            yield part, done

    def _file(self, part: int) -> Path:
        return self.folder / f"part-{part:05d}.parquet"


def undone(rows: Iterable[Row], missing: Mapping[int, Collection[int]]) -> Generator[Row]:
    """Those of the rows that are still to be done."""
    return (row for row in rows if row.number in missing.get(row.number // ROWS, ()))


def _parts(rows: int) -> int:
    return -(-rows // ROWS)


def _json(told: dict[str, Any]) -> bytes:
    return (json.dumps(told, indent=1) + "\n").encode()


def _write(file: Path, content: bytes) -> None:
    """Whole or not at all, also if the power fails."""
    partial = file.with_name(f"{file.name}.partial")
    with partial.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    partial.replace(file)
