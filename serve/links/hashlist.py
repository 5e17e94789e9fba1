"""Hash lists: files that name pictures by their PDQ hashes, as Meta's tools and the people who use them exchange them.

Read are the forms that are about: one hash a line (also as `pdq HASH`, as the command of ThreatExchange keeps them),
`hash,quality,file` (what the reference hasher prints), and `hash,id,time,tags` (what HMA takes). A header may be there.
The second cell is an id where there are four or more, or the header says so.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, NamedTuple

from serve.links.pdq import MIN_QUALITY, from_hex, to_hex
from serve.links.picture import LinksError
from serve.output import guarded, unguarded

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from serve.links.picture import Picture

BEST_QUALITY = 100
HEADERS = ("hash", "hash_value", "pdq", "pdq_hash", "pdqhash", "value")
"""Words that a header begins with."""

CELLS_WITH_QUALITY = 3
"""A line of more cells has an id in place of the quality."""


class Listed(NamedTuple):
    """An entry of a hash list; its name is that of the list, and its own where the list has one."""

    pdq: NDArray[np.uint8]
    name: str


def read_hashes(file: Path) -> list[Listed]:
    """The entries of a hash list, without those whose quality is said to be too low.

    Raises:
        LinksError: It cannot be read, or a line other than a header holds no hash.
    """
    try:
        content = file.read_text(encoding="utf-8-sig")
        rows = [row for row in csv.reader(io.StringIO(content)) if any(row) and not row[0].startswith("#")]
    except OSError as error:
        raise LinksError(f"{str(file)!r} cannot be read: {error.strerror or error}.") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise LinksError(f"{str(file)!r} cannot be read as a hash list: {error}.") from error
    listed, has_ids = [], False
    for number, row in enumerate(rows):
        cells = [cell.strip() for cell in row]
        if number == 0 and cells[0].lower() in HEADERS:
            has_ids = "".join(cells[1:2]).lower().endswith("id")
            continue
        try:
            entry = _entry(cells, file.name, has_ids or len(cells) > CELLS_WITH_QUALITY)
        except ValueError:
            raise LinksError(f"{str(file)!r} has a line without a PDQ hash: {','.join(row)[:80]!r}.") from None
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
                more = (picture.quality, guarded(picture.source.path)) if file.suffix.lower() == ".csv" else ()
                writer.writerow((digits, *more))
    except OSError as error:
        raise LinksError(f"{str(file)!r} cannot be written: {error.strerror or error}.") from error
    return len(good)


def _entry(cells: Sequence[str], list_name: str, has_id: bool) -> Listed | None:
    """The entry of a line; None if its quality is too low. A line without a hash is a ValueError."""
    pdq = from_hex(cells[0].removeprefix("pdq "))
    second, third = [*cells[1:], "", ""][:2]
    has_quality = not has_id and second.isdecimal() and int(second) <= BEST_QUALITY
    if has_quality and int(second) < MIN_QUALITY:
        return None
    own = unguarded(third if has_quality else second)
    return Listed(pdq, f"{list_name}: {own}" if own else list_name)
