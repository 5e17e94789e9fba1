"""Photos whose file is missing, broken, or not the one that the manifest speaks of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from training.check.issue import Issue

if TYPE_CHECKING:
    from collections.abc import Iterator

    from training.check.look import Looks


def file_issues(looks: Looks) -> Iterator[Issue]:
    """One issue a file."""
    for row, error in looks.unreadable:
        kind = "missing_file" if error.code == "unreadable_file" else "broken_file"
        yield Issue(kind, (row,), f"{error} ({error.code})")
    for row, sha256, (width, height) in zip(looks.rows, looks.table["sha256"], looks.table["size"], strict=True):
        if row.sha256 != sha256:
            said = f"not {row.sha256[:12]}… as the manifest says" if row.sha256 else "which the manifest does not say"
            yield Issue("altered_file", (row,), f"The file's sha256 is {sha256[:12]}…, {said}.")
        if (row.width, row.height) != (width, height):
            said = f"{row.width} x {row.height} in the manifest"
            yield Issue("wrong_size", (row,), f"The photo is {width} x {height} pixels and {said}.")
