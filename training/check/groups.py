"""Groups and sources that are in splits which they should not share, so that figures flatter; labels of a group."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from training.check.issue import Issue, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from model.manifest import Row


def group_issues(rows: Sequence[Row]) -> Iterator[Issue]:
    """One issue a group."""
    members = defaultdict(list)
    for row in rows:
        members[row.group].append(row)
    for group, of_group in members.items():
        splits, labels = {row.split for row in of_group if row.split}, {row.label for row in of_group}
        if len(splits) > 1:
            yield Issue("group_across_splits", tuple(of_group), f"Group {group!r} is in {quoted(splits)}.")
        if len(labels) > 1:
            sentence = f"Group {group!r}, which is one thing, is labelled {quoted(labels)}."
            yield Issue("group_labels_differ", tuple(of_group), sentence)


def source_issues(rows: Sequence[Row]) -> Iterator[Issue]:
    """One issue for each source that is held out in part alone, its photos in source_test first."""
    members = defaultdict(list)
    for row in rows:
        members[row.source].append(row)
    for source, of_source in members.items():
        held = [row for row in of_source if row.split == "source_test"]
        others = [row for row in of_source if row.split not in ("source_test", "")]
        if held and others:
            photos = f"{len(held)} photo{'s' * (len(held) > 1)}"
            sentence = f"Source {source!r} is in source_test ({photos}) and in {quoted({row.split for row in others})}."
            yield Issue("source_across_splits", (*held, *others), sentence)
