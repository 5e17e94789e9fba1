"""The page's answers, its door, its settings, and how it is served."""

import base64
import hashlib
import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import numpy as np
import pytest
from PIL import Image

from model.classifier import DECODE_SIDE, Classifier
from model.finding import Finding
from model.photo import Quality, open_photo
from serve.app import ServeError, serve
from serve.overlay import FINENESS, heat, png
from serve.page import answer, page
from serve.page.door import is_plain
from serve.page.tray import Seen, Tray
from serve.texts import load_texts
from serve.words import Words

QUALITY = Quality(sharpness=0.6, brightness=0.5, contrast=0.7, usable_side=900, advice=())
IVORY = Finding("ivory", "recognised", 0.9, (("ivory", 0.9),), 0.1, (QUALITY,), "a@b")

# What Gradio takes for a file, and would fetch or read.
FETCH = {"path": "http://169.254.169.254/latest", "meta": {"_type": "gradio.FileData"}}
READ = {"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier.load()


class Server(NamedTuple):
    """The page as people run it: where it answers, and the folder that it may write temporary files in."""

    process: "subprocess.Popen[str]"
    url: str
    temporary: Path


@contextmanager
def running(temporary: Path) -> Iterator[Server]:
    """Serve the page in a process of its own, since Gradio leaves event loops open."""
    program = "from serve.app import serve; serve(port=0)"
    env = {**os.environ, "TMPDIR": str(temporary), "GRADIO_SHARE": "True", "GRADIO_ANALYTICS_ENABLED": "True"}
    with subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE, text=True, env=env) as process:
        try:
            assert process.stderr
            ready = re.fullmatch(r"schreger is ready: (http://127\.0\.0\.1:\d+)\n", process.stderr.readline())
            assert ready, process.stderr.read()
            yield Server(process, ready[1], temporary)
        finally:
            process.kill()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("served")) as server:
        yield server


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=60) as client:
        yield client


class Made(NamedTuple):
    """A tray of photos, and the folder that its uploads come in by."""

    tray: Tray
    uploads: Path

    def send(self, *contents: bytes) -> list[str]:
        files = [self.uploads / f"photo{len([*self.uploads.iterdir()])}-{number}" for number in range(len(contents))]
        for file, content in zip(files, contents, strict=True):
            file.write_bytes(content)
        return [str(file) for file in files]


@pytest.fixture
def made(classifier: Classifier, tmp_path: Path) -> Made:
    uploads = tmp_path / "uploads"
    uploads.mkdir()
    return Made(Tray(classifier, uploads, {}), uploads)


@pytest.fixture(scope="module")
def words(classifier: Classifier) -> Words:
    return Words("en", classifier.taxonomy)


def ask(made: Made, words: Words, photos: list[str], removed: tuple[str, ...] = ()) -> page.Shown:
    return page.show_item(made.tray, words, json.dumps({"photos": photos, "removed": removed}))


# Answers


def test_a_photo_is_answered_in_words_with_everything_beside(made: Made, words: Words, lion: bytes) -> None:
    shown = ask(made, words, made.send(lion))
    assert "<h2" in shown.headline
    assert re.search(r"\d%", shown.details)
    assert shown.details.count('class="sure"') == 5
    assert 'class="legal"' in shown.details
    assert 'class="handling"' in shown.details
    assert hashlib.sha256(lion).hexdigest() in shown.details
    assert made.tray.classifier.bundle.id in shown.details
    assert 'type="range"' in shown.pictures
    assert json.loads(shown.door) == {"done": True, "gone": []}


def test_the_page_and_the_batch_answer_alike(made: Made, words: Words, lion: bytes) -> None:
    """One photo, opened as the batch opens it: the same bytes give the same words."""
    classifier = made.tray.classifier
    ((_, finding),) = [result for result in classifier.stream([lion]) if not isinstance(result, Exception)]
    assert ask(made, words, made.send(lion)).headline == answer.headline(finding, words)


def test_photos_of_one_item_are_answered_together_and_each_alone(
    made: Made, words: Words, lion: bytes, cheetah: bytes
) -> None:
    classifier = made.tray.classifier
    findings = [classifier.classify([open_photo(content, max_side=DECODE_SIDE)]) for content in (lion, cheetah)]
    shown = ask(made, words, made.send(lion, cheetah))
    assert shown.headline == answer.headline(classifier.combine(findings), words)
    assert shown.pictures.count("<figure>") == shown.pictures.count('class="heat"') == 2
    for finding in findings:
        assert words.say("alone", headline=words.headline(finding)) in shown.pictures
    assert shown.pictures.count('type="range"') == 1


def test_a_removed_photo_counts_no_more_and_is_forgotten(made: Made, words: Words, lion: bytes, cheetah: bytes) -> None:
    first, second = made.send(lion, cheetah)
    alone = ask(made, words, made.send(lion)).headline
    assert ask(made, words, [first, second]).headline != alone
    assert ask(made, words, [first], (second,)).headline == alone
    assert json.loads(ask(made, words, [second]).door)["gone"] == [second]
    assert ask(made, words, [], (first,)).headline == answer.waiting(words)


def test_a_photo_is_asked_about_again_in_another_language_without_being_sent_again(
    made: Made, words: Words, lion: bytes
) -> None:
    photos = made.send(lion)
    english = ask(made, words, photos)
    french = ask(made, Words("fr", words.taxonomy), photos)
    assert words.say("next_title") in english.details
    assert load_texts("fr")["next_title"] in french.details


def test_photos_that_nobody_asks_for_are_forgotten(made: Made, words: Words, lion: bytes) -> None:
    photos = made.send(lion)
    ask(made, words, photos)
    made.tray.forget_older(3600)
    assert made.tray.look(photos) != [None]
    made.tray.forget_older(0)
    assert made.tray.look(photos) == [None]


def test_a_page_that_is_loaded_anew_while_its_photo_is_looked_at_is_answered_too(made: Made, lion: bytes) -> None:
    photos = made.send(lion)
    with ThreadPoolExecutor() as pages:
        (first,), (again,) = pages.map(made.tray.look, [photos, photos])
    assert isinstance(first, Seen)
    assert again is first


def test_more_than_ten_photos_are_not_taken(made: Made, words: Words, lion: bytes) -> None:
    photos = made.send(*[lion] * 12)
    assert ask(made, words, photos).pictures.count("<figure>") == 10


@pytest.mark.parametrize("content", [b"text, not a photo", None], ids=["text", "cut off"])
@pytest.mark.parametrize("language", ["en", "ar"])
def test_a_file_that_is_no_photo_gets_one_sentence(
    content: bytes | None, language: str, made: Made, words: Words, lion: bytes
) -> None:
    own = Words(language, words.taxonomy)
    (path,) = made.send(lion[: len(lion) // 2] if content is None else content)
    shown = ask(made, own, [path])
    sentence = re.fullmatch(r'<p class="problem">([^<]+)</p>', shown.headline)
    assert sentence
    assert sentence[1] in {own.say("error_not_an_image"), own.say("error_truncated")}
    assert "<img" not in shown.pictures
    assert json.loads(shown.door)["gone"] == []


def test_a_file_that_is_no_photo_does_not_keep_the_others_from_an_answer(made: Made, words: Words, lion: bytes) -> None:
    shown = ask(made, words, made.send(b"no photo", lion))
    assert "<h2" in shown.headline
    assert words.say("error_not_an_image") in shown.pictures
    assert shown.pictures.count("<figure>") == 2


@pytest.mark.parametrize("asked", ["", "{}", "[]", "null", '{"photos": 1, "removed": []}', "[" * 100_000, "\udcff"])
def test_a_question_that_is_none_is_answered_as_before_the_first_photo(asked: str, made: Made, words: Words) -> None:
    assert page.show_item(made.tray, words, asked).headline == answer.waiting(words)


def test_a_fault_of_ours_is_told_without_its_traceback(
    made: Made, words: Words, lion: bytes, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("the inside of the machine")

    monkeypatch.setattr(made.tray.classifier, "classify", fail)
    shown = ask(made, words, made.send(lion))
    assert shown.headline == answer.problem(words.say("our_fault"))
    assert "inside of the machine" in caplog.text
    assert not any("inside" in part for part in shown)


def test_a_sentence_is_shown_as_text(made: Made, words: Words) -> None:
    assert "<script" not in answer.problem("<script>alert(1)</script>")
    assert "<script" not in ask(made, words, ['"><script>alert(1)</script>']).pictures


def test_an_unusable_photo_shows_no_evidence_and_no_guesses(made: Made, words: Words) -> None:
    grey = Image.new("RGB", (300, 200), "grey")
    file = io.BytesIO()
    grey.save(file, "PNG")
    shown = ask(made, words, made.send(file.getvalue()))
    assert "Cannot tell" in shown.headline
    assert "likeliest" not in shown.details
    assert 'type="range"' not in shown.pictures


def test_the_rule_that_decided_stands_with_the_answer(words: Words) -> None:
    assert "one kind is sure enough (class_sure)" in answer.details([], IVORY, words)


def test_listings_come_with_source_and_date(words: Words) -> None:
    shown = answer.details([], IVORY, words)
    assert "Elephas maximus" in shown
    assert "Appendix I<" in shown
    assert re.search(r'data-title="As of"><span dir="ltr">20\d\d-\d\d-\d\d<', shown)
    cup = replace(IVORY, answer="ceramic")
    assert words.no_listing(cup) in answer.details([], cup, words)


# The evidence over the photo


def test_the_overlay_is_solid_where_the_evidence_is_strongest_and_clear_where_it_is_against() -> None:
    evidence = np.array([[-3, 0, 1], [0, 5, 9]], np.float32)
    shown = heat(evidence)
    assert shown.shape == (2 * FINENESS, 3 * FINENESS, 4)
    assert shown[-1, -1, 3] == 255
    assert shown[0, 0, 3] == 0
    assert np.all(np.diff(shown[-1, :, 3].astype(int)) >= 0)


def test_weak_evidence_stays_faint() -> None:
    assert heat(np.full((3, 3), 0.5, np.float32))[..., 3].max() < 30


@pytest.mark.parametrize("evidence", [np.zeros((3, 3)), np.full((3, 3), -1), np.full((2, 2), np.nan)])
def test_without_evidence_the_overlay_is_clear(evidence: Any) -> None:
    assert not heat(evidence.astype(np.float32))[..., 3].any()


@pytest.mark.parametrize("channels", [3, 4])
def test_the_picture_is_a_png_of_the_very_pixels(channels: int) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (7, 5, channels), np.uint8)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(png(pixels)))), pixels)


def test_the_photo_is_shown_upright(made: Made, words: Words) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    file = io.BytesIO()
    Image.new("RGB", (80, 40), "red").save(file, "JPEG", exif=exif)
    encoded = re.search(r"data:image/webp;base64,([^\"]+)", ask(made, words, made.send(file.getvalue())).pictures)
    assert encoded
    assert Image.open(io.BytesIO(base64.b64decode(encoded[1]))).size == (40, 80)


# The door


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/file=http://127.0.0.1:1/", "/gradio_api/file=/etc/passwd", "/gradio_api/proxy=http://127.0.0.1:1/",
        "/gradio_api/info", "/gradio_api/openapi.json", "/gradio_api/runs", "/monitoring", "/gradio_api/mcp/", "/docs",
        "/openapi.json", "/gradio_api/vibe-code/", "/login", "/gradio_api/component_server", "/v1/health",
        "/cases", "/en/cases", "/en/cases/" + "0" * 64, "/signin",
    ],
)  # fmt: skip
def test_what_the_page_does_not_need_is_not_here(path: str, client: httpx.Client) -> None:
    assert client.get(path).status_code == 404
    assert client.post(path, json={}).status_code == 404


@pytest.mark.parametrize("path", ["run/predict", "api/predict", "call/predict", "component_server", "run/_take"])
def test_there_is_no_api(path: str, client: httpx.Client) -> None:
    assert client.post(f"/gradio_api/{path}", json={"data": []}).status_code == 404


@pytest.mark.parametrize("data", [[FETCH], [READ], [[FETCH]], FETCH, [{"url": "http://127.0.0.1/"}]])
def test_an_event_cannot_make_the_server_fetch_or_read(data: Any, client: httpx.Client, server: Server) -> None:
    event = {"data": data, "fn_index": 0, "session_hash": "stranger"}
    assert client.post("/gradio_api/queue/join", json=event).status_code == 400
    assert not any("passwd" in file.name for file in server.temporary.rglob("*"))


@pytest.mark.parametrize("body", [b"", b"[", b"[]", b"\xff", b"[" * 100_000, b'{"data": [{"path": "x"}]}'])
def test_an_event_is_plain_or_refused(body: bytes) -> None:
    assert not is_plain(body)


def test_a_plain_event_passes() -> None:
    assert is_plain(b'{"data": ["a path", 1, null, ["b"]]}')


def test_an_event_of_any_size_is_not_read(client: httpx.Client) -> None:
    assert client.post("/gradio_api/queue/join", content=b" " * 100_000).status_code == 413


@pytest.mark.parametrize("path", ["{out}", "{up}/../photo", "{up}/link", "{up}", "{up}/none", "", "\0", "/dev/zero"])
def test_a_path_outside_the_uploads_is_not_opened(path: str, made: Made, words: Words) -> None:
    outside = made.uploads.with_name("photo")
    outside.write_bytes(b"kept")
    (made.uploads / "link").symlink_to(outside)
    shown = ask(made, words, [path.format(up=made.uploads, out=outside)], (str(outside),))
    assert shown.headline == answer.problem(words.say("gone"))
    assert outside.read_bytes() == b"kept"


def test_an_upload_is_emptied_once_it_is_read(made: Made, words: Words, lion: bytes) -> None:
    (path,) = made.send(lion)
    for _ in range(2):
        assert "<h2" in ask(made, words, [path]).headline
        assert Path(path).read_bytes() == b""


@pytest.mark.parametrize(("accepted", "page"), [("ar-EG", "ar"), ("de, fr;q=0.4", "fr"), ("de", "en")])
def test_the_browsers_language_is_met(accepted: str, page: str, client: httpx.Client) -> None:
    answered = client.get("/", headers={"accept-language": accepted})
    assert (answered.status_code, answered.headers["location"]) == (303, page)
    assert client.get("/", headers={"accept-language": accepted, "cookie": "language=vi"}).headers["location"] == "vi"
    assert load_texts(page)["waiting"] in client.get(f"/{page}").text


def test_uploads_are_limited_and_cannot_be_fetched_back(client: httpx.Client, server: Server, lion: bytes) -> None:
    half = ("files", ("photo", bytes(page.MAX_BYTES // 2)))
    for files in ([("files", bytes(page.MAX_BYTES + 1))], [half] * 3):  # three in one are no way to fill the disk
        assert client.post("/gradio_api/upload", files=files).status_code == 413
    unannounced = client.post("/gradio_api/upload", content=iter([b"x"]))
    assert unannounced.status_code == 413
    (path,) = client.post("/gradio_api/upload", files={"files": ("photo", lion)}).json()
    assert Path(path).read_bytes() == lion
    assert Path(path).is_relative_to(server.temporary)
    assert client.get(f"/gradio_api/file={path}").status_code == 404


def test_the_browser_is_told_to_stay_here(client: httpx.Client) -> None:
    answered = client.get("/en")
    policy = answered.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "http" not in policy
    assert answered.headers["referrer-policy"] == "same-origin"
    assert not re.search(r'(?:src|href)="(https?:)?//', answered.text)


def test_another_website_that_gives_itself_this_computers_address_is_not_answered(client: httpx.Client) -> None:
    assert client.get("/en", headers={"host": "evil.example"}).status_code == 400
    assert client.get("/en", headers={"host": "localhost:7860"}).status_code == 200


def test_settings_that_would_leak_are_off(client: httpx.Client) -> None:
    config = client.get("/config").json()
    assert config["analytics_enabled"] is False
    assert config["footer_links"] == []
    assert config.get("run_history", False) is False
    assert config["max_file_size"] == page.MAX_BYTES
    assert not config["enable_queue"] or all(event["api_visibility"] == "private" for event in config["dependencies"])


def test_there_is_a_tab_for_angles_and_none_for_practice_unless_it_is_asked_for(client: httpx.Client) -> None:
    labels = {part["props"].get("label") for part in client.get("/config").json()["components"]}
    assert {load_texts("en")[tab] for tab in ("photos_tab", "angle_tab")} <= labels
    assert load_texts("en")["practice_tab"] not in labels


# Serving


@pytest.fixture
def as_in_a_terminal() -> Iterator[None]:
    """What is started does not ignore the terminal's end, as it would below nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.usefixtures("as_in_a_terminal")
@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_stops_quietly_and_leaves_nothing_behind(stop: signal.Signals, tmp_path: Path, lion: bytes) -> None:
    with running(tmp_path) as server:
        httpx.post(f"{server.url}/gradio_api/upload", files={"files": ("photo", lion)}, timeout=60)
        assert any(file.is_file() for file in tmp_path.rglob("*"))
        server.process.send_signal(stop)
        _, said = server.process.communicate(timeout=60)
    assert server.process.returncode == 0
    assert said == ""
    assert not list(tmp_path.iterdir())


def test_a_port_in_use_is_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(ServeError, match=r"^Port \d+ of .*--port\.$"):
        serve(port=taken.getsockname()[1])


@pytest.mark.parametrize(
    ("host", "port"), [("203.0.113.9", 7860), ("not an address", 7860), ("127.0.0.1", 99_999), ("127.0.0.1", -1)]
)
def test_an_address_that_cannot_be_is_one_sentence(host: str, port: int) -> None:
    with pytest.raises(ServeError):
        serve(host=host, port=port)
