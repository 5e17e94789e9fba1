"""Legal status: that rows reach the nodes they belong to, and that doubt is never shown as freedom."""

import re
from pathlib import Path

import pytest

from model.legal import CITES_NAMES, LegalError, legal_status, read_legal_table
from model.taxonomy import Taxonomy, load_taxonomy

HEADER = "key,scientific,appendix,annotation,uncertain,source,as_of\n"


@pytest.fixture(scope="module")
def tree() -> Taxonomy:
    return load_taxonomy()


def shown(key: str) -> list[tuple[str, str]]:
    return [(row.scientific, row.appendix) for row in legal_status(key)]


def test_elephants() -> None:
    assert shown("loxodonta_africana") == [("Loxodonta africana", "mixed")]
    assert ("Elephantidae", "mixed") in shown("elephantidae")
    assert shown("elephas_maximus") == [("Elephas maximus", "I")]


def test_ivory_shows_elephants_and_mammoth() -> None:
    expected = [("Loxodonta africana", "mixed"), ("Loxodonta cyclotis", "I"), ("Elephas maximus", "I")]
    for key in ("ivory", "ivory_inlay"):
        assert shown(key) == [*expected, ("Mammuthus primigenius", "none")]


def test_ivory_of_any_animal_is_summed_up_by_appendix() -> None:
    assert [appendix for _, appendix in shown("tusk_ivory")] == ["I", "mixed", "II", "III", "none"]


def test_pangolins() -> None:
    assert [row.appendix for row in legal_status("pangolin")] == ["I"]
    assert legal_status("pangolin_scale") == legal_status("pangolin")
    assert shown("smutsia_gigantea") == [("Manis gigantea", "I")]


def test_parrots() -> None:
    assert shown("ara_macao") == [("Ara macao", "I")]
    assert shown("ara_ararauna") == [("Ara ararauna", "II")]
    assert shown("nymphicus_hollandicus") == [("Nymphicus hollandicus", "none")]
    assert shown("psittacula_krameri") == [("Psittacula krameri", "none")]


def test_parrots_are_found_under_their_older_names() -> None:
    assert shown("psittacara_erythrogenys") == [("Aratinga erythrogenys", "II")]
    assert shown("guaruba_guarouba") == [("Guarouba guarouba", "I")]
    assert shown("trichoglossus_moluccanus") == [("Trichoglossus haematodus", "II")]


def test_parrot_without_a_row_has_that_of_its_order() -> None:
    assert shown("psittacara_holochlorus") == [("PSITTACIFORMES spp.", "II")]
    assert shown("zanda") == [("PSITTACIFORMES spp.", "II")]


def test_genus_shows_each_appendix_with_its_taxa() -> None:
    appendix_one, appendix_two = legal_status("ara")
    assert appendix_one.scientific.startswith("Ara ambiguus, Ara glaucogularis, Ara macao")
    assert appendix_one.key == "ara"
    assert appendix_two.scientific == "PSITTACIFORMES spp."
    assert shown("anodorhynchus") == [("Anodorhynchus spp.", "I")]
    assert shown("nymphicus") == [("Nymphicus spp.", "none")]


def test_subspecies_in_another_appendix_is_shown_with_its_species() -> None:
    assert shown("cyclopsitta_diophthalma") == [("Cyclopsitta diophthalma coxeni", "I"), ("PSITTACIFORMES spp.", "II")]


def test_order_shows_a_handful_of_rows() -> None:
    rows = legal_status("psittaciformes")
    assert [row.appendix for row in rows] == ["I", "II", "none"]
    assert rows[0].scientific.endswith(" and others")
    assert rows[0].as_of == "2017-04-21"


def test_doubt_about_a_listing_shows_as_not_determined() -> None:
    (row,) = legal_status("mobulidae")
    assert row.appendix == "not_determined"
    assert "CoP20" in row.uncertain
    assert [row.appendix for row in legal_status("manta_gill_plate")] == ["not_determined"]


def test_other_doubt_stands_beside_the_appendix() -> None:
    (row,) = legal_status("psittacus_timneh")
    assert row.appendix == "I"
    assert row.uncertain


@pytest.mark.parametrize("key", ["ceramic", "wood", "resin", "goods", "person", "other"])
def test_no_row_applies_to_materials_and_the_rest(key: str) -> None:
    assert legal_status(key) == ()


def test_animals_and_their_products_never_go_without_a_row(tree: Taxonomy) -> None:
    for key in tree:
        if tree[key].kind in ("taxon", "product") or "animal" in tree.lineage(key):
            rows = legal_status(key, tree)
            assert 1 <= len(rows) <= 6, key
            for row in rows:
                assert row.source or row.appendix == "not_determined", key
    assert shown("other_bird") == [("", "not_determined")]
    assert shown("bone") == [("", "not_determined")]


def test_unknown_key_is_refused() -> None:
    with pytest.raises(KeyError):
        legal_status("unicorn")


def test_names_and_keys_of_the_table_agree_with_the_tree(tree: Taxonomy) -> None:
    names = {node.scientific for node in tree.values()}
    listed = {row.scientific.removesuffix(" spp.") for row in read_legal_table()}
    assert set(CITES_NAMES) <= names
    assert set(CITES_NAMES.values()) <= listed
    for row in read_legal_table():
        if row.key in tree and row.scientific:
            own = tree[row.key].scientific or ""
            name = row.scientific.removesuffix(" spp.").lower()
            assert name in (own.lower(), CITES_NAMES.get(own, "").lower()), row.key


def test_every_date_is_a_date() -> None:
    for row in read_legal_table():
        assert re.fullmatch(r"(\d{4}-\d{2}-\d{2})?", row.as_of), row.key


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("key,scientific\n", "the columns should be key"),
        (HEADER + "ara,Ara spp.,IV,,,a source,2020-01-01\n", "ara: the appendix should be one of"),
        (HEADER + "ara,Ara spp.,not_determined,,,,\n", "ara: a row needs a key, and a reason in `uncertain`"),
        (HEADER + "ara,Ara spp.,II,,,,2020-01-01\n", "ara: a row with an appendix needs a source and a date."),
        (HEADER + 2 * "ara,Ara spp.,II,,,a source,2020-01-01\n", "ara: two rows with this key."),
    ],
)
def test_faulty_table_is_refused(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "legal_status.csv"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(LegalError, match=re.escape(message)):
        read_legal_table(file)
