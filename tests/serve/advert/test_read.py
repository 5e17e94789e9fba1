"""Advert files as spreadsheets and programs write them."""

import json
import unicodedata
from pathlib import Path

import pytest
from typer.testing import CliRunner

from model.photo import PhotoError, open_photo
from serve.advert.advert import Picture
from serve.advert.read import AdvertFileError, read_adverts
from serve.cli import app

TABLE = "id,title,price,colour\r\n1,Vòng ngà,5 €,white\r\n2,Défense,7,\r\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_encoding_and_separator_are_found_out(tmp_path: Path, encoding: str, separator: str) -> None:
    file = tmp_path / "adverts.csv"
    file.write_bytes(TABLE.replace(",", separator).encode(encoding))
    adverts = read_adverts(file)
    assert [(advert.id, advert.title) for advert in adverts] == [("1", "Vòng ngà"), ("2", "Défense")]


LEGACY = {
    "cp1252": [
        "Défense d’éléphant, 5 €", "Elfenbein, schön geschnitzt, Größe 9", "Pulseira de marfim, não é osso",
        "Bracciale d'avorio, così antico", "Colmillo, año 1920",
    ],
    "gb18030": ["象牙手镯 出售", "老象牙雕件 包邮，私聊", "A级 珠子 10mm", "vintage beads"],
    "cp950": ["象牙手鐲 出售", "穿山甲鱗片 中藥 500克", "天然玉石項鍊 全新"],
    "cp1256": ["سوار عاج للبيع", "ivory عاج", "ببغاء رمادي أفريقي"],
    "cp1258": ["Vòng tay ngà voi thật", "Bán vảy tê tê giá rẻ", "Cao hổ cốt nguyên chất, liên hệ"],
}  # fmt: skip
TONES = "\u0300\u0301\u0303\u0309\u0323"


def as_windows_writes(title: str, encoding: str) -> bytes:
    """In cp1258 the tones of Vietnamese are letters of their own."""
    if encoding == "cp1258":
        apart = [unicodedata.normalize("NFD", letter) for letter in title]
        plain = [unicodedata.normalize("NFC", "".join(sign for sign in each if sign not in TONES)) for each in apart]
        tones = ["".join(sign for sign in each if sign in TONES) for each in apart]
        title = "".join(letter + tone for letter, tone in zip(plain, tones, strict=True))
    return title.encode(encoding)


@pytest.mark.parametrize("times", [1, 400])
@pytest.mark.parametrize("encoding", LEGACY)
def test_what_windows_writes_in_other_countries_is_read_and_told(tmp_path: Path, encoding: str, times: int) -> None:
    file = tmp_path / "adverts.csv"
    titles = LEGACY[encoding] * times
    cells = (as_windows_writes(title, encoding) for title in titles)
    rows = (f"{number};".encode() + cell for number, cell in enumerate(cells))
    told: list[str] = []
    file.write_bytes(b"\r\n".join([b"id;title", *rows]))
    read = [unicodedata.normalize("NFC", advert.title) for advert in read_adverts(file, tell=told.append)]
    assert read == titles
    assert told == [f"{str(file)!r} is not UTF-8; it was read as {encoding}: check a few rows, or save it as UTF-8."]


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_a_title_cut_inside_a_letter_costs_its_own_letter_alone(tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "adverts.csv"
    title = "象牙手镯 出售"
    whole = title.encode(encoding)
    file.write_bytes(b"id,title\n" + b"".join(b"%d,%b\n" % (n, whole) for n in range(3)) + b"3," + whole[:-1] + b"\n")
    *rest, cut = read_adverts(file)
    assert [advert.title for advert in rest] == [title] * 3
    assert cut.title.startswith(title[:-1])


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


def test_the_entries_of_a_json_array_are_adverts_too(tmp_path: Path) -> None:
    file = tmp_path / "adverts.json"
    file.write_text(json.dumps([{"id": "1", "title": "Vòng ngà"}, 5, {"id": "2", "text": "bone"}], indent=1))
    first, broken, last = read_adverts(file)
    assert (first.id, first.title, first.error) == ("1", "Vòng ngà", "")
    assert "Entry 2" in broken.error
    assert (last.id, last.text, last.error) == ("2", "bone", "")
    file.write_text('{"id": "1", "title": "a"}\n{"id": "2", "title": "b"}\n')
    assert [advert.title for advert in read_adverts(file)] == ["a", "b"]
    file.write_text('[{"id": "1", "title": "a"},')
    with pytest.raises(AdvertFileError, match="no whole JSON array"):
        read_adverts(file)


@pytest.mark.parametrize("line", ["sep=;", '"sep=;"', "sep=|", "sep=\t"])
def test_the_line_that_names_the_separator_is_heeded(tmp_path: Path, line: str) -> None:
    file = tmp_path / "adverts.csv"
    separator = line.strip('"')[-1]
    file.write_text(f"{line}\r\nid,title,price\r\n1,ivory,5\r\n".replace(",", separator), newline="")
    assert [(advert.id, advert.title, advert.price) for advert in read_adverts(file)] == [("1", "ivory", "5")]


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


@pytest.mark.parametrize(("content", "said"), [("", "adverts.csv' is empty"), ("title,text\na,b\n", "no column id")])
def test_a_file_without_ids_is_refused_in_words(tmp_path: Path, content: str, said: str) -> None:
    file = tmp_path / "adverts.csv"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(AdvertFileError, match=said):
        read_adverts(file)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "ID;Titel;Preis\n1;ivory netsuke;5\n"),
        ("a.jsonl", '{"id": 1, "Titel": "ivory netsuke"}\n{"id": 2, "Preis": 5}\n'),
        ("a.json", '[{"id": 1, "Titel": "ivory netsuke", "Preis": 5}]'),
    ],
)
def test_a_file_without_anything_to_judge_by_is_refused_in_words(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(AdvertFileError, match=r"no column title, text or pictures.*Titel, Preis"):
        read_adverts(tmp_path / name, tell=print)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", "ID;Titel;Text;stratum\n1;ivory netsuke;;4\n2;a;b;5\n", "no column title"),
        ("a.csv", "id,标题,描述,pictures\n1,象牙,,\n", "no column title or text"),
        ("a.jsonl", '{"id": 1, "title": "a"}\n{"id": 2, "description": "ivory netsuke"}\n', "no column text"),
        ("a.csv", "id,title,text,stratum\n1,a,b,4\n", ""),
        ("a.csv", "id,title,price,\n1,a,5,\n", ""),
        ("a.jsonl", '{"id": 1, "title": "a", "stratum": 4}\n{"id": 2, "text": "b"}\n', ""),
    ],
)
def test_columns_that_may_be_the_missing_ones_are_told_once(tmp_path: Path, name: str, content: str, said: str) -> None:
    told: list[str] = []
    (tmp_path / name).write_text(content, encoding="utf-8")
    read_adverts(tmp_path / name, tell=told.append)
    assert len(told) == bool(said)
    assert said in "".join(told)


@pytest.mark.parametrize("header", ["id,title,title", "id,title,ID", "id,Title, title "])
def test_a_doubled_column_is_refused_in_words(tmp_path: Path, header: str) -> None:
    file = tmp_path / "adverts.csv"
    file.write_text(f"{header}\n1,ivory netsuke,a clock\n", encoding="utf-8")
    with pytest.raises(AdvertFileError, match="more than one column"):
        read_adverts(file)


def test_vet_says_how_it_took_the_file(tmp_path: Path) -> None:
    file = tmp_path / "adverts.csv"
    file.write_bytes("id,标题,text\n1,象牙,象牙手镯 出售\n".encode("gbk"))
    vetted = CliRunner().invoke(app, ["vet", str(file), "--no-ocr", "--json", "--quiet"])
    assert (vetted.exit_code, vetted.stderr.count("\n")) == (0, 2)
    assert "no column title" in vetted.stderr
    assert "标题" in vetted.stderr
    assert "read as gb18030" in vetted.stderr
    assert json.loads(vetted.stdout)["verdict"] == "review"
