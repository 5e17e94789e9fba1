"""Whatever a scan took, its pictures are matched, reviewed with their texts, and put into cases."""

import csv
import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
import skimage.data
from click.testing import Result
from PIL import Image
from typer.testing import CliRunner

from model.classifier import Classifier
from model.photo import open_photo
from serve.casebook import create_casebook, open_casebook
from serve.cli import app
from serve.reviewing import open_review

KINDS = ("shards", "adverts.tar", "adverts.parquet")
WORDS = {"title": "Mammoth ivory", "text": "on a shelf", "seller": "ann"}
Run = Callable[..., Result]


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier.load()


@pytest.fixture
def run(classifier: Classifier, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command in this process, with a bundle that is loaded once."""
    monkeypatch.setattr(Classifier, "load", lambda *_: classifier)
    return lambda *arguments: CliRunner().invoke(app, list(map(str, arguments)), catch_exceptions=False)


def jpeg(name: str, *size: int) -> bytes:
    content = io.BytesIO()
    image = Image.open(Path(skimage.data.__file__).parent / name)
    image.resize(size or image.size).convert("RGB").save(content, "JPEG", quality=80)
    return content.getvalue()


@pytest.fixture(scope="module")
def pictures() -> list[bytes]:
    """A picture, another, and a smaller copy of the first."""
    return [jpeg("coffee.png"), jpeg("chelsea.png"), jpeg("coffee.png", 300, 200)]


def write_adverts(file: Path, pictures: list[bytes]) -> Path:
    """Two adverts under review: one of two pictures, and one of a copy of the first."""
    if file.suffix == ".parquet":
        for number, content in enumerate(pictures):
            file.with_name(f"{number}.jpg").write_bytes(content)
        rows = [{"id": "a", "pictures": ["0.jpg", "1.jpg"], **WORDS}, {"id": "b", "pictures": ["2.jpg"], **WORDS}]
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), file)
        return file
    if not file.suffix:
        file.mkdir()
    with tarfile.open(file if file.suffix else file / "1.tar", "w") as tar:
        for name, content in (
            ("a.json", json.dumps(WORDS).encode()), ("a.0.jpg", pictures[0]), ("a.1.jpg", pictures[1]),
            ("b.json", json.dumps(WORDS).encode()), ("b.0.jpg", pictures[2]),
        ):  # fmt: skip
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return file


def table(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_was_scanned_is_matched_and_reviewed_with_its_pictures(
    kind: str, run: Run, pictures: list[bytes], tmp_path: Path
) -> None:
    adverts, scan = write_adverts(tmp_path / kind, pictures), tmp_path / "scan"
    assert run("scan", adverts, "--out", scan).exit_code == 0
    for source in ((adverts,), (scan, "--adverts", adverts)):
        done = run("match", *source, "--out", tmp_path / "links.csv")
        assert done.exit_code == 0, done.stderr
        first, other, copy = table(tmp_path / "links.csv")
        assert (first["cluster"], copy["cluster"], copy["by"], other["cluster"]) == ("1", "1", "pdq", "2")
        assert (copy["id"], copy["seller"], copy["nearest"]) == ("b", "ann", first["path"])
        assert Path(first["path"]).parent.is_relative_to(tmp_path)

    desk = open_review(scan, adverts, tmp_path / "decisions.csv", None)
    assert [(each.title, each.text) for each in desk.waiting("bob")] == [("Mammoth ivory", "on a shelf")] * 2
    assert [[each.read() for each in advert.pictures] for advert in desk.waiting("bob")] == [pictures[:2], pictures[2:]]


@pytest.mark.parametrize("kind", KINDS[1:])
def test_label_studio_gets_files_and_what_is_decided_there_goes_into_a_manifest_and_a_case(
    kind: str, run: Run, pictures: list[bytes], tmp_path: Path
) -> None:
    adverts, scan, tasks = write_adverts(tmp_path / kind, pictures), tmp_path / "scan", tmp_path / "tasks.json"
    assert run("scan", adverts, "--out", scan).exit_code == 0
    done = run("review", "export", scan, "--adverts", adverts, "--out", tasks)
    assert done.exit_code == 0, done.stderr
    inside = kind.endswith(".tar")
    root = tmp_path / "tasks-pictures" if inside else tmp_path
    assert ("tasks-pictures" in done.stderr) == inside
    asked = json.loads(tasks.read_text(encoding="utf-8"))
    names = [name.removeprefix("/data/local-files/?d=") for task in asked for name in task["data"]["pictures"]]
    assert [(root / name).read_bytes() for name in names] == pictures

    said = {"decision": "block", "label": "bone"}
    choices = [{"from_name": name, "value": {"choices": [choice]}} for name, choice in said.items()]
    for task in asked:
        task["annotations"] = [{"result": choices, "completed_by": 1, "updated_at": "2026-11-26T10:00:00Z"}]
    tasks.write_text(json.dumps(asked), encoding="utf-8")
    given = ("--pictures-root", root, "--licence", "own use", "--attribution", "sellers")
    decisions, manifest = tmp_path / "decisions.csv", tmp_path / "manifest.csv"
    done = run("review", "import", tasks, "--scan", scan, "--out", decisions, "--manifest", manifest, *given)
    assert done.exit_code == 0, done.stderr
    assert [row["label"] for row in table(manifest)] == ["bone"] * 3

    where = ("--casebook", tmp_path / "casebook.db", "--keys", tmp_path / "keys")
    create_casebook(str(where[1]), tmp_path / "keys", "Amina")
    of = ("--scan", scan, "--adverts", adverts, "--decisions", decisions)
    done = run("casebook", "add-adverts", "C-1", *of, *where, "--new")
    assert done.exit_code == 0, done.stderr
    items = open_casebook(str(where[1]), tmp_path / "keys").case("C-1").items
    kept = [photo.sha256 for item in items for photo in item.photos]
    assert kept == [open_photo(content).sha256 for content in pictures]


def test_adverts_that_are_not_those_scanned_are_named(run: Run, pictures: list[bytes], tmp_path: Path) -> None:
    adverts, scan = write_adverts(tmp_path / "adverts.tar", pictures), tmp_path / "scan"
    assert run("scan", adverts, "--out", scan).exit_code == 0
    (tmp_path / "other.csv").write_text("id\na\nc\n", encoding="utf-8")
    with tarfile.open(tmp_path / "empty.tar", "w"):
        pass
    for other in ("other.csv", "empty.tar"):
        done = run("match", scan, "--adverts", tmp_path / other, "--out", tmp_path / "links.csv")
        assert (done.exit_code, done.stderr.count("\n")) == (2, 1)
        assert f"{other}' is not what" in done.stderr
