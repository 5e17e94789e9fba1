"""The classes: that a label with few photos is answered for by a node above it, and none is lost that has one."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.manifest import Row, Split
from model.taxonomy import load_taxonomy
from training.classes import MIN_TRAIN_PHOTOS, Classes, ClassesError, choose_classes

TAXONOMY = load_taxonomy()


def rows(counts: dict[str, int], split: Split = "train") -> list[Row]:
    return [
        Row(f"{label}-{n}.jpg", "", label, split, f"{label}-{n}", "source", "", "", 9, 9, "")
        for label, count in counts.items()
        for n in range(count)
    ]


def chosen(counts: dict[str, int], more: list[Row] | None = None, least: int = 5) -> Classes:
    return choose_classes(rows(counts) + (more or []), TAXONOMY, least)


def test_five_train_photos_make_a_class_and_four_do_not() -> None:
    assert MIN_TRAIN_PHOTOS == 5
    assert chosen({"ivory": 5, "bone": 5}).keys == ("bone", "ivory")
    classes = chosen({"ivory": 4, "bone": 5, "ceramic": 9})
    assert classes.keys == ("bone", "ceramic")
    assert "ivory" not in classes.class_of


def test_only_train_photos_count() -> None:
    assert chosen({"bone": 5, "wood": 5}, rows({"ivory": 50}, "val")).keys == ("bone", "wood")


def test_small_labels_are_joined_in_their_parent() -> None:
    classes = chosen({"agapornis_fischeri": 2, "agapornis_lilianae": 3, "ivory": 5})
    assert classes.keys == ("agapornis", "ivory")
    assert classes.class_of == {"agapornis_fischeri": "agapornis", "agapornis_lilianae": "agapornis", "ivory": "ivory"}


def test_joining_goes_on_until_there_are_enough() -> None:
    classes = chosen({"agapornis_fischeri": 2, "amazona_aestiva": 2, "alisterus_scapularis": 1, "ivory": 5})
    assert classes.keys == ("ivory", "psittaciformes")
    assert {key for label, key in classes.class_of.items() if label != "ivory"} == {"psittaciformes"}


def test_a_genus_with_photos_of_its_own_takes_in_its_small_species() -> None:
    classes = chosen({"agapornis": 4, "agapornis_fischeri": 1, "agapornis_roseicollis": 6})
    assert classes.keys == ("agapornis", "agapornis_roseicollis")
    assert classes.class_of["agapornis_fischeri"] == "agapornis"
    assert classes.class_of["agapornis_roseicollis"] == "agapornis_roseicollis"


def test_a_label_that_is_only_evaluated_counts_for_its_nearest_class() -> None:
    classes = chosen({"agapornis": 5, "ivory": 5}, rows({"agapornis_taranta": 1, "amazona_aestiva": 1}, "test"))
    assert classes.class_of["agapornis_taranta"] == "agapornis"
    assert "amazona_aestiva" not in classes.class_of


def test_a_label_that_the_taxonomy_lacks_is_one_sentence() -> None:
    with pytest.raises(ClassesError) as raised:
        chosen({"ivory": 5, "unicorn_horn": 1})
    assert str(raised.value) == "unicorn_horn-0.jpg is labelled 'unicorn_horn', which is no key of the taxonomy."


@given(st.dictionaries(st.sampled_from(sorted(TAXONOMY)), st.integers(1, 12), max_size=25), st.integers(2, 9))
def test_no_photo_is_lost_that_has_a_class_above_it(counts: dict[str, int], least: int) -> None:
    classes = chosen(counts, least=least)
    photos, lost = Counter[str](), Counter[str]()
    for label, count in counts.items():
        above = [key for key in TAXONOMY.lineage(label) if key in classes.keys]
        assert classes.class_of.get(label) == next(iter(above), None)
        if above:
            photos[above[0]] += count
        else:
            lost[TAXONOMY.lineage(label)[-1]] += count
        assert count < least or above[0] == label
    assert list(classes.keys) == sorted(photos)
    assert all(count >= least for count in photos.values())
    assert all(count < least for count in lost.values())  # not enough for the top of the tree either
