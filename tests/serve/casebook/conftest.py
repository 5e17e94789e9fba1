"""What the tests of the casebook share: both databases, findings, and a hand that alters what it should not."""

import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from model.finding import Finding
from model.photo import Quality
from serve.casebook import Casebook, Received, User, create_casebook
from serve.casebook.change import now
from serve.casebook.database import Database

Make = Callable[[], Casebook]


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """URL of a PostgreSQL server of our own, without the name of a database; it listens on a socket alone."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    found = versions[-1] if versions else shutil.which("postgres")
    if not found:
        pytest.skip("needs postgresql: make system")
    binaries, folder = Path(found).parent, tempfile.mkdtemp(prefix="schreger-pg-")
    user = "postgres" if os.getuid() == 0 else None  # it refuses to run as root
    if user:
        shutil.chown(folder, user)
    data = f"{folder}/data"
    as_user = {"user": user, "cwd": folder, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    initdb = [binaries / "initdb", "-D", data, "-U", "schreger", "-A", "trust", "-E", "UTF8", "--no-sync"]
    subprocess.run([*initdb, "--locale=C"], check=True, **as_user)  # type: ignore[call-overload]
    server = [binaries / "postgres", "-D", data, "-k", folder, "-h", "", "-c", "fsync=off"]
    with subprocess.Popen(server, **as_user) as running:  # type: ignore[call-overload]
        url = f"postgresql://schreger@/%s?host={folder}"
        try:
            wait_for(url % "postgres")
            yield url
        finally:
            running.send_signal(signal.SIGQUIT)  # at once; nobody needs what is in it
            running.wait()
            shutil.rmtree(folder, ignore_errors=True)


def wait_for(url: str) -> None:
    for _ in range(300):
        try:
            with Database(url).reading():
                return
        except ValueError:
            time.sleep(0.1)
    raise AssertionError("PostgreSQL did not start")


@pytest.fixture(params=["sqlite", "postgresql"])
def new_url(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], str]:
    """Makes URLs of empty databases, one after the other, of one kind."""

    def make() -> str:
        name = f"c{secrets.token_hex(6)}"
        if request.param == "sqlite":
            return str(tmp_path / name / "casebook.db")
        server: str = request.getfixturevalue("postgresql")
        with Database(server % "postgres").writing() as connection:
            connection.exec_driver_sql(f"CREATE SCHEMA {name}")  # as good as a database of its own, and made at once
        return f"{server % 'postgres'}&options=-csearch_path%3D{name}"

    return make


@pytest.fixture
def url(new_url: Callable[[], str]) -> str:
    """An empty database."""
    return new_url()


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    return tmp_path / "keys"


@pytest.fixture
def casebook(url: str, keys: Path) -> Casebook:
    """An empty casebook."""
    return create_casebook(url, keys, "Amina")


@pytest.fixture
def kept(casebook: Casebook) -> Casebook:
    """A casebook with two cases, photos, a correction, notes and a user."""
    fill(casebook)
    return casebook


def fill(casebook: Casebook) -> None:
    casebook.add_case("C-1", "Parcel from Lagos", "Amina")
    casebook.add_item("C-1", received(1, 2), finding("ivory"), "Amina", "Carved figure")
    casebook.add_item("C-1", received(3), finding("bone"), "Benoît")
    casebook.correct("C-1", 1, "bone", "Haversian canals under the loupe", "Dr. 王")
    casebook.note("C-1", "حجز في الميناء", "Amina")
    casebook.add_case("C-2", "", "Amina")
    casebook.add_item("C-2", received(1), finding(None), "Amina")
    casebook.note("C-2", "The same photo as in C-1", "Amina", item=1)
    with casebook.change("Root") as change:  # without a password, whose hash takes its time
        user = User(login="Amina", number=1, role="officer", password="00$00", disabled=False, by="Root", at=now())  # noqa: S106
        change.add(user)
        casebook.seal(change, "add user", user="Amina", role="officer")


@pytest.fixture
def filled() -> Callable[[Casebook], None]:
    """Fills an empty casebook as `kept` is."""
    return fill


def finding(answer: str | None = "ivory") -> Finding:
    """A finding with probabilities that only all their digits tell apart."""
    shares = np.random.default_rng(7).dirichlet(np.ones(4)).astype(np.float32)
    ranked = sorted(zip(("ivory", "bone", "resin", "horn"), map(float, shares), strict=True), key=lambda pair: -pair[1])
    quality = Quality(0.1 + 0.2, 1 / 3, 2 / 3, 480, ("blurred",))
    status = "recognised" if answer else "unfamiliar"
    return Finding(answer, status, ranked[0][1], tuple(ranked), 1 / 7, (quality,), "lite2@0123456789ab")


def received(*numbers: int) -> list[Received]:
    """Photos as they came; what their bytes show does not matter to a casebook."""
    noise = (np.random.default_rng(number).bytes(3000) for number in numbers)
    return [Received(f"IMG_{n}.jpg", content, finding()) for n, content in zip(numbers, noise, strict=True)]


@pytest.fixture
def batch() -> Callable[..., list[Received]]:
    """Makes photos as they come, by their numbers."""
    return received


@pytest.fixture
def found() -> Callable[..., Finding]:
    return finding


@contextmanager
def tampering(casebook: Casebook) -> Iterator[sa.Connection]:
    """A connection of somebody who owns the database and has put its guards out of the way."""
    engine = sa.create_engine(casebook.database.engine.url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        if casebook.database.file:
            triggers = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
            for name in connection.exec_driver_sql(triggers).scalars().all():
                connection.exec_driver_sql(f"DROP TRIGGER {name}")
        else:
            connection.exec_driver_sql("SET session_replication_role = replica")
        yield connection


@pytest.fixture
def tamper() -> Callable[[Casebook], object]:
    return tampering


def everything(casebook: Casebook) -> dict[str, Sequence[object]]:
    """All rows of all tables, in the order of their keys."""
    from serve.casebook.tables import METADATA

    with casebook.database.reading() as connection:
        return {
            name: connection.execute(sa.select(table).order_by(*table.primary_key)).fetchall()
            for name, table in METADATA.tables.items()
        }


@pytest.fixture
def rows() -> Callable[[Casebook], dict[str, Sequence[object]]]:
    return everything
