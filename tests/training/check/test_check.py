"""`schreger dataset check`: a clean folder has no faults, and planted ones of each kind are found and named."""

import shutil
from collections import defaultdict
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from PIL import Image, ImageFilter

from training.check.issue import KINDS

Cells = dict[str, str]
Check = Callable[[Path, Path], Any]
Planted = dict[str, set[str]]

ELSEWHERE = {"no_split", "shortcuts", "look_alike", "look_alike_across_splits", "look_alike_other_label"}
"""Kinds that other tests plant."""

HOSTILE = '<script src="https://evil.example/a.js">&'


def plant_files(folder: Any, spare: Iterator[Cells]) -> Iterator[tuple[str, Cells]]:
    missing, broken, altered, wrong = (next(spare) for _ in range(4))
    (folder.path / missing["file"]).unlink()
    (folder.path / broken["file"]).write_bytes((folder.path / broken["file"]).read_bytes()[:200])
    altered["sha256"], wrong["width"], broken["source"] = "0" * 64, "9999", HOSTILE
    yield from zip(
        ("missing_file", "broken_file", "altered_file", "wrong_size"), (missing, broken, altered, wrong), strict=True
    )


def scaled(picture: Image.Image) -> Image.Image:
    return picture.resize((picture.width * 3 // 4, picture.height * 3 // 4))


def cropped(picture: Image.Image) -> Image.Image:
    return picture.crop((picture.width // 8, picture.height // 10, picture.width, picture.height * 9 // 10))


def plant_copies(folder: Any, spare: Iterator[Cells]) -> Iterator[tuple[str, Cells]]:
    for kind, change, how in (
        ("copy", {}, None),
        ("copy_across_splits", {"split": "test"}, None),
        ("copy_other_label", {"label": "ivory"}, None),
        ("near_copy", {}, scaled),
        ("near_copy_across_splits", {"split": "val"}, cropped),
        ("near_copy_other_label", {"label": "ivory"}, scaled),
    ):
        row = next(spare)
        picture = folder.picture(row)
        again = folder.add(how(picture) if how else picture, f"photos/{kind}.png", **{**kept(row), **change})
        yield from ((kind, each) for each in (row, again))


def kept(row: Cells) -> Cells:
    return {name: row[name] for name in ("label", "split", "source")}


def plant_labels(folder: Any, spare: Iterator[Cells]) -> Iterator[tuple[str, Cells]]:
    ivory = folder.of("ivory", "train")
    unknown, one, leak, leaked = next(ivory), next(ivory), next(ivory), next(folder.of("ivory", "test"))
    other, food = next(spare), folder.of("food", "train")
    unknown["label"], other["group"], leaked["group"] = "ivroy", one["group"], leak["group"]
    few, wrong = [next(ivory) for _ in range(3)], [next(food), next(food)]
    for row in few:
        row["label"] = "amber"
    wrong[0]["label"], wrong[1]["label"] = "ivory", "bone"
    for row in folder.of("metal"):
        if row["split"] != "train":
            row["split"], row["source"] = "source_test", "afar"
    seen = next(spare)
    seen["source"] = "afar"
    yield "unknown_label", unknown
    yield from (("group_labels_differ", row) for row in (one, other))
    yield from (("group_across_splits", row) for row in (leak, leaked))
    yield from (("few_photos", row) for row in few)
    yield from (("likely_label_error", row) for row in wrong)
    yield from (("no_val_or_test", row) for row in folder.of("metal"))
    yield from (("source_across_splits", row) for row in folder.rows if row["source"] == "afar")


def framed(picture: Image.Image) -> Image.Image:
    frame = Image.new("RGB", picture.size, (30, 200, 30))
    left, top = picture.width // 10, picture.height // 10
    frame.paste(picture.crop((left, top, picture.width - left, picture.height - top)), (left, top))
    return frame


def dull(picture: Image.Image) -> Image.Image:
    return picture.filter(ImageFilter.GaussianBlur(5)).point(lambda value: value // 3)


def plant_shortcuts(folder: Any, spare: Iterator[Cells]) -> Iterator[tuple[str, Cells]]:
    for label, kind, how in (
        ("ceramic", "shortcut_border", framed),
        ("metal", "shortcut_size", lambda picture: picture.resize((300, 300))),
        ("wood", "shortcut_quality", dull),
    ):
        for row in folder.of(label):
            folder.redraw(row, how)
            yield kind, row
    for row in folder.of("food"):
        row["source"] = "only-one"
        yield "few_sources", row


def plant_licences(folder: Any, spare: Iterator[Cells]) -> Iterator[tuple[str, Cells]]:
    missing, closed = next(spare), next(spare)
    missing["licence"], closed["licence"] = "", "CC BY-NC 4.0"
    yield from (("licence_missing", missing), ("licence_not_open", closed))


def plant_all(folder: Any) -> Planted:
    """Plant faults of every kind; the files that each should concern."""
    spare, planted = folder.of("bone", "train"), defaultdict(set)
    for plant in (plant_files, plant_copies, plant_labels, plant_shortcuts, plant_licences):
        for kind, row in list(plant(folder, spare)):
            planted[kind].add(row["file"])
    folder.write()
    return planted


def not_found(planted: Planted, report: Any) -> Planted:
    missed = {kind: files - report.files(kind) for kind, files in planted.items()}
    return {kind: files for kind, files in missed.items() if files}


def sentence_of(report: Any, kind: str) -> str:
    [issue] = report.of(kind)
    return str(issue["sentence"])


def test_a_clean_folder_has_no_errors_and_no_warnings(clean: Any, check: Check, tmp_path: Path) -> None:
    report = check(clean.write(), tmp_path / "out")
    assert report.done.exit_code == 0, report.done.stderr
    assert {issue["severity"] for issue in report.told["issues"]} <= {"note"}
    assert (report.told["photos"], report.told["unreadable"]) == (len(clean.rows), 0)


def test_every_planted_fault_is_found_and_named(clean: Any, check: Check, tmp_path: Path) -> None:
    planted = plant_all(clean)
    assert planted.keys() == KINDS.keys() - ELSEWHERE
    report = check(clean.path, tmp_path / "out")
    assert report.done.exit_code == 3, report.done.stderr
    assert not_found(planted, report) == {}
    also = {
        "likely_label_error",
        "shortcut_border",
        "shortcut_quality",
    }  # what is blurred and dark has a dark border too
    exact = KINDS.keys() - ELSEWHERE - also
    assert {kind: report.files(kind) for kind in exact} == {kind: planted[kind] for kind in exact}

    for kind, says in (
        ("missing_file", "There is no file 'bone-0.jpg'; check its name. (unreadable_file)"),
        ("altered_file", "not 000000000000… as the manifest says."),
        ("wrong_size", "9999 x "),
        ("unknown_label", "1 photos are labelled 'ivroy', which is no key of the taxonomy; did you mean 'ivory'?"),
        ("group_across_splits", "is in test, train."),
        ("group_labels_differ", "is labelled bone, ivory."),
        ("source_across_splits", "Source 'afar' is in source_test (8 photos) and in train."),
        ("few_photos", "amber has 3 train photos and needs 5"),
        ("no_val_or_test", "metal has no photo in val and none in test."),
        ("few_sources", "train photos of food are from only-one."),
        ("copy_across_splits", "2 photos in test, train are the same photo."),
        ("near_copy_other_label", "2 photos labelled bone, ivory show the same picture, whole or in part"),
        ("licence_missing", "1 photo: the cell is empty."),
        ("licence_not_open", "1 photo: CC BY-NC 4.0."),
        ("shortcut_size", "metal is told from width, height and aspect alone with an AUC of 1.00"),
    ):
        assert says in sentence_of(report, kind), kind
    wrong = {issue["rows"][0]["file"]: issue["suggested"] for issue in report.of("likely_label_error")}
    assert {wrong[file] for file in planted["likely_label_error"]} == {"food"}

    check_what_is_printed(report)
    check_table(report)
    check_page(report)


def check_what_is_printed(report: Any) -> None:
    for kind, (severity, _) in KINDS.items():
        lines = [line for line in report.done.stdout.splitlines() if f" {kind} " in line]
        assert len(lines) == bool(report.of(kind)), kind
        assert all(severity in line for line in lines)


def check_table(report: Any) -> None:
    """One line for each photo of each issue."""
    expected = sum(max(1, len(issue["rows"])) for issue in report.told["issues"])
    assert len(report.lines) == expected
    assert {line["kind"] for line in report.lines} == {issue["kind"] for issue in report.told["issues"]}
    [broken] = [line for line in report.lines if line["kind"] == "broken_file"]
    assert (broken["source"], broken["severity"]) == (HOSTILE, "error")


class Page(HTMLParser):
    """Collects the references of a page, and fails where an element is not closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open, self.references, self.texts = list[str](), list[str](), list[str]()
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag not in {"script", "link", "iframe", "object"}
        if tag not in {"meta", "img", "br"}:
            self.open.append(tag)
        self.references += [value or "" for name, value in attrs if name in {"src", "href", "style"}]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def check_page(report: Any) -> None:
    """Well formed, whole by itself, what strangers wrote shown as text."""
    page = Page((report.out / "report.html").read_text())
    assert [each for each in page.references if not each.startswith(("#", "thumbs/"))] == []
    thumbs = [each for each in page.references if each.startswith("thumbs/")]
    assert len(thumbs) > 100
    for thumb in set(thumbs):
        with Image.open(report.out / thumb) as picture:
            assert max(picture.size) <= 160
    assert HOSTILE in page.texts
    assert any("ivory → food" in text for text in page.texts)


def test_faults_planted_among_real_photos_are_found(real: Any, check: Check, tmp_path: Path) -> None:
    planted = plant_all(real)
    report = check(real.path, tmp_path / "out")
    assert report.done.exit_code == 3, report.done.stderr
    assert not_found(planted, report) == {}


def test_photos_that_have_no_split_yet_are_checked_too(clean: Any, check: Check, tmp_path: Path) -> None:
    clean.rows = [row for row in clean.rows if row["label"] in ("bone", "food")]
    for row in clean.rows[:30]:
        row["split"] = ""
    report = check(clean.write(), tmp_path / "out")
    assert report.done.exit_code == 0, report.done.stderr
    assert report.files("no_split") == {row["file"] for row in clean.rows[:30]}
    assert "run `schreger dataset split`" in sentence_of(report, "no_split")
    assert report.of("few_photos") == report.of("no_val_or_test") == []


def test_a_second_check_opens_only_what_has_changed(clean: Any, check: Check, tmp_path: Path, monkeypatch: Any) -> None:
    import training.check.look as look

    clean.rows = [row for row in clean.rows if row["label"] == "bone"]
    first = check(clean.write(), tmp_path / "out")
    opened = []

    def seen(file: Path, side: int) -> Any:
        opened.append(file.name)
        return open_photo(file, side)

    open_photo = look.open_photo
    monkeypatch.setattr(look, "open_photo", seen)
    clean.redraw(clean.rows[3], framed)
    second = check(clean.write(), tmp_path / "out")
    assert opened == [Path(clean.rows[3]["file"]).name]
    assert second.of("altered_file") == first.of("altered_file") == []


def test_a_check_that_was_stopped_goes_on_where_it_was(
    clean: Any, check: Check, tmp_path: Path, monkeypatch: Any
) -> None:
    import training.check.look as look

    clean.rows = [row for row in clean.rows if row["label"] in ("bone", "food")]
    opened = []

    def stopping(file: Path, side: int) -> Any:
        opened.append(file)
        if len(opened) == 40:
            raise KeyboardInterrupt
        return open_photo(file, side)

    open_photo = look.open_photo
    monkeypatch.setattr(look, "open_photo", stopping)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "looks.npy").write_bytes(b"")  # as a full disk leaves it
    with pytest.raises(FileNotFoundError):  # there is no report
        check(clean.write(), tmp_path / "out")
    first = len(opened)
    report = check(clean.path, tmp_path / "out")
    assert report.done.exit_code == 0, report.done.stderr
    assert len(opened) - first <= len(clean.rows) - 16  # a batch at least was kept


def test_photos_of_which_none_opens_are_reported(clean: Any, check: Check, tmp_path: Path) -> None:
    clean.rows = clean.rows[:3]
    for row in clean.rows:
        (clean.path / row["file"]).write_text("no photo")
    report = check(clean.write(), tmp_path / "out")
    assert report.done.exit_code == 3
    assert len(report.of("broken_file")) == 3
    assert "not_an_image" in report.of("broken_file")[0]["sentence"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "Name labelled photos: --data FOLDER (with manifest.csv), or set SCHREGER_DATA.\n"),
        (("--manifest", "nowhere.csv"), "nowhere.csv cannot be read as a manifest"),
        (("--data", "."), "There is no manifest.csv in '.'; `schreger dataset collect` makes one (docs/collect.md).\n"),
        (("--manifest", "empty.csv"), "empty.csv has no photos.\n"),
        (("--manifest", "good.csv", "--bundle", "nobody"), "There is no bundle at 'nobody'"),
        (("--manifest", "good.csv", "--out", "good.csv"), "good.csv cannot hold the report: File exists.\n"),
    ],
)
def test_what_cannot_be_checked_is_one_sentence(
    words: tuple[str, ...], says: str, clean: Any, schreger: Callable[..., Result], tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    good = clean.write() / "manifest.csv"
    Path(shutil.copy(good, "good.csv"))
    Path("empty.csv").write_text(good.read_text().splitlines()[0] + "\n")
    done = schreger("dataset", "check", "--out", "out", *words)
    assert done.exit_code == 2
    assert says in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_report_that_cannot_be_written_is_one_sentence(
    clean: Any, schreger: Callable[..., Result], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    (out / "report.json").mkdir(parents=True)
    done = schreger("dataset", "check", "--data", clean.write(), "--out", out)
    assert done.exit_code == 2
    assert done.stderr.endswith(f"{out} cannot hold the report: Is a directory.\n")
