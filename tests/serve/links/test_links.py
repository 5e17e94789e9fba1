"""Pictures are linked within a run and across runs, and no chain of likenesses becomes one cluster."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from model.classifier import Classifier
from serve.links import Index, Known, LinksError, Listed, Match, Picture, Source, look, match
from serve.links.clusters import MIN_COSINE
from serve.links.neighbours import NEAREST
from serve.links.pdq import MIN_QUALITY, mirrored

RANDOM = np.random.default_rng(0)
STEP = float(np.arccos(MIN_COSINE)) * 0.9
"""An angle between embeddings that is still a link."""


def picture(name: str, angle: float | None = None, bits: np.ndarray | None = None, **more: object) -> Picture:
    """A picture of its own bytes and hash; its embedding lies at an angle from others in their plane, or at none."""
    embedding = np.zeros(16)
    embedding[:2] = (np.cos(angle), np.sin(angle)) if angle is not None else (0, 0)
    if angle is None:
        embedding = RANDOM.standard_normal(16)
        embedding /= np.linalg.norm(embedding)
    pdq = np.packbits(RANDOM.integers(0, 2, 256) if bits is None else bits)
    given = {"sha256": name, "quality": 100, "bundle": "one", **more}
    return Picture(Source(name, f"{name}.jpg"), pdq=pdq, embedding=embedding.astype(np.float16), **given)


def earlier(name: str) -> str:
    """The path of a picture of an earlier run."""
    return str(Path(f"{name}.jpg").resolve())


def clusters(pictures: list[Picture]) -> list[int | None]:
    return [each.cluster for each in match(pictures, Index())]


def test_equal_bytes_are_linked_whatever_they_show() -> None:
    flat = [picture(name, sha256="same", quality=0) for name in ("a", "b")]
    first, second = match(flat, Index())
    assert (first.cluster, first.by, first.nearest, first.distance) == (1, "identical", "b.jpg", 0)
    assert (second.cluster, second.nearest) == (1, "a.jpg")


def test_near_hashes_are_linked_and_flat_pictures_are_not() -> None:
    bits = RANDOM.integers(0, 2, 256)
    near = np.concatenate([1 - bits[:20], bits[20:]])
    first, second = match([picture("a", bits=bits), picture("b", bits=near)], Index())
    assert (first.cluster, second.cluster, second.by, second.distance) == (1, 1, "pdq", 20)
    flat = [picture(name, bits=bits, quality=MIN_QUALITY - 1) for name in ("a", "b")]
    assert clusters(flat) == [1, 2]


def test_a_mirrored_copy_is_linked_as_such_within_a_run_and_across_runs_and_not_to_a_hash_list(tmp_path: Path) -> None:
    bits = RANDOM.integers(0, 2, 256)
    turned = np.unpackbits(mirrored(np.packbits(bits)))
    turned[:9] ^= 1
    first, copy = match([picture("a", bits=bits), picture("b", bits=turned)], Index())
    assert [(each.cluster, each.by, each.nearest, each.distance) for each in (first, copy)] == [
        (1, "mirrored", "b.jpg", 9),
        (1, "mirrored", "a.jpg", 9),
    ]
    index = Index(tmp_path)
    match([picture("a", bits=bits), picture("other")], index)
    index.save()
    (found,) = match([picture("b", bits=turned)], Index(tmp_path), [Listed(np.packbits(bits), "seized.csv")])
    assert (found.cluster, found.by, found.nearest, found.is_listed) == (1, "mirrored", earlier("a"), False)
    known = Known([Listed(np.packbits(bits), "seized.csv")], Index(tmp_path).pictures, "one")
    assert [(each.known, each.by) for each in known.find(picture("b", bits=turned))] == [
        (Source("a", earlier("a")), "mirrored")
    ]


def test_a_symmetrical_picture_is_no_copy_of_itself_and_a_chain_of_mirrored_copies_does_not_become_one_cluster() -> (
    None
):
    half = RANDOM.integers(0, 2, 128)
    bits = np.zeros(256, int)
    bits[::2] = half
    bits[1::2] = RANDOM.permutation([0] * 64 + [1] * 64)
    chain = []
    for number in range(9):
        chain.append(picture(str(number), bits=bits))
        bits = np.unpackbits(mirrored(np.packbits(bits))).astype(int)
        bits[::2][number * 16 : number * 16 + 16] ^= 1
    found = match(chain, Index())
    assert {each.by for each in found} == {"mirrored"}
    assert len({each.cluster for each in found}) >= 3


def test_near_embeddings_are_linked() -> None:
    first, second, other = match([picture("a", 0), picture("b", STEP), picture("c", 3 * STEP)], Index())
    assert (second.cluster, second.by, second.nearest) == (1, "embedding", "a.jpg")
    assert second.distance == pytest.approx(1 - np.cos(STEP), abs=1e-3)
    assert (first.cluster, other.cluster, other.by) == (1, 3, None)


def test_a_chain_of_likenesses_does_not_become_one_cluster() -> None:
    found = clusters([picture(str(number), number * STEP) for number in range(18)])
    assert len(set(found)) >= 5
    assert max(found.count(each) for each in set(found)) <= 4


def test_a_chain_of_copies_does_not_become_one_cluster() -> None:
    bits = RANDOM.integers(0, 2, 256)
    chain = []
    for number in range(9):
        chain.append(picture(str(number), bits=bits))
        bits = bits.copy()
        bits[number * 28 : number * 28 + 28] ^= 1
    assert len(set(clusters(chain))) >= 3


def test_many_copies_are_one_cluster_though_each_is_linked_to_few() -> None:
    bits = RANDOM.integers(0, 2, 256)
    copies = [picture(str(number), bits=np.where(RANDOM.random(256) < 0.04, 1 - bits, bits)) for number in range(80)]
    assert set(clusters(copies)) == {1}


def test_later_runs_find_pictures_of_earlier_ones(tmp_path: Path) -> None:
    index = Index(tmp_path)
    match([picture("other"), picture("a", 0)], index)
    index.save()
    again = Index(tmp_path)
    (found,) = match([picture("b", STEP)], again)
    assert (found.cluster, found.by, found.nearest) == (2, "embedding", earlier("a"))
    again.save()
    (third,) = match([picture("c", STEP, sha256="b")], Index(tmp_path))
    assert (third.cluster, third.by, third.nearest) == (2, "identical", earlier("b"))


def test_the_same_run_again_says_the_same_and_adds_nothing(tmp_path: Path) -> None:
    run = [picture("a", 0), picture("b", STEP), picture("c")]
    index = Index(tmp_path)
    first = match(run, index)
    index.save()
    again = Index(tmp_path)
    assert match(run, again) == first
    again.save()
    assert [file.name for file in tmp_path.iterdir()] == ["run-00001.parquet"]


def test_embeddings_of_different_bundles_are_not_compared(tmp_path: Path) -> None:
    index = Index(tmp_path)
    match([picture("a", 0)], index)
    (found,) = match([picture("b", 0, bundle="another")], index)
    assert (found.cluster, found.by) == (2, None)


def test_pictures_that_two_bundles_looked_at_are_in_one_cluster() -> None:
    index = Index()
    other = Picture(Source("a", "a.jpg"), "same", np.zeros(32, np.uint8), 100, np.ones(4, np.float16) / 2, "another")
    match([other], index)
    found = match([picture("b", 0, sha256="same"), picture("c", STEP)], index)
    assert [(each.cluster, each.by) for each in found] == [(1, "identical"), (3, None)]
    (last,) = match([picture("d", STEP)], index)
    assert (last.cluster, last.by) == (3, "embedding")


def test_a_picture_that_could_not_be_opened_is_in_no_cluster() -> None:
    broken = Picture(Source("a", "a.jpg"), "0", error="No photo.")
    assert clusters([broken, picture("b")]) == [None, 1]


def test_an_entry_of_a_hash_list_comes_before_other_pictures() -> None:
    bits = RANDOM.integers(0, 2, 256)
    entry = Listed(np.packbits(bits), "seized.csv: 7")
    first, second = match([picture("a", bits=bits), picture("b", bits=bits)], Index(), [entry])
    assert (first.by, first.nearest, first.distance, first.is_listed) == ("pdq", "seized.csv: 7", 0, True)
    assert first.cluster == second.cluster == 1


def test_a_picture_of_a_hash_list_is_found_however_many_copies_an_index_holds() -> None:
    bits = RANDOM.integers(0, 2, 256)
    copies = [picture(str(number), bits=bits) for number in range(20)]
    taken = picture("taken", bits=np.concatenate([1 - bits[:5], bits[5:]]))
    known = Known([Listed(np.packbits(bits), "seized.csv: 7")], copies, "one")
    found = {each.known for each in known.find(taken)}
    assert "seized.csv: 7" in found
    assert len(found) == 1 + NEAREST


def test_the_same_picture_is_in_an_index_once_whatever_folder_it_is_named_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(path: str, folder: Path, platform: str = "market") -> Match:
        monkeypatch.chdir(folder)
        index = Index(tmp_path / "index")
        (found,) = match([replace(picture("a"), source=Source("a", path, "ann", platform))], index)
        index.save()
        return found

    (tmp_path / "p").mkdir()
    for path, folder in (("p/a.jpg", tmp_path), (f"{tmp_path}/p/a.jpg", tmp_path), ("a.jpg", tmp_path / "p")):
        assert run(path, folder).by is None
    assert len(Index(tmp_path / "index").pictures) == 1
    assert run("a.jpg", tmp_path / "p", "bazaar").by == "identical"


def test_links_of_an_index_stay_when_two_folders_become_one(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    other.mkdir()
    twice = [replace(picture("a"), source=Source("a", f"{folder}/a.jpg")) for folder in (one, other)]
    index = Index(tmp_path / "index")
    match([*twice, picture("b", 0), picture("c", STEP)], index)
    index.save()
    other.rename(one)
    other.symlink_to(one)
    assert Index(tmp_path / "index").links == index.links
    assert len(Index(tmp_path / "index").pictures) == 4


def test_a_name_that_is_no_utf_8_is_kept_escaped_in_the_index(tmp_path: Path) -> None:
    index = Index(tmp_path)
    latin = replace(picture("a"), source=Source("caf\udce9", "caf\udce9.jpg", "shop \ud83d"))
    match([latin], index)
    index.save()
    again = Index(tmp_path)
    (kept,) = again.pictures
    assert (kept.source.id, kept.source.seller) == ("caf\\udce9", "shop \\ud83d")
    match([latin], again)
    assert len(again.pictures) == 1


def test_an_error_that_nobody_foresaw_costs_its_own_picture(
    bundle_folder: Path, original: Callable[[str], Image.Image], save: Callable[..., Path]
) -> None:
    good = save(original("chelsea"), "cat.png").read_bytes

    def bad() -> bytes:
        raise RecursionError("too deep")

    sources = [(Source("1", "a.jpg"), good), (Source("2", "b.jpg"), bad), (Source("3", "c.jpg"), good)]
    found = list(look(sources, Classifier.load(bundle_folder)))
    assert [bool(each.error) for each in found] == [False, True, False]
    assert "RecursionError: too deep" in found[1].error
    assert [each.cluster for each in match(found, Index())] == [1, None, 1]


def test_an_index_that_is_damaged_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "run-00001.parquet").write_bytes(b"PAR1 no more")
    with pytest.raises(LinksError, match="cannot be read"):
        Index(tmp_path)


def test_two_runs_at_once_do_not_overwrite_each_other(tmp_path: Path) -> None:
    one, other = Index(tmp_path), Index(tmp_path)
    match([picture("a")], one)
    match([picture("b")], other)
    one.save()
    with pytest.raises(LinksError, match="meanwhile"):
        other.save()
    assert [each.source.id for each in Index(tmp_path).pictures] == ["a"]
