"""Advert files as spreadsheets and programs write them."""

import json
from pathlib import Path

import pytest

from model.photo import PhotoError, open_photo
from serve.advert.advert import Picture
from serve.advert.read import AdvertFileError, read_adverts

TABLE = "id,title,price,colour\r\n1,Vòng ngà,5 €,white\r\n2,Défense,7,\r\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_encoding_and_separator_are_found_out(tmp_path: Path, encoding: str, separator: str) -> None:
    file = tmp_path / "adverts.csv"
    file.write_bytes(TABLE.replace(",", separator).encode(encoding))
    adverts = read_adverts(file)
    assert [(advert.id, advert.title) for advert in adverts] == [("1", "Vòng ngà"), ("2", "Défense")]


def test_cp1252_is_read_where_it_is_not_utf_8(tmp_path: Path) -> None:
    file = tmp_path / "adverts.csv"
    file.write_bytes("id;title\n1;Défense d’éléphant, 5 €\n".encode("cp1252"))
    assert read_adverts(file)[0].title == "Défense d’éléphant, 5 €"


def test_unknown_columns_are_kept(tmp_path: Path) -> None:
    file = tmp_path / "adverts.csv"
    file.write_text(TABLE, encoding="utf-8")
    assert [dict(advert.other) for advert in read_adverts(file)] == [{"colour": "white"}, {"colour": ""}]


def test_empty_and_doubled_ids_are_kept_with_an_error(tmp_path: Path) -> None:
    file = tmp_path / "adverts.csv"
    file.write_text("id,title\n1,a\n,b\n1,c\n,d\n", encoding="utf-8")
    adverts = read_adverts(file)
    assert [advert.title for advert in adverts] == ["a", "b", "c", "d"]
    assert [bool(advert.error) for advert in adverts] == [False, True, True, True]
    assert "'1'" in adverts[2].error


def test_json_lines_hold_the_same_and_a_broken_line_is_an_error_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "adverts.jsonl"
    rows = [json.dumps({"id": 1, "text": "ivory", "pictures": ["a.jpg", "b.jpg"], "stars": 5}), "{", '{"id": "2"}']
    file.write_text("\n".join(rows), encoding="utf-8")
    first, broken, last = read_adverts(file)
    assert (first.id, first.pictures, dict(first.other)) == (
        "1",
        (tmp_path / "a.jpg", tmp_path / "b.jpg"),
        {"stars": "5"},
    )
    assert "Line 2" in broken.error
    assert (last.id, last.error) == ("2", "")


def test_pictures_lie_below_the_root_and_nowhere_else(tmp_path: Path) -> None:
    file = tmp_path / "adverts.csv"
    file.write_text("id,pictures\n1,a/b.jpg; c.jpg\n2,../../etc/passwd;/etc/hostname\n3,\n", encoding="utf-8")
    adverts = read_adverts(file, tmp_path / "root")
    assert adverts[0].pictures == (tmp_path / "root/a/b.jpg", tmp_path / "root/c.jpg")
    assert all(Path(str(picture)).is_relative_to(tmp_path / "root") for picture in adverts[1].pictures)
    assert adverts[2].pictures == ()


def test_a_name_that_no_file_can_have_is_a_picture_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "ring.jpg").symlink_to("ring.jpg")
    file = tmp_path / "adverts.jsonl"
    file.write_text(json.dumps({"id": "1", "pictures": ["\ud800.jpg", "ring.jpg", "/".join("a" * 5000)]}))
    (advert,) = read_adverts(file)
    assert len(advert.pictures) == 3
    assert [code_of(picture) for picture in advert.pictures] == ["unreadable_file"] * 3


def code_of(picture: Picture) -> str:
    with pytest.raises(PhotoError) as caught:
        open_photo(picture)
    return caught.value.code


@pytest.mark.parametrize("row", ['1,"a,old\n2,b,c\n3,"d",e\n', '1,a,"old\n2,b,c\n'])
def test_rows_that_an_open_quote_may_have_swallowed_are_said(tmp_path: Path, row: str) -> None:
    file = tmp_path / "adverts.csv"
    file.write_text(f'id,title,text\n0,"two\nlines","in ""quotes""."\n\n{row}', encoding="utf-8")
    whole, *rest = read_adverts(file)
    assert (whole.title, whole.text, whole.error) == ("two\nlines", 'in "quotes".', "")
    assert any("quote" in advert.error for advert in rest)


@pytest.mark.parametrize("start", [b"PK\x03\x04\x14\0", b"PAR1\x15\x04", b"\xff\xd8\xff\xe0\0\x10JFIF"])
def test_a_spreadsheet_or_a_photo_under_another_name_is_told_from_a_table(tmp_path: Path, start: bytes) -> None:
    file = tmp_path / "adverts.csv"
    file.write_bytes(start + bytes(range(256)) * 40)
    with pytest.raises(AdvertFileError, match="is no CSV file"):
        read_adverts(file)


@pytest.mark.parametrize("content", ["", "title,text\na,b\n"])
def test_a_file_without_ids_is_refused_in_words(tmp_path: Path, content: str) -> None:
    file = tmp_path / "adverts.csv"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(AdvertFileError, match="no column id"):
        read_adverts(file)
