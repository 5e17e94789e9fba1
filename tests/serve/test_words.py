"""How a finding is said."""

import re
from dataclasses import replace
from typing import get_args

import pytest

from model.finding import Finding, Rule
from model.legal import LegalStatus, legal_status
from model.photo import Quality
from model.taxonomy import Taxonomy, load_taxonomy
from serve.page import words

GOOD = Quality(sharpness=0.6, brightness=0.5, contrast=0.7, usable_side=900, advice=())
IVORY = (("ivory", 0.93), ("bone", 0.04), ("hippo_ivory", 0.01), ("resin", 0.01), ("ceramic", 0.004))
PARROT = (("ara_macao", 0.51), ("ara_chloropterus", 0.36), ("other_bird", 0.05), ("goods", 0.03), ("food", 0.001))
RECOGNISED = Finding("ivory", "recognised", 0.93, IVORY, 0.3, (GOOD,), "lite2@0123456789ab")


@pytest.fixture(scope="module")
def taxonomy() -> Taxonomy:
    return load_taxonomy()


def advised(*advice: str) -> tuple[Quality, ...]:
    return (replace(GOOD, advice=advice),)


@pytest.mark.parametrize(
    ("finding", "said"),
    [
        (RECOGNISED, "Suspected elephant or mammoth ivory, 93%"),
        (replace(RECOGNISED, answer="pangolin_scale", probability=0.876), "Suspected pangolin scale, 88%"),
        (
            replace(RECOGNISED, answer="tusk_ivory", status="rolled_up"),
            "Suspected ivory of any animal, kind unclear, 93%",
        ),
        (replace(RECOGNISED, answer="ceramic", probability=0.91), "Looks like ceramic or porcelain, 91%"),
        (replace(RECOGNISED, answer="bone", probability=0.91), "Looks like bone, 91%"),
        (replace(RECOGNISED, answer="ara_macao", probability=0.9), "Looks like scarlet macaw, 90%"),
        (replace(RECOGNISED, answer="other_bird", probability=0.9), "Other bird, 90%"),
        (replace(RECOGNISED, answer="synthetic", status="rolled_up"), "Synthetic material, kind unclear, 93%"),
        (replace(RECOGNISED, answer="psittaciformes", status="rolled_up"), "Parrot, species unclear, 93%"),
        (replace(RECOGNISED, answer=None, status="rolled_up"), "Cannot tell: no answer is likely enough"),
        (replace(RECOGNISED, answer=None, status="unfamiliar"), "Unlike anything this model knows"),
        (
            replace(RECOGNISED, answer=None, status="unusable", quality=advised("too_dark", "too_small")),
            "Cannot tell: too dark; too small",
        ),
        (replace(RECOGNISED, answer=None, status="unusable"), "Cannot tell: there is nothing to see in this photo"),
    ],
)  # fmt: skip
def test_the_headline_says_no_more_than_the_finding(finding: Finding, said: str, taxonomy: Taxonomy) -> None:
    assert words.headline(finding, taxonomy) == said


@pytest.mark.parametrize(
    ("probability", "said"),
    [(0, "under 1%"), (0.0049, "under 1%"), (0.0051, "1%"), (0.5, "50%"), (0.994, "99%"), (0.996, "over 99%")],
)
def test_nothing_is_certain(probability: float, said: str) -> None:
    assert words.percent(probability) == said


def test_suspicion_is_voiced_for_products_of_threatened_animals_alone(taxonomy: Taxonomy) -> None:
    concerns = {key for key in taxonomy if words.of_concern(key, taxonomy)}
    assert {"ivory", *taxonomy.descendants("tusk_ivory"), "pangolin_scale", "rhino_horn", "tiger_bone"} <= concerns
    assert set(taxonomy) >= words.ORDINARY
    assert not concerns & {"bone", "horn", "shell", "resin", "ceramic", "psittacus_erithacus", "elephantidae", "person"}


def test_every_rule_that_may_decide_has_its_words() -> None:
    assert words.RULES.keys() == set(get_args(Rule))


def test_a_suspicion_is_followed_by_what_it_is_not(taxonomy: Taxonomy) -> None:
    assert words.remarks(RECOGNISED, taxonomy)[0] == words.IS_NOT


def test_a_broad_answer_names_the_likeliest_below_it_as_unsure(taxonomy: Taxonomy) -> None:
    broad = replace(RECOGNISED, answer="psittaciformes", status="rolled_up", probabilities=PARROT)
    (remark,) = words.remarks(broad, taxonomy)
    assert "scarlet macaw, 51%" in remark
    assert "not sure enough" in remark


def test_a_genus_says_that_its_species_is_not_named(taxonomy: Taxonomy) -> None:
    (remark,) = words.remarks(replace(RECOGNISED, answer="amazona"), taxonomy)
    assert "species" in remark
    assert words.remarks(replace(RECOGNISED, answer="ara_macao"), taxonomy) == ()


def test_without_an_answer_the_likeliest_are_called_guesses_and_no_law_is_cited(taxonomy: Taxonomy) -> None:
    strange = replace(RECOGNISED, answer=None, status="unfamiliar", unfamiliarity=0.997)
    assert words.likeliest_title(strange) == words.GUESSES_TITLE
    assert words.no_listing(strange, taxonomy) == words.LEGAL_UNKNOWN
    assert words.look_alikes(strange, taxonomy) == ()
    assert words.next_steps(strange, taxonomy) == words.HOW_TO
    assert words.remarks(strange, taxonomy)[0].startswith("Over 99% of known photos")


def test_a_bad_photo_is_mended_before_the_thing_is_checked(taxonomy: Taxonomy) -> None:
    steps = words.next_steps(replace(RECOGNISED, quality=advised("blurred")), taxonomy)
    assert steps[0] == words.ADVICE["blurred"][1]
    assert steps[1:] == taxonomy.checks("ivory")


def test_every_advice_of_the_photo_has_its_words() -> None:
    assert words.ADVICE.keys() == set(
        re.findall(r"\w+_\w+|blurred", (Quality.__doc__ or "").split("`advice`: any of")[-1])
    )


def test_a_broad_answer_without_checks_takes_those_of_the_likeliest(taxonomy: Taxonomy) -> None:
    broad = replace(RECOGNISED, answer="material", status="rolled_up")
    assert words.next_steps(broad, taxonomy) == (taxonomy.checks("material") or taxonomy.checks("ivory"))


@pytest.mark.parametrize(
    ("code", "said"), [("I", "Appendix I"), ("none", "Not listed"), ("not_determined", "Not determined")]
)
def test_listings_are_said_in_words(code: str, said: str) -> None:
    row = legal_status("elephas_maximus")[0]
    assert words.appendix(replace(row, appendix=code)) == said  # type: ignore[arg-type]


def test_every_listing_of_the_table_has_its_words(taxonomy: Taxonomy) -> None:
    rows: list[LegalStatus] = [row for key in taxonomy for row in legal_status(key)]
    assert {row.appendix for row in rows} <= words.APPENDIX.keys()


def test_no_sentence_judges(taxonomy: Taxonomy) -> None:
    """Guilt, proof and legality are never claimed; what the photo cannot show may be named."""
    said = [text for text in vars(words).values() if isinstance(text, str) and text != words.__doc__]
    for key in taxonomy:
        for status in ("recognised", "rolled_up"):
            finding = replace(RECOGNISED, answer=key, status=status)
            said += [
                words.headline(finding, taxonomy),
                *words.remarks(finding, taxonomy),
                words.no_listing(finding, taxonomy),
            ]
    for sentence in said:
        assert not re.search(
            r"\b(illegal|legal|guilty|crime|criminal|smuggl\w*|genuine|authentic|proves?)\b", sentence, re.I
        )
