"""Users of a casebook: who may sign in, what the audit log says of it, and what it never says."""

import json
import subprocess
import time
import zipfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path

import pytest
import sqlalchemy as sa

from serve.casebook import Casebook, CasebookError, Users, create_casebook, export_case, import_case, verify
from serve.casebook.change import Change
from serve.casebook.records import User, canonical

Tamper = Callable[[Casebook], AbstractContextManager[sa.Connection]]
PASSWORD = "four plain words here"  # noqa: S105


@pytest.fixture
def users(casebook: Casebook) -> Users:
    users = Users(casebook)
    users.add("Amina", "officer", PASSWORD, "Root")
    return users


def test_a_user_signs_in_with_their_password_until_they_are_disabled(users: Users) -> None:
    users.add("Dr. 王", "expert", PASSWORD, "Root")
    expert = users.check("Dr. 王", PASSWORD)
    assert expert
    assert expert.role == "expert"
    assert users.check("Amina", PASSWORD + "!") is users.check("Nobody", PASSWORD) is None
    users.set_password("Amina", "another password", "Root")
    assert users.check("Amina", PASSWORD) is None
    assert users.check("Amina", "another password")
    users.disable("Amina", "Root")
    assert users.check("Amina", "another password") is None
    assert [(user.login, user.disabled) for user in users.all()] == [("Amina", True), ("Dr. 王", False)]


def test_a_password_is_the_same_however_a_keyboard_writes_its_letters(users: Users) -> None:
    users.add("Benoît", "officer", "mot de passe trouv\u00e9", "Root")
    assert users.check("Benoît", "mot de passe trouve\u0301")


def test_a_wrong_name_takes_as_long_as_a_wrong_password(users: Users) -> None:
    def seconds(name: str) -> float:
        start = time.thread_time()
        assert users.check(name, "wrong password") is None
        return time.thread_time() - start

    known, unknown = (min(seconds(name) for _ in range(3)) for name in ("Amina", "Nobody"))
    assert unknown == pytest.approx(known, rel=0.5)


def test_a_user_that_cannot_be_is_one_sentence(users: Users) -> None:
    for name, password, sentence in (
        ("Amina", PASSWORD, "already"), ("amina ", PASSWORD, "already"), ("", PASSWORD, "needs a name"),
        ("a\nb", PASSWORD, "one line"), ("x" * 101, PASSWORD, "100"), ("Benoît", "too short", "10 to 200"),
        ("Benoît", "x" * 201, "10 to 200"),
    ):  # fmt: skip
        with pytest.raises(CasebookError, match=sentence):
            users.add(name, "officer", password, "Root")
    assert len(users.all()) == 1


def test_the_log_says_who_did_what_to_whom_and_never_the_hash(users: Users, url: str, keys: Path) -> None:
    users.set_password("Amina", "another password", "Chief")
    users.disable("Amina", "Root")
    for change in (lambda: users.disable("Amina", "Root"), lambda: users.set_password("Nobody", PASSWORD, "Root")):
        with pytest.raises(CasebookError):
            change()
    with users.casebook.database.reading() as connection:
        log = connection.exec_driver_sql("SELECT content FROM entries ORDER BY number").scalars().all()
        hashes = connection.exec_driver_sql("SELECT password FROM users").scalars().all()
    told = [json.loads(content) for content in log[1:]]
    assert [(entry["action"], entry["by"], entry["about"]["user"]) for entry in told] == [
        ("add user", "Root", "Amina"), ("set password", "Chief", "Amina"), ("disable user", "Root", "Amina"),
    ]  # fmt: skip
    assert len(set(hashes)) == 2
    for secret in (part for hashed in hashes for part in (*hashed.split("$"), PASSWORD)):
        assert not any(secret in content for content in log)
    assert not any(hashed in repr(users.all()) for hashed in hashes)
    assert verify(url, keys) == ()


@pytest.mark.parametrize(
    "change",
    ["UPDATE users SET role = 'admin'", "DELETE FROM users WHERE number = 2", "UPDATE users SET disabled = false"],
)
def test_who_changes_users_past_the_log_is_found(
    change: str, users: Users, url: str, keys: Path, tamper: Tamper
) -> None:
    users.disable("Amina", "Root")
    with tamper(users.casebook) as connection:
        connection.exec_driver_sql(change)
    assert any("The record users/" in fault for fault in verify(url, keys))


def test_a_case_belongs_to_who_brought_it_into_this_casebook(
    kept: Casebook, new_url: Callable[[], str], tmp_path: Path
) -> None:
    export_case(kept, "C-1", tmp_path / "C-1.zip", "Amina")
    there = create_casebook(new_url(), tmp_path / "there", "Root")
    import_case(there, tmp_path / "C-1.zip", "Benoît")
    assert kept.case("C-1").owner == "Amina"
    assert there.case("C-1").owner == "Benoît"
    assert there.owners() == {there.case("C-1").case.id: "Benoît"}


def test_a_case_cannot_be_named_so_as_to_stand_in_for_another(kept: Casebook) -> None:
    victim = kept.case("C-1")
    impostor = kept.add_case(victim.case.id, "", "Mallory")
    assert kept.case(victim.case.id) == victim
    assert kept.case(impostor.id).owner == "Mallory"


def test_a_case_that_is_handed_over_brings_no_user_along(kept: Casebook, url: str, keys: Path, tmp_path: Path) -> None:
    """Whoever exports a case signs it, and could sign anything: here a user of theirs among its records."""
    mole = User(login="Mole", number=1, role="admin", password="00$00", disabled=False, by="Mole", at="2026")  # noqa: S106
    with kept.change("Mole") as change:
        kept.seal(named(change, mole), "note", kept.case("C-1").case.id)
    export_case(kept, "C-1", tmp_path / "C-1.zip", "Mole")
    forged = tmp_path / "forged.zip"
    with zipfile.ZipFile(tmp_path / "C-1.zip") as whole, zipfile.ZipFile(forged, "w") as archive:
        files = {name: whole.read(name) for name in whole.namelist()}
        files["records.jsonl"] += (canonical({"table": "users", **asdict(mole)}) + "\n").encode()
        manifest = json.loads(files["manifest.json"])
        manifest["files"]["records.jsonl"] = sha256(files["records.jsonl"]).hexdigest()
        files["manifest.json"] = json.dumps(manifest).encode()
        for name, content in files.items():
            archive.writestr(name, content)
    there = create_casebook(str(tmp_path / "there.db"), tmp_path / "there", "Root")
    with pytest.raises(CasebookError, match="a line of it cannot be read"):
        import_case(there, forged, "Root")
    assert Users(there).all() == ()


def named(change: Change, record: User) -> Change:
    change.add(record)
    return change


def test_users_are_made_on_the_command_line_and_no_password_is_an_argument(
    schreger: Callable[..., "subprocess.CompletedProcess[str]"], tmp_path: Path
) -> None:
    where, keys = tmp_path / "c.db", tmp_path / "keys"
    env = {"SCHREGER_CASEBOOK": str(where), "SCHREGER_CASEBOOK_KEYS": str(keys)}
    casebook = create_casebook(str(where), keys, "Root")

    def user(*words: str, typed: str = "") -> "subprocess.CompletedProcess[str]":
        return schreger("casebook", "user", *words, env=env, typed=typed.encode())

    assert user("add", "Amina", "--role", "officer", "--by", "Root", typed=f"{PASSWORD}\n").returncode == 0
    assert user("password", "Amina", typed="another password\r\n").returncode == 0
    assert Users(casebook).check("Amina", "another password")
    assert "10 to 200" in user("add", "Benoît", "--role", "expert").stderr
    assert user("add", "Benoît", "--role", "chief", typed=PASSWORD).returncode == 2
    assert "no such option" in user("add", "Benoît", "--role", "expert", "--password", PASSWORD).stderr.lower()
    assert user("disable", "Amina").returncode == 0
    assert user("list").stdout == "Amina  officer  disabled\n"
