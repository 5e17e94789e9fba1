"""`schreger dataset split`: which photos teach, choose and measure. Once in a split, a photo stays there."""

from __future__ import annotations

import csv
import hashlib
import math
from collections import Counter, defaultdict
from dataclasses import replace
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, cast, get_args

from rich.console import Console
from rich.table import Table

from model.errors import SchregerError
from model.manifest import Split, read_manifest
from training.atomic import atomically
from training.classes import MIN_TRAIN_PHOTOS
from training.labelled import find_photos

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from model.manifest import Row

Stratum = tuple[str, ...]
"""What is to be spread evenly: all photos (), those of a label (label,), or those of a label and source."""

SOME_UNREADABLE = 3


class SplitError(SchregerError):
    """The photos cannot be split; the message says why in one sentence."""


def command(
    manifest: Path | None,
    out: Path,
    data: Path | None,
    val: float,
    test: float,
    hold_out: Sequence[str],
    join_duplicates: bool,
    seed: int,
    bundle: str,
) -> int:
    """Write the manifest anew with every split cell filled, and print the photos by label and split."""
    manifest, locate = find_photos(manifest, data)
    rows, unreadable = read_manifest(manifest, draft=True), 0
    if not rows:
        raise SplitError(f"{manifest} has no photos.")
    if join_duplicates:
        rows, unreadable = join_copies(rows, locate, bundle)
    assigned = split(rows, val, test, hold_out, seed)
    write_manifest(manifest, assigned, out)
    moved = sum(bool(old.split) and old.split != new.split for old, new in zip(rows, assigned, strict=True))
    if moved:
        Console(stderr=True).print(f"{moved} photos were moved to source_test, as --hold-out asks.")
    if torn := torn_sources(assigned, hold_out):
        Console(stderr=True, soft_wrap=True, highlight=False, markup=False).print(
            f"Groups of held-out photos took some photos of these sources to source_test, and not the others: "
            f"{', '.join(torn)}."
        )
    print_counts(assigned, val, test)
    return SOME_UNREADABLE if unreadable else 0


def split(
    rows: Sequence[Row], val: float = 0.15, test: float = 0.15, hold_out: Sequence[str] = (), seed: int = 0
) -> list[Row]:
    """The rows with every split filled, whole groups at a time.

    A group that has a split keeps it and passes it on to its new rows. Held-out sources, by name or pattern, and new
    rows of sources that are in source_test alone, go to source_test. Every other group goes where its labels, and its
    sources within them, lack most; the first `MIN_TRAIN_PHOTOS` of a label go to train. Groups of equal size come in
    the order of a hash of their names, so that the order of the rows does not matter.

    Raises:
        SplitError: The shares leave nothing to train on, a pattern matches no source, or a group is in two splits.
    """
    if not (min(val, test) >= 0 and val + test < 1):
        raise SplitError(f"val {val} and test {test} must not be negative and must leave a share to train.")
    _check_sources(rows, hold_out)
    taken = _taken(rows, hold_out)
    units: dict[str, Counter[Stratum]] = defaultdict(Counter)
    for row in rows:
        if taken.get(row.group) != "source_test":
            units[row.group].update([(row.label,), (row.label, row.source)])
    shares = {"train": 1 - val - test, "val": val, "test": test}
    given = taken | share_out(units, shares, taken, seed, least={"train": MIN_TRAIN_PHOTOS})
    return [replace(row, split=cast("Split", given[row.group])) for row in rows]


def source_folds(rows: Sequence[Row], folds: int, seed: int = 0) -> list[tuple[list[Row], list[Row]]]:
    """For each fold the rows to learn from and the rows held out, which are all rows of some sources.

    Labels are spread over the folds as evenly as whole sources allow; with as many folds as sources, each is held out
    alone. Rows of other sources that share a group with a held-out row are in neither list of that fold.
    """
    units: dict[str, Counter[Stratum]] = defaultdict(Counter)
    for row in rows:
        units[row.source].update([(), (row.label,)])
    count = min(folds, len(units))
    fold_of = share_out(units, {str(fold): 1 / count for fold in range(count)}, {}, seed)
    parts = []
    for fold in range(count):
        held = [row for row in rows if fold_of[row.source] == str(fold)]
        groups = {row.group for row in held}
        parts.append(([row for row in rows if fold_of[row.source] != str(fold) and row.group not in groups], held))
    return parts


def share_out(
    units: Mapping[str, Counter[Stratum]],
    shares: Mapping[str, float],
    taken: Mapping[str, str],
    seed: int,
    least: Mapping[str, int] | None = None,
) -> dict[str, str]:
    """The part that each unit goes to: those in `taken` stay, the others follow one by one, the largest first.

    A unit goes where its strata lack most of their share; but first to a part where one of them lacks its `least`.
    """
    total: Counter[Stratum] = Counter()
    held: dict[str, Counter[Stratum]] = {part: Counter() for part in shares}
    for unit, strata in units.items():
        total.update(strata)
        if unit in taken:
            held[taken[unit]].update(strata)

    def need(part: str, strata: Counter[Stratum]) -> float:
        if any(held[part][stratum] < (least or {}).get(part, 0) for stratum in strata if len(stratum) == 1):
            return math.inf
        return sum(count * (shares[part] * total[of] - held[part][of]) for of, count in strata.items())

    result = {unit: taken[unit] for unit in units if unit in taken}
    for unit in sorted(units.keys() - taken.keys(), key=lambda unit: (-units[unit].total(), _hash(seed, unit))):
        result[unit] = max(shares, key=lambda part: need(part, units[unit]))
        held[result[unit]].update(units[unit])
    return result


def _hash(seed: int, unit: str) -> str:
    return hashlib.sha256(f"{seed} {unit}".encode()).hexdigest()


def _taken(rows: Sequence[Row], hold_out: Sequence[str]) -> dict[str, str]:
    """The split of each group that needs no choice."""
    splits_of_source = defaultdict(set)
    taken: dict[str, str] = {}
    for row in rows:
        if row.split:
            splits_of_source[row.source].add(row.split)
            if taken.setdefault(row.group, row.split) != row.split:
                both = f"both {taken[row.group]} and {row.split}"
                raise SplitError(f"Group {row.group!r} is in {both}: `schreger dataset check` names all such groups.")
    for row in rows:
        if splits_of_source[row.source] == {"source_test"}:
            taken.setdefault(row.group, "source_test")
        if _is_held_out(row, hold_out):
            taken[row.group] = "source_test"
    return taken


def torn_sources(rows: Sequence[Row], hold_out: Sequence[str]) -> list[str]:
    """Sources that are not held out, of which photos share a group with one that is, while others are elsewhere."""
    groups = {row.group for row in rows if _is_held_out(row, hold_out)}
    taken = {row.source for row in rows if row.group in groups and not _is_held_out(row, hold_out)}
    return sorted(taken & {row.source for row in rows if row.split != "source_test"})


def _is_held_out(row: Row, hold_out: Sequence[str]) -> bool:
    return any(fnmatchcase(row.source, pattern) for pattern in hold_out)


def _check_sources(rows: Sequence[Row], hold_out: Sequence[str]) -> None:
    sources = {row.source for row in rows}
    for pattern in hold_out:
        if not any(fnmatchcase(source, pattern) for source in sources):
            near = get_close_matches(pattern, sources, 1)
            hint = f"; did you mean {near[0]!r}?" if near else "."
            raise SplitError(f"No source is called {pattern!r}{hint}")


def join_copies(rows: Sequence[Row], locate: Callable[[Row], Path], bundle: str) -> tuple[list[Row], int]:
    """The rows with one group for all that show the same picture, and the number of photos that did not open.

    Groups that are in different splits already are left as they are: joined, they would be in two.
    """
    from model.classifier import Classifier
    from training.check.copies import find_copies, join_groups
    from training.check.look import look

    with TemporaryDirectory() as folder:
        looks = look(rows, locate, Classifier.load(bundle), Path(folder) / "looks.npy")
    joined = join_groups(looks.rows, find_copies(looks, locate).near) if looks.rows else {}
    splits = defaultdict(set)
    for row in rows:
        if row.split:
            splits[joined.get(row.group, row.group)].add(row.split)
    apart = {name for name, found in splits.items() if len(found) > 1}
    new = {old: name for old, name in joined.items() if name not in apart}
    console = Console(stderr=True)
    console.print(f"{sum(old != name for old, name in new.items())} groups were joined to others for their copies.")
    if apart:
        console.print(f"{len(apart)} sets of copies are in several splits already: see `schreger dataset check`.")
    return [replace(row, group=new.get(row.group, row.group)) for row in rows], len(looks.unreadable)


def write_manifest(manifest: Path, rows: Sequence[Row], out: Path) -> None:
    """Write a manifest anew with the splits and groups of the rows; all else stays as it is, unknown columns too.

    Raises:
        SplitError: The file cannot be written.
    """
    with manifest.open(encoding="utf-8-sig", newline="") as file:
        header, *lines = [cells for cells in csv.reader(file) if cells]
    at_split, at_group = header.index("split"), header.index("group")
    for cells, row in zip(lines, rows, strict=True):
        cells[at_split], cells[at_group] = row.split, row.group
    try:
        with atomically(out) as partial, partial.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows([header, *lines])
    except OSError as error:
        raise SplitError(f"{out} cannot be written: {error.strerror}.") from error


def print_counts(rows: Sequence[Row], val: float, test: float) -> None:
    """Photos by label and split, and why a label has none in val or test."""
    counts = Counter((row.label, str(row.split)) for row in rows)
    splits = [name for name in get_args(Split) if name in {split for _, split in counts}]
    wanted = [name for name, share in (("val", val), ("test", test)) if share]
    table = Table("label", title=f"{len(rows)} photos")
    for name in splits:
        table.add_column(name, justify="right")
    table.add_column("why none in val or test")
    for label in sorted({label for label, _ in counts}):
        why = "" if all(counts[label, name] for name in wanted) else _why_absent(label, rows)
        table.add_row(label, *(str(counts[label, name]) for name in splits), why)
    table.add_section()
    table.add_row("all", *(str(sum(row.split == name for row in rows)) for name in splits), "")
    Console(width=120).print(table)


def _why_absent(label: str, rows: Sequence[Row]) -> str:
    groups = Counter(row.group for row in rows if row.label == label and row.split != "source_test")
    if not groups:
        return "all its sources are held out"
    if groups.total() <= MIN_TRAIN_PHOTOS:
        photos = f"{groups.total()} photo{'s' * (groups.total() > 1)}"
        return f"{photos}, and the first {MIN_TRAIN_PHOTOS} are for training"
    return f"{groups.total()} photos in {len(groups)} groups are too few for every split"
