"""The gate: which licences are open, however they are spelled."""

from __future__ import annotations

import re

from training.collect.found import CollectError

_WORDS = (
    (r"creativecommons\.org|creative ?commons", " cc "),
    (r"\b(deed|legalcode)(\.[a-z]{2}(-[a-z]+)?)?\b", " "),
    (r"attribution", " by "),
    (r"share ?-?alike", " sa "),
    (r"non[- ]?commercial", " nc "),
    (r"no[- ]?deriv(ative|ate)?s?", " nd "),
    (r"public[- ]?domain|\bpdm\b", " pd "),
    (r"\bv(?=\d)", ""),
    (r"(?<![a-z\d])(\d)[._](\d)(?!\d)", r"\1.\2"),
)
_IDLE = frozenset(
    ("http", "https", "www", "licenses", "licence", "license", "licensed", "under", "the", "a", "this", "work", "is",
     "in", "international", "unported", "generic", "universal", "dedication", "mark")
)  # fmt: skip
_BY = re.compile(r"cc by(?P<sa> sa)?( (?P<version>[1-4]\.[05])( (?P<place>[a-z]{2}|igo|scotland))?)?")


class NotOpenError(CollectError):
    """A licence that is not open; the message is the reason, in a few words."""


def open_licence(text: str) -> str:
    """The licence in one spelling: CC0-1.0, CC-BY-4.0, CC-BY-SA-3.0, CC-BY (no version told) or public-domain.

    Open are CC0, the public domain, CC BY and CC BY-SA, written out, short, as a code or as an address.

    Raises:
        NotOpenError: It is none of these, or there is none.
    """
    words = _words(text)
    if not words:
        raise NotOpenError("no licence stated")
    for word, reason in (("nc", "non-commercial"), ("nd", "no derivatives")):
        if word in words:
            raise NotOpenError(reason)
    plain = " ".join(words)
    if repeated := re.fullmatch(r"(.+) \1", plain):  # "... Attribution 4.0 International (CC BY 4.0)"
        plain = repeated[1]
    if found := _BY.fullmatch(plain):
        return "-".join(filter(None, ("CC-BY", found["sa"] and "SA", found["version"])))
    said = set(words)
    if said <= {"cc", "cc0", "zero", "pd", "1.0"} and ("cc0" in said or {"cc", "zero"} <= said):
        return "CC0-1.0"
    if said <= {"cc", "pd", "1.0"} and "pd" in said:
        return "public-domain"
    raise NotOpenError("not an open licence")


def needs_credit(licence: str) -> bool:
    """Whether an open licence asks that somebody is named."""
    return licence.startswith("CC-BY")


def check_terms(licence: str | None, attribution: str | None) -> tuple[str, str]:
    """The licence and attribution that somebody gives for photos at hand, as they are.

    Raises:
        CollectError: One of them is not given, or the licence is not open.
    """
    if not licence:
        raise CollectError("Name the licence of these photos with --licence, such as CC0 or CC-BY-4.0.")
    if not attribution:
        raise CollectError("Name whom to credit for these photos with --attribution.")
    return check_licence(licence), attribution


def check_licence(text: str) -> str:
    """The licence that somebody gives for photos at hand, as it is.

    Raises:
        CollectError: It is not open.
    """
    try:
        open_licence(text)
    except NotOpenError as error:
        raise CollectError(f"{text!r} will not do ({error}); open are CC0, CC BY, CC BY-SA, public domain.") from error
    return text


def _words(text: str) -> list[str]:
    text = text.lower()
    for pattern, word in _WORDS:
        text = re.sub(pattern, word, text)
    return [word for word in re.findall(r"\d\.\d|[^\W_]+", text) if word not in _IDLE]
