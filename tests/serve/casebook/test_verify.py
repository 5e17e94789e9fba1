"""Whatever is altered, added or removed is found and named, and so is a log that was cut off or written anew."""

import random
import shutil
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from model.finding import Finding
from serve.casebook import Casebook, CasebookError, Head, Received, create_casebook, open_casebook, verify
from serve.casebook.chain import START, Body, Entry
from serve.casebook.keys import public_text
from serve.casebook.tables import METADATA, entries

Tamper = Callable[[Casebook], AbstractContextManager[sa.Connection]]
Rows = Callable[[Casebook], dict[str, Sequence[object]]]

TAMPERINGS = 100


class Tampered(NamedTuple):
    """What was done to one row: the row before and after, None where there was none."""

    table: sa.Table
    before: dict[str, Any] | None
    after: dict[str, Any] | None

    def names(self) -> list[str]:
        """What a fault may call it."""
        keys = [row[self.table.primary_key.columns[0].name] for row in (self.before, self.after) if row]
        forms = {"entries": "Entry {} of", "originals": "photo {}"}
        return [forms.get(self.table.name, f"record {self.table.name}/{{}}").format(key) for key in keys]


def test_an_untouched_casebook_is_as_it_was_written(kept: Casebook, url: str, keys: Path) -> None:
    assert verify(url, keys) == ()
    assert verify(url, keys, kept.head()) == ()


def test_a_hundred_bytes_or_rows_that_were_tampered_with_are_each_found_and_named(
    kept: Casebook, url: str, keys: Path, tamper: Tamper
) -> None:
    chance = random.Random(5)  # noqa: S311 - tampering need not be unforeseeable
    kinds = set()
    for _ in range(TAMPERINGS):
        with tamper(kept) as connection:
            done = tampered(connection, chance)
            replace(connection, done.table, done.before, done.after)
        faults = verify(url, keys)
        assert any(name in fault for name in done.names() for fault in faults), (done, faults)
        with tamper(kept) as connection:
            replace(connection, done.table, done.after, done.before)
        kinds.add((done.table.name, done.before is None, done.after is None))
    assert verify(url, keys) == ()
    assert len(kinds) > 2 * len(METADATA.tables)


def tampered(connection: sa.Connection, chance: random.Random) -> Tampered:
    """Some row with one bit of one cell changed, or away, or a second time under another key."""
    table = chance.choice(list(METADATA.tables.values()))
    row = dict(chance.choice(connection.execute(sa.select(table)).mappings().all()))
    action = chance.choice(["alter", "alter", "alter", "remove", "add"])
    if action == "remove":
        return Tampered(table, row, None)
    if action == "add":
        key = table.primary_key.columns[0].name
        unique = {"items": ("number",), "photos": ("sha256",), "users": ("login",)}.get(table.name, ())
        return Tampered(table, None, row | {name: altered(row[name], chance) for name in (key, *unique)})
    column = chance.choice([name for name, cell in row.items() if cell is not None])
    return Tampered(table, row, row | {column: altered(row[column], chance)})


def altered(cell: Any, chance: random.Random) -> Any:
    """The cell with one bit changed, or, where it is a number, a little more."""
    if isinstance(cell, bool):
        return not cell
    if isinstance(cell, int):
        return cell + chance.randint(1, 100)
    if isinstance(cell, float):
        return cell + 2**-50
    content = bytearray(cell if isinstance(cell, bytes) else cell.encode())
    if not content:
        return "x"
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(7)
    if isinstance(cell, bytes):
        return bytes(content)
    text = content.decode(errors="ignore").replace("\0", "")
    return text if text != cell else altered(cell, chance)


def replace(
    connection: sa.Connection, table: sa.Table, before: dict[str, Any] | None, after: dict[str, Any] | None
) -> None:
    key = table.primary_key.columns[0]
    if before:
        connection.execute(table.delete().where(key == before[key.name]))
    if after:
        connection.execute(table.insert(), after)


# The end of the log, and the whole of it


def cut(connection: sa.Connection, after: int) -> None:
    """Remove the entries after this one and all that they recorded, so that no record is left over."""
    for row in connection.execute(sa.select(entries).where(entries.c.number > after)).mappings().all():
        for name in Entry(**row).body.records:
            table, _, key = name.partition("/")
            connection.execute(METADATA.tables[table].delete().where(METADATA.tables[table].c.id == key))
    connection.execute(entries.delete().where(entries.c.number > after))


@pytest.mark.parametrize("gone", [1, 3])
def test_cutting_the_end_is_found_by_the_head_that_was_kept(
    kept: Casebook, url: str, keys: Path, tamper: Tamper, gone: int
) -> None:
    last = kept.head().number
    with tamper(kept) as connection:
        cut(connection, last - gone)
    faults = verify(url, keys)
    assert [f"Entry {n} of the audit log is missing." for n in range(last - gone + 1, last + 1)] == [
        fault for fault in faults if fault.startswith("Entry")
    ]


def test_cutting_the_end_is_found_by_a_head_that_was_exported(
    kept: Casebook, url: str, tmp_path: Path, tamper: Tamper
) -> None:
    (tmp_path / "head.json").write_text(kept.head().text())
    with tamper(kept) as connection:
        cut(connection, kept.head().number - 1)
    elsewhere = tmp_path / "elsewhere"
    assert any("is missing" in fault for fault in verify(url, elsewhere, Head.read(tmp_path / "head.json")))


def test_what_was_added_since_a_head_was_exported_is_no_fault(kept: Casebook, url: str, tmp_path: Path) -> None:
    head = kept.head()
    kept.note("C-1", "Later", "Amina")
    assert verify(url, tmp_path / "elsewhere", head) == ()


def test_a_log_that_was_written_anew_with_another_key_is_found(
    kept: Casebook, url: str, keys: Path, tmp_path: Path, tamper: Tamper
) -> None:
    head = kept.head()
    with tamper(kept) as connection:
        log = [Entry(**row) for row in connection.execute(sa.select(entries).order_by(entries.c.number)).mappings()]
        connection.execute(entries.delete())
        for entry in anew(log):
            connection.execute(entries.insert(), asdict(entry))
    by_kept, by_exported = verify(url, keys), verify(url, tmp_path / "elsewhere", head)
    assert by_kept == by_exported
    assert sum("not signed with the key" in fault for fault in by_kept) == head.number


def anew(log: list[Entry]) -> list[Entry]:
    """The same log, said by somebody else and sealed with another key: whole and consistent by itself."""
    key, previous, made = Ed25519PrivateKey.generate(), START, list[Entry]()
    for entry in log:
        about = entry.body.about | ({"public_key": public_text(key)} if entry.number == 1 else {})
        body = Body(**entry.body.model_dump() | {"by": "Mallory", "previous": previous, "about": about})
        made.append(Entry.seal(body, key))
        previous = made[-1].hash
    return made


def test_another_casebook_in_its_place_is_found(
    kept: Casebook, new_url: Callable[[], str], tmp_path: Path, filled: Callable[[Casebook], None]
) -> None:
    other = new_url()
    filled(create_casebook(other, tmp_path / "of-another", "Mallory"))
    assert any("is not as it was written" in fault for fault in verify(other, tmp_path / "keys", kept.head()))


def test_a_log_without_any_entry_is_found(kept: Casebook, url: str, keys: Path, tamper: Tamper) -> None:
    with tamper(kept) as connection:
        for table in reversed(METADATA.sorted_tables):
            connection.execute(table.delete())
    assert "Entry 1 of the audit log is missing." in verify(url, keys)
    with pytest.raises(CasebookError, match="does not begin as it should"):
        open_casebook(url, keys)


def test_nothing_is_vouched_for_without_a_head_or_the_keys(kept: Casebook, url: str, tmp_path: Path) -> None:
    with pytest.raises(CasebookError, match="Nothing outside this casebook vouches for it"):
        verify(url, tmp_path / "elsewhere")


def test_a_head_that_is_none_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "head.json").write_text('{"number": 1}')
    for name in ("head.json", "gone.json"):
        with pytest.raises(CasebookError, match=r"head.json is not the head|gone.json cannot be read"):
            Head.read(tmp_path / name)


# The file of SQLite


def test_any_byte_of_the_file_that_matters_is_found(
    tmp_path: Path, keys: Path, filled: Callable[[Casebook], None], found: Callable[[], Finding], rows: Rows
) -> None:
    whole = create_casebook(str(tmp_path / "whole" / "c.db"), keys, "Amina")
    filled(whole)
    large = Received("large.jpg", random.Random(1).randbytes(1_000_000), found())  # noqa: S311
    whole.add_item("C-1", [large], found(), "Amina")
    content, chance = (tmp_path / "whole" / "c.db").read_bytes(), random.Random(9)  # noqa: S311
    expected, named = rows(whole), 0
    for number in range(TAMPERINGS):
        copy = bytearray(content)
        copy[chance.randrange(len(copy))] ^= 1 << chance.randrange(8)
        file = tmp_path / f"{number}.db"
        file.write_bytes(copy)
        faults = verify(str(file), keys)
        named += bool(faults)
        if not faults:  # a byte that no record uses: all that was written is still there
            assert rows(open_casebook(str(file), keys)) == expected
        file.unlink()
    assert named > TAMPERINGS / 2


@pytest.mark.parametrize("part", [0.0, 0.3, 0.6, 0.9, 0.99])
def test_a_file_that_is_cut_off_is_found(
    tmp_path: Path, keys: Path, filled: Callable[[Casebook], None], part: float
) -> None:
    filled(create_casebook(str(tmp_path / "whole" / "c.db"), keys, "Amina"))
    file = Path(shutil.copy(tmp_path / "whole" / "c.db", tmp_path / "c.db"))
    content = file.read_bytes()
    file.write_bytes(content[: int(part * len(content))])
    assert verify(str(file), keys)
