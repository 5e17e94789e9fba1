"""Keys: a file that holds none, and a command that makes them."""

import hashlib
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from serve.api.keys import KeysError, read_keys

Run = Callable[..., "subprocess.CompletedProcess[str]"]
DIGEST = hashlib.sha256(b"key").hexdigest()


def test_the_command_makes_a_key_and_keeps_its_digest_alone(schreger: Run, tmp_path: Path) -> None:
    file = tmp_path / "keys"
    made = [schreger("api-key", name, file) for name in ("port", "market")]
    assert [done.returncode for done in made] == [0, 0]
    keys = [done.stdout.strip() for done in made]
    assert [read_keys(file).name_of(key) for key in keys] == ["port", "market"]
    assert all(len(key) >= 40 and key not in file.read_text() for key in keys)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_key_is_a_line_of_its_own_in_a_file_whose_last_line_was_not_ended(schreger: Run, tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(f"me {DIGEST}")
    key = schreger("api-key", "market", file).stdout.strip()
    keys = read_keys(file)
    assert [keys.name_of(known) for known in ("key", key)] == ["me", "market"]


def test_a_key_that_is_nobodys_has_no_name(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(f"# those who may ask\n\n  me   {DIGEST}  \n")
    assert read_keys(file).name_of("key") == "me"
    assert [read_keys(file).name_of(wrong) for wrong in ("", "Key", DIGEST, "é")] == [None] * 4


@pytest.mark.parametrize("content", ["", "# nobody\n", "me\n", f"me {DIGEST[1:]}\n", f"me {DIGEST} too\n", "me key\n"])
def test_a_file_that_holds_no_keys_is_one_sentence(content: str, tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(content)
    with pytest.raises(KeysError, match=r"^('|Line)"):
        read_keys(file)


def test_what_holds_no_keys_is_not_added_to_and_a_name_has_one_key(schreger: Run, tmp_path: Path) -> None:
    adverts, keys = tmp_path / "adverts.csv", tmp_path / "keys.txt"
    adverts.write_text("id,title\n1,a clock\n")
    assert schreger("api-key", "warehouse", keys).returncode == 0
    for name, file, said in (
        ("warehouse", adverts, f"'{adverts}' is no file of keys; name another."),
        ("warehouse", tmp_path, f"'{tmp_path}' is no file of keys; name another."),
        (
            "warehouse",
            keys,
            f"'warehouse' has a key in {keys} already: take out its line first, or choose another name.",
        ),
    ):
        before = file.is_file() and file.read_bytes()
        done = schreger("api-key", name, file)
        assert (done.returncode, done.stdout, done.stderr) == (2, "", f"{said}\n")
        assert (file.is_file() and file.read_bytes()) == before
    keys.write_text("# taken out\n")
    assert schreger("api-key", "warehouse", keys).returncode == 0


def test_a_file_that_cannot_be_used_is_one_sentence(schreger: Run, tmp_path: Path) -> None:
    with pytest.raises(KeysError):
        read_keys(tmp_path / "none")
    for name, file in (("a b", tmp_path / "keys"), ("me", tmp_path / "no folder" / "keys")):
        done = schreger("api-key", name, file)
        assert (done.returncode, done.stdout) == (2, "")
        assert len(done.stderr.splitlines()) == 1
