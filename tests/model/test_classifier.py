"""The classifier: that a photo gets one answer, whoever asks, in whatever company and order."""

import math
import shutil
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import islice, repeat
from pathlib import Path

import numpy as np
import pytest
import torch

from model.backbones import create_backbone
from model.bundle import EXEMPLARS, Bundle, BundleError, load_bundle, write_description
from model.classifier import BATCH, DECODE_SIDE, Classifier
from model.engine import CORES, load_engine
from model.exemplars import Exemplars, write_exemplars
from model.finding import Finding
from model.network import Network
from model.photo import Photo, PhotoError, open_photo, squash
from model.taxonomy import load_taxonomy
from training.export import export_network


@pytest.fixture(scope="module")
def photos(shipped_photos: dict[str, Path]) -> dict[str, Photo]:
    return {name: open_photo(file, DECODE_SIDE) for name, file in shipped_photos.items()}


@pytest.fixture(scope="module")
def blank() -> Photo:
    """A white picture, in which there is nothing to see."""
    rows = b"\xff" * 300 * 300 * 3
    header = b"BM" + (54 + len(rows)).to_bytes(4, "little") + bytes(4) + (54).to_bytes(4, "little")
    size = (40).to_bytes(4, "little") + 2 * (300).to_bytes(4, "little") + b"\1\0\x18\0" + bytes(24)
    return open_photo(header + size + rows)


def vector(finding: Finding) -> dict[str, float]:
    return dict(finding.probabilities)


def assert_same(one: Finding, other: Finding, tolerance: float = 0.005) -> None:
    """What may differ between a photo alone and in a batch."""
    assert max(abs(vector(one)[key] - probability) for key, probability in other.probabilities) <= tolerance
    assert (one.answer, one.status, one.quality, one.bundle) == (
        other.answer,
        other.status,
        other.quality,
        other.bundle,
    )
    assert abs(one.unfamiliarity - other.unfamiliarity) <= tolerance


def test_the_answer_is_what_the_photo_shows(classifier: Classifier, photos: dict[str, Photo]) -> None:
    for name, answer in (("lion", "panthera_leo"), ("cheetah", "acinonyx_jubatus"), ("cheetah1", "acinonyx_jubatus")):
        found = classifier.classify([photos[name]])
        assert (found.answer, found.status) == (answer, "recognised")
        assert found.bundle == classifier.bundle.id
        assert found.quality == (photos[name].quality,)
        assert found.photos == ()


def test_a_finding_ranks_every_class(classifier: Classifier, photos: dict[str, Photo]) -> None:
    found = classifier.classify([photos["coffee"]])
    values = [probability for _, probability in found.probabilities]
    assert {key for key, _ in found.probabilities} == set(classifier.classes)
    assert values == sorted(values, reverse=True)
    assert sum(values) == pytest.approx(1, abs=1e-5)
    assert found.top == found.probabilities[:5]
    assert 0 <= found.unfamiliarity <= 1


def test_a_stream_answers_every_source_in_order_with_errors_in_their_places(
    classifier: Classifier, shipped_photos: dict[str, Path], photos: dict[str, Photo]
) -> None:
    names = list(shipped_photos)
    sources: list[bytes | Path] = []
    for turn in range(45):
        sources.append(shipped_photos[names[turn % len(names)]])
        sources += {3: [b""], 7: [b"not a photo", Path("nowhere.jpg")], 20: [Path()] * 40}.get(turn, [])
    results = list(classifier.stream(sources))
    assert len(results) == len(sources)
    for source, result in zip(sources, results, strict=True):
        name = next((name for name, file in shipped_photos.items() if file == source), None)
        if name is None:
            assert isinstance(result, PhotoError)
        else:
            assert not isinstance(result, PhotoError)
            sha256, found = result
            assert sha256 == photos[name].sha256
            assert_same(found, classifier.classify([photos[name]]))
            assert found.evidence == ()
            assert found.embedding is None


def test_at_the_default_precision_too_a_photo_alone_and_in_a_batch_get_the_same_answer(
    cats: Bundle, shipped_photos: dict[str, Path]
) -> None:
    classifier = Classifier.load(str(cats.folder))
    together = list(classifier.stream(shipped_photos.values()))
    for file, result in zip(shipped_photos.values(), together, strict=True):
        [alone] = classifier.stream([file])
        assert not isinstance(alone, PhotoError)
        assert not isinstance(result, PhotoError)
        assert_same(alone[1], result[1])


def test_a_stream_of_nothing_is_empty(classifier: Classifier) -> None:
    assert list(classifier.stream([])) == []
    assert [type(result) for result in classifier.stream([b"", b""])] == [PhotoError, PhotoError]


def test_a_stream_pulls_a_bounded_number_of_sources_ahead(
    classifier: Classifier, shipped_photos: dict[str, Path]
) -> None:
    pulled, before = 0, set(threading.enumerate())

    def endless() -> Iterator[bytes]:
        nonlocal pulled
        for content in repeat(shipped_photos["lion"].read_bytes()):
            pulled += 1
            yield content

    stream = classifier.stream(endless())
    for taken in range(1, 3 * BATCH):
        next(stream)
        assert pulled <= taken + (2 * CORES + 1) * BATCH
    stream.close()  # type: ignore[attr-defined]
    assert set(threading.enumerate()) <= before


def test_evidence_is_a_map_whose_mean_is_the_logit(classifier: Classifier, photos: dict[str, Photo]) -> None:
    found = classifier.classify([photos["lion"]], evidence=True)
    [evidence] = found.evidence
    logits = classifier.engine.run(squash(photos["lion"].pixels, classifier.size)[None]).logits[0]
    assert evidence.shape == (7, 7)
    assert evidence.dtype == np.float32
    assert evidence.mean() == pytest.approx(logits[classifier.classes.index("panthera_leo")], abs=1e-3)
    assert evidence[2:5, 2:5].mean() > evidence[[0, -1]].mean()  # the lion is in the middle


@pytest.fixture(scope="module")
def constant(cats: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Classifier:
    """A classifier that says the same of every photo: its evidence is the logarithm of each class's probability."""
    probabilities = {"ivory": 0.3, "amazona_aestiva": 0.25, "agapornis_fischeri": 0.2, "psittacus_erithacus": 0.25}
    folder = tmp_path_factory.mktemp("bundles") / "constant"
    folder.mkdir()
    network = Network(create_backbone("mobilenetv3_small_050", "none"), len(probabilities))
    network.head.bias.data = torch.tensor([math.log(p) for p in probabilities.values()])
    fitted = cats.description.certainty.model_copy(update={"familiarity": (-5.0, 5.0)})
    update = {"name": "constant", "classes": tuple(probabilities), "certainty": fitted}
    described = cats.description.model_copy(update=update)
    export_network(network, described.input.size, folder / "network.onnx")
    write_description(folder, described)
    bundle = load_bundle(folder)
    return Classifier(bundle, load_engine(bundle, precision="f32"), load_taxonomy())


def test_evidence_is_for_a_class_that_the_answer_covers(constant: Classifier, photos: dict[str, Photo]) -> None:
    found = constant.classify([photos["lion"]], evidence=True)
    assert (found.answer, found.status) == ("psittaciformes", "rolled_up")
    assert found.top[0][0] == "ivory"
    assert found.evidence[0].mean() == pytest.approx(math.log(0.25), abs=1e-3)


def test_evidence_is_for_the_likeliest_class_where_there_is_no_answer(constant: Classifier, blank: Photo) -> None:
    found = constant.classify([blank], evidence=True)
    assert (found.answer, found.status) == (None, "unusable")
    assert found.evidence[0].mean() == pytest.approx(math.log(0.3), abs=1e-3)


def test_the_embedding_is_of_unit_length_and_says_who_looks_alike(
    classifier: Classifier, photos: dict[str, Photo]
) -> None:
    names = ("cheetah", "cheetah1", "china")
    findings = [classifier.classify([photos[name]], embedding=True) for name in names]
    embeddings = np.stack([found.embedding for found in findings if found.embedding is not None])
    assert np.allclose(np.linalg.norm(embeddings, axis=1), 1, atol=1e-5)
    likeness = embeddings @ embeddings.T
    assert likeness[0, 1] > likeness[0, 2] + 0.1


def test_an_item_is_the_geometric_mean_of_its_photos_and_keeps_them(
    classifier: Classifier, photos: dict[str, Photo]
) -> None:
    parts = [photos["lion"], photos["cheetah"], photos["coffee"]]
    item = classifier.classify(parts, evidence=True, embedding=True)
    alone = [classifier.classify([part]) for part in parts]
    product = {key: np.prod([vector(each)[key] for each in alone]) ** (1 / 3) for key in classifier.classes}
    for key, probability in item.probabilities:
        assert probability == pytest.approx(product[key] / sum(product.values()), abs=1e-3)
    assert item.unfamiliarity == pytest.approx(np.mean([each.unfamiliarity for each in alone]), abs=1e-3)
    assert [each.answer for each in item.photos] == [each.answer for each in alone]
    assert item.quality == tuple(part.quality for part in parts)
    assert [each.shape for each in item.evidence] == [(7, 7)] * 3
    assert item.embedding is not None
    assert np.linalg.norm(item.embedding) == pytest.approx(1, abs=1e-5)
    assert_same(item, classifier.combine(alone))


def test_an_unusable_photo_does_not_count_in_an_item(
    classifier: Classifier, photos: dict[str, Photo], blank: Photo
) -> None:
    lion, nothing = classifier.classify([photos["lion"]]), classifier.classify([blank])
    assert (nothing.status, nothing.answer) == ("unusable", None)
    item = classifier.classify([blank, photos["lion"], blank])
    assert (item.answer, item.status, len(item.photos)) == ("panthera_leo", "recognised", 3)
    assert vector(item) == pytest.approx(vector(lion), abs=1e-3)
    assert item.unfamiliarity == pytest.approx(lion.unfamiliarity, abs=1e-3)


def test_an_item_of_nothing_but_unusable_photos_is_unusable(classifier: Classifier, blank: Photo) -> None:
    item = classifier.classify([blank, blank])
    assert (item.status, item.answer) == ("unusable", None)
    assert len(item.photos) == 2


def test_threads_may_share_a_classifier(classifier: Classifier, photos: dict[str, Photo]) -> None:
    turns = list(photos.values()) * 3
    one_by_one = [classifier.classify([photo], evidence=True) for photo in turns]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda photo: classifier.classify([photo], evidence=True), turns))
    for alone, shared in zip(one_by_one, together, strict=True):
        assert_same(alone, shared, 1e-6)
        assert np.array_equal(alone.evidence[0], shared.evidence[0])


def test_two_streams_at_once_do_not_mix(classifier: Classifier, shipped_photos: dict[str, Path]) -> None:
    lions, cheetahs = (classifier.stream(repeat(shipped_photos[name])) for name in ("lion", "cheetah"))
    for lion, cheetah in islice(zip(lions, cheetahs, strict=False), 2 * BATCH + 1):
        assert not isinstance(lion, PhotoError)
        assert not isinstance(cheetah, PhotoError)
        assert (lion[1].answer, cheetah[1].answer) == ("panthera_leo", "acinonyx_jubatus")


def test_a_bundle_loads_by_its_folder_and_a_damaged_one_does_not(cats: Bundle, tmp_path: Path) -> None:
    assert Classifier.load(str(cats.folder), "onnxruntime").engine.name == "onnxruntime"
    spoilt = Path(shutil.copytree(cats.folder, tmp_path / "spoilt"))
    (spoilt / "network.onnx").write_bytes(b"")
    with pytest.raises(BundleError, match="was altered or damaged"):
        Classifier.load(str(spoilt))


def test_a_bundle_with_a_class_that_the_taxonomy_lacks_is_one_sentence(cats: Bundle, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(cats.folder, tmp_path / "newer"))
    classes = ("unicorn_horn", *cats.description.classes[1:])
    write_description(folder, cats.description.model_copy(update={"classes": classes}))
    with pytest.raises(BundleError) as raised:
        Classifier.load(str(folder))
    assert str(raised.value) == f"{folder} knows 'unicorn_horn', which is not in the taxonomy: update schreger."


@pytest.fixture
def with_exemplars(cats: Bundle, classifier: Classifier, photos: dict[str, Photo], tmp_path: Path) -> Path:
    """The bundle `cats` with two exemplars, the distance from which decides what is unfamiliar."""
    folder = Path(shutil.copytree(cats.folder, tmp_path / "cats"))
    known = [classifier.classify([photos[name]], embedding=True).embedding for name in ("lion", "cheetah")]
    labels = np.array([classifier.classes.index(key) for key in ("panthera_leo", "acinonyx_jubatus")])
    write_exemplars(
        Exemplars(np.stack([one for one in known if one is not None]), np.ones(2), labels), folder / EXEMPLARS
    )
    certainty = cats.description.certainty.model_copy(
        update={"distance_weight": 1000.0, "familiarity": (-1000.0, 30.0), "unfamiliar_from": 0.65}
    )
    write_description(folder, cats.description.model_copy(update={"certainty": certainty}))
    return folder


def test_a_photo_far_from_every_exemplar_is_unfamiliar(with_exemplars: Path, photos: dict[str, Photo]) -> None:
    classifier = Classifier.load(str(with_exemplars), precision="f32")
    near = [classifier.classify([photos[name]]) for name in ("lion", "cheetah", "cheetah1")]
    far = [classifier.classify([photos[name]]) for name in ("china", "brick", "hubble_deep_field")]
    assert max(found.unfamiliarity for found in near) < min(found.unfamiliarity for found in far)
    assert {found.rule for found in far} == {"unlike_known_photos"}
    assert near[0].rule == "class_sure"


def test_exemplars_that_are_lacking_damaged_or_of_another_network_are_one_sentence(
    with_exemplars: Path, photos: dict[str, Photo]
) -> None:
    described, file = load_bundle(with_exemplars).description, with_exemplars / EXEMPLARS
    write_exemplars(Exemplars(np.eye(2, 7, dtype=np.float32), np.ones(2), np.array([0, 1])), file)
    with pytest.raises(BundleError, match="was altered or damaged"):
        Classifier.load(str(with_exemplars))
    write_description(with_exemplars, described)
    with pytest.raises(BundleError, match=r"exemplars.npz is of another network than .*network.onnx\.$"):
        Classifier.load(str(with_exemplars)).classify([photos["lion"]])
    file.write_bytes(b"nothing")
    write_description(with_exemplars, described)
    with pytest.raises(BundleError, match=r"holds no exemplars that can be read: get the bundle anew\.$"):
        Classifier.load(str(with_exemplars))
    file.unlink()
    write_description(with_exemplars, described)
    with pytest.raises(BundleError, match=r"bundle.json lists no exemplars.npz\.$"):
        Classifier.load(str(with_exemplars))


def test_each_status_names_the_rule_that_decided(
    classifier: Classifier, cats: Bundle, photos: dict[str, Photo], blank: Photo
) -> None:
    def ruled(photo: Photo, **changes: object) -> tuple[str, str, str | None]:
        certainty = cats.description.certainty.model_copy(update=changes)
        bundle = replace(cats, description=cats.description.model_copy(update={"certainty": certainty}))
        found = Classifier(bundle, classifier.engine, classifier.taxonomy).classify([photo])
        return found.status, found.rule, found.answer

    lion = photos["lion"]
    assert ruled(lion) == ("recognised", "class_sure", "panthera_leo")
    assert ruled(lion, temperature=20)[:2] == ("rolled_up", "parent_sure")
    assert ruled(lion, threshold=1.0, temperature=9) == ("rolled_up", "none_sure", None)
    assert ruled(lion, unfamiliar_from=1e-9, familiarity=(90, 99)) == ("unfamiliar", "unlike_known_photos", None)
    assert ruled(blank) == ("unusable", "nothing_to_see", None)
    assert classifier.classify([blank, lion]).rule == "class_sure"
