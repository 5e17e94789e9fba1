"""The page's answers, its door, its settings, and how it is served."""

import base64
import hashlib
import io
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import numpy as np
import pytest
from PIL import Image

from model.classifier import Classifier
from model.finding import Finding
from model.photo import open_photo
from serve.app import ServeError, serve
from serve.page import answer, page, words
from serve.page.door import is_plain
from serve.page.overlay import FINENESS, heat, png

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


@pytest.fixture(scope="module")
def lion() -> bytes:
    return (Path(page.gr.__file__).parent / "media_assets/images/lion.jpg").read_bytes()


# Answers


def test_a_photo_is_answered_in_words_with_everything_beside(classifier: Classifier, lion: bytes) -> None:
    shown = page.show_photo(classifier, lion)
    assert "<h2" in shown.headline
    assert re.search(r"\d%", shown.details)
    assert shown.details.count('class="sure"') == 5
    assert 'class="legal"' in shown.details
    assert hashlib.sha256(lion).hexdigest() in shown.details
    assert classifier.bundle.id in shown.details
    assert 'type="range"' in shown.picture
    assert shown.photo == ""


def test_the_page_and_the_batch_answer_alike(classifier: Classifier, lion: bytes) -> None:
    """One photo, opened as the batch opens it: the same bytes give the same words."""
    ((_, finding),) = [result for result in classifier.stream([lion]) if not isinstance(result, Exception)]
    assert page.show_photo(classifier, lion).headline == answer.headline(finding, classifier.taxonomy)


@pytest.mark.parametrize("content", [b"", b"text, not a photo", None], ids=["empty", "text", "cut off"])
def test_a_file_that_is_no_photo_gets_one_sentence(content: bytes | None, classifier: Classifier, lion: bytes) -> None:
    shown = page.show_photo(classifier, lion[: len(lion) // 2] if content is None else content)
    sentence = re.fullmatch(r'<p class="problem">([^<]+)</p>', shown.headline)
    assert sentence
    assert "Error" not in sentence[1]
    assert shown.picture == ""


def test_a_fault_of_ours_is_told_without_its_traceback(
    classifier: Classifier, lion: bytes, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("the inside of the machine")

    monkeypatch.setattr(classifier, "classify", fail)
    shown = page.show_photo(classifier, lion)
    assert shown.headline == answer.problem(words.OUR_FAULT)
    assert "inside of the machine" in caplog.text
    assert not any("inside" in part for part in shown)


def test_a_sentence_is_shown_as_text() -> None:
    assert "<script" not in answer.problem("<script>alert(1)</script>")


def test_an_unusable_photo_shows_no_evidence_and_no_guesses(classifier: Classifier) -> None:
    grey = Image.new("RGB", (300, 200), "grey")
    file = io.BytesIO()
    grey.save(file, "PNG")
    shown = page.show_photo(classifier, file.getvalue())
    assert "Cannot tell" in shown.headline
    assert "likeliest" not in shown.details
    assert 'type="range"' not in shown.picture


def test_the_rule_that_decided_stands_with_the_answer(classifier: Classifier, lion: bytes) -> None:
    photo = open_photo(lion)
    ivory = Finding("ivory", "recognised", 0.9, (("ivory", 0.9),), 0.1, (photo.quality,), "a@b")
    assert "one kind is sure enough (class_sure)" in answer.details(photo, ivory, classifier.taxonomy)


def test_listings_come_with_source_and_date(classifier: Classifier, lion: bytes) -> None:
    photo = open_photo(lion)
    ivory = Finding("ivory", "recognised", 0.9, (("ivory", 0.9),), 0.1, (photo.quality,), "a@b")
    shown = answer.details(photo, ivory, classifier.taxonomy)
    assert "Elephas maximus" in shown
    assert "Appendix I<" in shown
    assert re.search(r'data-title="As of">20\d\d-\d\d-\d\d<', shown)
    cup = replace(ivory, answer="ceramic")
    assert words.no_listing(cup, classifier.taxonomy) in answer.details(photo, cup, classifier.taxonomy)


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


def test_the_photo_is_shown_upright(classifier: Classifier) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    file = io.BytesIO()
    Image.new("RGB", (80, 40), "red").save(file, "JPEG", exif=exif)
    photo = open_photo(file.getvalue())
    finding = classifier.classify([photo], evidence=True)
    shown = answer.picture(photo, finding, classifier.taxonomy)
    encoded = re.search(r"data:image/png;base64,([^\"]+)", shown)
    assert encoded
    assert Image.open(io.BytesIO(base64.b64decode(encoded[1]))).size == (40, 80)


# The door


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/file=http://127.0.0.1:1/", "/gradio_api/file=/etc/passwd", "/gradio_api/proxy=http://127.0.0.1:1/",
        "/gradio_api/info", "/gradio_api/openapi.json", "/gradio_api/runs", "/monitoring", "/gradio_api/mcp/", "/docs",
        "/openapi.json", "/gradio_api/vibe-code/", "/login", "/gradio_api/component_server",
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
def test_a_path_outside_the_uploads_is_not_opened(path: str, classifier: Classifier, tmp_path: Path) -> None:
    uploads, outside = tmp_path / "uploads", tmp_path / "photo"
    uploads.mkdir()
    outside.write_bytes(b"kept")
    (uploads / "link").symlink_to(outside)
    shown = page._take(classifier, uploads, path.format(up=uploads, out=outside))
    assert shown.headline == answer.problem(words.GONE)
    assert outside.read_bytes() == b"kept"


def test_an_upload_is_emptied_once_it_is_read(classifier: Classifier, lion: bytes, tmp_path: Path) -> None:
    file = tmp_path / "photo"
    file.write_bytes(lion)
    assert "<h2" in page._take(classifier, tmp_path, str(file)).headline
    assert file.read_bytes() == b""


def test_uploads_are_limited_and_cannot_be_fetched_back(client: httpx.Client, server: Server, lion: bytes) -> None:
    too_much = client.post("/gradio_api/upload", files={"files": bytes(page.MAX_BYTES + 1)})
    assert too_much.status_code == 413
    (path,) = client.post("/gradio_api/upload", files={"files": ("photo", lion)}).json()
    assert Path(path).read_bytes() == lion
    assert Path(path).is_relative_to(server.temporary)
    assert client.get(f"/gradio_api/file={path}").status_code == 404


def test_the_browser_is_told_to_stay_here(client: httpx.Client) -> None:
    answered = client.get("/")
    policy = answered.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "http" not in policy
    assert answered.headers["referrer-policy"] == "no-referrer"
    assert not re.search(r'(?:src|href)="(https?:)?//', answered.text)


def test_settings_that_would_leak_are_off(client: httpx.Client) -> None:
    config = client.get("/config").json()
    assert config["analytics_enabled"] is False
    assert config["footer_links"] == []
    assert config.get("run_history", False) is False
    assert config["max_file_size"] == page.MAX_BYTES
    assert not config["enable_queue"] or all(event["api_visibility"] == "private" for event in config["dependencies"])


# Serving


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
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
