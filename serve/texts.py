"""The texts of page and reports in each language, from the YAML files in `languages`, and which one a browser wants."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import yaml

from model.taxonomy import LANGUAGES

if TYPE_CHECKING:
    from collections.abc import Mapping

    Texts = Mapping[str, Any]

FOLDER: Final = Path(__file__).parent / "languages"
DEFAULT: Final = "en"


@cache
def load_texts(language: str) -> Texts:
    """The texts of one of LANGUAGES by key: a string, or a list of strings."""
    return MappingProxyType(yaml.safe_load((FOLDER / f"{language}.yaml").read_text(encoding="utf-8")))


def choose_language(accepted: str, chosen: str | None = None) -> str:
    """The language that a person chose, else the first of an Accept-Language header that is here, else English."""
    wanted = [chosen or "", *_by_weight(accepted)]
    return next((language for language in wanted if language in LANGUAGES), DEFAULT)


def _by_weight(accepted: str) -> list[str]:
    """Languages of an Accept-Language header without their regions, the most wanted first."""
    weights = []
    for entry in accepted.split(","):
        tag, _, weight = entry.partition(";q=")
        try:
            weights.append((-float(weight or 1), tag.strip().partition("-")[0].lower()))
        except ValueError:
            continue
    return [language for weight, language in sorted(weights, key=lambda pair: pair[0]) if weight < 0]
