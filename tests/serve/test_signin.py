"""The page in front of a casebook, over HTTP: who gets in, what is saved, and that users are kept apart."""

import json
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from model.photo import open_photo
from serve.casebook import Users, create_casebook, verify
from serve.page.door import OFTEN, Door
from serve.page.sessions import CHECKED, IDLE, WHOLE, Sessions
from serve.texts import load_texts
from tests.serve.office import PASSWORD, Office, ask, listen, save, upload

HTML = {"accept": "text/html"}
EN, AR = load_texts("en"), load_texts("ar")


@pytest.fixture
def kept(office: Office, lion: bytes) -> str:
    """The address of a case of Amina's."""
    with office.signed_in("Amina") as amina:
        photos = upload(amina, lion)
        ask(amina, photos)
        answered = save(amina, photos, name=f"C-{time.time_ns()}", title="carved figure")
        assert answered.status_code == 303, answered.text
        return answered.headers["location"].partition("?")[0]


# Signing in


def test_nobody_gets_anything_without_a_name_and_a_password(office: Office) -> None:
    with office.client() as stranger:
        for path in ("/", "/en", "/en/cases", "/en/cases/" + "0" * 64):
            assert stranger.get(path, headers=HTML).headers["location"] == "/signin"
            assert stranger.get(path).status_code == 401
        for path in ("/gradio_api/upload", "/gradio_api/queue/join", "/en/cases", "/en"):
            assert stranger.post(path, files={"files": b"x"}).status_code == 401
        late = stranger.post("/en/cases", data={"name": "C-1"}, headers=HTML)
        assert (late.status_code, late.headers["location"]) == (303, "/signin")
        asked = stranger.get("/signin", headers={"accept-language": "ar"})
        assert AR["signin_password"] in asked.text
        assert 'dir="rtl"' in asked.text
        assert "default-src 'self'" in asked.headers["content-security-policy"]
        wrong = [
            stranger.post("/signin", data={"name": name, "password": password}, headers={"accept-language": "ar"})
            for name, password in (
                ("Amina", PASSWORD + "x"),
                ("Nobody", PASSWORD),
                ("", ""),
                ("x" * 5000, "y" * 99_999),
            )
        ]
        assert {answered.status_code for answered in wrong} == {403}
        assert len({answered.text for answered in wrong}) == 1
        assert AR["signin_wrong"] in wrong[0].text
        assert stranger.get("/en").status_code == 401


def test_a_session_is_a_cookie_that_no_script_reads_and_ends_with_sign_out(office: Office) -> None:
    with office.client() as amina:
        answered = amina.post("/signin", data={"name": " Amina", "password": PASSWORD})
        parts = {*answered.headers["set-cookie"].split("; ")}
        assert {"HttpOnly", "SameSite=strict", "Path=/"} <= parts
        assert "Secure" not in parts
        assert amina.get("/en").status_code == 200
        by_proxy = {"x-forwarded-proto": "https"}
        again = amina.post("/signin", data={"name": "Amina", "password": PASSWORD}, headers=by_proxy)
        assert "Secure" in again.headers["set-cookie"].split("; ")
        assert amina.get("/en").status_code == 401  # the first is over, and the second for https alone
        amina.post("/signin", data={"name": "Amina", "password": PASSWORD})
        token = amina.cookies["schreger"]
        beside = {"cookie": f'of_another_program={{"a": [1]}}; schreger={token}'}
        assert amina.get("/en", headers=beside).status_code == 200
        assert amina.post("/signout").headers["location"] == "/signin"
        amina.cookies.set("schreger", token)
        assert amina.get("/en").status_code == 401


@pytest.mark.parametrize("origin", ["http://evil.example", "http://127.0.0.1:1", "null", ""])
def test_what_another_site_posts_is_refused(origin: str, office: Office) -> None:
    with office.signed_in("Amina") as amina:
        for path in ("/signin", "/signout", "/en/cases", "/gradio_api/upload", "/gradio_api/queue/join"):
            assert amina.post(path, headers={"origin": origin}).status_code == 403
        own = amina.post("/signout", headers={"origin": office.url})
        assert own.status_code == 303


def test_wrong_passwords_for_a_name_are_limited_in_the_language_of_who_tries(office: Office) -> None:
    with office.client() as stranger:
        tries = [stranger.post("/signin", data={"name": name, "password": "wrong"}) for name in ("Root", "ROOT") * 2]
        assert {each.status_code for each in tries} == {403}
        assert stranger.post("/signin", data={"name": "Root", "password": "wrong"}).status_code == 403
        refused = stranger.post(
            "/signin", data={"name": "Root", "password": PASSWORD}, headers={"accept-language": "ar"}
        )
        assert refused.status_code == 429
        assert AR["signin_wait"] in refused.text
        assert int(refused.headers["retry-after"]) == 15 * 60
    with office.signed_in("Amina") as amina:
        assert amina.get("/en").status_code == 200


@pytest.fixture
def sessions(tmp_path: Path) -> Sessions:
    users = Users(create_casebook(str(tmp_path / "c.db"), tmp_path / "keys", "Root"))
    users.add("Amina", "officer", PASSWORD, "Root")
    return Sessions(users)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Sets the clock forward, or back."""
    now = [time.time()]
    monkeypatch.setattr(time, "time", lambda: now[0])

    def forward(seconds: float) -> None:
        now[0] += seconds

    return forward


def start(sessions: Sessions) -> str:
    user = sessions.users.check("Amina", PASSWORD)
    assert user
    return sessions.start(user)


def test_a_session_ends_when_nobody_uses_it_and_after_a_shift(
    sessions: Sessions, clock: Callable[[float], None]
) -> None:
    unused = start(sessions)
    clock(IDLE - 1)
    assert sessions.user(unused)
    clock(IDLE)
    assert sessions.user(unused) is None
    used = start(sessions)
    for _ in range(int(WHOLE / IDLE) * 2 - 1):
        clock(IDLE / 2)
        assert sessions.user(used)
    clock(IDLE / 2)
    assert sessions.user(used) is None
    turned_back = start(sessions)
    clock(-60)
    assert sessions.user(turned_back) is None


@pytest.mark.parametrize("change", ["disable", "password"])
def test_a_session_ends_when_its_user_is_changed(
    change: str, sessions: Sessions, clock: Callable[[float], None]
) -> None:
    token = start(sessions)
    if change == "disable":
        sessions.users.disable("Amina", "Root")
    else:
        sessions.users.set_password("Amina", PASSWORD + "!", "Root")
    clock(CHECKED)
    assert sessions.user(token) is None


# Saving


def test_what_was_classified_is_saved_to_a_case_byte_for_byte(office: Office, lion: bytes, cheetah: bytes) -> None:
    with office.signed_in("Amina") as amina:
        photos = upload(amina, lion, cheetah, lion)  # one of them twice
        headline, _, details, _ = ask(amina, photos)
        assert EN["save_title"] in details
        ref = "C-17/<script>"
        answered = save(amina, photos, name=ref, title="carved <b>figure</b>")
        shown = amina.get(answered.headers["location"])
        assert EN["saved"] in shown.text
        assert "<script>alert" not in shown.text
        assert "C-17/&lt;script&gt;" in shown.text
        assert "carved &lt;b&gt;" in shown.text
        assert shown.headers["cache-control"] == "no-store"
        said = re.search(r"<h2[^>]*>([^<]+)", headline)
        assert said
        assert said[1] in shown.text
        assert not any(Path(path).exists() and Path(path).read_bytes() for path in photos)

        again = save(amina, photos, name=ref, title="carved <b>figure</b>")  # a finger that tapped twice
        assert again.headers["location"] == answered.headers["location"]
        assert save(amina, photos, name="C-18").status_code == 410  # they left the page
        again = upload(amina, cheetah)
        ask(amina, again)
        assert save(amina, again, name=ref).status_code == 409
        assert save(amina, again, name=" \x00").status_code == 400
        case = answered.headers["location"].split("/")[3].partition("?")[0]
        assert save(amina, again, case=case).status_code == 303
    file = office.casebook.case(ref)
    assert [item.item.by for item in file.items] == ["Amina", "Amina"]
    assert [office.casebook.original(photo.sha256) for photo in file.items[0].photos] == [lion, cheetah]
    assert verify(str(office.casebook.database.file), office.casebook.keys.folder) == ()


def test_a_photo_of_a_case_is_shown_without_its_metadata(office: Office, kept: str) -> None:
    with office.signed_in("Amina") as amina:
        (photo,) = re.findall(rf'src="({kept}/[0-9a-f]{{64}})"', amina.get(kept).text)
        answered = amina.get(photo)
        assert answered.headers["content-type"] == "image/webp"
        assert answered.headers["cache-control"] == "no-store"
        assert open_photo(answered.content).format == "WEBP"
        assert b"Exif" not in answered.content


# Apart


def test_a_case_is_not_there_for_another_officer(office: Office, kept: str, cheetah: bytes) -> None:
    case = kept.removeprefix("/en/cases/")
    file = office.casebook.case(case)
    with office.signed_in("Benoît") as other:
        assert kept not in other.get("/en/cases").text
        nowhere = other.get("/en/cases/" + "0" * 64)
        for path in (kept, f"{kept}/{file.items[0].photos[0].sha256}"):
            assert other.get(path).status_code == 404
        assert other.get(kept).text == nowhere.text
        correction = {"item": "1", "label": "bone", "why": "mine"}
        assert other.post(kept, data=correction).status_code == 404
        photos = upload(other, cheetah)
        assert file.case.ref not in ask(other, photos)[2]
        for name in (case, case[:12], file.case.ref):
            assert save(other, photos, case=name).status_code == 404
        assert save(other, photos, name=file.case.ref).status_code == 409

        # A case of his own that bears the id of hers does not stand in for it.
        named = save(other, photos, name=case)
        assert named.status_code == 303
        own = named.headers["location"].partition("?")[0]
        assert own != kept
        assert other.get(f"{own}/{file.items[0].photos[0].sha256}").status_code == 404
    assert office.casebook.case(case) == file


def test_an_upload_is_out_of_reach_of_another_user(office: Office, lion: bytes) -> None:
    with office.signed_in("Amina") as amina, office.signed_in("Benoît") as other:
        for asked_before in (False, True):
            (path,) = upload(amina, lion)
            if asked_before:
                ask(amina, [path])
            headline, pictures, *_ = ask(other, [path], [path])
            assert EN["gone"] in headline
            assert "<img" not in pictures
            assert save(other, [path], name="stolen").status_code == 410
            for way in (f"/gradio_api/file={path}", f"/file={path}", f"/static/{path}", f"/assets/../{path}"):
                assert other.get(way).status_code in (403, 404)
            assert "<h2" in ask(amina, [path])[0]


def test_a_session_hash_of_another_user_gives_nothing(office: Office, lion: bytes) -> None:
    with office.signed_in("Amina") as amina, office.signed_in("Benoît") as other:
        asked = json.dumps({"photos": upload(amina, lion), "removed": []})
        event = {"data": [asked], "fn_index": 0, "session_hash": "hers"}
        assert amina.post("/gradio_api/queue/join", json=event).status_code == 200
        with pytest.raises((StopIteration, httpx.RemoteProtocolError)):  # there is no such session
            next(listen(other, "hers"))
        assert "<h2" in next(listen(amina, "hers"))[0]


def test_experts_see_and_correct_all_cases_and_officers_do_not(office: Office, kept: str) -> None:
    correction = {"item": "1", "label": "bone", "why": "Haversian <canals>"}
    with office.signed_in("Amina") as amina:
        assert EN["correct_title"] not in amina.get(kept).text
        assert amina.post(kept, data=correction).status_code == 404
    with office.signed_in("Dr. 王") as expert:
        assert kept in expert.get("/en/cases").text
        assert EN["correct_title"] in expert.get(kept).text
        assert expert.post(kept, data={**correction, "why": " "}).status_code == 400
        assert expert.post(kept, data={**correction, "item": "2"}).status_code == 404
        assert expert.post(kept, data={**correction, "label": "nothing"}).status_code == 404
        assert expert.post(kept, data=correction).status_code == 303
    (item,) = office.casebook.case(kept.removeprefix("/en/cases/")).items
    assert [(each.label, each.why, each.by) for each in item.corrections] == [("bone", "Haversian <canals>", "Dr. 王")]
    with office.signed_in("Amina") as amina:
        assert "Haversian &lt;canals&gt;" in amina.get(kept).text


# Limits


def test_whoever_asks_too_often_has_to_wait_and_nobody_else() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def tries(door: Door) -> None:
        def client(address: str) -> httpx.AsyncClient:
            transport = httpx.ASGITransport(door, client=(address, 1))  # type: ignore[arg-type]
            return httpx.AsyncClient(transport=transport, base_url="http://page")

        async with client("192.0.2.1") as eager, client("192.0.2.2") as other:
            for path in ("/gradio_api/upload", "/gradio_api/queue/join"):
                for _ in range(OFTEN.amount):
                    assert (await eager.post(path, json={"data": []})).status_code == 200
                assert (await eager.post(path, json={"data": []})).status_code == 429
                assert (await other.post(path, json={"data": []})).status_code == 200
            assert (await eager.get("/en")).status_code == 200

    import anyio

    anyio.run(tries, Door(app))


# Starting


def test_a_casebook_that_nobody_may_sign_in_to_is_not_served(
    schreger: Callable[..., "subprocess.CompletedProcess[str]"], tmp_path: Path
) -> None:
    where, keys = tmp_path / "c.db", tmp_path / "keys"
    create_casebook(str(where), keys, "Root")
    for env, sentence in (
        ({"SCHREGER_CASEBOOK": str(where), "SCHREGER_CASEBOOK_KEYS": str(keys)}, "Nobody may sign in yet: "),
        ({"SCHREGER_CASEBOOK": str(where), "SCHREGER_CASEBOOK_KEYS": str(tmp_path)}, "The key of this casebook is not"),
        ({"SCHREGER_CASEBOOK": str(tmp_path / "none.db")}, "There is no casebook at "),
    ):
        done = schreger("serve", env=env)
        assert done.returncode == 2
        assert done.stderr.startswith(sentence)
        assert done.stderr.count("\n") == 1
