"""What comes in, an advert, and what goes out, a verdict with its reasons."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from model.finding import Finding
    from model.photo import PhotoError

Level = Literal["clear", "review", "block"]
Picture = bytes | str | os.PathLike[str]


@dataclass(frozen=True)
class Advert:
    """One advert as its seller wrote it; only `id` is required.

    Attributes:
        url: Text alone: it is never opened.
        seller_text: What the seller says of themselves; its words are told among the reasons and do not count.
        pictures: Files, or their bytes.
        other: Columns that the file has beyond these, by name.
        error: What is wrong with its row, in one sentence; empty if nothing is.
    """

    id: str
    platform: str = ""
    seller: str = ""
    url: str = ""
    title: str = ""
    text: str = ""
    price: str = ""
    currency: str = ""
    location: str = ""
    language: str = ""
    posted_at: str = ""
    seller_text: str = ""
    pictures: tuple[Picture, ...] = ()
    other: Mapping[str, str] = field(default_factory=dict)
    error: str = ""


@dataclass(frozen=True)
class Reason:
    """Why: a signal's name, a sentence for people, and what it adds to the score in log odds (0: for information)."""

    kind: str
    sentence: str
    weight: float


@dataclass(frozen=True, eq=False)
class Verdict:
    """What becomes of an advert.

    Attributes:
        verdict: `clear`, `review` (a person should look) or `block` (surer than the policy asks for blocking).
        score: Probability 0..1 that it offers what `answer` names, as among the adverts that the weights are fitted on.
        answer: Key of the taxonomy; None where neither words nor pictures name anything.
        reasons: Heaviest first.
        findings: One for each picture, or why it could not be read.
        error: What could not be read, in plain sentences; empty if all could.
        policy, bundle: Versions of what decided.
    """

    id: str
    verdict: Level
    score: float
    answer: str | None
    reasons: tuple[Reason, ...]
    findings: tuple[Finding | PhotoError, ...]
    error: str
    policy: str
    bundle: str
