"""Scores by class, source, number of photos, status and product: each against a case counted by hand."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import precision_recall_fscore_support

from model.finding import Finding, Status
from model.manifest import Row
from model.taxonomy import load_taxonomy
from training.evaluate.bootstrap import Figure
from training.evaluate.figures import all_figures
from training.evaluate.gaps import list_gaps
from training.evaluate.predictions import Predictions
from training.evaluate.products import BASE_RATE, at_base_rate, product_scores, sides
from training.evaluate.scores import (
    count_confusions,
    list_confusions,
    score_classes,
    score_group_sizes,
    score_items,
    score_sources,
)
from training.evaluate.status import status_scores
from training.evaluate.unfamiliar import familiarity, unfamiliar_figures

TAXONOMY = load_taxonomy()
CLASSES = ("agapornis", "bone", "goods", "ivory", "pangolin_scale", "psittacus_erithacus", "resin")


class Said(NamedTuple):
    """A photo with its label, what is likeliest, and what a person is told."""

    label: str
    best: str
    answer: str | None = None
    group: str = ""
    source: str = "shop"
    status: Status = "recognised"
    unfamiliarity: float = 0.5
    split: str = "test"


def predictions(*photos: Said, items: Predictions | None = None) -> Predictions:
    rows = [
        Row(f"{n}.jpg", "", p.label, p.split, p.group or f"g{n}", p.source, "", "", 9, 9, "")  # type: ignore[arg-type]
        for n, p in enumerate(photos)
    ]
    probabilities = np.full((len(photos), len(CLASSES)), 0.05)
    for number, photo in enumerate(photos):
        probabilities[number, CLASSES.index(photo.best)] = 0.7
    findings = [Finding(p.answer, p.status, 0.7, (), p.unfamiliarity, (), "b") for p in photos]
    return Predictions(rows, CLASSES, probabilities, findings, items)


PHOTOS = (
    Said("ivory", "ivory", "ivory"),
    Said("ivory", "ivory", "tusk_ivory", status="rolled_up"),
    Said("ivory", "bone", "bone", source="museum"),
    Said("bone", "bone", "bone", group="x"),
    Said("bone", "ivory", "ivory", group="x"),
    Said("resin", "resin", None, status="unfamiliar", unfamiliarity=1),
    Said("agapornis_fischeri", "agapornis", "psittaciformes", status="rolled_up"),
    Said("bucerotidae", "goods", None, status="rolled_up", unfamiliarity=0.9),
)


def test_classes_have_precision_recall_and_f1_on_photos_whose_label_is_one() -> None:
    scores = {score.key: score for score in score_classes(predictions(*PHOTOS), 50)}
    ivory = scores["ivory"]
    assert ivory.precision
    assert ivory.recall
    assert ivory.f1
    assert (ivory.photos, ivory.alarms) == (3, 3)
    assert (ivory.precision.value, ivory.recall.value, ivory.f1.value) == pytest.approx((2 / 3, 2 / 3, 2 / 3))
    assert (scores["agapornis"].recall, scores["agapornis"].precision) == (None, None)  # its photo is below it
    assert scores["resin"].recall == Figure(1, pytest.approx(0.025), 1, 1)
    assert tuple(scores) == CLASSES


@given(st.integers(0, 10**6))
def test_class_scores_are_those_of_scikit_learn(seed: int) -> None:
    generator = np.random.default_rng(seed)
    photos = [Said(str(a), str(b), None) for a, b in generator.choice(CLASSES, (40, 2))]
    scores = score_classes(predictions(*photos), 5)
    expected = precision_recall_fscore_support(
        [p.label for p in photos], [p.best for p in photos], labels=CLASSES, zero_division=0
    )
    for number, score in enumerate(scores):
        for figure, column in ((score.precision, 0), (score.recall, 1), (score.f1, 2)):
            if figure:
                assert figure.value == pytest.approx(expected[column][number])
        assert score.photos == expected[3][number]


def test_confusions_are_counted_with_their_objects() -> None:
    listed = list_confusions(predictions(*PHOTOS, Said("bone", "ivory", group="x"), Said("bone", "ivory", group="y")))
    assert (listed[0].label, listed[0].said, listed[0].photos, listed[0].objects, listed[0].of) == (
        "bone", "ivory", 3, 2, 4,
    )  # fmt: skip
    assert {(each.label, each.said) for each in listed} == {("bone", "ivory"), ("ivory", "bone")}
    labels, counts = count_confusions(predictions(*PHOTOS))
    assert labels == sorted({photo.label for photo in PHOTOS})
    assert counts.sum() == len(PHOTOS)
    assert counts[labels.index("ivory"), CLASSES.index("bone")] == 1


def test_small_sources_are_taken_together() -> None:
    many = [Said("ivory", "ivory", "ivory", source="museum")] * 10
    scores = score_sources(predictions(*many, *PHOTOS), TAXONOMY, 20)
    assert [(score.name, score.photos) for score in scores] == [("museum", 11), ("smaller sources (1)", 7)]
    assert scores[0].right
    assert scores[0].wrong
    assert scores[0].right.value == scores[0].answered.value * 10 / 11  # type: ignore[union-attr]
    assert scores[0].wrong.value == pytest.approx(1 / 11)


def test_photos_are_told_apart_by_how_many_there_are_of_their_object() -> None:
    four = [Said("resin", "resin", "resin", group="four")] * 4
    scores = score_group_sizes(predictions(*PHOTOS, *four), TAXONOMY, 20)
    assert [(score.name, score.photos) for score in scores] == [
        ("1 photo", 6), ("2 or 3 photos", 2), ("4 or more photos", 4),
    ]  # fmt: skip


def test_an_object_counts_once_however_many_photos_it_has() -> None:
    photos = [Said("bone", best, group="x") for best in ("bone", "ivory", "ivory", "ivory")]
    photos += [Said("resin", "resin", group="y")] * 2 + [Said("ivory", "ivory", group="z")]
    items = predictions(
        Said("bone", "ivory", group="x"), Said("resin", "resin", group="y"), Said("ivory", "ivory", group="z")
    )
    score = score_items(predictions(*photos, items=items), 50)
    assert score
    assert score.alone.value == pytest.approx((1 / 4 + 1) / 2)
    assert score.together.value == 0.5
    assert score.gain.value == pytest.approx(0.5 - 0.625)
    assert score_items(predictions(*PHOTOS), 50) is None


def test_an_answer_is_right_when_it_is_the_label_or_above_it() -> None:
    scores = {score.status: score for score in status_scores(predictions(*PHOTOS), TAXONOMY, 50)}
    assert [score.photos for score in scores.values()] == [4, 3, 1, 0]
    assert scores["recognised"].right == Figure(0.5, 0.25, 1, 4)
    assert scores["rolled_up"].right
    assert (scores["rolled_up"].right.value, scores["rolled_up"].right.n) == (1, 2)
    assert scores["unfamiliar"].right is None
    figures = all_figures(predictions(*PHOTOS), TAXONOMY, 50)
    assert figures["photos answered"].value == 6 / 8
    assert (figures["answers, wrong"].value, figures["answers, wrong"].n) == (pytest.approx(2 / 6), 6)


def test_a_product_is_told_from_what_cannot_be_it() -> None:
    labels = np.array(["ivory", "ivory_inlay", "elephantidae", "tusk_ivory", "bone", "goods", "no_such_key"])
    counted, shown = sides("ivory", labels, TAXONOMY)
    assert labels[counted].tolist() == ["ivory", "bone", "goods", "no_such_key"]
    assert labels[shown].tolist() == ["ivory"]
    counted, shown = sides("tusk_ivory", labels, TAXONOMY)
    assert labels[shown].tolist() == ["ivory", "ivory_inlay", "tusk_ivory"]
    counted, shown = sides("bone", labels, TAXONOMY)
    assert "goods" not in labels[counted]


def test_products_are_scored_by_what_people_are_told() -> None:
    scores = {score.key: score for score in product_scores(predictions(*PHOTOS), TAXONOMY, 50)}
    assert set(scores) == {"ivory", "tusk_ivory", "bone", "psittaciformes"}  # of what is known and shown
    ivory, tusk = scores["ivory"], scores["tusk_ivory"]
    assert (ivory.photos, ivory.others) == (3, 5)
    assert ivory.answered
    assert tusk.answered
    assert ivory.false_alarms
    assert (ivory.answered.value, tusk.answered.value) == pytest.approx((1 / 3, 2 / 3))
    assert ivory.false_alarms.value == 1 / 5
    assert ivory.precision
    assert ivory.precision.value == pytest.approx(0.01 / 3 / (0.01 / 3 + 0.99 / 5))


def test_at_a_rare_base_rate_most_alarms_are_false() -> None:
    figure = at_base_rate(Figure(1, 0.5, 1, 10), Figure(0.01, 0.005, 0.02, 100), 110)
    assert BASE_RATE == 0.01
    assert figure.value == pytest.approx(0.5025, abs=1e-4)
    assert figure.low == pytest.approx(0.005 / (0.005 + 0.99 * 0.02))
    assert figure.high == pytest.approx(0.01 / (0.01 + 0.99 * 0.005))
    assert at_base_rate(Figure(0.5, None, None, 10), Figure(0.01, 0.005, 0.02, 100), 110).low is None


def test_unfamiliar_is_what_is_neither_below_nor_above_a_class() -> None:
    photos = predictions(*PHOTOS, Said("psittaciformes", "agapornis"), Said("no_such_key", "goods"))
    familiar, unfamiliar = familiarity(photos, TAXONOMY)
    assert photos.labels[~familiar].tolist() == ["bucerotidae", "psittaciformes", "no_such_key"]
    assert photos.labels[unfamiliar].tolist() == ["bucerotidae", "no_such_key"]


def test_the_unfamiliar_is_noticed_by_how_unfamiliar_it_looks() -> None:
    known = [Said("ivory", "ivory", unfamiliarity=number / 100) for number in range(100)]
    strange = [Said("bucerotidae", "goods", unfamiliarity=value) for value in (0.9, *[0.97] * 9)]
    figures = unfamiliar_figures(predictions(*known, *strange), TAXONOMY, 50)
    assert figures["unfamiliar photos, AUROC"].value == pytest.approx((0.905 + 9 * 0.975) / 10)
    assert figures["unfamiliar photos, FPR at 95% TPR"].value == pytest.approx(0.1)
    assert unfamiliar_figures(predictions(*known, *strange[:9]), TAXONOMY, 50) == {}


def gaps(photos: Sequence[Said], trained: bool, continued_from: str | None = None) -> str:
    found = predictions(*photos)
    learned = Row("t.jpg", "", "ivory", "train", "t", "shop", "", "", 9, 9, "")
    return "\n".join(list_gaps(found, [*found.rows, learned], trained, continued_from, TAXONOMY))


def test_what_is_not_shown_is_said() -> None:
    said = gaps(PHOTOS, trained=True)
    for sentence in (
        "Photos of sources that are in split train too: 7 of 8.",
        "Classes without a photo here: 4 of 7 (agapornis, goods, pangolin_scale, psittacus_erithacus).",
        "Classes with fewer than 5 photos here: 3.",
        "it knows and no photo here shows: pangolin_scale.",
        "the bundle does not know: ivory_inlay, marine_ivory, hippo_ivory, horn, rhino_horn",
        "Photos of what the bundle cannot know: 1, too few",
    ):
        assert sentence in said
    assert "fitted" not in said
    assert "Photos that the bundle's certainty was fitted on, and its training stopped by: 1." in gaps(
        [PHOTOS[0]._replace(split="val")], True
    )
    assert "Photos that the bundle learned from: 1." in gaps([PHOTOS[0]._replace(split="train")], True)
    assert "If the bundle learned from them" in gaps([PHOTOS[0]._replace(split="train")], False)


def test_of_validation_photos_it_is_said_what_is_known_of_them() -> None:
    val = [PHOTOS[0]._replace(split="val")]
    assert "Photos of split val: 1. If the bundle's certainty was fitted on them, how sure" in gaps(val, False)
    for trained in (True, False):
        said = gaps(val, trained, continued_from="old@1")
        assert "Photos of split val: 1. If the bundle's certainty, which is that of old@1, was fitted on them" in said
        assert "stopped by" not in said


def test_labels_that_the_taxonomy_lacks_are_named_with_their_photos() -> None:
    said = gaps([*PHOTOS, Said("hron", "bone"), Said("hron", "ivory"), Said("a_unicorn", "ivory")], trained=True)
    assert "Labels that the taxonomy lacks, with their photos: a_unicorn (1), hron (2). Every answer" in said
    assert "lacks, with" not in gaps(PHOTOS, trained=True)
