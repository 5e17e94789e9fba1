"""`schreger evaluate`: that its files hold what the classifier says, and that what it cannot measure is named."""

import csv
import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import Result

from model.bundle import load_bundle, write_description
from model.classifier import Classifier
from model.manifest import Row
from model.photo import PhotoError, open_photo
from training.evaluate.commands import EvaluateError, choose
from training.evaluate.disturb import DISTURBANCES
from training.evaluate.floor import train_rows
from training.evaluate.write import COLUMNS
from training.labelled import find_photos
from training.recipe import Evaluation, Recipe, Stage
from training.train import evaluate

Command = Callable[..., Result]


def test_metrics_are_figures_with_value_interval_and_number(evaluated: tuple[Path, str]) -> None:
    metrics = json.loads((evaluated[0] / "metrics.json").read_text())
    assert next(iter(metrics)) == "materials, balanced accuracy"
    assert {"ivory recall at 1% false alarms", "AUC", "scales, recall", "ECE", "parrots, top-1"} < metrics.keys()
    assert "Met Ivory task, accuracy" in metrics
    assert {"macro-F1", "items, top-1", "answers, wrong", "drawn nonsense, AUROC"} < metrics.keys()
    assert {"ivory precision at a 1% base rate", "all labels top-1 (dark)"} < metrics.keys()
    for figure in metrics.values():
        assert list(figure) == ["value", "low", "high", "n"]
        assert 0 <= figure["value"] <= 1
        assert figure["low"] is figure["high"] is None or 0 <= figure["low"] <= figure["high"] <= 1
    with (evaluated[0] / "metrics.csv").open(newline="") as lines:
        assert [row["figure"] for row in csv.DictReader(lines)] == list(metrics)
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


def table(evaluated: tuple[Path, str], name: str) -> list[dict[str, str]]:
    with (evaluated[0] / name).open(newline="") as lines:
        return list(csv.DictReader(lines))


def test_every_table_is_written(evaluated: tuple[Path, str]) -> None:
    classes = table(evaluated, "classes.csv")
    assert [row["class"] for row in classes] == sorted(row["class"] for row in classes)
    assert {row["photos"] for row in classes} == {"4"}
    confusion = table(evaluated, "confusion.csv")
    assert sum(int(count) for row in confusion for key, count in row.items() if key != "label") == 24
    assert {row["product"] for row in table(evaluated, "products.csv")} == {
        "ivory", "tusk_ivory", "bone", "pangolin_scale", "psittaciformes",
    }  # fmt: skip
    assert sum(int(row["photos"]) for row in table(evaluated, "sources.csv")) == 24
    assert [row["name"] for row in table(evaluated, "group_sizes.csv")] == ["1 photo", "2 or 3 photos"]


def test_spoilt_photos_are_measured_against_themselves(evaluated: tuple[Path, str]) -> None:
    spoilt = [row for row in table(evaluated, "robustness.csv") if row["figure"] == "all labels top-1"]
    assert {row["disturbance"] for row in spoilt} >= set(DISTURBANCES) - {"other background"}
    for row in spoilt:
        change = float(row["spoilt"]) - float(row["clean"])
        assert float(row["change"]) == pytest.approx(change, abs=1e-3)
        assert float(row["change_low"]) <= change + 1e-3
        assert change - 1e-3 <= float(row["change_high"])
    assert len({row["spoilt"] for row in spoilt}) > 1


def test_sources_are_left_out_one_by_one(evaluated: tuple[Path, str]) -> None:
    left_out = table(evaluated, "sources_left_out.csv")
    assert {row["product"] for row in left_out} == {"ivory", "tusk_ivory", "bone", "pangolin_scale", "psittaciformes"}
    for row in left_out:
        assert row["source"].startswith("smaller sources")
        assert row["photos"] == "3"  # validation photos alone
        assert 0 <= float(row["seen"]) <= 1


def test_contact_sheets_show_what_is_wrong(
    schreger: Command, worse: Path, toy: Path, toy_rows: list[Row], tmp_path: Path
) -> None:
    done = schreger("evaluate", "--data", toy, "--split", "val", "--bundle", worse, "--out", tmp_path, "--sheets")
    assert done.exit_code == 0, done.stderr
    sheets = {file.stem: open_photo(file) for file in (tmp_path / "sheets").iterdir()}
    assert set(sheets) == {row.label for row in toy_rows}
    assert all(sheet.width >= 160 for sheet in sheets.values())
    linked = re.findall(r'href="([^"#]+)"', (tmp_path / "index.html").read_text())
    assert set(linked) == {f"sheets/{label}.jpg" for label in sheets}


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
    assert "Not opened: photos/bone-11.webp: " in (tmp_path / "out" / "index.html").read_text()
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
    (tmp_path / "columns.csv").write_text("file,label\na.jpg,ivory\n")
    (tmp_path / "file").touch()
    bundle, out, data = ("--bundle", run / "bundle"), ("--out", tmp_path / "out"), ("--data", toy)
    for words, says in (
        ((*bundle, *out), "Name labelled photos: --data FOLDER (with manifest.csv), or set SCHREGER_DATA."),
        ((*bundle, *out, "--data", tmp_path), f"There is no manifest.csv in '{tmp_path}'; `schreger dataset collect` "),
        ((*bundle, *out, "--manifest", tmp_path / "no.csv"), f"{tmp_path / 'no.csv'} cannot be read as a manifest: "),
        (
            (*bundle, *out, "--manifest", tmp_path / "columns.csv"),
            f"{tmp_path / 'columns.csv'} lacks the column 'sha256'.",
        ),
        (
            (*bundle, *out, *data, "--split", "exam"),
            "There is no split 'exam'; the splits are train, val, test, source_test.",
        ),
        ((*out, *data, "--bundle", tmp_path / "none"), "There is no bundle at "),
        ((*bundle, *data, "--out", tmp_path / "file"), f"{tmp_path / 'file'} cannot be written to: File exists"),
        ((*bundle, *data, "--out", "/proc/nowhere"), "/proc/nowhere cannot be written to: "),
        (
            (*out, *data, "--split", "test", "--compare", run / "bundle", "none"),
            "There is no bundle at 'none'",
        ),
        ((*out, *data, "--compare", "a", "b", "--sheets"), "--compare stands alone: "),
        ((*bundle, *out, *data, "--compare", "a", "b"), "--compare names both bundles: leave --bundle away."),
        ((*bundle, *out, *data, "--accept-unverified"), "--accept-unverified is for --compare alone: leave it away."),
        ((*out, *data, "--compare", "a", "b"), "48 of these photos are of split train, which a bundle may have "),
        ((*out, *data, "--split", "train", "--compare", "a", "b"), "48 of these photos are of split train, "),
    ):
        done = schreger("evaluate", *words)
        assert done.exit_code == 2, done.stderr
        assert done.stderr.startswith(says)
        assert done.stderr.count("\n") == 1
        assert done.stdout == ""


def test_photos_none_of_which_opens_are_one_sentence(schreger: Command, run: Path, toy: Path, tmp_path: Path) -> None:
    shutil.copy(toy / "manifest.csv", tmp_path)
    done = schreger("evaluate", "--data", tmp_path, "--bundle", run / "bundle", "--out", tmp_path / "out")
    assert done.exit_code == 2
    assert done.stderr.startswith("None of the 108 photos can be opened; of photos/bone-0.jpg: There is no file")
    assert done.stderr.count("\n") == 1


def test_a_class_with_one_photo_and_classes_without_any_are_said(
    schreger: Command, run: Path, toy: Path, tmp_path: Path
) -> None:
    manifest = tmp_path / "few.csv"
    head, *lines = (toy / "manifest.csv").read_text().splitlines()
    manifest.write_text("\n".join([head, *(line for line in lines if line.startswith("photos/ivory-17"))]))
    words = ("--manifest", manifest, "--data", toy, "--bundle", run / "bundle", "--out", tmp_path / "out")
    done = schreger("evaluate", *words)
    assert done.exit_code == 0, done.stderr
    page = (tmp_path / "out" / "index.html").read_text()
    assert "Classes without a photo here: 5 of 6" in page
    assert "Classes with fewer than 5 photos here: 1." in page
    assert "The manifest has no train rows" in page


def test_a_bundle_replaces_another_only_when_the_gate_lets_it(
    schreger: Command, run: Path, worse: Path, toy: Path, tmp_path: Path
) -> None:
    bundle = run / "bundle"
    for old, new, status in ((bundle, bundle, 0), (worse, bundle, 0), (bundle, worse, 4)):
        out = tmp_path / f"{old.parent.name}-{new.parent.name}"
        done = schreger("evaluate", "--data", toy, "--split", "test", "--out", out, "--compare", old, new)
        assert done.exit_code == status, done.stderr
        written = json.loads((out / "compare.json").read_text())
        assert written["may_replace"] is (status == 0)
        said = " ".join(done.stdout.split())
        assert ("may replace" in said) is (status == 0)
        assert all(objection in said for objection in written["objections"])
        page = (out / "index.html").read_text()
        assert ("It may." if status == 0 else "It may not.") in page
        assert "It is worse at all labels top-1." in written["objections"] or status == 0


def test_of_photos_that_the_certainty_was_fitted_on_a_comparison_says_how_many(
    schreger: Command, run: Path, toy: Path, tmp_path: Path
) -> None:
    words = ("--split", "val", "--compare", run / "bundle", run / "bundle", "--out", tmp_path / "out")
    done = schreger("evaluate", "--data", toy, *words)
    assert done.exit_code == 0, done.stderr
    [said] = done.stderr.splitlines()
    assert re.match(
        r"toy@\w{12}: Photos that the bundle's certainty was fitted on, and its training stopped by: 18\.", said
    )
    assert json.loads((tmp_path / "out" / "compare.json").read_text())["gaps"] == [said]
    assert "its training stopped by: 18." in (tmp_path / "out" / "index.html").read_text()
    manifest = tmp_path / "part.csv"
    manifest.write_text((toy / "manifest.csv").read_text() + "\n")
    done = schreger("evaluate", "--data", toy, "--manifest", manifest, *words)
    assert "Photos of split val: 18. If the bundle's certainty was fitted on them" in done.stderr


def test_misspelt_labels_are_named(schreger: Command, run: Path, toy: Path, tmp_path: Path) -> None:
    manifest = tmp_path / "misspelt.csv"
    manifest.write_text((toy / "manifest.csv").read_text().replace(",bone,", ",boen,"))
    words = ("--data", toy, "--manifest", manifest, "--split", "test", "--out", tmp_path / "out")
    says = "Labels that the taxonomy lacks, with their photos: boen (4). "
    for bundles in (("--bundle", run / "bundle"), ("--compare", run / "bundle", run / "bundle", "--accept-unverified")):
        done = schreger("evaluate", *words, *bundles)
        assert done.exit_code == 0, done.stderr
        assert done.stderr.startswith(says)
        assert done.stderr.count("\n") == 1
        assert says in (tmp_path / "out" / "index.html").read_text()


def test_nothing_of_an_earlier_evaluation_stays_beside_a_later_one(
    evaluated: tuple[Path, str], schreger: Command, run: Path, toy: Path, tmp_path: Path
) -> None:
    out = Path(shutil.copytree(evaluated[0], tmp_path / "out"))
    (out / "sheets").mkdir(exist_ok=True)
    (out / "sheets" / "ivory.jpg").touch()
    (out / "mine.txt").touch()
    words = ("--data", toy, "--split", "test", "--out", out)
    assert {"robustness.csv", "sources_left_out.csv", "sheets"} < {file.name for file in out.iterdir()}
    assert schreger("evaluate", *words, "--bundle", run / "bundle").exit_code == 0
    left = {file.name for file in out.iterdir()}
    assert {"metrics.json", "confusion.png", "mine.txt"} < left
    assert not {"robustness.csv", "sources_left_out.csv", "sheets"} & left
    assert schreger("evaluate", *words, "--compare", run / "bundle", run / "bundle").exit_code == 0
    assert {file.name for file in out.iterdir()} == {"compare.json", "index.html", "mine.txt"}


def test_a_floor_that_cannot_be_fitted_is_said_before_the_work(
    schreger: Command, run: Path, toy: Path, tmp_path: Path
) -> None:
    manifest = tmp_path / "test.csv"
    head, *lines = (toy / "manifest.csv").read_text().splitlines()
    manifest.write_text("\n".join([head, *(line for line in lines if ",test," in line)]))
    words = ("--data", toy, "--manifest", manifest, "--bundle", run / "bundle", "--out", tmp_path / "out")
    done = schreger("evaluate", *words, "--baseline")
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == "The baseline needs two labels with 5 photos in split train.\n"
    assert list((tmp_path / "out").iterdir()) == []


def test_a_train_photo_that_cannot_be_opened_is_named_and_the_floor_does_without(
    schreger: Command, run: Path, toy: Path, tmp_path: Path
) -> None:
    data = Path(shutil.copytree(toy, tmp_path / "data"))
    (data / "photos" / "bone-0.jpg").write_bytes(b"not a photo")
    words = ("--data", data, "--split", "val", "--bundle", run / "bundle", "--out", tmp_path / "out")
    done = schreger("evaluate", *words, "--baseline")
    assert done.exit_code == 3, done.stderr
    assert done.stderr.startswith("photos/bone-0.jpg: ")
    assert done.stderr.count("\n") == 1
    [line] = [line for line in done.stdout.splitlines() if "all labels top-1" in line]
    assert line.count("n=18") == 2


def test_a_finished_run_does_not_fail_for_want_of_a_floor(
    run: Path, toy: Path, toy_rows: list[Row], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(run / "bundle", tmp_path / "bundle")
    recipe = Recipe(name="a", stages=(Stage(epochs=1),), evaluation=Evaluation(baseline=True))
    evaluate(recipe, [row for row in toy_rows if row.split == "val"], toy, tmp_path)
    printed = capsys.readouterr()
    assert "The baseline needs two labels with 5 photos in split train." in printed.err
    assert "all labels top-1" in printed.out


def test_the_floor_learns_what_the_bundles_own_recipe_takes(run: Path, toy_rows: list[Row], tmp_path: Path) -> None:
    train = [row for row in toy_rows if row.split == "train"]
    assert train_rows(Classifier.load(str(run / "bundle")), toy_rows) == train
    bundle = Path(shutil.copytree(run / "bundle", tmp_path / "bundle"))
    recipe = (bundle / "recipe.yaml").read_text()
    changed = recipe.replace("licences: []", "licences: [CC0]").replace("corrections: null", "corrections: facts.csv")
    (bundle / "recipe.yaml").write_text(changed)
    (bundle / "facts.csv").write_text(f"sha256,label,why\n{train[0].sha256},horn,\n{train[1].sha256},,\n")
    write_description(bundle, load_bundle(run / "bundle").description)
    rows = [replace(row, licence="own") if row == train[2] else row for row in toy_rows]
    assert train_rows(Classifier.load(str(bundle)), rows) == [replace(train[0], label="horn"), *train[3:]]


def test_classes_that_no_photo_shows_must_be_accepted(schreger: Command, run: Path, toy: Path, tmp_path: Path) -> None:
    manifest = tmp_path / "some.csv"
    manifest.write_text(
        "\n".join(line for line in (toy / "manifest.csv").read_text().splitlines() if "resin" not in line)
    )
    words = ("--manifest", manifest, "--data", toy, "--split", "val", "--out", tmp_path / "out")
    both = ("--compare", run / "bundle", run / "bundle")
    refused = schreger("evaluate", *words, *both)
    assert refused.exit_code == 4
    assert "whether it still knows resin" in " ".join(refused.stdout.split())
    assert schreger("evaluate", *words, *both, "--accept-unverified").exit_code == 0
    assert "of which no photo is here: resin" in (tmp_path / "out" / "index.html").read_text()


def test_the_help_says_how_the_gate_answers(schreger: Command) -> None:
    said = " ".join(schreger("evaluate", "--help").stdout.split())
    assert "0 when NEW may replace OLD and 4 when it may not" in said


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


def test_labels_none_of_which_is_a_class_leave_a_page_all_the_same(
    schreger: Command, run: Path, toy: Path, tmp_path: Path
) -> None:
    manifest = tmp_path / "strange.csv"
    head, *lines = (toy / "manifest.csv").read_text().splitlines()
    manifest.write_text("\n".join([head, *(line.replace(",bone,", ",unicorn,") for line in lines[:6])]))
    words = ("--manifest", manifest, "--data", toy, "--bundle", run / "bundle", "--out", tmp_path / "out")
    done = schreger("evaluate", *words)
    assert done.exit_code == 0, done.stderr
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert "all labels top-1" not in metrics
    assert metrics["photos answered"]["n"] == 6
    assert "None of the photos shows a traded product" in (tmp_path / "out" / "index.html").read_text()
