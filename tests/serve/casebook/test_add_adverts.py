"""`schreger casebook add-adverts`: what people decided to block, in a case."""

import hashlib
from collections.abc import Callable
from dataclasses import astuple
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow
import pyarrow.parquet
import pytest

from serve.case_adverts import command
from serve.casebook import Casebook, create_casebook, open_casebook, verify
from serve.review import Decision, append_decision

AT = "2026-11-26T10:00:00Z"


class Decided(NamedTuple):
    """A folder with a casebook, a scan of adverts, their pictures and what was decided."""

    folder: Path

    def add(self, **options: Any) -> int:
        given = {"bundle": "lite2", "by": "Amina", "new": False} | options
        return command(
            case="C-1", decisions=self.folder / "decisions.csv", scan=self.folder / "scan",
            adverts=self.folder / "adverts.csv", pictures_root=None, where=str(self.folder / "casebook.db"),
            keys=self.folder / "keys", **given,
        )  # fmt: skip

    def casebook(self) -> Casebook:
        return open_casebook(str(self.folder / "casebook.db"), self.folder / "keys")


@pytest.fixture
def decided(tmp_path: Path, photos: list[Any]) -> Decided:
    names = [f"{number}.{photo.ending}" for number, photo in enumerate(photos[:3])]
    for name, photo in zip(names, photos, strict=False):
        (tmp_path / name).write_bytes(photo.content)
    sha256 = {name: hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() for name in names}

    def row(number: int, own: str, *pictures: str) -> dict[str, Any]:
        seen = [{"path": name, "sha256": sha256[name]} for name in pictures]
        found = {"score": 0.7, "reasons": ["It names ivory."], "policy": "1/1", "pictures": seen}
        return {"row": number, "id": own, "platform": "market", "seller": "ann", **found}

    rows = [row(0, "a", names[0], names[1], names[0]), row(1, "b", names[1]), row(2, "c", names[2]), row(3, "d")]
    (tmp_path / "adverts.csv").write_text("id\na\nb\nc\nd\n")
    (tmp_path / "scan").mkdir()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "scan/part-00000.parquet")
    (tmp_path / "scan/part-00000.json").write_text("{}")
    for decision in (
        Decision("a", "block", "bone", "Eva", AT, "Haversian canals"),
        Decision("b", "block", "", "Eva", AT, ""),
        Decision("b", "clear", "", "Eva", "2026-11-27T10:00:00Z", ""),
        Decision("c", "block", "", "", AT, ""),
        Decision("d", "block", "", "Eva", AT, ""),
    ):
        append_decision(tmp_path / "decisions.csv", decision)
    create_casebook(str(tmp_path / "casebook.db"), tmp_path / "keys", "Amina")
    return Decided(tmp_path)


def test_what_was_blocked_becomes_items_with_pictures_label_and_reasons_once(
    decided: Decided, capsys: pytest.CaptureFixture[str]
) -> None:
    assert decided.add(new=True) == 3  # d has no picture
    assert "'d' has no picture" in capsys.readouterr().err
    case = decided.casebook().case("C-1")
    first, second = case.items
    assert [item.item.title for item in case.items] == ["Advert a", "Advert c"]
    assert len(first.photos) == 2
    assert decided.casebook().original(first.photos[0].sha256) == next(decided.folder.glob("0.*")).read_bytes()
    (correction,) = first.corrections
    assert (correction.label, correction.by) == ("bone", "Amina")
    assert "Eva" in correction.why
    assert "Haversian canals" in correction.why
    (note,) = first.notes
    for words in ("Advert a of ann on market", "Eva decided so on 2026-11-26", "score 0.70", "It names ivory."):
        assert words in note.text
    assert second.corrections == ()
    assert not verify(str(decided.folder / "casebook.db"), decided.folder / "keys")

    assert decided.add() == 3
    assert "Added 0 adverts" in capsys.readouterr().err
    assert astuple(decided.casebook().case("C-1")) == astuple(case)


def test_what_was_blocked_and_not_scanned_is_named(decided: Decided, capsys: pytest.CaptureFixture[str]) -> None:
    append_decision(decided.folder / "decisions.csv", Decision("d", "clear", "", "Eva", "2026-11-27T10:00:00Z", ""))
    append_decision(decided.folder / "decisions.csv", Decision("elsewhere", "block", "", "Eva", AT, ""))
    assert decided.add(new=True) == 3
    said = capsys.readouterr().err
    assert "lacks 1 adverts that are blocked: 'elsewhere'." in said
    assert "Added 2 adverts" in said


def test_what_was_cut_off_is_finished_and_altered_pictures_are_left_out(
    decided: Decided, photos: list[Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    altered = next(decided.folder.glob("2.*"))
    altered.write_bytes(photos[5].content)
    with monkeypatch.context() as patched:
        patched.setattr(Casebook, "note", interrupt)
        with pytest.raises(KeyboardInterrupt):
            decided.add(new=True)
    assert decided.add() == 3
    assert f"{altered}: This is no longer the picture" in capsys.readouterr().err
    (item,) = decided.casebook().case("C-1").items
    assert (len(item.corrections), len(item.notes)) == (1, 1)


def interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def test_where_nothing_was_blocked_one_sentence_says_so(schreger: Callable[..., Any], decided: Decided) -> None:
    at = decided.folder
    env = {"SCHREGER_CASEBOOK": str(at / "casebook.db"), "SCHREGER_CASEBOOK_KEYS": str(at / "keys")}
    options = ("--scan", at / "scan", "--adverts", at / "adverts.csv", "--new")
    done = schreger("casebook", "add-adverts", "C-1", "--decisions", at / "none.csv", *options, env=env)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "blocks no advert" in done.stderr
