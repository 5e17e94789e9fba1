"""The lexicon: words of the trade by language, and the contexts that make them harmless."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

FILE = Path(__file__).with_name("lexicon.yaml")
ACCENTS_NEEDED = "~"


@dataclass(frozen=True)
class Entry:
    """One word or phrase.

    Attributes:
        words: As the lexicon writes it.
        language: ISO 639-1 code.
        kind: `named`, `code`, `cover`, `legal`, `object`, `craft`, `offer`, `talk`, `harmless`, or a context's name.
        means: Key of the taxonomy that it names or claims; None for kinds that name nothing.
        contexts: Kinds of words that make it harmless when one stands close by.
        exact: Whether accents must be as written, since without them it is another word.
    """

    words: str
    language: str
    kind: str
    means: str | None = None
    contexts: tuple[str, ...] = ()
    exact: bool = False


@cache
def load_lexicon() -> tuple[Entry, ...]:
    """Every entry of the lexicon file."""
    reader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    content = yaml.load(FILE.read_text(encoding="utf-8"), reader)  # noqa: S506 - both readers are safe ones
    contexts = [{"kind": kind, "words": words} for kind, words in content["contexts"].items()]
    return tuple(
        Entry(
            words.removesuffix(ACCENTS_NEEDED),
            language,
            group["kind"],
            group.get("means"),
            tuple(group.get("harmless", ())),
            words.endswith(ACCENTS_NEEDED) or (language == "vi" and "means" not in group and " " not in words),
        )
        for group in [*contexts, *content["groups"]]
        for language, listed in group["words"].items()
        for words in map(str, listed)
    )
