"""Pictures that are matched over HTTP with those of a hash list and of an index."""

import hashlib
import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import skimage.data
from PIL import Image

from model.classifier import Classifier
from serve.links import Index, Source, look, match, read_known, write_hashes

SHIPPED = Path(skimage.data.__file__).parent


def repost(name: str) -> bytes:
    """A picture as somebody posts it again: smaller, and in another codec."""
    content = io.BytesIO()
    Image.open(SHIPPED / name).convert("RGB").resize((300, 200)).save(content, "JPEG", quality=60)
    return content.getvalue()


def send(client: httpx.Client, *pictures: bytes) -> httpx.Response:
    return client.post("/v1/match", files=[("pictures", (str(n), each)) for n, each in enumerate(pictures)])


def test_pictures_are_matched_with_a_list_and_an_index_and_added_to_neither(
    serve: Callable[..., httpx.Client], classifier: Classifier, tmp_path: Path
) -> None:
    seized, index = tmp_path / "seized.txt", Index(tmp_path / "index")
    for_list = look([(Source("1", "cat"), (SHIPPED / "chelsea.png").read_bytes)], classifier)
    for_index = look([(Source("a7", "coffee", "ann", "market"), (SHIPPED / "coffee.png").read_bytes)], classifier)
    write_hashes(seized, for_list)
    match(list(for_index), index)
    index.save()
    client = serve(known=read_known([seized], tmp_path / "index", classifier.bundle.id))

    original, cat = (SHIPPED / "coffee.png").read_bytes(), repost("chelsea.png")
    for _ in range(2):
        answer = send(client, original, repost("coffee.png"), cat, repost("astronaut.png"), b"no photo")
        assert answer.status_code == 200, answer.text
        same, copy, listed, new, broken = answer.json()["pictures"]
        (found,) = same["matches"]
        assert (found["by"], found["id"], found["seller"], found["platform"]) == ("identical", "a7", "ann", "market")
        (found,) = copy["matches"]
        assert (found["by"], found["id"], found["entry"]) == ("pdq", "a7", None)
        assert 0 <= found["distance"] <= 31
        (found,) = listed["matches"]
        assert (found["by"], found["entry"], found["id"]) == ("pdq", "seized.txt", None)
        assert new["matches"] == []
        assert (broken["error"]["code"], broken["pdq"]) == ("not_an_image", None)
        assert same["sha256"] == hashlib.sha256(original).hexdigest()
        assert str(tmp_path) not in answer.text
        assert str(SHIPPED) not in answer.text


def test_without_a_list_there_are_hashes_alone(client: httpx.Client) -> None:
    (picture,) = send(client, repost("coffee.png")).json()["pictures"]
    assert len(bytes.fromhex(picture["pdq"])) == 32
    assert picture["quality"] >= 50
    assert picture["matches"] == []
    assert client.post("/v1/match", json={"pictures": []}).status_code == 422


def test_where_the_extra_is_missing_one_sentence_says_so(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "serve.api.matching", None)
    answer = send(client, repost("coffee.png"))
    assert answer.status_code == 501
    assert answer.json()["error"]["code"] == "not_installed"
    assert answer.json()["error"]["message"].count(".") == 1


def test_an_index_that_is_not_there_is_one_sentence(schreger: Callable[..., Any], tmp_path: Path) -> None:
    done = schreger("serve", "--api", "--port", "17861", "--match-index", tmp_path / "missing")
    assert done.returncode == 2
    assert done.stderr.startswith("There is no index")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "missing").exists()
