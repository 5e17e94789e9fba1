"""How a finding is said."""

import re
from dataclasses import replace
from typing import get_args

import pytest

from model.finding import Finding, Rule
from model.legal import LegalStatus, legal_status
from model.photo import PhotoError, Quality
from model.taxonomy import Taxonomy, load_taxonomy
from serve.words import ORDINARY, Words

GOOD = Quality(sharpness=0.6, brightness=0.5, contrast=0.7, usable_side=900, advice=())
IVORY = (("ivory", 0.93), ("bone", 0.04), ("hippo_ivory", 0.01), ("resin", 0.01), ("ceramic", 0.004))
PARROT = (("ara_macao", 0.51), ("ara_chloropterus", 0.36), ("other_bird", 0.05), ("goods", 0.03), ("food", 0.001))
RECOGNISED = Finding("ivory", "recognised", 0.93, IVORY, 0.3, (GOOD,), "lite2@0123456789ab")


@pytest.fixture(scope="module")
def taxonomy() -> Taxonomy:
    return load_taxonomy()


@pytest.fixture(scope="module")
def words(taxonomy: Taxonomy) -> Words:
    return Words("en", taxonomy)


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
def test_the_headline_says_no_more_than_the_finding(finding: Finding, said: str, words: Words) -> None:
    assert words.headline(finding) == said


@pytest.mark.parametrize(
    ("probability", "said"),
    [(0, "under 1%"), (0.0049, "under 1%"), (0.0051, "1%"), (0.5, "50%"), (0.994, "99%"), (0.996, "over 99%")],
)
def test_nothing_is_certain(probability: float, said: str, words: Words) -> None:
    assert words.percent(probability) == said


def test_suspicion_is_voiced_for_products_of_threatened_animals_alone(words: Words, taxonomy: Taxonomy) -> None:
    concerns = {key for key in taxonomy if words.of_concern(key)}
    assert {"ivory", *taxonomy.descendants("tusk_ivory"), "pangolin_scale", "rhino_horn", "tiger_bone"} <= concerns
    assert set(taxonomy) >= ORDINARY
    assert not concerns & {"bone", "horn", "shell", "resin", "ceramic", "psittacus_erithacus", "elephantidae", "person"}


def test_every_rule_that_may_decide_has_its_words(words: Words) -> None:
    assert {text for text in words.texts if text.startswith("rule_")} == {f"rule_{rule}" for rule in get_args(Rule)}


def test_a_suspicion_is_followed_by_what_it_is_not(words: Words) -> None:
    assert words.remarks(RECOGNISED)[0] == words.say("is_not")


def test_a_broad_answer_names_the_likeliest_below_it_as_unsure(words: Words) -> None:
    broad = replace(RECOGNISED, answer="psittaciformes", status="rolled_up", probabilities=PARROT)
    (remark,) = words.remarks(broad)
    assert "scarlet macaw, 51%" in remark
    assert "not sure enough" in remark


def test_a_genus_says_that_its_species_is_not_named(words: Words) -> None:
    (remark,) = words.remarks(replace(RECOGNISED, answer="amazona"))
    assert "species" in remark
    assert words.remarks(replace(RECOGNISED, answer="ara_macao")) == ()


def test_without_an_answer_the_likeliest_are_called_guesses_and_no_law_is_cited(words: Words) -> None:
    strange = replace(RECOGNISED, answer=None, status="unfamiliar", unfamiliarity=0.997)
    assert words.likeliest_title(strange) == words.say("guesses_title")
    assert words.no_listing(strange) == words.say("legal_unknown")
    assert words.look_alikes(strange) == ()
    assert words.next_steps(strange) == words.several("how_to")
    assert words.remarks(strange)[0].startswith("Share of known photos that look more familiar: over 99%")


def test_a_bad_photo_is_mended_before_the_thing_is_checked(words: Words, taxonomy: Taxonomy) -> None:
    steps = words.next_steps(replace(RECOGNISED, quality=advised("blurred")))
    assert steps[0] == words.say("remedy_blurred")
    assert steps[1:] == taxonomy.checks("ivory")


@pytest.mark.parametrize("part", ["problem", "remedy"])
def test_every_advice_of_the_photo_has_its_words(part: str, words: Words) -> None:
    advice = re.findall(r"\w+_\w+|blurred", (Quality.__doc__ or "").split("`advice`: any of")[-1])
    assert {text for text in words.texts if text.startswith(f"{part}_")} == {f"{part}_{key}" for key in advice}


def test_every_fault_of_a_file_has_its_words(words: Words) -> None:
    codes = re.findall(r"[a-z]+(?:_[a-z]+)+|empty|truncated", (PhotoError.__doc__ or "").split("one of:")[-1])
    assert {text for text in words.texts if text.startswith("error_")} == {f"error_{code}" for code in codes}


def test_several_photos_are_said_to_be_several(words: Words) -> None:
    together = replace(RECOGNISED, photos=(RECOGNISED, RECOGNISED))
    assert words.remarks(together)[0] == "Photos taken together: 2"


@pytest.mark.parametrize(
    ("answer", "titled"),
    [("ivory", "handling_title"), ("resin", "handling_title"), ("ara_macao", "alive_title"), ("goods", None)],
)
def test_things_and_animals_are_handled_in_their_own_way(answer: str, titled: str | None, words: Words) -> None:
    handling = words.handling(replace(RECOGNISED, answer=answer))
    assert (handling and handling[0]) == (titled and words.say(titled))


def test_a_broad_answer_without_checks_takes_those_of_the_likeliest(words: Words, taxonomy: Taxonomy) -> None:
    broad = replace(RECOGNISED, answer="material", status="rolled_up")
    assert words.next_steps(broad) == (taxonomy.checks("material") or taxonomy.checks("ivory"))


@pytest.mark.parametrize(
    ("code", "said"), [("I", "Appendix I"), ("none", "Not listed"), ("not_determined", "Not determined")]
)
def test_listings_are_said_in_words(code: str, said: str, words: Words) -> None:
    row = legal_status("elephas_maximus")[0]
    assert words.appendix(replace(row, appendix=code)) == said  # type: ignore[arg-type]


def test_every_listing_of_the_table_has_its_words(words: Words, taxonomy: Taxonomy) -> None:
    rows: list[LegalStatus] = [row for key in taxonomy for row in legal_status(key)]
    assert {row.appendix for row in rows} <= {text.removeprefix("appendix_") for text in words.texts}


def test_no_sentence_judges(words: Words, taxonomy: Taxonomy) -> None:
    """Guilt, proof and legality are never claimed; what the photo cannot show may be named."""
    said = [text for text in words.texts.values() if isinstance(text, str)]
    for key in taxonomy:
        for status in ("recognised", "rolled_up"):
            finding = replace(RECOGNISED, answer=key, status=status)
            said += [words.headline(finding), *words.remarks(finding), words.no_listing(finding)]
    for sentence in said:
        assert not re.search(
            r"\b(illegal|legal|guilty|crime|criminal|smuggl\w*|genuine|authentic|proves?)\b", sentence, re.I
        )
