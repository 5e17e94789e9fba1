"""Hash lists: files that name pictures by their PDQ hashes, as Meta's tools and the people who use them exchange them.

Read are the forms that are about: one hash a line (also as `pdq HASH`, as the command of ThreatExchange keeps them),
`hash,quality,file` (what the reference hasher prints), and `hash,id,time,tags` (what HMA takes). A header may be there.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, NamedTuple

from serve.links.pdq import MIN_QUALITY, from_hex, to_hex
from serve.links.picture import LinksError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from serve.links.picture import Picture

BEST_QUALITY = 100


class Listed(NamedTuple):
    """An entry of a hash list; its name is that of the list, and its own where the list has one."""

    pdq: NDArray[np.uint8]
    name: str


def read_hashes(file: Path) -> list[Listed]:
    """The entries of a hash list, without those whose quality is said to be too low.

    Raises:
        LinksError: It cannot be read, or a line beyond the first holds no hash.
    """
    try:
        content = file.read_text(encoding="utf-8-sig")
        rows = [row for row in csv.reader(io.StringIO(content)) if any(row) and not row[0].startswith("#")]
    except OSError as error:
        raise LinksError(f"{str(file)!r} cannot be read: {error.strerror or error}.") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise LinksError(f"{str(file)!r} cannot be read as a hash list: {error}.") from error
    listed = []
    for number, row in enumerate(rows):
        try:
            entry = _entry([cell.strip() for cell in row], file.name)
        except ValueError:
            if number:
                raise LinksError(f"{str(file)!r} has a line without a PDQ hash: {','.join(row)[:80]!r}.") from None
            continue  # the header
        listed += [entry] if entry else []
    return listed


def write_hashes(file: Path, pictures: Iterable[Picture]) -> int:
    """Write the hashes that are good enough to be matched, each once, and say how many there are.

    A .csv file holds `hash,quality,path`, any other one hash a line; neither has a header.

    Raises:
        LinksError: It cannot be written.
    """
    good = {to_hex(each.pdq): each for each in pictures if each.pdq is not None and each.has_good_hash}
    try:
        with file.open("w", encoding="utf-8", errors="backslashreplace", newline="") as lines:
            writer = csv.writer(lines, lineterminator="\n")
            for digits, picture in good.items():
                more = (picture.quality, picture.source.path) if file.suffix.lower() == ".csv" else ()
                writer.writerow((digits, *more))
    except OSError as error:
        raise LinksError(f"{str(file)!r} cannot be written: {error.strerror or error}.") from error
    return len(good)


def _entry(cells: Sequence[str], list_name: str) -> Listed | None:
    """The entry of a line; None if its quality is too low. A line without a hash is a ValueError."""
    pdq = from_hex(cells[0].removeprefix("pdq "))
    name, has_quality = (cells[1] if len(cells) > 1 else ""), False
    if name.isdecimal() and int(name) <= BEST_QUALITY:
        has_quality = True
        if int(name) < MIN_QUALITY:
            return None
    own = (cells[2] if len(cells) > 2 else "") if has_quality else name
    return Listed(pdq, f"{list_name}: {own}" if own else list_name)
