"""Leaving a source out: that a product which is known by its source alone is lost with it, and another is not."""

import numpy as np

from model.manifest import Row
from model.taxonomy import load_taxonomy
from training.evaluate.sources import MIN_PHOTOS, Embedded, LeftOut, leave_sources_out

TAXONOMY = load_taxonomy()


def embedded(
    by_ground: float, sources: tuple[str, ...] = ("museum", "shop"), wood_of: tuple[str, ...] = ("museum", "shop")
) -> Embedded:
    """Ivory and wood of each source; ivory of the first shows it by its look, less so the more by the ground's."""
    generator = np.random.default_rng(0)
    rows, features = [], []
    for split, count in (("train", 60), ("val", MIN_PHOTOS + 12)):
        for source in sources:
            for label in ("ivory", "wood") if source in wood_of else ("ivory",):
                for number in range(count):
                    name = f"{label}-{source}-{split}-{number}"
                    rows.append(Row(name, "", label, split, name, source, "", "", 9, 9, ""))  # type: ignore[arg-type]
                    hidden = by_ground if source == "museum" else 0
                    look = (1 - hidden) if label == "ivory" else 0.0
                    ground = float(label == "ivory" and source == "museum")
                    features.append(np.array([look, ground, 0, 0]) * 8 + generator.normal(0, 1, 4))
    is_train = np.array([row.split == "train" for row in rows])
    return Embedded(rows, np.array(features, np.float32), is_train, np.array([row.source for row in rows]))


def left_out(photos: Embedded) -> dict[tuple[str, str], LeftOut]:
    found = leave_sources_out(photos, ("ivory", "wood"), TAXONOMY, 50)
    return {(each.product, each.source): each for each in found}


def test_what_is_known_by_its_source_is_lost_with_it() -> None:
    found = left_out(embedded(by_ground=1))
    museum, shop = found["ivory", "museum"], found["ivory", "shop"]
    assert museum.seen.value > 0.9
    assert museum.unseen
    assert museum.change
    assert museum.unseen.value < 0.2
    assert museum.change.high < -0.5
    assert museum.photos == shop.photos == MIN_PHOTOS + 12  # validation photos alone
    assert shop.unseen is None or shop.unseen.value < museum.seen.value


def test_what_is_known_by_its_look_is_not() -> None:
    museum = left_out(embedded(by_ground=0))["ivory", "museum"]
    assert museum.unseen
    assert museum.unseen.value > 0.9
    assert museum.change
    assert museum.change.low > -0.2


def test_the_only_source_cannot_be_left_out() -> None:
    found = left_out(embedded(by_ground=0, sources=("museum",)))
    assert set(found) == {("ivory", "museum"), ("tusk_ivory", "museum")}
    assert found["ivory", "museum"].unseen is found["ivory", "museum"].change is None
    assert found["ivory", "museum"].seen.value > 0.9


def test_the_source_of_all_else_cannot_be_left_out() -> None:
    found = left_out(embedded(by_ground=0, wood_of=("museum",)))
    assert found["ivory", "museum"].unseen is None
    assert found["ivory", "shop"].unseen


def test_where_all_photos_show_the_product_nothing_is_left_out() -> None:
    assert left_out(embedded(by_ground=0, wood_of=())) == {}


def test_small_sources_are_left_out_a_fold_at_a_time() -> None:
    photos = embedded(by_ground=0)
    few = photos.is_train | (np.arange(len(photos.rows)) % 4 == 0)
    kept = np.flatnonzero(few)
    fewer = Embedded([photos.rows[n] for n in kept], photos.features[kept], photos.is_train[kept], photos.sources[kept])
    found = left_out(fewer)
    assert set(found) == {("ivory", "smaller sources (2)"), ("tusk_ivory", "smaller sources (2)")}
    assert found["ivory", "smaller sources (2)"].photos == 10
    assert found["ivory", "smaller sources (2)"].unseen


def test_products_that_are_no_class_are_left_aside() -> None:
    assert list(leave_sources_out(embedded(by_ground=0), ("wood", "bone"), TAXONOMY, 10)) == []
