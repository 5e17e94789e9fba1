"""How a casebook is made, opened, and brought up to date."""

from __future__ import annotations

import secrets
from pathlib import Path

import sqlalchemy as sa

from serve.casebook.casebook import Casebook
from serve.casebook.chain import Entry
from serve.casebook.change import Change
from serve.casebook.database import Database, migrate, newest_schema, schema_of
from serve.casebook.error import CasebookError
from serve.casebook.keys import KEYS, Keys, public_text
from serve.casebook.tables import entries


def create_casebook(url: str, keys: Path, by: str) -> Casebook:
    """Make a casebook, in a new SQLite file or in a PostgreSQL database without one, and its key.

    Raises:
        CasebookError: There is one already, or the database or the folder of keys cannot be used.
    """
    database, folder = Database(url), Keys(keys)
    if database.file:
        if keys.resolve() == database.file.parent.resolve():
            raise CasebookError("Keep the keys in another folder than the casebook: whoever can change one has both.")
        try:
            database.file.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CasebookError(f"{database.file} cannot be made: {error.strerror}.") from error
    with database.writing() as connection:
        if schema_of(connection):
            raise CasebookError(f"There is a casebook at {database.name} already.")
        if not database.file and connection.scalar(sa.text("SHOW server_encoding")) != "UTF8":
            raise CasebookError(f"The database {database.name} is not in UTF-8: create it with ENCODING 'UTF8'.")
        casebook = secrets.token_hex(8)
        key = folder.create(casebook)
        migrate(connection)
        change = Change(connection, by)
        about = {"casebook": casebook, "public_key": public_text(key), "schema": newest_schema()}
        entry = change.seal("init", key, **about)
    made = Casebook(database, folder, casebook, about["public_key"])
    folder.keep(made.head_of(entry))
    return made


def open_casebook(url: str, keys: Path = KEYS) -> Casebook:
    """Open a casebook that is there.

    Raises:
        CasebookError: There is none, or its tables are older or newer than this schreger.
    """
    database = Database(url)
    with database.reading() as connection:
        schema = _schema(connection, database)
        if schema != newest_schema():
            raise CasebookError(f"The casebook at {database.name} is of another schreger: `schreger casebook upgrade`.")
        return _identified(connection, database, Keys(keys))


def upgrade_casebook(url: str, keys: Path, by: str) -> bool:
    """Bring the tables of a casebook to those of this schreger; whether there was anything to do.

    Raises:
        CasebookError: There is no casebook, or it is newer than this schreger, or the database refuses.
    """
    database = Database(url)
    with database.reading() as connection:
        schema = _schema(connection, database)
        if schema > newest_schema():
            raise CasebookError(f"The casebook at {database.name} is newer than this schreger: install a newer one.")
        casebook = _identified(connection, database, Keys(keys))
    if schema == newest_schema():
        return False
    with casebook.change(by) as change:
        migrate(change.connection)
        casebook.seal(change, "upgrade", schema=newest_schema())
    return True


def _schema(connection: sa.Connection, database: Database) -> str:
    """The revision of the casebook's tables."""
    schema = schema_of(connection)
    if schema is None:
        raise CasebookError(f"There is no casebook at {database.name}: make it with `schreger casebook init`.")
    return schema


def _identified(connection: sa.Connection, database: Database, keys: Keys) -> Casebook:
    row = connection.execute(sa.select(entries).where(entries.c.number == 1)).mappings().first()
    try:
        about = Entry(**row).body.about if row else {}
        return Casebook(database, keys, about["casebook"], about["public_key"])
    except (KeyError, ValueError) as error:
        raise CasebookError(
            f"The audit log of the casebook at {database.name} does not begin as it should: it was altered."
        ) from error
