"""The data sets that the repository lists: nothing in them that a collector would refuse."""

import csv
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

from model.taxonomy import load_taxonomy

DATASETS = Path(__file__).parents[3] / "datasets"


def test_the_met_s_list_can_be_collected() -> None:
    with (DATASETS / "met" / "objects.csv").open(encoding="utf-8", newline="") as lines:
        objects = list(csv.DictReader(lines))
    assert Counter(listed["object_id"] for listed in objects).most_common(1)[0][1] == 1
    assert all(listed["object_id"].isdigit() for listed in objects)
    assert {listed["label"] for listed in objects} <= load_taxonomy().keys()
    assert {urlsplit(listed["picture_url"])[:2] for listed in objects} == {("https", "images.metmuseum.org")}
    readme = (DATASETS / "met" / "README.md").read_text()
    assert f"{len(objects):,} objects" in readme
    for label, count in Counter(listed["label"] for listed in objects).items():
        assert f"| {label} | {count:,} |" in readme


def test_no_picture_lies_in_the_data_sets() -> None:
    files = [file for file in DATASETS.rglob("*") if file.is_file()]
    assert {file.suffix for file in files} <= {".csv", ".md", ".yaml"}
    assert sum(file.stat().st_size for file in files) < 2_000_000
