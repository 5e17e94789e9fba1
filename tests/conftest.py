"""What all tests share: the photos, the browser, and the count of tests that had no photos."""

import os
import shutil
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from tests.photos import shipped

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.serve.office import Office

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # no test reaches out, not even by accident

# How long an example takes says more about what else the machine does than about the code.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

NO_PHOTOS = "needs photos: set SCHREGER_DATA to a folder with manifest.csv"
MARKS = {"data_dir": "data", "browser": "browser"}  # who asks for the fixture bears the mark


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of labelled photos; without one, the test is skipped and counted."""
    folder = Path(os.environ.get("SCHREGER_DATA") or "nowhere")
    if not (folder / "manifest.csv").is_file():
        pytest.skip(NO_PHOTOS)
    return folder


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator["Office"]:
    """A page in front of a casebook, with its users."""
    from tests.serve.office import open_to_users

    with open_to_users(tmp_path_factory.mktemp("casebook"), tmp_path_factory.mktemp("served")) as office:
        yield office


@pytest.fixture(scope="session")
def lion() -> bytes:
    """A photo of a lion, as JPEG."""
    return shipped("lion.jpg")


@pytest.fixture(scope="session")
def cheetah() -> bytes:
    """A photo of a cheetah, as JPEG."""
    return shipped("cheetah1.jpg")


# Closed after each module: while it runs, its event loop is in the way of tests that need their own.
@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    """A headless Chromium of the system, as Playwright drives it."""
    from playwright.sync_api import sync_playwright

    names = ("chromium", "chromium-browser", "google-chrome")
    executable = next(filter(None, map(shutil.which, names)), None)
    if executable is None:
        pytest.skip("needs chromium: make system")
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=executable)
        yield chromium
        chromium.close()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for fixture, mark in MARKS.items():
            if fixture in getattr(item, "fixturenames", ()):
                item.add_marker(mark)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None, None, None]:
    yield  # pytest's own closing line comes first
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter:
        skipped = reporter.stats.get("skipped", [])
        missed = sum(NO_PHOTOS in str(report.longrepr) for report in skipped)
        reporter.write_line(f"skipped for want of data: {missed}")
