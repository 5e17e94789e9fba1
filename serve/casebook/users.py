"""Who may sign in on the page. As all of a casebook, users are only added to: a change is a new record."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import sqlalchemy as sa

from serve.casebook.change import now, words
from serve.casebook.error import CasebookError
from serve.casebook.password import NOBODYS, fits, hash_password
from serve.casebook.records import Role, User
from serve.casebook.tables import METADATA

if TYPE_CHECKING:
    from serve.casebook.casebook import Casebook

LONGEST_NAME = 100


class Users:
    """The users of a casebook. Safe to share between threads."""

    def __init__(self, casebook: Casebook) -> None:
        self.casebook = casebook

    def add(self, name: str, role: Role, password: str, by: str) -> User:
        """Let somebody in. A name is never given to a second person.

        Raises:
            CasebookError: The name is taken or none, or the password will not do.
        """
        name = words(name)
        if not (0 < len(name) <= LONGEST_NAME and name.isprintable()):
            raise CasebookError(f"A user needs a name of one line, of at most {LONGEST_NAME} letters.")
        hashed = hash_password(password)
        with self.casebook.change(by) as change:
            if any(user.login.casefold() == name.casefold() for user in _read(change.connection)):
                raise CasebookError(f"There is a user {name!r} already, or was; choose another name.")
            user = User(login=name, number=1, role=role, password=hashed, disabled=False, by=change.by, at=now())
            change.add(user)
            self.casebook.seal(change, "add user", user=name, role=role)
        return user

    def disable(self, name: str, by: str) -> None:
        """Keep somebody out from now on, for good.

        Raises:
            CasebookError: There is no such user, or they are disabled.
        """
        self._change(name, by, "disable user", disabled=True)

    def set_password(self, name: str, password: str, by: str) -> None:
        """Give somebody a new password.

        Raises:
            CasebookError: There is no such user, they are disabled, or the password will not do.
        """
        self._change(name, by, "set password", password=hash_password(password))

    def all(self) -> tuple[User, ...]:
        """Everybody as they are now, by name."""
        with self.casebook.database.reading() as connection:
            return _read(connection)

    def find(self, name: str) -> User | None:
        """Somebody as they are now, unless they are disabled."""
        with self.casebook.database.reading() as connection:
            found = _read(connection, name)
        return next((user for user in found if not user.disabled), None)

    def check(self, name: str, password: str) -> User | None:
        """The user of a name and a password. It takes as long for a name that nobody has."""
        user = self.find(words(name))
        right = fits(password, user.password if user else NOBODYS)
        return user if right else None

    def _change(self, name: str, by: str, action: str, **fields: str | bool) -> None:
        with self.casebook.change(by) as change:
            found = _read(change.connection, words(name))
            if not found:
                raise CasebookError(f"There is no user {name!r}; `schreger casebook user list` names them all.")
            if found[0].disabled:
                raise CasebookError(f"The user {name!r} is disabled.")
            user = replace(found[0], number=found[0].number + 1, by=change.by, at=now(), **fields)  # type: ignore[arg-type]
            change.add(user)
            self.casebook.seal(change, action, user=user.login)


def _read(connection: sa.Connection, name: str | None = None) -> tuple[User, ...]:
    """The last record of each user, or of one, by name."""
    table = METADATA.tables[User.table]
    query = sa.select(table).order_by(table.c.login, table.c.number)
    if name is not None:
        query = query.where(table.c.login == name)
    rows = (
        {field: cell for field, cell in row.items() if field != "id"} for row in connection.execute(query).mappings()
    )
    last = {user.login: user for user in (User(**row) for row in rows)}
    return tuple(last.values())
