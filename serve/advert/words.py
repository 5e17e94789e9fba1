"""Finds the lexicon's words in what a seller wrote, however the seller hid them.

A text is cut into tokens, a Chinese character each its own. The tokens are strung together without what lies between
them, and folded: no accents, no capitals, simplified characters, and signs that look alike as one. An Aho-Corasick
automaton finds the lexicon's entries in that string; those that begin and end where tokens do are matches. What lay
between, and what was folded, then says whether the word was hidden.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, replace
from functools import cache
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

from ahocorasick_rs import AhoCorasick
from confusable_homoglyphs.confusables import confusables_data
from opencc import OpenCC

from serve.advert.lexicon import load_lexicon

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from serve.advert.lexicon import Entry

CONTEXT_WORDS = 4
"""So many words to each side are the context of a word."""

HIDEABLE = ("named", "code", "cover")
"""Kinds of words that a seller has reason to hide; a disguise of any other is chance."""

SUBJECT = (*HIDEABLE, "harmless")
"""Kinds of which the longest alone counts where several match: "ivory coast" is not "ivory"."""

CONTEXT = ("colour", "plastic", "talk")
"""Kinds that give other words another meaning; not where they are part of a longer phrase, such as a card case."""

PHRASES = ("object", "craft", "offer")

DENIABLE = ("colour", "plastic", "cover")
"""Kinds that say the opposite after a word that denies: "not plastic"."""

DENYING = frozenset(["not", "no", "non", "never", "pas", "sin", "não", "sem", "không", "ليس", "غير", "不", "非"])
DENIES_AHEAD = 2
"""So many words ahead a word denies."""

LEAST_HIDDEN, LEAST_SPLIT = 4, 5
"""Letters that a disguised word has at least, and one that is split by single spaces."""

_HAN = "\u3400-\u9fff"
_LETTER = rf"[^\W_{_HAN}]"
_SIGN = r"(?<=[^\W_])@|(?<=[^\W_])\$(?=[^\W_])|(?<=[^\W_])[!|](?=[a-z])|(?<![^\W_])[!|](?=[a-z]{3})"
_TOKEN = re.compile(rf"[{_HAN}]|(?:{_LETTER}|{_SIGN})+")
_POSSESSIVE = re.compile(r"(?<=\w)['’]s\b")
_HASHTAG = re.compile(r"#\w+")
_NEW_WORD = re.compile(r"(?<=[a-z])(?=[A-Z])")
_NEW_LONG_WORD = re.compile(r"(?<=[a-z]{3})(?=[A-Z][a-z]{2})")
_ARABIC_ARTICLE = re.compile("[وفبك]?ال(?=..)|لل(?=..)")
_SENTENCE_ENDS = re.compile(r"[.,;:!?]\s|[\n。،；]|[,;:!?](?=[\u3400-\u9fff])")
_ALIKE = str.maketrans("1l!|0@435$78", "iiiioaaesstb")
_NEAR_LATIN = ("GREEK", "CYRILLIC", "ARMENIAN", "CHEROKEE", "COPTIC", "LISU")
"""Scripts none of our eight languages is written in, and whose letters stand in for Latin ones."""


@dataclass(frozen=True)
class Match:
    """A word of the lexicon in a text.

    Attributes:
        entry: The word.
        shown: What the seller wrote, without signs that nobody sees.
        start, end: Its tokens, end exclusive.
        hidden: Whether the seller wrote it so that a plain search would miss it.
        harmless_by: The words close by, or the longer phrase, that give it another meaning; None if nothing does.
    """

    entry: Entry
    shown: str
    start: int
    end: int
    hidden: bool = False
    harmless_by: str | None = None


@dataclass(frozen=True)
class _Folded:
    """A text as its tokens: spans in `text`, and the tokens strung together in three ways, all of the same length.

    `written` keeps accents; `plain` has none, and simplified characters; in `bare` signs that look alike are one.
    `borders` has the place in the string where each token starts, and where the last one ends.
    """

    text: str
    spans: tuple[tuple[int, int], ...]
    written: str
    plain: str
    bare: str
    disguised: tuple[bool, ...]
    borders: tuple[int, ...]

    def shown(self, start: int, end: int) -> str:
        text = self.text[self.spans[start][0] : self.spans[end - 1][1]]
        return "".join(character for character in text if unicodedata.category(character) != "Cf")

    def token(self, number: int) -> str:
        return self.written[self.borders[number] : self.borders[number + 1]]

    def gaps(self, start: int, end: int) -> list[str]:
        return [self.text[self.spans[i][1] : self.spans[i + 1][0]] for i in range(start, end - 1)]


def find_words(text: str) -> tuple[Match, ...]:
    """The lexicon's words in a text, in the order of the text.

    Of words that name a material and overlap, the longest remains, written plainly rather than hidden; so of the words
    of any other kind. Words whose context makes them harmless are returned and say by what.
    """
    folded = _fold(text)
    starts = {place: token for token, place in enumerate(folded.borders)}
    automaton, entries = _automaton()
    found: list[Match] = []
    for number, first, last in automaton.find_matches_as_indexes(folded.bare, overlapping=True):
        if first in starts and last in starts:
            start, end = starts[first], starts[last]
            found += filter(None, (_match(folded, entry, own, start, end) for entry, own in entries[number]))
    kept = _meant(_longest(found), folded)
    places = [match.start for match in kept]

    def around(match: Match) -> list[Match]:
        first = bisect_left(places, match.start - CONTEXT_WORDS)
        return kept[first : bisect_right(places, match.end + CONTEXT_WORDS)]

    return tuple(_in_context(match, around(match)) for match in kept)


def _match(folded: _Folded, entry: Entry, own: _Folded, start: int, end: int) -> Match | None:
    """Whether an entry with the same bare letters is what stands there, plainly or hidden."""
    first, last = folded.borders[start], folded.borders[end]
    if entry.exact and folded.written[first:last] != own.written:
        return None
    gaps = folded.gaps(start, end)
    if any(_SENTENCE_ENDS.search(gap) for gap in gaps):
        return None
    unseen = [gap for gap in gaps if _is_invisible(gap)]
    places = (place for place, gap in zip(folded.borders[start + 1 : end], gaps, strict=True) if gap not in unseen)
    splits = {place - first for place in places} - set(own.borders)
    is_chinese = own.plain[0] >= "\u3400"
    split = bool(splits) or (is_chinese and any(gap for gap in gaps if gap not in unseen))
    accented = any(map(_is_accented_otherwise, folded.written[first:last], own.written))
    letters_changed = accented or folded.plain[first:last] != own.plain or any(folded.disguised[first:last])
    if not (split or letters_changed):
        return Match(entry, folded.shown(start, end), start, end, hidden=bool(unseen) and entry.kind in HIDEABLE)
    spaced = split and not is_chinese and all(gap == " " for gap in gaps) and end - start < len(own.plain)
    least = 2 if is_chinese else LEAST_SPLIT if spaced else LEAST_HIDDEN
    if entry.kind not in HIDEABLE or len(own.plain) < least or (spaced and entry.kind == "cover"):
        return None
    return Match(entry, folded.shown(start, end), start, end, hidden=True)


def _is_accented_otherwise(letter: str, own: str) -> bool:
    """Whether a letter has an accent that the entry's lacks: sellers leave accents out, but "bán" is not "ban"."""
    plain = letter.translate(_letters())
    return letter != own and letter != plain and plain.isascii() and letter not in _homoglyphs()


def _is_invisible(gap: str) -> bool:
    """Whether nobody sees what parts two tokens: joiners, marks of direction, soft hyphens."""
    return bool(gap) and all(unicodedata.category(character) == "Cf" for character in gap)


def _longest(found: Iterable[Match]) -> list[Match]:
    """Matches without those that overlap a longer or plainer one of their sort."""
    taken: set[tuple[str, int]] = set()
    kept = []
    for match in sorted(found, key=lambda match: (match.hidden, match.start - match.end, match.start)):
        sort = "subject" if match.entry.kind in SUBJECT else match.entry.kind
        tokens = {(sort, token) for token in range(match.start, match.end)}
        if not tokens & taken:
            taken |= tokens
            kept.append(match)
    return sorted(kept, key=lambda match: match.start)


def _meant(matches: Sequence[Match], folded: _Folded) -> list[Match]:
    """Matches without words of a context that are denied, or part of a longer phrase."""
    phrases = {
        token
        for match in matches
        if match.entry.kind in PHRASES and match.end - match.start > 1
        for token in range(match.start, match.end)
    }

    def is_meant(match: Match) -> bool:
        before = range(max(0, match.start - DENIES_AHEAD), match.start)
        denied = match.entry.kind in DENIABLE and any(folded.token(number) in DENYING for number in before)
        return not denied and not (match.entry.kind in CONTEXT and phrases.issuperset(range(match.start, match.end)))

    return list(filter(is_meant, matches))


def _in_context(match: Match, others: Sequence[Match]) -> Match:
    for other in others:
        near = match.start - CONTEXT_WORDS <= other.start and other.end <= match.end + CONTEXT_WORDS
        apart = other.end <= match.start or match.end <= other.start
        if near and apart and other.entry.kind in match.entry.contexts:
            return replace(match, harmless_by=other.shown)
    return match


@cache
def _automaton() -> tuple[AhoCorasick, list[list[tuple[Entry, _Folded]]]]:
    """All entries' bare letters, and for each the entries that are written with them."""
    by_letters: dict[str, list[tuple[Entry, _Folded]]] = {}
    for entry in load_lexicon():
        own = _fold(entry.words)
        by_letters.setdefault(own.bare, []).append((entry, own))
    return AhoCorasick(list(by_letters)), list(by_letters.values())


def _fold(text: str) -> _Folded:
    """Cut a text into tokens and fold them."""
    text = _NEW_LONG_WORD.sub(" ", _HASHTAG.sub(lambda tag: _NEW_WORD.sub(" ", tag[0]), text))
    text = unicodedata.normalize("NFKC", text)
    text = _POSSESSIVE.sub(lambda ending: " " * len(ending[0]), text)
    text = "".join(character for character in text if unicodedata.category(character) not in ("Mn", "Me"))
    spans = tuple(_without_article(text, *token.span()) for token in _TOKEN.finditer(text))
    parts = [text[start:end] for start, end in spans]
    written = "".join(_lower(character) for part in parts for character in part)
    plain = written.translate(_letters())
    borders = tuple(accumulate(map(len, parts), initial=0))
    bare = "".join(_bare(plain[start:end]) for start, end in pairwise(borders))
    disguised = tuple(character in _homoglyphs() for character in written)
    return _Folded(text, spans, written, plain, bare, disguised, borders)


def _without_article(text: str, start: int, end: int) -> tuple[int, int]:
    article = _ARABIC_ARTICLE.match(text, start, end)
    return (article.end() if article else start), end


def _bare(token: str) -> str:
    """Digits and signs as the letters that they look like; a number stays one."""
    return token.translate(_ALIKE) if len(token) == 1 or not token.isdigit() else token


def _lower(character: str) -> str:
    lower = character.lower()
    return lower if len(lower) == 1 else character


@cache
def _homoglyphs() -> dict[str, str]:
    """Letters of other scripts that pass for Latin ones, with those."""
    table = {}
    for character, alike in confusables_data.items():
        latin = next((each["c"].lower() for each in alike if each["c"].isascii() and each["c"].isalpha()), None)
        if latin and len(character) == len(latin) == 1 and unicodedata.name(character, "").startswith(_NEAR_LATIN):
            table[character.lower()] = latin
    return table


@cache
def _letters() -> dict[int, str]:
    """Accented letters without accents, letters of other scripts as Latin ones, traditional characters simplified."""
    han = [chr(code) for code in range(0x3400, 0xA000)]
    simple = OpenCC("t2s").convert("\n".join(han)).split("\n")
    accented = {
        code: unicodedata.normalize("NFD", chr(code))[0] for code in (*range(0xC0, 0x700), *range(0x1E00, 0x2000))
    }
    special = {"đ": "d", "ø": "o", "ł": "l", "ı": "i", "ة": "ه", "ى": "ي"}
    return accented | str.maketrans(special | _homoglyphs() | dict(zip(han, simple, strict=True)))
