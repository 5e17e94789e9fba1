"""Licences as people write them: open, not open, or not stated."""

import pytest

from training.check.licences import is_open


@pytest.mark.parametrize(
    "licence",
    ["CC0", "CC0-1.0", "CC-BY-4.0", "cc by-sa 3.0", "Public Domain"],
)
def test_open_licences(licence: str) -> None:
    assert is_open(licence) is True


@pytest.mark.parametrize(
    "licence",
    ["CC BY-NC 4.0", "CC-BY-ND", "CC BY-NC-SA 2.0", "research use only", "all rights reserved", "© A. Person",
     "only non-commercial use allowed", "some licence of our own", "MIT (repo)", "CC BY 4.0 for text, photos unclear"],
)  # fmt: skip
def test_licences_that_are_not_open(licence: str) -> None:
    assert is_open(licence) is False


@pytest.mark.parametrize("licence", ["", " ", "unknown", "none stated", "(none)", "see LICENSE in repository"])
def test_licences_that_are_not_stated(licence: str) -> None:
    assert is_open(licence) is None
