"""What the tests of the scan share: the scan with a bundle that is loaded once."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from model.classifier import Classifier
from serve.scan.command import command


@pytest.fixture(scope="session")
def classifier() -> Classifier:
    return Classifier.load()


@pytest.fixture
def scan(classifier: Classifier, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Runs the command in this process."""
    monkeypatch.setattr(Classifier, "load", lambda *_: classifier)

    def run(source: object, out: Path, **options: Any) -> int:
        defaults: dict[str, Any] = dict.fromkeys(("pictures_root", "policy", "merge", "ray"))
        switches = {"ocr": False, "retry": False, "fetch": False, "quiet": True, "bundle": "lite2"}
        return command(**{"source": str(source), "out": out, **defaults, **switches, **options})

    return run
