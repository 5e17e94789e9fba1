"""The policy: what is looked for, and the precision from which an advert is reviewed or blocked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from model.errors import SchregerError
from serve.advert.combination import threshold_for

if TYPE_CHECKING:
    from collections.abc import Mapping

    from model.taxonomy import Taxonomy
    from serve.advert.advert import Level
    from serve.advert.combination import Combination

FILE = Path(__file__).with_name("policy.yaml")
Share = Annotated[float, Field(gt=0, lt=1)]
LIKELY = 0.5
"""A picture that does not more likely than not show a thing never speaks for it: few photos show some things."""

FITTED_ON = "tusk_ivory"
"""The subject of the adverts that the weights were fitted on; elsewhere words alone hold nothing back."""

ANOTHER_SENSE = ("only_harmless", "colour", "plastic", "talk")
"""Signals of words that explain a picture: what looks like ivory may be a colour, an imitation, a museum's."""

NEVER = 2.0
"""A threshold that no probability reaches: no threshold was precise enough."""


class PolicyError(SchregerError):
    """The policy file cannot be used; the message says why."""


class Policy(BaseModel):
    """What policy.yaml says; it explains each field."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str
    base_rate: Share
    review: Share
    block: Share
    picture: Share = 0.9
    subjects: Annotated[tuple[str, ...], Field(min_length=1)]


@dataclass(frozen=True)
class Thresholds:
    """Scores from which an advert is reviewed and blocked, and by subject the probability at which pictures speak."""

    review: float
    block: float
    pictures: Mapping[str, float]

    def level(self, subject: str, score: float, signals: Mapping[str, float], shown: float) -> Level:
        """What becomes of an advert, for one subject.

        Words block only what its pictures show too, or, of the subject that they were fitted on, what has no picture.
        Pictures speak for themselves where no word names the subject or gives what they show another sense, and where
        the words claim another material than they show.
        """
        by_words = subject == FITTED_ON and not signals["has_picture"]
        if score >= self.block and (by_words or shown >= LIKELY):
            return "block"
        unexplained = not any(signals[kind] for kind in ("named", *ANOTHER_SENSE))
        by_picture = shown >= self.pictures.get(subject, NEVER) and (unexplained or signals["cover"] > 0)
        return "review" if score >= self.review or by_picture else "clear"


def thresholds(policy: Policy, combination: Combination) -> Thresholds:
    """The thresholds at which the policy's precision is reached at its base rate.

    Raises:
        PolicyError: No threshold reaches that of `review`, so that words would flag nothing.
    """

    def of(rates: Any, precision: float) -> float:
        found = threshold_for(rates, precision, policy.base_rate)
        return NEVER if found is None else found

    review = of(combination.rates, policy.review)
    if review == NEVER:
        raise PolicyError(
            f"Where {policy.base_rate:.2%} of the adverts offer the thing, no threshold reaches a precision of "
            f"{policy.review:.0%}: lower `review` in the policy."
        )
    pictures = {key: max(LIKELY, of(rates, policy.picture)) for key, rates in combination.picture_rates.items()}
    return Thresholds(review, of(combination.rates, policy.block), pictures)


def load_policy(file: Path | None = None, taxonomy: Taxonomy | None = None) -> Policy:
    """The shipped policy, or that of a file.

    Raises:
        PolicyError: The file cannot be read, does not say what a policy says, or takes the version of the shipped one.
    """
    file = file or FILE
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
        if not isinstance(content, dict):
            raise PolicyError(f"The policy {file} says nothing: it is a YAML file of fields, such as `block: 0.9`.")
        policy = Policy.model_validate(content)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise PolicyError(f"{file} cannot be read as a policy, which is a YAML file.") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise PolicyError(f"The policy {file} cannot be used: {where}: {first['msg']}.") from error
    if policy.block < policy.review:
        raise PolicyError(f"The policy {file} blocks at a lower precision than it reviews: raise `block`.")
    if unknown := [key for key in policy.subjects if taxonomy is not None and key not in taxonomy]:
        raise PolicyError(f"The policy {file} names {unknown[0]!r}, which is not in the taxonomy.")
    if file != FILE and policy.version == (shipped := load_policy()).version and policy != shipped:
        raise PolicyError(f"The policy {file} is not the shipped one, whose version it has: give it one of its own.")
    return policy
