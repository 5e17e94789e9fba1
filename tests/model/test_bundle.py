"""The bundle: that a whole one is sealed, and that whatever is wrong with one is a plain sentence."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.bundle import CARD, DESCRIPTION, NETWORK, SHIPPED, Bundle, BundleError, find_bundle, load_bundle
from model.bundle import write_description as write

Change = Callable[[dict[str, Any]], object]


@pytest.fixture
def copy(cats: Bundle, tmp_path: Path) -> Path:
    """A bundle that a test may spoil."""
    return Path(shutil.copytree(cats.folder, tmp_path / "cats"))


def refusal(folder: Path) -> str:
    with pytest.raises(BundleError) as raised:
        load_bundle(folder)
    message = str(raised.value)
    assert "\n" not in message
    assert message.endswith(".")
    return message


def test_a_whole_bundle_loads_and_its_digest_is_that_of_its_description(cats: Bundle) -> None:
    loaded = load_bundle(cats.folder)
    content = (cats.folder / DESCRIPTION).read_bytes()
    assert loaded.digest == hashlib.sha256(content).hexdigest()
    assert loaded.id == f"cats@{loaded.digest[:12]}"
    assert loaded.network.is_file()
    assert set(loaded.description.files) == {NETWORK, CARD}
    assert loaded.description == cats.description


def test_any_change_of_any_file_changes_the_digest(copy: Path, cats: Bundle) -> None:
    (copy / CARD).write_text("# another card\n")
    write(copy, cats.description)
    changed = load_bundle(copy)
    assert changed.digest != cats.digest
    assert changed.description.classes == cats.description.classes


@pytest.mark.parametrize("name", [NETWORK, CARD])
@pytest.mark.parametrize("place", [0, -1])
def test_one_altered_byte_is_found(copy: Path, name: str, place: int) -> None:
    content = bytearray((copy / name).read_bytes())
    content[place] ^= 1
    (copy / name).write_bytes(content)
    assert refusal(copy) == f"{copy / name} was altered or damaged: its sha256 is not the one in bundle.json."


def test_a_file_cut_short_or_missing_is_found(copy: Path) -> None:
    content = (copy / NETWORK).read_bytes()
    (copy / NETWORK).write_bytes(content[:-1])
    assert "was altered or damaged" in refusal(copy)
    (copy / NETWORK).unlink()
    assert refusal(copy) == f"The bundle's file {copy / NETWORK} cannot be read: No such file or directory."


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda d: d.update(colour="red"), "is wrong at 'colour': extra inputs are not permitted."),
        (lambda d: d["input"].update({"a\nb": 1}), r"is wrong at 'input.a\nb': extra inputs are not permitted."),
        (lambda d: d.pop("classes"), "is wrong at 'classes': field required."),
        (lambda d: d.update(classes=["ivory"]), "is wrong at 'classes': tuple should have at least 2 items"),
        (lambda d: d.update(format=2), "is wrong at 'format': input should be 1."),
        (lambda d: d["input"].update(size=0), "is wrong at 'input.size': input should be greater than 0."),
        (lambda d: d["input"].update(crop="centre"), "is wrong at 'input.crop': input should be 'squash'."),
        (lambda d: d["certainty"].update(temperature=0), "is wrong at 'certainty.temperature': "),
        (lambda d: d.update(training_manifest="x"), "is wrong at 'training_manifest': "),
        (lambda d: d["files"].pop(NETWORK), "lists no network.onnx."),
        (lambda d: d["files"].update({"../secret": "0" * 64}), "names a file outside the bundle: '../secret'."),
        (lambda d: d["files"].update({"/etc/passwd": "0" * 64}), "names a file outside the bundle: '/etc/passwd'."),
        (lambda d: d["files"].update({"a/b": "0" * 64}), "names a file outside the bundle: 'a/b'."),
        (lambda d: d["files"].update({"..": "0" * 64}), "cannot be read: Is a directory."),
        (lambda d: d["files"].update({"": "0" * 64}), "cannot be read: Is a directory."),
    ],
)
def test_a_wrong_description_is_named(copy: Path, change: Change, says: str) -> None:
    description = json.loads((copy / DESCRIPTION).read_text())
    change(description)
    (copy / DESCRIPTION).write_text(json.dumps(description))
    assert says in refusal(copy)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff\xfe", b"{}" * 2, b"[" * 10_000])
def test_malformed_json_is_named(copy: Path, content: bytes) -> None:
    (copy / DESCRIPTION).write_bytes(content)
    assert f"{copy / DESCRIPTION} is wrong at " in refusal(copy)


leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5)
values = st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner))


@given(st.binary(max_size=200) | values.map(lambda value: json.dumps(value).encode()), st.data())
def test_no_description_raises_anything_else(
    tmp_path_factory: pytest.TempPathFactory, cats: Bundle, content: bytes, data: st.DataObject
) -> None:
    folder = tmp_path_factory.getbasetemp() / "any"
    folder.mkdir(exist_ok=True)
    (folder / DESCRIPTION).write_bytes(content)
    refusal(folder)
    whole = json.loads((cats.folder / DESCRIPTION).read_text())
    part = data.draw(st.sampled_from([whole, whole["input"], whole["certainty"], whole["files"]]))
    part[data.draw(st.sampled_from(sorted(part)) | st.text(max_size=5))] = data.draw(values)
    (folder / DESCRIPTION).write_text(json.dumps(whole))
    refusal(folder)  # if not for its fields, then for its files, which are not here


def test_bundles_are_found_by_folder_and_by_name(cats: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_bundle(str(cats.folder)) == cats.folder
    monkeypatch.chdir(cats.folder.parent)
    assert find_bundle("cats") == Path("cats")
    for shipped in SHIPPED.glob(f"*/{DESCRIPTION}"):
        assert find_bundle(shipped.parent.name) == shipped.parent
    for name in ("", "nothing", str(tmp_path), "nul\0", "long" * 1000):
        with pytest.raises(BundleError, match=r"^There is no bundle at .*; give its folder, or a shipped one: .*\.$"):
            find_bundle(name)
