"""Comparing bundles: verdicts on planted predictions, and classes that only one of two knows."""

import json
from collections.abc import Sequence
from dataclasses import asdict, replace

import numpy as np
import pytest
from scipy.stats import binomtest

from model.finding import Finding
from model.manifest import Row
from model.taxonomy import load_taxonomy
from training.evaluate.bootstrap import Figure
from training.evaluate.compare import Comparison, compare, onto
from training.evaluate.paired import Change
from training.evaluate.predictions import Predictions

TAXONOMY = load_taxonomy()
CLASSES = ("bone", "ceramic", "ivory", "resin", "wood")
PER_CLASS = 60


def rows(labels: Sequence[str]) -> list[Row]:
    return [Row(f"{n}.jpg", "", label, "test", f"g{n}", "s", "", "", 9, 9, "") for n, label in enumerate(labels)]


def planted(
    accuracy: float,
    seed: int = 0,
    classes: Sequence[str] = CLASSES,
    labels: Sequence[str] | None = None,
    sure: float = 0.8,
) -> Predictions:
    """Predictions that are right for about this share of the photos of each label; the same photos for every seed."""
    labels = labels or np.repeat(CLASSES, PER_CLASS).tolist()
    generator = np.random.default_rng(seed)
    place = np.random.default_rng(1).permuted(np.arange(len(labels)) % PER_CLASS) / PER_CLASS  # how hard each photo is
    hard = place + generator.normal(0, 0.02, len(labels)) > accuracy
    probabilities = np.full((len(labels), len(classes)), (1 - sure) / (len(classes) - 1))
    for number, label in enumerate(labels):
        own = classes.index(label) if label in classes else 0
        said = (own + 1) % len(classes) if hard[number] or label not in classes else own
        probabilities[number, said] = sure
    findings = [
        Finding(classes[int(each.argmax())], "recognised", float(each.max()), (), 0.5, (), "b")
        for each in probabilities
    ]
    return Predictions(rows(labels), classes, probabilities, findings)


def decide(old: Predictions, new: Predictions, accept: bool = False) -> Comparison:
    return compare(("old@1", "new@2"), old, new, TAXONOMY, accept, resamples=200)


def test_a_better_bundle_may_replace_and_a_worse_one_may_not() -> None:
    good, bad = planted(0.9, sure=0.9), planted(0.7, sure=0.7)
    better, worse = decide(bad, good), decide(good, bad)
    assert better.may_replace
    assert better.changes["all labels top-1"].verdict == "better"
    assert not worse.may_replace
    assert "It is worse at all labels top-1." in worse.objections
    assert "It is worse at materials, balanced accuracy." in worse.objections
    assert worse.changes["all labels top-1"].difference.value == pytest.approx(
        -better.changes["all labels top-1"].difference.value
    )


def test_the_same_bundle_may_replace_itself() -> None:
    same = decide(planted(0.8), planted(0.8))
    assert same.may_replace
    assert {change.verdict for change in same.changes.values()} == {"same"}
    assert same.mcnemar == type(same.mcnemar)(0, 0, 1.0)


def test_one_that_is_a_little_lower_and_better_at_nothing_may_not() -> None:
    old = planted(0.8)
    probabilities = old.probabilities.copy()
    place = int(np.flatnonzero(old.right)[0])
    probabilities[place] = np.roll(probabilities[place], 1)
    slip = decide(old, Predictions(old.rows, old.classes, probabilities, old.findings))
    assert not slip.may_replace
    [objection] = slip.objections
    assert objection.startswith("It is surely better at nothing, and its value is worse at ")
    assert "all labels top-1" in objection
    assert (slip.mcnemar.only_old_right, slip.mcnemar.only_new_right) == (1, 0)


def test_one_that_claims_more_than_it_knows_may_not() -> None:
    honest, boastful = planted(0.8, sure=0.8), planted(0.8, sure=0.99)
    found = decide(honest, boastful)
    assert found.changes["all labels top-1"].verdict == "same"
    assert found.changes["ECE"].verdict == "worse"
    assert found.objections == ["It is worse at ECE."]
    assert decide(boastful, honest).may_replace


def test_classes_without_photos_are_named_and_refused_unless_accepted() -> None:
    classes = (*CLASSES, "horn")
    old, new = planted(0.7, classes=classes), planted(0.9, classes=classes)
    refused, accepted = decide(old, new), decide(old, new, accept=True)
    assert refused.unverified == accepted.unverified == ["horn"]
    assert not refused.may_replace
    assert refused.objections == [
        "No photo here shows whether it still knows horn; add photos of them, or accept that with --accept-unverified."
    ]
    assert accepted.may_replace


def test_a_bundle_that_lacks_an_old_class_may_not_replace() -> None:
    fewer = tuple(key for key in CLASSES if key != "resin")
    found = decide(planted(0.7), planted(0.95, classes=fewer), accept=True)
    assert found.lost == ["resin"]
    assert found.objections == ["It does not know what the old one knows: resin."]


def test_a_bundle_with_more_classes_is_compared_on_the_old_ones_and_the_new_ones_stand_apart() -> None:
    labels = [*np.repeat(CLASSES, PER_CLASS).tolist(), *["horn"] * 20]
    old = planted(0.8, labels=labels)
    new = planted(0.8, classes=(*CLASSES, "horn"), labels=labels)
    found = decide(old, new)
    assert found.lost == found.unverified == []
    assert found.changes["all labels top-1"].difference.n == len(CLASSES) * PER_CLASS
    [horn] = found.added
    assert (horn.key, horn.photos) == ("horn", 20)
    assert horn.recall


def test_an_old_class_that_fades_into_a_new_one_is_seen() -> None:
    old, new = planted(0.9), planted(0.9, classes=(*CLASSES, "horn"))
    faded = new.probabilities.copy()
    bone = new.labels == "bone"
    faded[bone] = 0.02
    faded[bone, -1] = 0.9
    found = decide(old, Predictions(new.rows, new.classes, faded, new.findings))
    assert not found.may_replace
    assert "It is worse at macro-F1." in found.objections
    assert found.classes[0].key == "bone"
    assert (found.classes[0].photos, found.classes[0].new_right) == (PER_CLASS, 0)


def test_a_species_that_one_bundle_alone_knows_counts_for_the_genus_of_both() -> None:
    labels = ["agapornis_fischeri", "agapornis", "ivory"]
    new = Predictions(
        rows(labels),
        ("agapornis", "agapornis_fischeri", "ivory"),
        np.array([[0.2, 0.7, 0.1], [0.3, 0.4, 0.3], [0, 0.1, 0.9]]),
    )
    folded = onto(new, ("agapornis", "ivory"), TAXONOMY)
    assert folded.labels.tolist() == ["agapornis", "agapornis", "ivory"]
    assert folded.probabilities[:, :2] == pytest.approx(np.array([[0.9, 0.1], [0.7, 0.3], [0.1, 0.9]]))
    assert folded.right.all()


def test_a_class_that_stands_alone_can_still_be_mistaken_for_what_is_shown() -> None:
    new = Predictions(rows(["ivory"]), ("horn", "ivory", "wood"), np.array([[0.4, 0.35, 0.25]]))
    folded = onto(new, ("ivory",), TAXONOMY)
    assert not folded.right[0]
    assert folded.probabilities == pytest.approx(np.array([[0.35, 0.4]]))


def test_mcnemar_is_the_exact_test_of_the_photos_that_differ() -> None:
    old, new = planted(0.7, seed=1), planted(0.8, seed=2)
    found = decide(old, new).mcnemar
    assert found.only_old_right == (old.right & ~new.right).sum()
    assert found.only_new_right == (new.right & ~old.right).sum()
    both = found.only_old_right + found.only_new_right
    assert found.p == pytest.approx(binomtest(found.only_old_right, both).pvalue)


def test_figures_that_no_photo_allows_refuse() -> None:
    old = Predictions(rows(["bucerotidae"] * 3), ("ivory", "bone"), np.full((3, 2), 0.5))
    found = compare(("a", "b"), old, old, TAXONOMY, accept_unverified=True, resamples=10)
    assert "No main figure can be computed from these photos." in found.objections


@pytest.mark.parametrize(
    ("low", "high", "lower_is_better", "verdict"),
    [
        (0.01, 0.03, False, "better"), (-0.03, -0.01, False, "worse"), (-0.01, 0.03, False, "same"),
        (0.01, 0.03, True, "worse"), (-0.03, -0.01, True, "better"), (0.0, 0.03, False, "same"),
    ],
)  # fmt: skip
def test_a_verdict_needs_the_whole_interval_on_one_side(
    low: float, high: float, lower_is_better: bool, verdict: str
) -> None:
    half = Figure(0.5, 0.4, 0.6, 9)
    difference = Figure((low + high) / 2, low, high, 9)
    assert Change(half, half, difference, lower_is_better, changed=6).verdict == verdict
    assert Change(half, half, difference, lower_is_better, changed=5).verdict == "same"
    rounding = Figure(difference.value * 1e-12, None, None, 9)
    assert Change(half, half, rounding, lower_is_better, changed=60).verdict == "same"


def said(answers: Sequence[str], photos_each: int = 1) -> Predictions:
    """A sure answer to ivory, of each object in turn, which has so many photos."""
    of = [
        replace(row, group=f"object {row.group}") for row in rows(["ivory"] * len(answers)) for _ in range(photos_each)
    ]
    keys = np.repeat(answers, photos_each)
    return Predictions(of, ("bone", "ivory"), np.array([[0.1, 0.9] if key == "ivory" else [0.9, 0.1] for key in keys]))


@pytest.mark.parametrize("photos_each", [1, 40])
def test_five_objects_prove_nothing_however_many_photos_they_have_and_six_do(photos_each: int) -> None:
    for objects, verdict in ((1, "same"), (5, "same"), (6, "better")):
        bad, good = said(["bone"] * objects, photos_each), said(["ivory"] * objects, photos_each)
        for old, new, expected in ((bad, good, verdict), (good, bad, verdict.replace("better", "worse"))):
            found = compare(("a", "b"), old, new, TAXONOMY, accept_unverified=True, resamples=100).changes
            for name in ("all labels top-1", "macro-F1"):
                assert (found[name].verdict, found[name].difference.low) == (expected, None), (objects, name)


def test_five_objects_of_many_that_change_one_way_prove_nothing_and_six_do() -> None:
    old = said(["bone"] * 60)
    for better, verdict in ((5, "same"), (6, "better")):
        new = said(["ivory"] * better + ["bone"] * (60 - better))
        found = compare(("a", "b"), old, new, TAXONOMY, accept_unverified=True, resamples=200).changes[
            "all labels top-1"
        ]
        assert (found.changed, found.verdict) == (better, verdict)
        assert found.difference.low
        assert found.difference.low > 0  # which resamples alone would take for proof


def test_all_of_it_can_be_written() -> None:
    found = decide(planted(0.7), planted(0.8))
    content = json.loads(json.dumps(found.as_json))
    assert content["may_replace"] is found.may_replace
    assert content["changes"]["all labels top-1"]["before"] == asdict(found.changes["all labels top-1"].before)
    assert content["changes"]["all labels top-1"]["verdict"] in ("better", "same", "worse")
