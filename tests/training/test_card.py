"""The model card: that it says what the bundle was trained on, what it scored, and what it cannot do."""

from dataclasses import replace
from pathlib import Path

from model.bundle import Description, Input
from model.certainty import Certainty
from model.manifest import Row, Split
from model.taxonomy import load_taxonomy
from training.card import write_card
from training.classes import choose_classes
from training.evaluate.bootstrap import Figure


def photos(label: str, count: int, licence: str, sources: int, split: Split = "train", note: str = "") -> list[Row]:
    return [
        Row(f"{n}.jpg", "", label, split, f"{label}{split}{n}", f"s{n % sources}", licence, "", 9, 9, note)
        for n in range(count)
    ]


def described(
    name: str,
    classes: tuple[str, ...],
    unseen_error: float | None = None,
    target_error: float | None = 0.05,
    continued_from: str | None = None,
) -> Description:
    fitted = Certainty(
        temperature=1.25,
        threshold=0.7,
        target_error=target_error,
        unseen_error=unseen_error,
        familiarity=(0, 1),
        unfamiliar_from=0.99,
    )
    seen = Input(size=64, mean=(0, 0, 0), std=(1, 1, 1))
    return Description(
        name=name,
        backbone="resnet18",
        classes=classes,
        input=seen,
        certainty=fitted,
        training_manifest="0" * 64,
        continued_from=continued_from,
        files={},
    )


def test_the_card_says_what_there_is_to_know(tmp_path: Path) -> None:
    rows = [
        *photos("ivory", 6, "CC0", 1),
        *photos("agapornis_fischeri", 3, "", 3),
        *photos("agapornis_taranta", 4, "a|b", 3),
        *photos("wood", 9, "CC0", 9, "test"),
        *photos("ivory", 2, "CC0", 1, "test"),
        *photos("pangolin_scale", 6, "CC BY", 6, note="crop; young"),
        *photos("pangolin_scale", 2, "CC BY", 2, note="drawn_heap"),
    ]
    classes = choose_classes(rows, load_taxonomy())
    metrics = {
        "val": {"AUC": Figure(0.9, 0.8, 1.0, 33)},
        "test": {
            "AUC": Figure(0.5, 0.4, 0.6, 44),
            "ECE": Figure(0, 0, 0, 7),
            "all labels top-1": Figure(0.8, 0.7, 0.9, 9),
        },
    }
    (tmp_path / "recipe.yaml").write_text("backbone: {name: resnet18, weights: none}")
    write_card(described("toy", classes.keys, unseen_error=0.13), metrics, rows, classes, tmp_path / "MODEL_CARD.md")
    card = (tmp_path / "MODEL_CARD.md").read_text(encoding="utf-8")
    for line in (
        "# toy",
        "resnet18 at 64 px,\ntrained on 21 photos of 6 sources, from random weights.",
        "temperature 1.250",
        "whose source was left out of learning, 13% were wrong.",
        "| figure | Validation | Test |",
        "| AUC | 0.900 (0.800 to 1.000) n=33 | 0.500 (0.400 to 0.600) n=44 |",
        "| ECE | - | 0.000 (0.000 to 0.000) n=7 |",
        "| agapornis | 7 | 3 | 43% | agapornis_fischeri, agapornis_taranta |",
        "| ivory | 6 | 1* | 100% |  |",
        "| s0 | 11 | ivory, agapornis_taranta, pangolin_scale |",
        "| CC0 | 6 |",
        "| not stated | 3 |",
        "| a/b | 4 |",
        "## Limits",
        "Refused: proof of anything",
        "pangolin_scale was learned from parts cut from photos",
        "drawn to look so: 2. Drawn heaps are not seized heaps: how well these are recognised is unproven.",
        "No photo of a source that training never saw was measured",
        "(at most 5% of the answers given were wrong)",
        "- Validation: chose the epoch and fitted the certainty.",
        "in place of the thing: ivory (100%).",
        "nothing is known of them: agapornis, pangolin_scale.",
        "answered by a broader name: 2,",
    ):
        assert line in card, line


def test_the_card_of_other_data_says_other_things(tmp_path: Path) -> None:
    elsewhere = [replace(row, source="afar") for row in photos("wood", 2, "CC0", 1, "source_test")]
    rows = [*photos("wood", 9, "CC0", 9), *photos("resin", 9, "CC0", 9), *elsewhere]
    classes = choose_classes(rows, load_taxonomy())
    metrics = {
        "test": {"all labels top-1": Figure(0.8, 0.7, 0.9, 9)},
        "source_test": {"all labels top-1": Figure(0.4, 0.3, 0.5, 9)},
    }
    write_card(described("other", classes.keys), metrics, rows, classes, tmp_path / "MODEL_CARD.md")
    card = (tmp_path / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "never saw, all labels top-1 is 0.400, against 0.800 on other objects" in card
    assert "- Source test: sources that training never saw.\n" in card
    for absent in ("ivory counts", "in place of the thing", "parts cut", "broader name", "left out of learning"):
        assert absent not in card


def card_of(bundle: Description, metrics: dict[str, dict[str, Figure]], rows: list[Row], folder: Path) -> str:
    write_card(bundle, metrics, rows, choose_classes(rows, load_taxonomy()), folder / "MODEL_CARD.md")
    return (folder / "MODEL_CARD.md").read_text(encoding="utf-8")


ROWS = [*photos("wood", 9, "CC0", 9), *photos("resin", 9, "CC0", 9)]


def test_the_card_promises_no_share_where_none_was_proven(tmp_path: Path) -> None:
    card = card_of(described("few", ("resin", "wood"), target_error=None), {}, ROWS, tmp_path)
    assert "probability\n0.70 (too few answers were right to promise a share of wrong ones)" in card
    assert "at most" not in card.partition("## Use")[0]


def test_the_card_says_how_many_photos_of_source_test_are_of_a_source_that_training_saw(tmp_path: Path) -> None:
    rows = [*ROWS, *photos("wood", 4, "CC0", 2, "source_test")]  # of s0 and s1
    rows[-1] = replace(rows[-1], source="afar")
    metrics = {"source_test": {"all labels top-1": Figure(0.4, 0.3, 0.5, 4)}}
    card = card_of(described("leaky", ("resin", "wood")), metrics, rows, tmp_path)
    but = "sources that training never saw (but for 3 of 4 photos, whose sources have train photos too)"
    assert f"- Source test: {but}.\n" in card
    assert f"On {but}, all labels top-1 is 0.400." in card


def test_the_card_of_a_bundle_that_learned_more_says_whose_certainty_it_has(tmp_path: Path) -> None:
    rows = [*ROWS, *photos("wood", 2, "CC0", 1, "val")]
    more = described("more", ("resin", "wood"), continued_from="old@1")
    card = card_of(more, {"val": {"ECE": Figure(0.1, 0, 0.2, 2)}}, rows, tmp_path)
    assert "- Validation: nothing was fitted on it, the certainty is that of old@1." in card
    assert "Certainty, that of old@1, fitted on validation photos" in card
    assert "chose the epoch" not in card


def test_the_card_of_what_was_not_measured_says_so(tmp_path: Path) -> None:
    card = card_of(described("blind", ("resin", "wood")), {}, ROWS, tmp_path)
    assert "## Figures\n\nNothing was measured.\n\n## Limits" in card
