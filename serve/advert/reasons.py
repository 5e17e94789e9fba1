"""Why a verdict is what it is, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from serve.advert.advert import Reason
from serve.advert.signals import namings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from model.taxonomy import Taxonomy
    from serve.advert.combination import Combination
    from serve.advert.signals import Subject
    from serve.advert.words import Match

LOOKS_LIKE_IT = 0.5
"""A picture from which on is said to look like the subject."""

CONTRADICTION = "Its words claim "
"""How the sentence about words that contradict a picture begins."""

KINDS = {
    "object": "It speaks of objects that are often made of it: {}.",
    "craft": "It says how it was made or when: {}.",
    "offer": "It is offered for sale: {}.",
    "talk": "It may be news, a campaign or a debate: {}.",
    "legal": "It claims to be lawful or old, which is neither proof nor guilt: {}.",
    "colour": "It may be about a colour: {}.",
    "plastic": "It may be about an imitation: {}.",
    "harmless": "The word has another meaning here: {}.",
}
"""Sentences for the signals that count words of a kind."""


def explain(
    words: Sequence[Match],
    signals: Mapping[str, float],
    shown: Sequence[float],
    subject: Subject,
    combination: Combination,
    taxonomy: Taxonomy,
    of_seller: Sequence[Match] = (),
) -> tuple[Reason, ...]:
    """The reasons for and against, heaviest first, those for information last.

    `of_seller` are words in what the seller says of themselves: the weights were fitted without, so they add nothing.
    """
    parts = combination.parts(signals)
    name = taxonomy.name(subject.key)
    is_named = bool(namings(words, subject))
    reasons = [
        *_of_names(words, parts, subject, taxonomy),
        *_of_pictures(parts, shown, subject, name, is_named),
        *_of_claims(words, parts, shown, name, taxonomy),
        *_of_kinds(words, parts, is_named),
        *_of_seller(of_seller, taxonomy),
    ]
    return tuple(sorted(reasons, key=lambda reason: -abs(reason.weight)))


def _of_names(
    words: Sequence[Match], parts: Mapping[str, float], subject: Subject, taxonomy: Taxonomy
) -> Iterator[Reason]:
    names = namings(words, subject)
    in_open = [word for word in names if word.harmless_by is None]
    if in_open:
        sentence = f"It names {_meant(in_open, taxonomy)}: {quoted(in_open)}."
        yield Reason("named", sentence, parts["named"] + parts["named_again"])
    elif names:
        by = ", ".join(dict.fromkeys(f"“{word.harmless_by}”" for word in names))
        sentence = f"{quoted(names)} stands beside {by}, where it mostly means something else."
        yield Reason("harmless_context", sentence, parts["only_harmless"])
    if in_code := [word for word in in_open if word.entry.kind == "code"]:
        yield Reason("code", f"The trade uses these words as a code: {quoted(in_code)}.", 0.0)
    if hidden := [word for word in words if word.hidden]:
        yield Reason("hidden", f"Words are written so that a search misses them: {quoted(hidden)}.", 0.0)


def _of_pictures(
    parts: Mapping[str, float], shown: Sequence[float], subject: Subject, name: str, is_named: bool
) -> Iterator[Reason]:
    if not shown:
        return
    yield Reason("has_picture", "It shows pictures, as offers do.", parts["has_picture"] + parts["named_and_picture"])
    if not (subject.seen or is_named):
        return
    alike = sum(probability >= LOOKS_LIKE_IT for probability in shown)
    if not subject.seen:
        sentence = f"Pictures say nothing here: the network does not know {name}."
    elif not (alike or is_named):
        sentence = f"The network sees nothing that is looked for (likeliest: {name}, {max(shown):.0%})."
    elif len(shown) == 1:
        looks = "looks" if alike else "does not look"
        sentence = f"The picture {looks} like {name}: {max(shown):.0%}."
    elif alike in (0, len(shown)):
        each = "each" if alike else "none"
        sentence = f"The {len(shown)} pictures agree: {each} looks like {name}, at most {max(shown):.0%}."
    else:
        sentence = (
            f"The pictures differ: {alike} of {len(shown)} look like {name}, the likeliest with {max(shown):.0%}."
        )
    yield Reason("picture", sentence, parts["picture"])


def _of_claims(
    words: Sequence[Match], parts: Mapping[str, float], shown: Sequence[float], name: str, taxonomy: Taxonomy
) -> Iterator[Reason]:
    claims = [word for word in words if word.entry.kind == "cover" and word.harmless_by is None]
    if not claims or not shown:
        return
    kind, sentence = "cover", f"It claims to be something else: {quoted(claims)}."
    if max(shown) >= LOOKS_LIKE_IT:
        claimed = f"{CONTRADICTION}{_meant(claims, taxonomy)} ({quoted(claims)})"
        kind, sentence = "contradiction", f"{claimed}, but a picture looks like {name}."
    yield Reason(kind, sentence, parts["cover"] + parts["cover_and_picture"])


def _of_kinds(words: Sequence[Match], parts: Mapping[str, float], is_named: bool) -> Iterator[Reason]:
    for kind, sentence in KINDS.items():
        if said := [word for word in words if word.entry.kind == kind]:
            weight = parts.get(kind, 0.0) + (parts.get(f"near_{kind}", 0.0) if is_named else 0.0)
            yield Reason(kind, sentence.format(quoted(said)), weight)


def _of_seller(words: Sequence[Match], taxonomy: Taxonomy) -> Iterator[Reason]:
    if names := [word for word in words if word.entry.kind in ("named", "code") and word.harmless_by is None]:
        sentence = f"What the seller says of themselves names {_meant(names, taxonomy)}: {quoted(names)}."
        yield Reason("seller_text", sentence, 0.0)


def _meant(words: Sequence[Match], taxonomy: Taxonomy) -> str:
    return ", ".join(dict.fromkeys(taxonomy.name(str(word.entry.means)) for word in words))


def quoted(words: Sequence[Match]) -> str:
    """What the seller wrote, each once, at most five."""
    written = list(dict.fromkeys(f"“{' '.join(word.shown.split())}”" for word in words))
    return ", ".join(written[:5]) + (", …" if len(written) > 5 else "")
