"""Cases on the page, over HTTP: what each tab adds to them, notes and reports, and that users are kept apart in it."""

import asyncio
import io
import json
import re
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pypdfium2 as pdfium
import pytest
from PIL import Image
from starlette.routing import Router

from model.taxonomy import load_taxonomy
from serve import app
from serve.casebook import Casebook, export_case, verify
from serve.casebook.archive import read_archive
from serve.page.cases import Cases
from serve.texts import load_texts
from tests.serve.office import ADVERT, ANGLE, MARKS, Office, ask, put, save, upload

EN, AR = load_texts("en"), load_texts("ar")


@pytest.fixture
def section() -> bytes:
    """A photo that no other test sends."""
    file = io.BytesIO()
    Image.linear_gradient("L").resize((800, 600)).save(file, "JPEG", comment=str(time.time_ns()).encode())
    return file.getvalue()


@pytest.fixture
def kept(office: Office, lion: bytes) -> str:
    """The address of a case of Amina's."""
    with office.signed_in("Amina") as amina:
        photos = upload(amina, lion)
        ask(amina, photos)
        return address_of(save(amina, photos, name=f"C-{time.time_ns()}"))


def address_of(answered: httpx.Response) -> str:
    assert answered.status_code == 303, answered.text
    return answered.headers["location"].partition("?")[0]


def case_of(office: Office, address: str) -> Any:
    return office.casebook.case(address.rpartition("/")[2])


def is_whole(casebook: Casebook) -> bool:
    return verify(casebook.database.url, casebook.keys.folder) == ()


def angles(client: httpx.Client, photo: str, marks: list[list[float]] = MARKS) -> dict[str, Any]:
    """What the tab for Schreger angles answers."""
    asked = {"photo": photo, "marks": marks, "edge_seen": True}
    answered: dict[str, Any] = json.loads(put(client, ANGLE, asked)[0])
    return answered


def text_of(pdf: bytes) -> str:
    with pdfium.PdfDocument(pdf) as document:
        return " ".join("".join(page.get_textpage().get_text_range() for page in document).split())


# What one user sends is not another's


def test_while_the_casebook_is_away_no_case_is_said_to_be_gone(office: Office, kept: str) -> None:
    file = office.casebook.database.file
    assert file
    with office.signed_in("Amina") as amina:
        away = file.rename(file.with_suffix(".away"))
        try:
            answered = amina.get(kept)
        finally:
            away.rename(file)
        assert answered.status_code == 503
        assert EN["our_fault"] in answered.text
        assert amina.get(kept).status_code == 200


def test_the_advert_tab_takes_pictures_of_whoever_asks_alone(office: Office, lion: bytes) -> None:
    def vet(client: httpx.Client, path: str) -> str:
        return put(client, ADVERT, {"title": "ivory", "text": "", "seller_text": "", "pictures": [path]})[0]

    with office.signed_in("Amina") as amina, office.signed_in("Benoît") as other:
        (path,) = upload(amina, lion)
        assert "<img" not in vet(other, path)
        assert Path(path).read_bytes() == lion
        assert "<img" in vet(amina, path)
        assert Path(path).read_bytes() == b""  # an advert is saved to no case


def test_the_angle_tab_measures_photos_of_whoever_asks_alone(office: Office, section: bytes) -> None:
    with office.signed_in("Amina") as amina, office.signed_in("Benoît") as other:
        (path,) = upload(amina, section)
        for asked_before in (False, True):
            if asked_before:
                assert angles(amina, path)["photo"]["size"] == [800, 600]
            stolen = angles(other, path)
            assert EN["gone"] in stolen["said"]
            assert "photo" not in stolen
        assert save(other, [path], name="stolen", marks=json.dumps({"photo": path, "marks": MARKS})).status_code == 410
        assert "n = 2" in angles(amina, path)["said"]


# Schreger angles


def test_angles_are_saved_with_their_photo_as_an_item_and_found_in_export_and_report(
    office: Office, section: bytes, tmp_path: Path
) -> None:
    with office.signed_in("Amina") as amina:
        (path,) = upload(amina, section)
        said = angles(amina, path)["said"]
        assert EN["save_title"] in said
        marks = json.dumps({"photo": path, "marks": MARKS, "edge_seen": True})
        address = address_of(save(amina, [path], name=f"S-{time.time_ns()}", title="cut tusk", marks=marks))
        shown, report = amina.get(address).text, amina.get(f"{address}/report.pdf").content
        assert save(amina, [path], name="again", marks=marks).status_code == 410  # it left the tab
    file = case_of(office, address)
    (item,) = file.items
    (photo,), (note,) = item.photos, item.notes
    sentence, _, record = note.text.partition("\n")
    found = json.loads(record)
    assert office.casebook.original(photo.sha256) == section
    assert found["photo"] == {"sha256": photo.sha256, "width": 800, "height": 600}
    assert (found["kind"], found["n"], len(found["pairs"])) == ("schreger_angle", 2, 2)
    assert found["text"] == sentence
    for text in (said, shown, text_of(report)):
        assert sentence in text
    assert "schreger_angle" in text_of(report)
    assert len(file.entries) == 1  # photo and record came at once, or not at all
    export_case(office.casebook, file.case.id, tmp_path / "case.zip", "Amina")
    assert note in read_archive(tmp_path / "case.zip").records
    assert is_whole(office.casebook)


def test_angles_on_a_photo_that_the_case_has_are_a_note_on_its_item(office: Office, kept: str, lion: bytes) -> None:
    case = kept.rpartition("/")[2]
    with office.signed_in("Amina") as amina:
        for _ in range(2):
            (path,) = upload(amina, lion)
            assert case in angles(amina, path)["said"]
            save(amina, [path], case=case, marks=json.dumps({"photo": path, "marks": MARKS, "edge_seen": True}))
    (item,) = case_of(office, kept).items
    assert len(item.photos) == 1
    assert [json.loads(note.text.partition("\n")[2])["n"] for note in item.notes] == [2, 2]


@pytest.mark.parametrize("marks", ["no marks", "[]", json.dumps({"photo": "", "marks": [[0.5, 0.5]] * 6})])
def test_marks_that_measure_nothing_save_nothing(marks: str, office: Office, section: bytes) -> None:
    with office.signed_in("Amina") as amina:
        assert save(amina, upload(amina, section), name=f"N-{marks[:8]}", marks=marks).status_code == 410
        assert f"N-{marks[:8]}" not in amina.get("/en/cases").text


# Notes and reports


def test_whoever_may_see_a_case_writes_notes_on_it_and_nobody_else(office: Office, kept: str) -> None:
    with office.signed_in("Amina") as amina, office.signed_in("Dr. 王") as expert, office.signed_in("Benoît") as other:
        for client, text, status in (
            (amina, " <b>حجز</b>\r\nin the\x00 port ", 303),
            (expert, "Seen", 303),
            (other, "Mine", 404),
            (amina, " \r\n\x00", 400),
        ):
            assert client.post(f"{kept}/notes", data={"text": text}).status_code == status
        assert EN["note_missing"] in amina.post(f"{kept}/notes", data={}).text
        shown = amina.get(kept).text
        assert "&lt;b&gt;حجز" in shown
        assert EN["note_title"] in shown
    notes = case_of(office, kept).notes
    assert [(note.text, note.by) for note in notes] == [("<b>حجز</b>\nin the port", "Amina"), ("Seen", "Dr. 王")]
    assert is_whole(office.casebook)


def test_a_report_is_for_whoever_may_see_the_case_in_the_language_of_the_page(office: Office, kept: str) -> None:
    arabic = kept.replace("/en/", "/ar/")
    with office.signed_in("Amina") as amina, office.signed_in("Benoît") as other, office.signed_in("Root") as admin:
        assert f'href="{kept}/report.pdf"' in amina.get(kept).text
        shown = amina.get(arabic, headers={"accept-language": "fr"}).text
        assert 'dir="rtl"' in shown
        assert AR["report_get"] in shown
        assert set(re.findall(r'(?:href|action|src)="(/[^/"]*)', shown)) == {"/ar", "/signout"}
        for client, address in ((amina, arabic), (amina, kept), (admin, kept)):
            answered = client.get(f"{address}/report.pdf")
            assert answered.headers["content-type"] == "application/pdf"
            assert answered.headers["cache-control"] == "no-store"
            assert case_of(office, kept).case.ref.removeprefix("C-") in text_of(answered.content)
            assert (EN["report_title"] in text_of(answered.content)) is ("/en/" in address)
        assert other.get(f"{kept}/report.pdf").status_code == 404
    with office.client() as stranger:
        assert stranger.get(f"{kept}/report.pdf").status_code == 401


def test_no_report_is_offered_where_none_can_be_made(monkeypatch: pytest.MonkeyPatch, office: Office) -> None:
    monkeypatch.setitem(sys.modules, "serve.case_report", None)
    assert app._reporter(office.casebook, None) is None  # type: ignore[arg-type]


def test_reports_that_wait_for_their_turn_keep_nobody_from_their_cases() -> None:
    done = threading.Event()
    file: Any = SimpleNamespace(case=SimpleNamespace(id="0" * 64))
    desk: Any = SimpleNamespace(case=lambda _: file, cases=list, user=SimpleNamespace(login="Amina"))
    tray: Any = SimpleNamespace(classifier=SimpleNamespace(taxonomy=load_taxonomy()))
    routes = Cases(lambda _: desk, tray, lambda *_: b"%PDF" if done.wait(60) else b"").routes

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await Router(routes)({**scope, "user": None}, receive, send)

    async def ask() -> list[int]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://page") as client:
            reports = [asyncio.create_task(client.get(f"/en/cases/{'0' * 64}/report.pdf")) for _ in range(50)]
            await asyncio.sleep(1)
            try:
                cases = await asyncio.wait_for(client.get("/en/cases"), 20)
            finally:
                done.set()
            return [cases.status_code, *(each.status_code for each in await asyncio.gather(*reports))]

    assert asyncio.run(ask()) == [200] * 51
