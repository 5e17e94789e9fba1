"""The casebook gives back what was written, is only added to, and says in a sentence what it cannot do."""

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import asdict
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext

from model.finding import Finding
from serve.casebook import Casebook, CasebookError, Received, create_casebook, open_casebook, verify
from serve.casebook.database import MIGRATIONS, Database
from serve.casebook.opening import upgrade_casebook
from serve.casebook.tables import METADATA

Photos = Callable[..., list[Received]]
Found = Callable[..., Finding]
Rows = Callable[[Casebook], dict[str, Sequence[object]]]


def test_a_case_is_read_as_it_was_written(kept: Casebook, url: str, keys: Path, batch: Photos, found: Found) -> None:
    case = open_casebook(url, keys).case("C-1")
    assert (case.case.ref, case.case.title, case.case.by) == ("C-1", "Parcel from Lagos", "Amina")
    assert [file.item.title for file in case.items] == ["Carved figure", ""]
    assert [photo.file for photo in case.item(1).photos] == ["IMG_1.jpg", "IMG_2.jpg"]
    assert [note.text for note in case.notes] == ["حجز في الميناء"]
    said = case.item(1).correction
    assert said is not None
    assert (said.label, said.why, said.by) == ("bone", "Haversian canals under the loupe", "Dr. 王")
    assert [entry.body.action for entry in case.entries] == ["add case", "add item", "add item", "correct", "note"]
    assert [entry.body.by for entry in case.entries] == ["Amina", "Amina", "Benoît", "Dr. 王", "Amina"]


def test_bytes_of_photos_are_kept_unaltered_and_once(kept: Casebook, batch: Photos, rows: Rows) -> None:
    first = kept.case("C-1").item(1).photos[0]
    assert kept.original(first.sha256) == batch(1)[0].content
    assert first.sha256 == kept.case("C-2").item(1).photos[0].sha256
    assert len(rows(kept)["originals"]) == 3


def test_a_finding_is_kept_whole(kept: Casebook, found: Found) -> None:
    together = kept.case("C-1").item(1).result
    assert together is not None
    assert together.photo_id is None
    of_one = kept.case("C-1").item(2).result
    assert of_one is not None
    assert of_one.photo_id == kept.case("C-1").item(2).photos[0].id
    for result in (together, of_one):
        given = found()
        assert (result.answer, result.status, result.rule) == (given.answer, given.status, given.rule)
        assert (result.probability, result.unfamiliarity) == (given.probability, given.unfamiliarity)
        assert [tuple(pair) for pair in json.loads(result.probabilities)] == list(given.probabilities)
        assert json.loads(result.quality) == [asdict(q) | {"advice": ["blurred"]} for q in given.quality]
        assert result.bundle == given.bundle


def test_what_was_said_last_counts_though_the_clock_was_set_back(
    kept: Casebook, batch: Photos, found: Found, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serve.casebook.casebook.now", lambda: "2001-01-01T00:00:00.000000Z")
    kept.correct("C-1", 1, "horn", "Looked again", "Dr. 王")
    kept.add_photos("C-1", 1, batch(8), found("resin"), "Amina")
    item = kept.case("C-1").item(1)
    assert [correction.label for correction in item.corrections] == ["bone", "horn"]
    assert item.result is not None
    assert item.result.answer == "resin"


def test_photos_are_added_to_an_item_and_the_last_finding_counts(kept: Casebook, batch: Photos, found: Found) -> None:
    kept.add_photos("C-1", 2, batch(8, 9), found("resin"), "Amina")
    item = kept.case("C-1").item(2)
    assert [photo.file for photo in item.photos] == ["IMG_3.jpg", "IMG_8.jpg", "IMG_9.jpg"]
    assert item.result is not None
    assert (item.result.answer, item.result.photo_id) == ("resin", None)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (lambda book, batch, found: book.add_case("C-1", "", "Amina"), "There is a case 'C-1' already"),
        (lambda book, batch, found: book.add_case(" ", "", "Amina"), "A case needs a name"),
        (lambda book, batch, found: book.add_case("C-9", "", " "), "Say who you are"),
        (lambda book, batch, found: book.add_item("C-9", batch(5), found(), "Amina"), "There is no case 'C-9'"),
        (lambda book, batch, found: book.add_item("C-1", [], found(), "Amina"), "An item needs a photo"),
        (lambda book, batch, found: book.add_item("C-1", batch(5, 5), found(), "Amina"), "already"),
        (lambda book, batch, found: book.add_photos("C-1", 1, batch(6, 1), found(), "Amina"), "already"),
        (lambda book, batch, found: book.add_photos("C-1", 7, batch(6), found(), "Amina"), "has no item 7"),
        (lambda book, batch, found: book.correct("C-1", 1, "tusk", "", "Amina"), "'tusk' is no key"),
        (lambda book, batch, found: book.note("C-1", "\n", "Amina"), "A note needs words"),
        (lambda book, batch, found: book.original("0" * 64), "has no photo"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_leaves_nothing(
    wrong: Callable[..., object], sentence: str, kept: Casebook, batch: Photos, found: Found, rows: Rows
) -> None:
    before = rows(kept)
    with pytest.raises(CasebookError, match=sentence):
        wrong(kept, batch, found)
    assert rows(kept) == before


def test_text_that_no_database_takes_is_kept_in_a_form_that_it_does(casebook: Casebook, keys: Path, url: str) -> None:
    casebook.add_case("a\0b", "\udcff is no letter", "Amina")
    assert casebook.cases()[0].ref == "a\\x00b"
    assert casebook.cases()[0].title == "\\udcff is no letter"
    assert verify(url, keys) == ()


def test_a_case_is_found_by_the_start_of_its_id(kept: Casebook) -> None:
    case = kept.case("C-2").case
    assert kept.case(case.id[:12]).case == case
    with pytest.raises(CasebookError, match="There is no case"):
        kept.case("%%%%%%%%%%%%")


def test_writers_at_once_wait_for_each_other(casebook: Casebook, url: str, keys: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: open_casebook(url, keys).add_case(f"C-{n}", "", "Amina"), range(12)))
    assert {case.ref for case in casebook.cases()} == {f"C-{n}" for n in range(12)}
    assert casebook.head().number == 13
    assert verify(url, keys) == ()


# The tables


@pytest.mark.parametrize("action", ["DELETE FROM {}", "UPDATE {0} SET {1} = {1}"])
def test_the_database_refuses_to_change_what_was_written(kept: Casebook, action: str) -> None:
    for name, table in METADATA.tables.items():
        statement = action.format(name, table.primary_key.columns[0].name)
        with pytest.raises(CasebookError, match="a casebook is only added to"), kept.database.writing() as connection:
            connection.exec_driver_sql(statement)


def test_an_officer_of_postgresql_needs_no_more_than_to_read_and_insert(postgresql: str, keys: Path) -> None:
    engine = sa.create_engine(
        (postgresql % "postgres").replace("postgresql:", "postgresql+psycopg:"), isolation_level="AUTOCOMMIT"
    )
    with engine.connect() as connection:
        connection.exec_driver_sql("CREATE DATABASE of_officers")
        connection.exec_driver_sql("CREATE ROLE officer LOGIN")
    engine.dispose()
    owned = create_casebook(postgresql % "of_officers", keys, "Root")
    with owned.database.writing() as connection:
        connection.exec_driver_sql("GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA public TO officer")
    url = (postgresql % "of_officers").replace("schreger@", "officer@")
    open_casebook(url, keys).add_case("C-1", "", "Amina")
    assert verify(url, keys) == ()
    with pytest.raises(CasebookError, match="permission denied"), Database(url).writing() as connection:
        connection.exec_driver_sql("DELETE FROM cases")


def test_the_revisions_make_the_tables_that_the_code_works_with(casebook: Casebook) -> None:
    with casebook.database.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []


def test_an_older_casebook_is_refused_until_it_is_upgraded(casebook: Casebook, url: str, keys: Path) -> None:
    case = casebook.add_case("C-1", "", "Amina")
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    with casebook.database.writing() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0001")
    with pytest.raises(CasebookError, match="schreger casebook upgrade"):
        open_casebook(url, keys)
    assert verify(url, keys) == ("The revision of the tables is not the one that the audit log names.",)
    assert upgrade_casebook(url, keys, "Root")
    assert not upgrade_casebook(url, keys, "Root")
    assert open_casebook(url, keys).case("C-1").case == case
    assert verify(url, keys) == ()


# What is there, and what is not


def test_there_is_no_second_casebook_in_one_database(casebook: Casebook, url: str, keys: Path) -> None:
    with pytest.raises(CasebookError, match="already"):
        create_casebook(url, keys, "Amina")
    assert casebook.head().number == 1


def test_what_is_no_casebook_is_not_opened_nor_made(new_url: Callable[[], str], keys: Path) -> None:
    url = new_url()
    with pytest.raises(CasebookError, match="There is no casebook at"):
        open_casebook(url, keys)
    assert not Path(url).exists()


def test_without_its_key_a_casebook_is_read_but_not_written(kept: Casebook, url: str, tmp_path: Path) -> None:
    opened = open_casebook(url, tmp_path / "elsewhere")
    assert opened.case("C-1").digest == kept.case("C-1").digest
    with pytest.raises(CasebookError, match="The key of this casebook is not at"):
        opened.note("C-1", "I was here", "Mallory")


def test_the_key_is_for_its_owner_alone(casebook: Casebook, keys: Path) -> None:
    assert (keys / f"{casebook.id}.key").stat().st_mode & 0o777 == 0o600


def test_keys_beside_the_casebook_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CasebookError, match="another folder"):
        create_casebook(str(tmp_path / "c.db"), tmp_path, "Amina")


@pytest.mark.parametrize(
    "url",
    ["mysql://user:secret@host/db", "://", "postgresql://user:secret@127.0.0.1:1/db", "sqlite://", "/dev/null/x/c.db"],
)
def test_a_database_that_will_not_do_is_one_sentence_without_the_password(url: str, keys: Path) -> None:
    with pytest.raises(CasebookError) as raised:
        create_casebook(url, keys, "Amina")
    assert "\n" not in str(raised.value)
    assert "secret" not in str(raised.value)


def test_a_file_that_is_no_database_is_one_sentence(tmp_path: Path, keys: Path) -> None:
    (tmp_path / "c.db").write_bytes(b"no database, " * 100)
    with pytest.raises(CasebookError, match="file is not a database"):
        open_casebook(str(tmp_path / "c.db"), keys)


def test_the_hash_of_a_case_is_of_all_that_is_in_it_and_of_nothing_else(
    kept: Casebook, batch: Photos, found: Found
) -> None:
    before = kept.case("C-1").digest
    kept.note("C-2", "Elsewhere", "Amina")
    assert kept.case("C-1").digest == before
    kept.note("C-1", "Here", "Amina")
    assert kept.case("C-1").digest != before


def test_a_tampered_start_of_the_log_does_not_open(
    kept: Casebook, url: str, keys: Path, tamper: Callable[[Casebook], AbstractContextManager[sa.Connection]]
) -> None:
    with tamper(kept) as connection:
        connection.exec_driver_sql("UPDATE entries SET content = '{}' WHERE number = 1")
    with pytest.raises(CasebookError, match="it was altered"):
        open_casebook(url, keys)
