"""How figures change on the same photos."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from training.evaluate.bootstrap import SPREAD, Figure, count_changed, difference, with_interval
from training.evaluate.figures import LOWER_IS_BETTER, definitions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model.taxonomy import Taxonomy
    from training.evaluate.predictions import Predictions


MIN_CHANGED = 6
"""Groups that must differ before a verdict: of five that all change one way, chance is 2 * 0.5 ** 5, above 0.05."""


@dataclass(frozen=True)
class Change:
    """A figure before and after, and their difference with its own interval; `lower_is_better` for errors.

    `changed` counts the groups whose part in the figure differs.
    """

    before: Figure
    after: Figure
    difference: Figure
    lower_is_better: bool
    changed: int

    @property
    def verdict(self) -> Literal["better", "worse", "same"]:
        """Whether the whole 95% interval of the difference is on one side of zero, and MIN_CHANGED groups differ.

        Resamples of a few groups hardly differ, and those of groups that all change alike not at all: there the
        two-sided sign test decides, by which fewer groups than that prove nothing.
        """
        low, high = self.difference.low, self.difference.high
        if low is None or high is None:
            low = high = self.difference.value
        if self.changed < MIN_CHANGED or (low <= SPREAD and high >= -SPREAD):
            return "same"
        return "worse" if (high < 0) != self.lower_is_better else "better"

    @property
    def is_lower(self) -> bool:
        """Whether the figure itself is worse, sure or not."""
        return self.difference.value > 0 if self.lower_is_better else self.difference.value < 0


def changes(
    before: Predictions, after: Predictions, taxonomy: Taxonomy, names: Sequence[str], resamples: int
) -> dict[str, Change]:
    """How the named figures change between two predictions of the same photos with the same classes."""
    second = {name: (photos, statistic) for name, photos, statistic in definitions(after, taxonomy) if name in names}
    found = {}
    for name, photos, statistic in definitions(before, taxonomy):
        if name in second:
            later, other = second[name]
            found[name] = Change(
                with_interval(statistic, photos.groups, resamples),
                with_interval(other, later.groups, resamples),
                difference(statistic, other, photos.groups, resamples),
                name in LOWER_IS_BETTER,
                count_changed(statistic, other, photos.groups),
            )
    return {name: found[name] for name in names if name in found}
