"""The database of a casebook: a file of SQLite, or PostgreSQL by its URL."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from serve.casebook.error import CasebookError

if TYPE_CHECKING:
    from collections.abc import Iterator

MIGRATIONS = Path(__file__).with_name("migrations")
PATIENCE = 30
"""Seconds that a writer waits for another one."""
LOCK = 0x73636872
"""What writers to one PostgreSQL database wait for."""


class Database:
    """Transactions on the database of a casebook. Safe to share between threads.

    Raises:
        CasebookError: The URL is none of a database that a casebook can be in.
    """

    def __init__(self, url: str) -> None:
        """`url` is a path of an SQLite file, or `postgresql://user@host/database`."""
        self.url, parsed = url, _parsed(url)
        self.name = parsed.render_as_string() if parsed.host or not parsed.database else parsed.database
        self.file = Path(parsed.database or "") if parsed.get_backend_name() == "sqlite" else None
        options = {"timeout": PATIENCE} if self.file else {}
        self.engine = sa.create_engine(parsed, poolclass=sa.NullPool, connect_args=options)
        if self.file:
            sa.event.listen(self.engine, "connect", _set_up)
            sa.event.listen(self.engine, "begin", _begin)

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A transaction that sees the casebook as it is at one moment."""
        if self.file and not self.file.is_file():
            raise CasebookError(f"There is no casebook at {self.file}: make it with `schreger casebook init`.")
        options: dict[str, Any] = {} if self.file else {"isolation_level": "REPEATABLE READ"}
        with self._naming(), self.engine.connect().execution_options(**options) as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """A transaction that writes all or nothing, one writer after the other."""
        options: dict[str, Any] = {"immediate": True} if self.file else {"isolation_level": "READ COMMITTED"}
        with self._naming(), self.engine.connect().execution_options(**options) as connection, connection.begin():
            if not self.file:
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))
            yield connection

    @contextmanager
    def _naming(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            why = " ".join(str(error.orig).split()).rstrip(".")
            raise CasebookError(f"The casebook at {self.name} cannot be used: {why}.") from error
        except UnicodeDecodeError as error:  # SQLite quotes what it cannot make sense of
            raise CasebookError(f"The casebook at {self.name} cannot be used: its file is damaged.") from error
        except SQLAlchemyError as error:
            raise CasebookError(f"The casebook at {self.name} cannot be used: {error}.") from error


def newest_schema() -> str:
    """The revision of the tables that this schreger works with."""
    return str(ScriptDirectory(str(MIGRATIONS)).get_current_head())


def schema_of(connection: sa.Connection) -> str | None:
    """The revision of the tables that are there, None where there are none."""
    return MigrationContext.configure(connection).get_current_revision()


def migrate(connection: sa.Connection) -> None:
    """Bring the tables to the newest revision."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _parsed(url: str) -> sa.URL:
    if "://" not in url:
        return sa.URL.create("sqlite", database=url)
    try:
        parsed = sa.make_url(url)
    except ArgumentError:
        raise CasebookError("This is no URL of a database: name a file, or postgresql://user@host/database.") from None
    backend = parsed.get_backend_name()
    if backend in ("postgres", "postgresql"):
        return parsed.set(drivername="postgresql+psycopg")
    if backend == "sqlite" and parsed.database:
        return parsed.set(drivername="sqlite")
    raise CasebookError(f"A casebook cannot be in {backend!r}: name a file, or postgresql://user@host/database.")


def _set_up(connection: Any, _: object) -> None:
    connection.isolation_level = None  # transactions begin where `_begin` says
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = EXTRA")  # what was saved survives a power cut


def _begin(connection: sa.Connection) -> None:
    immediate = connection.get_execution_options().get("immediate")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")
