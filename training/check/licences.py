"""Photos whose licence is not stated, or does not let everybody use them."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING

from training.check.issue import Issue
from training.collect.licence import NotOpenError, open_licence

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from model.manifest import Row

_UNSTATED = re.compile(r"^\s*$|^\W*(unknown|unclear|none|not|no|see)\b|no statement", re.IGNORECASE)


def is_open(licence: str) -> bool | None:
    """Whether a licence, as people write it, is one that `dataset collect` takes; None where none is stated."""
    if _UNSTATED.search(licence):
        return None
    try:
        open_licence(licence)
    except NotOpenError:
        return False
    return True


def licence_issues(rows: Sequence[Row]) -> Iterator[Issue]:
    """One issue for each wording that is not an open licence, the most frequent first."""
    by_licence = defaultdict(list)
    for row in rows:
        by_licence[row.licence].append(row)
    for licence, of_licence in sorted(by_licence.items(), key=lambda item: -len(item[1])):
        photos = f"{len(of_licence)} photo{'s' * (len(of_licence) > 1)}"
        if is_open(licence) is None:
            yield Issue("licence_missing", tuple(of_licence), f"{photos}: {licence or 'the cell is empty'}.")
        elif not is_open(licence):
            yield Issue("licence_not_open", tuple(of_licence), f"{photos}: {licence}.")
