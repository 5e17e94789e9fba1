"""The cache of decoded photos: that it gives what the decoder gives, whatever happened to it."""

import errno
import os
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest
from PIL import Image

from model.classifier import DECODE_SIDE
from model.photo import PhotoError, open_photo
from training.decoded import Decoded


def photo(file: Path, colour: int) -> Path:
    Image.new("RGB", (900, 30), (colour, 0, 0)).save(file)
    return file


def test_a_photo_is_decoded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, decoded = photo(tmp_path / "a.png", 9), Decoded(tmp_path / "decoded")
    first = decoded.open(file)
    assert np.array_equal(first, open_photo(file, DECODE_SIDE).pixels)
    monkeypatch.setattr("training.decoded.open_photo", None)
    assert np.array_equal(decoded.open(file), first)


def test_a_photo_that_has_changed_is_decoded_anew(tmp_path: Path) -> None:
    decoded = Decoded(tmp_path / "decoded")
    assert decoded.open(photo(tmp_path / "a.png", 9))[0, 0, 0] == 9
    file = photo(tmp_path / "a.png", 200)
    os.utime(file, ns=(1, 1))
    assert decoded.open(file)[0, 0, 0] == 200


def test_a_torn_entry_is_decoded_anew(tmp_path: Path) -> None:
    file, decoded = photo(tmp_path / "a.png", 9), Decoded(tmp_path / "decoded")
    decoded.open(file)
    [entry] = (tmp_path / "decoded").iterdir()
    for content in (entry.read_bytes()[:200], b"", b"\x80\x04."):  # the last is a pickle, which is never loaded
        entry.write_bytes(content)
        assert decoded.open(file)[0, 0, 0] == 9


def test_a_disk_that_takes_nothing_does_not_stop_it(tmp_path: Path) -> None:
    file, decoded = photo(tmp_path / "a.png", 9), Decoded(tmp_path / "decoded")
    (tmp_path / "decoded").rmdir()
    assert decoded.open(file)[0, 0, 0] == 9


def test_a_disk_that_is_full_keeps_no_halves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def save(content: BinaryIO, pixels: object) -> None:
        content.write(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(np, "save", save)
    file, decoded = photo(tmp_path / "a.png", 9), Decoded(tmp_path / "decoded")
    assert decoded.open(file)[0, 0, 0] == 9
    assert list((tmp_path / "decoded").iterdir()) == []


def test_a_photo_that_is_damaged_or_missing_is_a_photo_error(tmp_path: Path) -> None:
    decoded = Decoded(tmp_path / "decoded")
    (tmp_path / "bad.jpg").write_bytes(b"\xff\xd8\xff\xe0 no more")
    with pytest.raises(PhotoError):
        decoded.open(tmp_path / "bad.jpg")
    with pytest.raises(PhotoError):
        decoded.open(tmp_path / "gone.jpg")
