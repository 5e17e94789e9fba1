"""`schreger evaluate`: that its files hold what the classifier says, and that what it cannot measure is named."""

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from model.classifier import Classifier
from model.manifest import Row
from model.photo import PhotoError
from training.evaluate import COLUMNS, EvaluateError, choose, find_photos

Command = Callable[..., Result]


@pytest.fixture(scope="module")
def evaluated(schreger: Command, run: Path, toy: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder of an evaluation with the baseline beside, and what was printed."""
    out = tmp_path_factory.mktemp("evaluated") / "deep" / "out"
    words = ("--manifest", toy / "manifest.csv", "--split", "test", "--bundle", run / "bundle", "--out", out)
    done = schreger("evaluate", *words, "--baseline")
    assert done.exit_code == 0, done.stderr
    return out, done.stdout


def test_metrics_are_figures_with_value_interval_and_number(evaluated: tuple[Path, str]) -> None:
    metrics = json.loads((evaluated[0] / "metrics.json").read_text())
    assert next(iter(metrics)) == "materials, balanced accuracy"
    assert {"ivory recall at 1% false alarms", "AUC", "scales, recall", "ECE", "parrots, top-1"} < metrics.keys()
    assert "Met Ivory task, accuracy" in metrics
    for figure in metrics.values():
        assert list(figure) == ["value", "low", "high", "n"]
        assert 0 <= figure["low"] <= figure["high"] <= 1
    assert metrics["all labels top-1"]["n"] == 24
    assert metrics["all labels top-1"]["value"] > 0.5


def test_predictions_are_what_the_classifier_says(
    evaluated: tuple[Path, str], run: Path, toy: Path, toy_rows: list[Row]
) -> None:
    with (evaluated[0] / "predictions.csv").open(newline="") as lines:
        predictions = list(csv.DictReader(lines))
    expected = [row for row in toy_rows if row.split == "test"]
    assert tuple(predictions[0]) == COLUMNS
    assert [(p["file"], p["label"], p["group"]) for p in predictions] == [(r.file, r.label, r.group) for r in expected]
    classifier = Classifier.load(str(run / "bundle"))
    for given, result in zip(predictions, classifier.stream(toy / row.file for row in expected), strict=True):
        assert not isinstance(result, PhotoError)
        sha256, found = result
        assert given["sha256"] == sha256
        assert (given["answer"], given["status"]) == (found.answer or "", found.status)
        assert float(given["probability"]) == pytest.approx(found.probability, abs=0.005)
        top = dict(part.split("=") for part in given["top"].split(";"))
        assert len(top) == 6
        assert sum(map(float, top.values())) == pytest.approx(1, abs=1e-3)


def test_the_baseline_is_printed_beside(evaluated: tuple[Path, str]) -> None:
    printed = evaluated[1]
    assert "frozen lite2 + logistic regression" in " ".join(printed.split())
    [line] = [line for line in printed.splitlines() if "all labels top-1" in line]
    assert line.count("n=24") == 2


def test_photos_that_cannot_be_opened_are_named_and_the_rest_is_measured(
    schreger: Command, run: Path, toy: Path, tmp_path: Path
) -> None:
    data = Path(shutil.copytree(toy, tmp_path / "data"))
    (data / "photos" / "bone-11.webp").write_bytes(b"not a photo")
    (data / "photos" / "ivory-12.jpg").unlink()
    done = schreger(
        "evaluate", "--data", data, "--split", "test", "--bundle", run / "bundle", "--out", tmp_path / "out"
    )
    assert done.exit_code == 3
    named = done.stderr.splitlines()
    assert [line.partition(": ")[0] for line in named] == ["photos/bone-11.webp", "photos/ivory-12.jpg"]
    assert json.loads((tmp_path / "out" / "metrics.json").read_text())["all labels top-1"]["n"] == 22


def test_labels_that_nobody_knows_are_measured_as_negatives(
    schreger: Command, run: Path, toy: Path, tmp_path: Path
) -> None:
    manifest = tmp_path / "strange.csv"
    manifest.write_text((toy / "manifest.csv").read_text().replace(",bone,", ",unicorn_horn,"))
    words = ("--manifest", manifest, "--data", toy, "--bundle", run / "bundle", "--out", tmp_path / "out")
    done = schreger("evaluate", *words, "--split", "source_test")
    assert done.exit_code == 0, done.stderr
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert metrics["all labels top-1"]["n"] == 15
    assert metrics["AUC"]["n"] == 18


def test_what_cannot_be_measured_is_one_sentence(schreger: Command, run: Path, toy: Path, tmp_path: Path) -> None:
    out = ("--bundle", run / "bundle", "--out", tmp_path / "out")
    for words, says in (
        ((), "Name labelled photos: --data FOLDER (with manifest.csv), or set SCHREGER_DATA."),
        (("--manifest", tmp_path / "no.csv"), f"{tmp_path / 'no.csv'} cannot be read as a manifest: "),
    ):
        done = schreger("evaluate", *words, *out)
        assert done.exit_code == 2
        assert done.stderr.startswith(says)
        assert done.stderr.count("\n") == 1
        assert done.stdout == ""


def test_a_split_that_there_is_not_or_that_is_empty_is_one_sentence(toy_rows: list[Row]) -> None:
    assert len(choose(toy_rows, None)) == len(toy_rows)
    assert {row.split for row in choose(toy_rows, "val")} == {"val"}
    with pytest.raises(
        EvaluateError, match=r"^There is no split 'exam'; the splits are train, val, test, source_test\.$"
    ):
        choose(toy_rows, "exam")
    with pytest.raises(EvaluateError, match=r"^The manifest has no photos in split val\.$"):
        choose([row for row in toy_rows if row.split != "val"], "val")
    with pytest.raises(EvaluateError, match=r"^The manifest has no photos\.$"):
        choose([], None)


def test_photos_are_looked_for_beside_the_manifest_then_in_the_data_folder(
    toy: Path, toy_rows: list[Row], tmp_path: Path
) -> None:
    row = toy_rows[0]
    manifest, locate = find_photos(tmp_path / "m.csv", toy)
    assert (manifest, locate(row)) == (tmp_path / "m.csv", toy / row.file)
    (tmp_path / row.file).parent.mkdir()
    (tmp_path / row.file).touch()
    assert locate(row) == tmp_path / row.file
    manifest, locate = find_photos(None, toy)
    assert (manifest, locate(row)) == (toy / "manifest.csv", toy / row.file)
