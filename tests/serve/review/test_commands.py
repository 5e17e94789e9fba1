"""`schreger review`: to Label Studio and back."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow
import pyarrow.parquet
import pytest

from model.manifest import read_manifest
from serve.review import read_decisions
from serve.reviewing import open_review

Run = Callable[..., Any]


class Scanned(NamedTuple):
    """A scan of adverts, with the file that it is of."""

    folder: Path
    adverts: Path


@pytest.fixture
def scanned(tmp_path: Path, photos: list) -> Scanned:
    """Three adverts, two of them under review."""
    (tmp_path / "pictures").mkdir()
    for number in (1, 2):
        (tmp_path / f"pictures/tusk {number}.{photos[number].ending}").write_bytes(photos[number].content)
    names = [f"pictures/tusk {number}.{photos[number].ending}" for number in (1, 2)]
    adverts = tmp_path / "adverts.csv"
    lines = [
        "id,title,text,seller,pictures",
        f'a,"Tusk, old",carved,ann,{names[0]};{names[1]}',
        "b,clock,,bob,",
        "c,,,,",
    ]
    adverts.write_text("\n".join(lines), encoding="utf-8")
    picture = {"path": names[0], "answer": "ivory", "probability": 0.9}
    rows = [
        row(0, "a", "review", 0.7, "ivory", [picture, picture | {"path": names[1], "answer": None}]),
        row(1, "b", "clear", 0.1, None, []),
        row(2, "c", "review", 0.4, None, []),
    ]
    folder = tmp_path / "scan"
    folder.mkdir()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), folder / "part-00000.parquet")
    (folder / "part-00000.json").write_text("{}")
    return Scanned(folder, adverts)


def row(number: int, own: str, verdict: str, score: float, answer: str | None, pictures: list[dict]) -> dict[str, Any]:
    reasons = ["It names ivory: “tusk”. (+2.1)"]
    versions = {"bundle": "lite2@0", "policy": "1/1"}
    told = {"row": number, "id": own, "verdict": verdict, "score": score, "answer": answer, "reasons": reasons}
    return told | {"pictures": pictures} | versions


def annotated(task: dict[str, Any], at: str = "2026-11-26T10:00:00Z", **chosen: str) -> dict[str, Any]:
    """A task as Label Studio exports it once people chose."""
    results = [
        {"from_name": name, "to_name": "advert", "type": "choices", "value": {"choices": [choice]}}
        for name, choice in chosen.items()
        if name != "note"
    ]
    if "note" in chosen:
        results.append(
            {"from_name": "note", "to_name": "advert", "type": "textarea", "value": {"text": [chosen["note"]]}}
        )
    by = {"id": 3, "email": "ann@example.org"}
    return {"id": 17, "data": task["data"], "annotations": [{"completed_by": by, "result": results, "updated_at": at}]}


def test_the_adverts_under_review_become_tasks(schreger: Run, scanned: Scanned, tmp_path: Path) -> None:
    done = schreger("review", "export", scanned.folder, "--adverts", scanned.adverts, "--out", tmp_path / "tasks.json")
    assert done.returncode == 0, done.stderr
    first, second = json.loads((tmp_path / "tasks.json").read_text(encoding="utf-8"))
    assert (first["data"]["id"], second["data"]["id"]) == ("a", "c")
    assert first["data"]["advert"] == "Tusk, old\ncarved\nann"
    assert first["data"]["reasons"].startswith("It names ivory")
    assert first["data"]["pictures"][0].startswith("/data/local-files/?d=pictures/tusk%201.")
    (prediction,) = first["predictions"]
    assert (prediction["score"], prediction["model_version"]) == (0.7, "lite2@0 1/1")
    assert [result["value"]["choices"] for result in prediction["result"]] == [["block"], ["ivory"]]
    assert second["predictions"][0]["result"] == []  # its score is low, and yet it is under review


def test_what_people_chose_comes_back_as_decisions_and_as_a_manifest_for_training(
    schreger: Run, scanned: Scanned, tmp_path: Path
) -> None:
    tasks, decisions, manifest = tmp_path / "tasks.json", tmp_path / "decisions.csv", tmp_path / "manifest.csv"
    schreger("review", "export", scanned.folder, "--adverts", scanned.adverts, "--out", tasks)
    first, second = json.loads(tasks.read_text(encoding="utf-8"))
    export = tmp_path / "annotations.json"
    done_there = [annotated(first, decision="block", label="bone", note="Haversian\ncanals"), annotated(second)]
    export.write_text(json.dumps(done_there), encoding="utf-8")
    terms = ("--pictures-root", tmp_path, "--licence", "own use", "--attribution", "sellers")
    for _ in range(2):
        given = ("--scan", scanned.folder, "--out", decisions, "--manifest", manifest, *terms)
        done = schreger("review", "import", export, *given)
        assert done.returncode == 0, done.stderr
    assert "Added 0 decisions" in done.stderr
    (decision,) = read_decisions(decisions)
    assert (decision.id, decision.decision, decision.label) == ("a", "block", "bone")
    assert (decision.by, decision.note) == ("ann@example.org", "Haversian canals")
    pictures = read_manifest(manifest, draft=True)
    assert {(each.label, each.group, each.split, each.note) for each in pictures} == {
        ("bone", "a", "", "Haversian canals")
    }
    assert all((tmp_path / each.file).is_file() for each in pictures)
    assert len(pictures) == 2


def test_an_advert_whose_id_holds_line_ends_is_decided_on_once(schreger: Run, tmp_path: Path) -> None:
    ids = ["a\rb", "c\u2028d", "e\x0bf"]
    adverts, decisions, scan = tmp_path / "adverts.jsonl", tmp_path / "decisions.csv", tmp_path / "scan"
    adverts.write_text("".join(json.dumps({"id": own}) + "\n" for own in ids), encoding="utf-8")
    rows = [row(number, own, "review", 0.7, None, []) for number, own in enumerate(ids)]
    scan.mkdir()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), scan / "part-00000.parquet")
    (scan / "part-00000.json").write_text("{}")
    desk = open_review(scan, adverts, decisions, None)
    desk.decide("a b", "block", "", "ann", "")
    assert {advert.id for advert in desk.waiting("ann")} == {"c d", "e f"}

    export = tmp_path / "annotations.json"  # of tasks whose ids are as the adverts write them
    export.write_text(json.dumps([annotated({"data": {"id": own}}, decision="block") for own in ids]))
    for added in (3, 0):
        done = schreger("review", "import", export, "--scan", scan, "--out", decisions)
        assert f"Added {added} decisions" in done.stderr, done.stderr
    assert desk.waiting("ann") == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"id": "x7"}, "decides on 'x7', which is no advert under review"),
        ({"id": None}, "holds no id"),
        ({"decision": "maybe"}, "'maybe'"),
        ({"label": "unicorn"}, "'unicorn', which is not a key"),
    ],
)
def test_what_was_not_asked_is_one_sentence_and_nothing_is_added(
    schreger: Run, scanned: Scanned, tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    chosen = {"decision": "block", "label": "ivory"} | {name: text for name, text in change.items() if name != "id"}
    export = tmp_path / "annotations.json"
    export.write_text(json.dumps([annotated({"data": {"id": change.get("id", "a")}}, **chosen)]))
    done = schreger("review", "import", export, "--scan", scanned.folder, "--out", tmp_path / "decisions.csv")
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "decisions.csv").exists()


def test_adverts_that_were_not_scanned_are_refused(schreger: Run, scanned: Scanned, tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    other.write_text("id\nz\n")
    done = schreger("review", "export", scanned.folder, "--adverts", other, "--out", tmp_path / "tasks.json")
    assert done.returncode == 2
    assert "is not what" in done.stderr
    done = schreger("review", "export", tmp_path / "pictures", "--adverts", other, "--out", tmp_path / "tasks.json")
    assert "no finished part" in done.stderr
