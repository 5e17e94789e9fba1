"""schemathesis, which makes requests of the OpenAPI document, good and bad, finds nothing."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from serve.api.keys import Keys, digest_of
from serve.api.limits import Limits

SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")


@pytest.mark.parametrize("examples", [5, pytest.param(500, marks=[pytest.mark.soak, pytest.mark.timeout(1800)])])
def test_schemathesis_finds_nothing(examples: int, serve: Callable[..., httpx.Client], tmp_path: Path) -> None:
    client = serve(keys=Keys({digest_of("key"): "tester"}), limits=Limits(a_minute=10**6))
    url = f"{client.base_url}/v1/openapi.json"
    options = ("--header", "Authorization: Bearer key", "--max-examples", str(examples), "--seed", "0", "--no-shrink")
    done = subprocess.run(
        [SCHEMATHESIS, "run", url, "--checks", "all", *options], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No issues found" in done.stdout
    assert "7 selected / 7 total" in done.stdout
