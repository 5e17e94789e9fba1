"""What the API answers, over real HTTP."""

import base64
import hashlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from model.classifier import Classifier
from model.photo import PhotoError
from serve.advert import Advert, vet

IVORY = {"title": "Carved ivory netsuke", "text": "35 g, free shipping"}
PHOTO_CODES = {
    "not_an_image", "unsupported_format", "empty", "truncated", "too_many_bytes", "too_many_pixels", "absurd_aspect",
}  # fmt: skip


def base64_of(content: bytes) -> str:
    return base64.b64encode(content).decode()


def files(*contents: bytes) -> list[tuple[str, bytes]]:
    return [("pictures", content) for content in contents]


def error_of(answered: httpx.Response, status: int) -> str:
    """The code of an error, which has one sentence and the id of its request."""
    assert answered.status_code == status, answered.text
    error = answered.json()["error"]
    assert set(answered.json()) == {"error"}
    assert error["request_id"] == answered.headers["x-request-id"]
    assert error["message"].endswith(".")
    assert "Traceback" not in error["message"]
    return str(error["code"])


@pytest.fixture(scope="module")
def pictures(photos: list[Any]) -> list[bytes]:
    return [photo.content for photo in photos[:8]]


# Verdicts


def test_an_advert_is_judged_as_the_command_judges_it(
    client: httpx.Client, classifier: Classifier, pictures: list[bytes]
) -> None:
    said = client.post("/v1/vet", data={"id": "7", **IVORY}, files=files(*pictures[:2])).json()
    verdict = vet(Advert("7", **IVORY, pictures=tuple(pictures[:2])), classifier)
    assert (said["id"], said["verdict"], said["answer"]) == ("7", verdict.verdict, verdict.answer)
    assert said["score"] == pytest.approx(verdict.score, abs=1e-4)
    assert [reason["sentence"] for reason in said["reasons"]] == [reason.sentence for reason in verdict.reasons]
    assert [picture["sha256"] for picture in said["pictures"]] == [
        hashlib.sha256(picture).hexdigest() for picture in pictures[:2]
    ]
    assert (said["policy"], said["bundle"]) == (verdict.policy, verdict.bundle)


def test_a_form_and_base64_are_answered_alike(client: httpx.Client, pictures: list[bytes]) -> None:
    form = client.post("/v1/vet", data=IVORY, files=files(*pictures))
    coded = client.post("/v1/vet", json={**IVORY, "pictures": [*map(base64_of, pictures)]})
    assert form.status_code == 200
    assert form.json() == coded.json()


def test_many_adverts_come_back_in_their_order(client: httpx.Client, pictures: list[bytes]) -> None:
    adverts = [{"id": str(number), "pictures": [base64_of(pictures[number % 8])]} for number in range(20)]
    adverts[3] = {"id": "3", **IVORY}
    verdicts = client.post("/v1/vet/batch", json={"adverts": adverts}).json()["verdicts"]
    assert [verdict["id"] for verdict in verdicts] == [advert["id"] for advert in adverts]
    assert verdicts[3] == client.post("/v1/vet", json=adverts[3]).json()


def test_photos_of_an_item_are_answered_as_the_stream_answers_them(
    client: httpx.Client, classifier: Classifier, pictures: list[bytes]
) -> None:
    said = client.post("/v1/classify", files=files(*pictures, b"no photo")).json()
    looked = [result for result in classifier.stream(pictures) if not isinstance(result, PhotoError)]
    assert [picture["sha256"] for picture in said["pictures"][:-1]] == [sha256 for sha256, _ in looked]
    assert [picture["finding"]["answer"] for picture in said["pictures"][:-1]] == [each.answer for _, each in looked]
    assert said["pictures"][-1]["error"]["code"] == "not_an_image"
    together = classifier.combine([each for _, each in looked])
    assert (said["item"]["answer"], said["item"]["status"]) == (together.answer, together.status)


def test_hostile_files_are_named_by_their_codes_and_nothing_breaks(
    client: httpx.Client, hostile: dict[str, bytes]
) -> None:
    contents = list(hostile.values())
    for start in range(0, len(contents), 10):
        answered = client.post("/v1/classify", files=files(*contents[start : start + 10]))
        assert answered.status_code == 200
        for picture in answered.json()["pictures"]:
            assert picture["error"] is None or picture["error"]["code"] in PHOTO_CODES
    assert client.post("/v1/classify", files=files(b"")).json()["item"] is None


def test_no_address_is_ever_opened(client: httpx.Client) -> None:
    with listening() as (url, heard):
        fields = ["id", "platform", "seller", "url", "title", "text", "location", "seller_text"]
        advert = dict.fromkeys(fields, url)
        assert client.post("/v1/vet", json=advert).status_code == 200
        assert client.post("/v1/vet", data=advert, files=files(url.encode())).status_code == 200
        assert client.post("/v1/vet/batch", json={"adverts": [advert]}).status_code == 200
        for refused in (
            client.post("/v1/vet", json={**advert, "pictures": [url]}),
            client.post("/v1/vet", data={**advert, "pictures": url}, files=files(b"x")),
            client.post("/v1/classify", json={"pictures": [url]}),
            client.post("/v1/vet", json={**advert, "picture_urls": [url]}),
        ):
            assert error_of(refused, 422) == "invalid_request"
        time.sleep(0.3)
        assert heard == []


@contextmanager
def listening() -> Iterator[tuple[str, list[object]]]:
    """An address, and who connected to it."""
    heard: list[object] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.05)
        done = threading.Event()

        def hear() -> None:
            while not done.is_set():
                try:
                    heard.append(listener.accept()[1])
                except TimeoutError:
                    continue

        thread = threading.Thread(target=hear)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/photo.jpg", heard
        done.set()
        thread.join()


# Requests that are none


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("vet", {"titel": "x"}, "titel: there is no such field."),
        ("vet", {"price": 7}, "price: one text is wanted, as a string."),
        ("vet", {"title": "x" * 2_001}, "title: at most 2000 characters are taken."),
        ("vet", {"text": "x" * 20_001}, "text: at most 20000 characters are taken."),
        ("vet", {"pictures": ["not base64!"]}, "pictures.0: a picture must be written in base64."),
        ("vet", {"pictures": [5]}, "pictures.0: a picture must be written in base64."),
        ("vet", {"pictures": [""] * 11}, "pictures: at most 10 are taken at a time."),
        ("vet", [], "body: an object is wanted."),
        ("vet/batch", {"adverts": []}, "adverts: at least 1 is needed."),
        ("vet/batch", {"adverts": [{}] * 101}, "adverts: at most 100 are taken at a time."),
        ("vet/batch", {"adverts": ["x"]}, "adverts.0: an object is wanted."),
        ("vet/batch", {"adverts": [{"pictures": "x"}]}, "adverts.0.pictures: a list is wanted."),
        ("classify", {"pictures": []}, "pictures: at least 1 is needed."),
        ("classify", {}, "pictures: it is needed."),
    ],
)
def test_what_the_schema_does_not_allow_is_one_plain_sentence(
    path: str, body: Any, said: str, client: httpx.Client
) -> None:
    answered = client.post(f"/v1/{path}", json=body)
    assert error_of(answered, 422) == "invalid_request"
    assert answered.json()["error"]["message"] == f"The request cannot be used: {said}"


@pytest.mark.parametrize("path", ["vet", "vet/batch", "classify"])
@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xef\xbb\xbf{}", b"\xff\xfe", b"[" * 100_000, b'{"title": "\\ud800"}', b"NaN"]
)
def test_what_is_no_json_is_one_sentence(path: str, body: bytes, client: httpx.Client) -> None:
    answered = client.post(f"/v1/{path}", content=body, headers={"content-type": "application/json"})
    assert error_of(answered, answered.status_code) == "invalid_request"
    assert answered.status_code in (400, 422)


@pytest.mark.parametrize("body", [b"", b"--x\r\n", b"--x\r\nno header\r\n", b"--x\r\n\r\n\r\n--x--\r\n"])
def test_what_is_no_form_is_one_sentence(body: bytes, client: httpx.Client) -> None:
    kind = {"content-type": "multipart/form-data; boundary=x"}
    answered = client.post("/v1/classify", content=body, headers=kind)
    assert error_of(answered, answered.status_code) == "invalid_request"
    vetted = client.post("/v1/vet", content=body, headers=kind)
    assert error_of(vetted, vetted.status_code) == "invalid_request"
    long = client.post("/v1/vet", data={"text": "x" * 100_000}, files=files(b""))
    assert error_of(long, 400) == "invalid_request"
    assert "exceeded maximum size" in long.json()["error"]["message"]
    twice = client.post("/v1/vet", files=[("title", (None, "a")), ("title", (None, "b"))])
    assert error_of(twice, 422) == "invalid_request"


def test_a_form_that_was_cut_off_is_not_judged(client: httpx.Client) -> None:
    whole = httpx.Request("POST", "http://x", data=IVORY, files=files(b"x")).read()
    boundary = whole.partition(b"\r\n")[0][2:].decode()
    kind = {"content-type": f"multipart/form-data; boundary={boundary}"}
    assert client.post("/v1/vet", content=whole, headers=kind).status_code == 200
    for length in (20, len(whole) // 2, len(whole) - 4):
        cut = client.post("/v1/vet", content=whole[:length], headers=kind)
        assert error_of(cut, 400) == "invalid_request"
        assert "boundary" in cut.json()["error"]["message"]


def test_other_kinds_addresses_and_methods_are_errors_of_the_same_shape(client: httpx.Client) -> None:
    assert error_of(client.post("/v1/vet", content=b"x"), 415) == "unsupported_media_type"
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        refused = client.post("/v1/vet/batch", content=b'{"adverts": [{}]}', headers={"content-type": kind})
        assert error_of(refused, 415) == "unsupported_media_type"
    assert error_of(client.get("/v1/nothing"), 404) == "not_found"
    assert error_of(client.get("/v1/vet"), 405) == "method_not_allowed"


def test_a_fault_of_ours_is_told_without_its_traceback(
    serve: Callable[..., httpx.Client], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    client = serve()

    def fail(*_: object) -> None:
        raise ZeroDivisionError("the inside of the machine")

    monkeypatch.setattr(Classifier, "look", fail)
    answered = client.post("/v1/vet", files=files(b"x"), headers={"x-request-id": "ours"})
    assert error_of(answered, 500) == "our_fault"
    assert "inside" not in answered.text
    deadline = time.monotonic() + 60  # the log is written after the answer
    while "inside of the machine" not in caplog.text and time.monotonic() < deadline:
        time.sleep(0.01)
    assert "Request ours failed." in caplog.text
    assert "inside of the machine" in caplog.text


# What it says of itself


def test_it_says_that_it_is_up_and_what_answers(client: httpx.Client, classifier: Classifier) -> None:
    assert client.get("/v1/health").json() == {"status": "ok"}
    said = client.get("/v1/model").json()
    assert said["bundle"] == classifier.bundle.id
    assert said["classes"] == list(classifier.classes)
    assert said["limits"]["body"] == 32 * 2**20


@pytest.mark.parametrize(("given", "kept"), [("my-id.7", True), ("", False), ("x" * 65, False), ("a b", False)])
def test_every_answer_has_the_id_of_its_request(given: str, kept: bool, client: httpx.Client) -> None:
    for path in ("/v1/health", "/v1/nothing"):
        said = client.get(path, headers={"x-request-id": given}).headers["x-request-id"]
        assert (said == given) is kept
        assert said


def test_metrics_count_requests_verdicts_and_photos(
    serve: Callable[..., httpx.Client], classifier: Classifier, pictures: list[bytes]
) -> None:
    client = serve()
    client.post("/v1/vet", data=IVORY, files=files(pictures[0], b""))
    client.get("/v1/secret-of-someone")
    said = client.get("/v1/metrics").text
    assert 'schreger_request_seconds_count{path="/v1/vet",status="200"} 1.0' in said
    assert 'schreger_request_seconds_count{path="other",status="404"} 1.0' in said
    assert 'schreger_verdicts_total{verdict="review"} 1.0' in said
    assert 'schreger_photos_total{outcome="empty"} 1.0' in said
    assert "schreger_waiting 0.0" in said
    assert classifier.bundle.id in said
    assert "secret-of-someone" not in said


def test_the_openapi_document_lists_every_address(client: httpx.Client) -> None:
    document = client.get("/v1/openapi.json").json()
    assert set(document["paths"]) == {
        f"/v1/{path}" for path in ("health", "model", "metrics", "vet", "vet/batch", "classify", "match")
    }
    assert set(document["paths"]["/v1/vet"]["post"]["requestBody"]["content"]) == {
        "application/json", "multipart/form-data",
    }  # fmt: skip
    assert "http" not in json.dumps(document["paths"])
