"""The finding: what one photo, or several photos of one item, probably show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from model.photo import Quality

Status = Literal["recognised", "rolled_up", "unfamiliar", "unusable"]
Rule = Literal["nothing_to_see", "unlike_known_photos", "none_sure", "parent_sure", "class_sure"]


@dataclass(frozen=True, eq=False)
class Finding:
    """What a photo or an item probably shows, and how sure that is.

    Attributes:
        answer: The deepest node of the taxonomy that is sure enough; None when not even a top node is, or when the
            photo is unfamiliar or unusable.
        status: `recognised` (the likeliest class is the answer), `rolled_up` (only a broader node is sure enough),
            `unfamiliar` (unlike the photos that the network learned from), `unusable` (nothing to see in it).
        probability: Calibrated probability of the answer, or of the likeliest class where there is none, 0..1.
        probabilities: Calibrated probability of every class of the bundle, summing to 1; likeliest first.
        unfamiliarity: Share of known photos that look more familiar than this one, 0..1.
        quality: Quality of the photo; of an item, one for each photo.
        evidence: Per photo, (h, w) float32: the logit of the likeliest class below the answer at each place; its
            mean is the logit. Empty unless asked for.
        embedding: (d,) float32 of unit length; None unless asked for.
        bundle: Name and digest of the bundle that answered, as name@digest.
        photos: Findings of the item's photos; empty for a single photo.
    """

    answer: str | None
    status: Status
    probability: float
    probabilities: tuple[tuple[str, float], ...]
    unfamiliarity: float
    quality: tuple[Quality, ...]
    bundle: str
    evidence: tuple[NDArray[np.float32], ...] = ()
    embedding: NDArray[np.float32] | None = None
    photos: tuple[Finding, ...] = ()

    @property
    def rule(self) -> Rule:
        """Which rule of `certainty.decide` decided; of an item, for its photos together.

        `nothing_to_see`: every photo is blank or a thumbnail. `unlike_known_photos`: too unfamiliar. `class_sure`: the
        likeliest class reaches the threshold. `parent_sure`: only something broader does. `none_sure`: nothing does.
        """
        if self.status == "rolled_up":
            return "none_sure" if self.answer is None else "parent_sure"
        rules: dict[Status, Rule] = {
            "unusable": "nothing_to_see",
            "unfamiliar": "unlike_known_photos",
            "recognised": "class_sure",
        }
        return rules[self.status]

    @property
    def top(self) -> tuple[tuple[str, float], ...]:
        """The five likeliest classes with their probabilities."""
        return self.probabilities[:5]
