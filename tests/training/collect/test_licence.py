"""The gate: open licences pass in any spelling, everything else is refused with a reason."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.collect.licence import NotOpenError, needs_credit, open_licence

OPEN = {
    "CC0-1.0": (
        "CC0", "cc0", "CC0 1.0", "CC0_1_0", "CC0-1.0", "CC Zero", "CC0 1.0 Universal",
        "Creative Commons Zero v1.0 Universal", "CC0 1.0 Universal (CC0 1.0) Public Domain Dedication",
        "https://creativecommons.org/publicdomain/zero/1.0/",
        "http://creativecommons.org/publicdomain/zero/1.0/legalcode",
    ),
    "public-domain": (
        "pd", "PDM", "Public domain", "public-domain", "Public Domain Mark 1.0",
        "https://creativecommons.org/publicdomain/mark/1.0/deed.en",
    ),
    "CC-BY": ("cc-by", "CC BY", "Creative Commons Attribution"),
    "CC-BY-4.0": (
        "CC BY 4.0", "CC_BY_4_0", "cc-by-4.0", "http://creativecommons.org/licenses/by/4.0/legalcode",
        "https://creativecommons.org/licenses/by/4.0/", "https://creativecommons.org/licenses/by/4.0/deed.de",
        "Creative Commons Attribution 4.0 International (CC BY 4.0)",
    ),
    "CC-BY-SA": ("cc-by-sa", "CC BY-SA"),
    "CC-BY-SA-2.5": ("CC BY-SA 2.5", "https://creativecommons.org/licenses/by-sa/2.5/"),
    "CC-BY-SA-3.0": (
        "cc-by-sa-3.0-de", "CC BY-SA 3.0 igo",
        "This work is licensed under a Creative Commons Attribution-ShareAlike 3.0 Unported License.",
    ),
}  # fmt: skip

CLOSED = {
    "no licence stated": ("", " ", "©", "licence"),
    "non-commercial": (
        "cc-by-nc", "CC BY-NC 4.0", "CC_BY_NC_4_0", "CC BY-NC-ND 4.0", "CC BY or CC BY-NC",
        "http://creativecommons.org/licenses/by-nc/4.0/", "Creative Commons Attribution-NonCommercial 4.0",
        "non commercial research only",
    ),
    "no derivatives": ("cc-by-nd", "CC BY-ND 2.0", "https://creativecommons.org/licenses/by-nd/4.0/",
                       "Creative Commons Attribution-NoDerivatives 4.0"),
    "not an open licence": (
        "All rights reserved", "(c) A. Person", "not CC0", "CC BY 4.0, except photos", "Usage conditions apply",
        "Attribution", "by", "cc", "zero", "1.0", "GFDL", "UNSPECIFIED", "unknown", "CC BY 9.9", "under copyright",
        "public domain in the US only", "No known copyright restrictions", "https://example.org/cc0",
        "https://example.org/licenses/by/4.0/", "CC BY 4.0 for text",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("licence", "text"), [(licence, text) for licence, texts in OPEN.items() for text in texts])
def test_an_open_licence_passes_in_any_spelling(licence: str, text: str) -> None:
    assert open_licence(text) == licence
    assert open_licence(licence) == licence


@pytest.mark.parametrize(("reason", "text"), [(reason, text) for reason, texts in CLOSED.items() for text in texts])
def test_what_is_not_open_is_refused_with_a_reason(reason: str, text: str) -> None:
    with pytest.raises(NotOpenError) as raised:
        open_licence(text)
    assert str(raised.value) == reason


def test_only_attribution_licences_need_somebody_to_credit() -> None:
    assert [licence for licence in OPEN if needs_credit(licence)] == [name for name in OPEN if name.startswith("CC-BY")]


@given(st.sampled_from([text for texts in OPEN.values() for text in texts]), st.sampled_from(["NC", "ND", "no", "not"]))
def test_a_restriction_beside_an_open_licence_closes_it(text: str, word: str) -> None:
    for both in (f"{word} {text}", f"{text} {word} x"):
        with pytest.raises(NotOpenError):
            open_licence(both)


@given(st.text())
def test_any_text_passes_or_is_refused(text: str) -> None:
    with suppress(NotOpenError):
        assert open_licence(text) in OPEN or open_licence(text).startswith("CC-BY")
