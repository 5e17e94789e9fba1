"""The API as `schreger serve --api` runs it: beside the page, for this computer or with keys, as its document says."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from serve.app import ServeError, serve
from serve.lan import LanError, lan_address
from tests.served import served

DOCUMENT = Path(__file__).parents[3] / "docs" / "api.md"


def test_the_api_is_beside_the_page_with_keys_and_a_rate_where_they_are_given(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    schreger = Path(sys.executable).with_name("schreger")
    key = subprocess.run([schreger, "api-key", "me", keys], capture_output=True, text=True).stdout.strip()
    with served(tmp_path, api=True, api_keys=keys, api_rate=2) as (url, _):
        headers = {"authorization": f"Bearer {key}"}
        assert httpx.get(f"{url}/v1/model", timeout=60).status_code == 401
        statuses = [httpx.get(f"{url}/v1/model", headers=headers, timeout=60).status_code for _ in range(3)]
        assert statuses == [200, 200, 429]
        page = httpx.get(f"{url}/en", timeout=60)
        assert "default-src 'self'" in page.headers["content-security-policy"]
        assert "x-request-id" not in page.headers
        assert httpx.get(f"{url}/v2/model", timeout=60).text == "Not here.\n"


def test_the_examples_of_the_document_work_as_they_stand(
    client: httpx.Client, photos: list[Any], tmp_path: Path
) -> None:
    if not shutil.which("curl"):
        pytest.skip("needs curl")
    examples = re.findall(r"^    (curl (?:.*\\\n)*.*)$", DOCUMENT.read_text(encoding="utf-8"), re.M)
    assert len(examples) == 3
    for name, photo in zip(("front.jpg", "back.jpg"), photos, strict=False):
        (tmp_path / name).write_bytes(photo.content)
    for example, said in zip(examples, ('"verdict":"review"', '"id":"a2"', '"item":{'), strict=True):
        command = example.replace("http://127.0.0.1:7860", str(client.base_url).rstrip("/"))
        env = {**os.environ, "KEY": "none"}
        done = subprocess.run(command, shell=True, cwd=tmp_path, capture_output=True, text=True, env=env)  # noqa: S602
        assert said in done.stdout, done.stderr


def test_an_address_that_others_reach_needs_keys() -> None:
    try:
        address = lan_address()
    except LanError:
        pytest.skip("needs a network")
    for host in (address, "0.0.0.0"):  # noqa: S104
        with pytest.raises(ServeError, match=r"^Others can reach this address, so --api needs --api-keys FILE"):
            serve(host=host, port=0, api=True)


def test_classify_does_not_load_what_the_api_needs() -> None:
    program = "import sys, serve.cli, serve.classify; print({'fastapi', 'prometheus_client'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "set()\n", done.stderr
