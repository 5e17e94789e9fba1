"""PDQ hashes are those that others compute, and hash lists those that others read and write."""

import io
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pdqhash
import pytest
from PIL import Image

from model.photo import open_photo
from serve.links import LinksError, Picture, Source, read_hashes, write_hashes
from serve.links.neighbours import NEAREST, Hashes
from serve.links.pdq import MAX_DISTANCE, MIN_QUALITY, from_hex, mirrored, pdq, to_hex

KNOWN = {  # what pdqhash 0.2.8 gives for the files that scikit-image ships
    "chelsea": "5feb5321f01da156898e2bf629a5d3438412cdbd23f48942464526315db33ffd",
    "coffee": "8c629e779a663698b9a33866c026726c21a679f61eb6e1f8c79ba7e23c8299e0",
    "astronaut": "2d6b1af3a956c529e79ca3d2526fa834d4196c81cedd04de0a26b855fc99b724",
}
ONE, OTHER = KNOWN["chelsea"], KNOWN["coffee"]


def distance(one: np.ndarray, other: np.ndarray) -> int:
    return int(np.unpackbits(one ^ other).sum())


@pytest.mark.parametrize("name", KNOWN)
def test_the_hash_of_a_photo_is_the_known_one(
    name: str, original: Callable[[str], Image.Image], save: Callable
) -> None:
    hashed, quality = pdq(open_photo(save(original(name), f"{name}.png")).pixels)
    assert (to_hex(hashed), quality) == (KNOWN[name], 100)


def test_the_digits_are_the_bits_of_the_reference_in_their_order(original: Callable[[str], Image.Image]) -> None:
    bits, _ = pdqhash.compute(np.asarray(original("coins")))
    digits = to_hex(pdq(np.asarray(original("coins")))[0])
    assert f"{int(digits, 16):0256b}" == "".join(map(str, bits))
    assert to_hex(from_hex(digits)) == digits


@pytest.mark.parametrize(("scale", "codec", "quality"), [(0.5, "JPEG", 40), (0.7, "WEBP", 60), (1.6, "JPEG", 80)])
def test_other_sizes_and_codecs_stay_within_a_match(
    original: Callable[[str], Image.Image], scale: float, codec: str, quality: int
) -> None:
    for name, known in KNOWN.items():
        image, content = original(name), io.BytesIO()
        size = round(image.width * scale), round(image.height * scale)
        image.resize(size).save(content, codec, quality=quality)
        assert distance(pdq(open_photo(content.getvalue()).pixels)[0], from_hex(known)) <= MAX_DISTANCE


def test_the_hash_of_a_mirrored_picture_is_told_from_that_of_the_picture(
    original: Callable[[str], Image.Image],
) -> None:
    for name, known in KNOWN.items():
        turned, _ = pdq(np.asarray(original(name).transpose(Image.Transpose.FLIP_LEFT_RIGHT)))
        assert distance(turned, from_hex(known)) > 2 * MAX_DISTANCE
        assert distance(turned, mirrored(from_hex(known))) <= MAX_DISTANCE


def test_a_picture_without_any_detail_has_a_hash_that_is_not_matched() -> None:
    hashed, quality = pdq(np.full((300, 300, 3), 255, np.uint8))
    assert quality < MIN_QUALITY
    assert not Picture(Source("a", "a.png"), "0", hashed, quality).has_good_hash


def test_31_bits_are_a_match_and_32_are_none() -> None:
    bits = np.random.default_rng(0).integers(0, 2, 256, dtype=np.uint8)
    query = np.packbits(bits)
    others = [np.packbits(np.concatenate([1 - bits[:count], bits[count:]])) for count in (0, 31, 32)]
    assert [(near.found, near.distance) for near in Hashes(others).near([query])] == [(0, 0), (1, 31)]


def test_the_nearest_hashes_are_those_that_comparing_all_finds() -> None:
    random = np.random.default_rng(1)
    among = random.integers(0, 256, (500, 32), dtype=np.uint8)
    queries = among[:50] ^ np.packbits(random.random((50, 256)) < 0.1, axis=1)
    expected = {
        (query, found)
        for query in range(50)
        for found in range(500)
        if distance(queries[query], among[found]) <= MAX_DISTANCE
    }
    assert {near[:2] for near in Hashes(list(among)).near(list(queries))} == expected
    assert len(expected) > 25


@pytest.mark.parametrize(
    ("content", "names"),
    [
        (f"hash,id\n{ONE},7\n{OTHER},49\n", ["list.csv: 7", "list.csv: 49"]),
        (f"PDQ,name\n{ONE},tusk\n", ["list.csv: tusk"]),
        (f"{ONE},7,2020-07-31T18:47:52+0000,photo\n", ["list.csv: 7"]),
        (f"{ONE}\n{OTHER}\n", ["list.csv", "list.csv"]),
        (f"\ufeff{ONE.upper()}\r\n\r\n# a note\r\n", ["list.csv"]),
        (f"pdq {ONE}\n", ["list.csv"]),
        (f"{ONE},100,tusk.jpg\n{OTHER},49,flat.jpg\n", ["list.csv: tusk.jpg"]),
        (f"hash,quality\n{ONE},50\n", ["list.csv"]),
        (f"{ONE},2880742865368386,2020-07-31T18:47:52+0000,media_type_photo\n", ["list.csv: 2880742865368386"]),
    ],
    ids=[
        "ids",
        "names",
        "short ids",
        "plain",
        "from a spreadsheet",
        "ThreatExchange",
        "reference hasher",
        "header",
        "HMA",
    ],
)
def test_the_forms_that_hash_lists_have_are_read(content: str, names: list[str], tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text(content, encoding="utf-8")
    listed = read_hashes(file)
    assert [entry.name for entry in listed] == names
    assert to_hex(listed[0].pdq) == ONE


@pytest.mark.parametrize(
    "line", ["nonsense", ONE[:-2], f"{ONE}00", "x" * 64, "video_md5 d41d8cd98f00b204e9800998ecf8427e"]
)
def test_a_line_without_a_hash_is_named(line: str, tmp_path: Path) -> None:
    file = tmp_path / "list.txt"
    for before in ("", f"{ONE}\n", "hash\n"):
        file.write_text(f"{before}{line}\n", encoding="utf-8")
        with pytest.raises(LinksError, match=f"line without a PDQ hash: '{line[:20]}"):
            read_hashes(file)


def test_a_list_that_is_none_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    for name in ("photo.jpg", "missing.csv"):
        with pytest.raises(LinksError, match="cannot be read"):
            read_hashes(tmp_path / name)


def test_what_is_written_is_read_again_without_hashes_of_low_quality(tmp_path: Path) -> None:
    pictures = [
        Picture(Source("a", "shop, a.jpg"), "1", from_hex(ONE), 100),
        Picture(Source("b", "copy.jpg"), "1", from_hex(ONE), 100),
        Picture(Source("c", "flat.jpg"), "2", from_hex(OTHER), MIN_QUALITY - 1),
        Picture(Source("d", "broken.jpg"), None, error="No photo."),
    ]
    for ending in ("csv", "txt"):
        file = tmp_path / f"ours.{ending}"
        assert write_hashes(file, pictures) == 1
        assert [to_hex(entry.pdq) for entry in read_hashes(file)] == [ONE]
    assert (tmp_path / "ours.txt").read_text() == f"{ONE}\n"


def test_a_path_that_a_spreadsheet_would_run_is_guarded_and_read_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "ours.csv"
    write_hashes(file, [Picture(Source("a", "=1+1.jpg"), "1", from_hex(ONE), 100)])
    assert file.read_text() == f"{ONE},100,'=1+1.jpg\n"
    assert read_hashes(file)[0].name == "ours.csv: =1+1.jpg"


def test_thousands_of_near_copies_are_searched_in_little_memory() -> None:
    random = np.random.default_rng(2)
    copies = list(random.integers(0, 256, 32, dtype=np.uint8) ^ np.packbits(random.random((4000, 256)) < 0.04, axis=1))
    hashes = Hashes(copies)
    tracemalloc.start()
    near = hashes.near(copies[:64])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(near) == 64 * NEAREST
    assert {each.query for each in near if each.distance == 0} == set(range(64))
    assert peak < 1_000_000
