"""The taxonomy: that every fault in its files is refused by name, and that the packaged one is whole."""

import csv
import re
from collections import Counter
from pathlib import Path

import pytest

from model.taxonomy import LANGUAGES, Taxonomy, TaxonomyError, load_taxonomy

NAMES = "{" + ", ".join(f"{language}: a name" for language in LANGUAGES) + "}"
ANIMAL = f"animal: {{parent: null, kind: taxon, scientific: Animalia, rank: kingdom, names: {NAMES}, check: [look]}}\n"
AVES = f"aves: {{parent: animal, kind: taxon, scientific: Aves, rank: class, names: {NAMES}, look_alikes: [animal]}}\n"
LOOK = "look: {" + ", ".join(f"{language}: Look." for language in LANGUAGES) + "}\n"


def node(key: str, fields: str = "", names: str = NAMES) -> str:
    return f"{key}: {{parent: animal, kind: other, names: {names}{fields}}}\n"


def written(folder: Path, nodes: str, checks: str = LOOK, more: str = "") -> Path:
    (folder / "a.yaml").write_text(nodes, encoding="utf-8")
    (folder / "checks.yaml").write_text(checks, encoding="utf-8")
    if more:
        (folder / "b.yaml").write_text(more, encoding="utf-8")
    return folder


def test_small_tree(tmp_path: Path) -> None:
    tree = load_taxonomy(written(tmp_path, ANIMAL + AVES + node("ara")))
    assert list(tree) == ["animal", "aves", "ara"]
    assert tree["aves"].status == "recognised"
    assert tree.lineage("aves") == ("aves", "animal")
    assert tree.ancestors("aves") == ("animal",)
    assert tree.ancestors("animal") == ()
    assert tree.children("animal") == ("aves", "ara")
    assert tree.descendants("animal") == {"aves", "ara"}
    assert tree.checks("aves", "vi") == ("Look.",)
    assert tree.look_alikes("aves") == ("animal",)
    assert tree.look_alikes("ara") == ()
    assert tree.name("ara", "zh") == "a name"


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        (node("ara", ", parent: ghost").replace("parent: animal, ", ""), "ara: its parent ghost is not a node."),
        (node("ara", ", look_alikes: [ghost]"), "ara: its look-alike ghost does not exist."),
        (node("ara", ", legal_of: [ghost]"), "ara: its legal_of ghost does not exist."),
        (node("ara", ", check: [ghost]"), "ara: its check ghost does not exist."),
        (node("ara", ", check: look"), "ara: check should be a list of keys."),
        (node("ara", ", look_alikes: [aves, aves]"), "ara: look_alikes names a key twice or the node itself."),
        (node("ara", ", look_alikes: [ara]"), "ara: look_alikes names a key twice or the node itself."),
        (node("ara", names=NAMES.replace("sw: a name", "sw: ''")), "ara: the name in sw is missing or not text."),
        (node("ara", names=NAMES.replace("sw: a name, ", "")), "ara: the name in sw is missing or not text."),
        (node("ara", names=NAMES.replace("sw:", "de:")), "ara: a name in the unknown language de."),
        (node("ara", names="a name"), f"ara: should have a name in each of {', '.join(LANGUAGES)}."),
        (node("ara") + node("ara"), "ara: defined twice in a.yaml."),
        (node("Ara_Macao"), "Ara_Macao: a key is lower-case letters and digits joined by single underscores."),
        (node("ara__macao"), "ara__macao: a key is lower-case letters and digits joined by single underscores."),
        (node("ara", ", colour: red"), "ara: unknown field colour."),
        (node("ara", ", status: maybe"), "ara: status should be one of recognised, not_yet."),
        (node("ara", ", rank: genus"), "ara: only a taxon has a scientific name and a rank."),
        (node("ara", ", rank: 5"), "ara: rank should be text."),
        (node("ara").replace("other", "taxon"), "ara: a taxon needs a scientific name and a rank."),
        (node("ara").replace("other", "bird"), "ara: kind should be one of taxon, product, material, other."),
        ("ara: macaw\n", "ara: should be a block of fields."),
        (
            node("ara").replace("animal", "macaw") + node("macaw").replace("animal", "ara"),
            "ara: the way up from it runs in a circle through ara.",
        ),
    ],
)
def test_fault_is_refused_and_names_the_key(tmp_path: Path, nodes: str, message: str) -> None:
    with pytest.raises(TaxonomyError, match=f"^{re.escape(message)}$"):
        load_taxonomy(written(tmp_path, ANIMAL + AVES + nodes))


def test_key_in_two_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TaxonomyError, match=r"^ara: defined twice, the second time in b\.yaml\.$"):
        load_taxonomy(written(tmp_path, ANIMAL + node("ara"), more=node("ara")))


def test_sentence_missing_in_a_language_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TaxonomyError, match=r"^look: the sentence in ar is missing or not text\.$"):
        load_taxonomy(written(tmp_path, ANIMAL, checks=LOOK.replace("ar: Look., ", "")))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ara: {", "a.yaml: not readable as YAML"),
        ("- ara\n", "a.yaml: should hold one block"),
        ("? [a]\n: b\n", "a.yaml: should hold one block"),
        ("", "no node found"),
    ],
)
def test_unreadable_file_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(TaxonomyError, match=re.escape(message)):
        load_taxonomy(written(tmp_path, text))


@pytest.mark.parametrize("junk", [b"ara: \xff\xfe", b"ara: \x00"])
def test_file_that_is_not_text_is_refused(tmp_path: Path, junk: bytes) -> None:
    (tmp_path / "a.yaml").write_bytes(junk)
    with pytest.raises(TaxonomyError, match=r"^a\.yaml: not "):
        load_taxonomy(tmp_path)


@pytest.fixture(scope="module")
def tree() -> Taxonomy:
    return load_taxonomy()


def test_packaged_tree_is_read_once(tree: Taxonomy) -> None:
    assert load_taxonomy() is tree


def test_fixed_inner_keys(tree: Taxonomy) -> None:
    assert {key for key in tree if tree[key].parent is None} == {"animal", "material", "other"}
    assert tree.lineage("ara_macao") == ("ara_macao", "ara", "psittaciformes", "aves", "animal")
    assert set(tree.children("synthetic")) >= {"resin", "plastic"}
    assert set(tree.children("tusk_ivory")) >= {"ivory", "ivory_inlay", "marine_ivory", "hippo_ivory"}
    assert tree["pangolin_scale"].kind == "product"
    assert "pangolin_scale" in tree.descendants("material")


def test_key_of_species_and_genus_is_its_scientific_name(tree: Taxonomy) -> None:
    for node in tree.values():
        if node.rank in ("species", "genus"):
            assert node.scientific is not None
            assert node.key == node.scientific.lower().replace(" ", "_")


def test_genus_holds_its_species(tree: Taxonomy) -> None:
    for key in tree.descendants("psittaciformes"):
        assert tree[key].parent == ("psittaciformes" if tree[key].rank == "genus" else key.split("_", maxsplit=1)[0])


def test_look_alikes_go_both_ways(tree: Taxonomy) -> None:
    assert [(a, b) for a in tree for b in tree[a].look_alikes if a not in tree[b].look_alikes] == []


def test_names_are_distinct_in_each_language(tree: Taxonomy) -> None:
    for language in LANGUAGES:
        counts = Counter(tree.name(key, language).lower() for key in tree)
        assert [name for name, count in counts.items() if count > 1] == [], language


def test_arabic_and_chinese_hold_no_latin_but_scientific_names(tree: Taxonomy) -> None:
    scientific = {word for node in tree.values() if node.scientific for word in node.scientific.split()}
    for language in ("ar", "zh"):
        for key in tree:
            assert set(re.findall(r"[A-Za-z]+", tree.name(key, language))) <= scientific, key
            for sentence in tree.checks(key, language):
                assert re.findall(r"[A-Za-z]+", sentence) == [], sentence


def test_every_node_has_something_to_check(tree: Taxonomy) -> None:
    for key in tree:
        for language in LANGUAGES:
            assert tree.checks(key, language), key


def test_every_sentence_is_used(tree: Taxonomy) -> None:
    file = Path(__file__).parents[2] / "model" / "taxonomy" / "checks.yaml"
    keys = set(re.findall(r"^(\w+):$", file.read_text(encoding="utf-8"), re.MULTILINE))
    assert keys == {key for node in tree.values() for key in node.check}


def test_node_below_which_one_is_recognised_is_recognised(tree: Taxonomy) -> None:
    for key in tree:
        if any(tree[below].status == "recognised" for below in tree.descendants(key)):
            assert tree[key].status == "recognised", key


@pytest.fixture(scope="module")
def rows(data_dir: Path) -> list[dict[str, str]]:
    with (data_dir / "manifest.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_every_label_is_a_node(tree: Taxonomy, rows: list[dict[str, str]]) -> None:
    assert {row["label"] for row in rows} - set(tree) == set()


def test_status_follows_the_training_photos(tree: Taxonomy, rows: list[dict[str, str]]) -> None:
    own = Counter(row["label"] for row in rows if row["split"] == "train")
    recognised: set[str] = set()
    for top in (key for key in tree if tree[key].parent is None):
        _roll_up(top, tree, own, recognised)
    assert {key for key in tree if tree[key].status == "recognised"} == recognised


def _roll_up(key: str, tree: Taxonomy, own: Counter[str], recognised: set[str]) -> int:
    """Rows handed on to the parent: all, where there are fewer than five, else none, for the node is a class."""
    rows = own[key] + sum(_roll_up(child, tree, own, recognised) for child in tree.children(key))
    if rows >= 5 or recognised.intersection(tree.children(key)):
        recognised.add(key)
    return 0 if rows >= 5 else rows
