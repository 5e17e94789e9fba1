"""What the engine sees: every photo that opens, in the order of its row, as the classifier would."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from model.classifier import BATCH, Classifier
from model.manifest import Row
from model.photo import open_photo
from training.seen import see


def test_photos_come_in_order_and_those_that_cannot_be_opened_are_set_apart(
    run: Path, toy: Path, toy_rows: list[Row], tmp_path: Path
) -> None:
    data, classifier = Path(shutil.copytree(toy, tmp_path / "toy")), Classifier.load(str(run / "bundle"))
    rows = [row for row in toy_rows if row.split in ("train", "val")]
    assert len(rows) > 3 * BATCH
    for row in rows[BATCH : 2 * BATCH + 1]:  # a whole batch, and one of the next
        (data / row.file).write_bytes(b"not a photo")
    photos = see(classifier, rows, lambda row: data / row.file)
    assert photos.rows == rows[:BATCH] + rows[2 * BATCH + 1 :]
    assert [row for row, _ in photos.unreadable] == rows[BATCH : 2 * BATCH + 1]
    assert photos.labels == [row.label for row in photos.rows]
    for number in (0, BATCH, len(photos.rows) - 1):
        found = classifier.classify([open_photo(data / photos.rows[number].file)], embedding=True)
        assert photos.embeddings[number] == pytest.approx(found.embedding, abs=1e-2)
        assert classifier.classes[photos.logits[number].argmax()] == found.top[0][0]
    assert np.allclose(np.linalg.norm(photos.embeddings, axis=1), 1, atol=1e-5)


def test_a_split_is_its_own_photos(run: Path, toy: Path, toy_rows: list[Row]) -> None:
    rows = [row for row in toy_rows if row.label == "ivory" and row.split in ("train", "val")]
    photos = see(Classifier.load(str(run / "bundle")), rows, lambda row: toy / row.file)
    val = photos.of_split("val")
    assert val.rows == [row for row in rows if row.split == "val"]
    assert np.array_equal(val.logits, photos.logits[[row.split == "val" for row in rows]])
