"""The model card: that it says what the bundle was trained on, what it scored, and what it cannot do."""

from pathlib import Path

from model.bundle import Description, Input
from model.certainty import Certainty
from model.manifest import Row, Split
from model.taxonomy import load_taxonomy
from training.card import write_card
from training.classes import choose_classes
from training.evaluate.bootstrap import Figure


def photos(label: str, count: int, licence: str, sources: int, split: Split = "train") -> list[Row]:
    return [
        Row(f"{n}.jpg", "", label, split, f"{label}{split}{n}", f"s{n % sources}", licence, "", 9, 9, "")
        for n in range(count)
    ]


def test_the_card_says_what_there_is_to_know(tmp_path: Path) -> None:
    rows = [
        *photos("ivory", 6, "CC0", 1),
        *photos("agapornis_fischeri", 3, "", 3),
        *photos("agapornis_taranta", 4, "a|b", 3),
        *photos("wood", 9, "CC0", 9, "test"),
    ]
    classes = choose_classes(rows, load_taxonomy())
    fitted = Certainty(temperature=1.25, threshold=0.7, target_error=0.05, familiarity=(0, 1), unfamiliar_from=0.99)
    described = Description(
        name="toy", backbone="resnet18", classes=classes.keys, input=Input(size=64, mean=(0, 0, 0), std=(1, 1, 1)),
        certainty=fitted, training_manifest="0" * 64, files={},
    )  # fmt: skip
    metrics = {
        "val": {"AUC": Figure(0.9, 0.8, 1.0, 33)},
        "test": {"AUC": Figure(0.5, 0.4, 0.6, 44), "ECE": Figure(0, 0, 0, 7)},
    }
    write_card(described, metrics, rows, classes, tmp_path / "MODEL_CARD.md")
    card = (tmp_path / "MODEL_CARD.md").read_text(encoding="utf-8")
    for line in (
        "# toy",
        "resnet18 at 64 px, trained on 13 photos of",
        "temperature 1.250",
        "| figure | Validation | Test |",
        "| AUC | 0.900 (0.800 to 1.000) n=33 | 0.500 (0.400 to 0.600) n=44 |",
        "| ECE | - | 0.000 (0.000 to 0.000) n=7 |",
        "| agapornis | 7 | 3 | agapornis_fischeri, agapornis_taranta |",
        "| ivory | 6 | 1* |  |",
        "| CC0 | 6 |",
        "| not stated | 3 |",
        "| a/b | 4 |",
        "## Limits",
        "Refused: proof of anything",
        "how well they are recognised is unproven",
    ):
        assert line in card, line
