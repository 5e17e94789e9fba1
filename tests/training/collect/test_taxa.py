"""iNaturalist and GBIF, as their APIs speak: photos by taxon, each with the most exact label there is."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Rows = Callable[[], list[dict[str, str]]]


class INaturalist:
    """iNaturalist's API on the local web, two observations a page."""

    def __init__(self, web: Any, answer: Any) -> None:
        self.web, self.answer, self.api = web, answer, web.url + "/v1"
        self.observations: list[dict[str, Any]] = []
        taxa = [{"id": 9, "name": "Manidaecarus", "rank": "genus"}, {"id": 43319, "name": "Manidae", "rank": "family"}]
        web.pages["/v1/taxa"] = answer({"total_results": 2, "results": taxa})
        web.pages["/v1/observations"] = self.page

    def page(self, query: dict[str, str]) -> Any:
        after = [seen for seen in self.observations if seen["id"] > int(query["id_above"])]
        return self.answer({"total_results": len(after), "page": 1, "per_page": 2, "results": after[:2]})

    def add(self, number: int, taxon: str = "Manis javanica", licences: tuple[str | None, ...] = ("cc-by",)) -> None:
        photos = []
        for place, licence in enumerate(licences):
            photo = number * 10 + place
            address = self.web.picture(f"/photos/{photo}/large.jpg", photo)
            photos.append(
                {
                    "id": photo, "license_code": licence, "url": address.replace("large", "square"),
                    "attribution": f"(c) Observer {number}, some rights reserved (CC BY)",
                    "original_dimensions": {"width": 2048, "height": 1536}, "flags": [],
                }
            )  # fmt: skip
        self.observations.append(
            {
                "id": number, "quality_grade": "research", "user": {"id": 5, "login": f"observer_{number}"},
                "taxon": {"id": 43353, "name": taxon, "rank": "species"}, "photos": photos,
                "uri": f"https://www.inaturalist.org/observations/{number}", "place_guess": None,
            }
        )  # fmt: skip


@pytest.fixture
def inaturalist(web: Any, answer: Any) -> INaturalist:
    return INaturalist(web, answer)


def test_inaturalist_gives_research_grade_photos_page_by_page(
    inaturalist: INaturalist, web: Any, collect: Any, rows: Rows
) -> None:
    for number in range(1, 6):
        inaturalist.add(number)
    done = collect("inaturalist", "pangolin", "--api", inaturalist.api)
    assert done.exit_code == 0, done.stderr
    asked = [asked.query for asked in web.asked if asked.path == "/v1/observations"]
    assert [query["id_above"] for query in asked] == ["0", "2", "4", "5"]
    assert {key: asked[0][key] for key in ("taxon_id", "photo_license", "quality_grade", "order_by", "order")} == {
        "taxon_id": "43319", "photo_license": "cc0,cc-by,cc-by-sa", "quality_grade": "research", "order_by": "id",
        "order": "asc",
    }  # fmt: skip
    assert [row["group"] for row in rows()] == [f"inaturalist/{number}" for number in range(1, 6)]
    first = rows()[0]
    assert first["source"] == "inaturalist/observer_1"
    assert first["licence"] == "CC-BY"
    assert first["attribution"] == "(c) Observer 1, some rights reserved (CC BY)"
    assert first["original"] == "https://www.inaturalist.org/photos/10"
    assert first["split"] == ""


def test_an_observation_gives_at_most_five_photos_and_only_open_ones(
    inaturalist: INaturalist, collect: Any, rows: Rows
) -> None:
    inaturalist.add(1, licences=("cc-by",) * 7)
    inaturalist.add(2, licences=("cc-by-nc", None, "cc0", "cc-by-sa"))
    done = collect("inaturalist", "pangolin", "--api", inaturalist.api)
    assert done.exit_code == 0, done.stderr
    assert [row["group"] for row in rows()] == ["inaturalist/1"] * 5 + ["inaturalist/2"] * 2
    assert [row["licence"] for row in rows()[5:]] == ["CC0-1.0", "CC-BY-SA"]
    assert "refused by licence 2 (non-commercial 1, no licence stated 1)" in done.stderr


def test_a_label_is_as_exact_as_the_taxonomy(inaturalist: INaturalist, collect: Any, rows: Rows) -> None:
    for number, taxon in enumerate(("Manis javanica", "Manis javanica longa", "Manis nova", "Manidae", "Canis lupus")):
        inaturalist.add(number + 1, taxon)
    assert collect("inaturalist", "pangolin", "--api", inaturalist.api).exit_code == 0
    labels = [row["label"] for row in rows()]
    assert labels[0] == labels[1] == "manis_javanica"
    assert labels[2] in ("manis", "pangolin")
    assert labels[3:] == ["pangolin", "pangolin"]
    assert [row["note"] for row in rows()][1] == "Manis javanica longa"


def test_a_limit_counts_what_is_there_already(inaturalist: INaturalist, web: Any, collect: Any, rows: Rows) -> None:
    for number in range(1, 6):
        inaturalist.add(number)
    words = ("inaturalist", "Manidae", "--api", inaturalist.api, "--limit")
    collect(*words, "2")
    assert len(rows()) == 2
    web.asked.clear()
    done = collect(*words, "3")
    assert "Taken 1, already there 2," in done.stderr
    assert [path for path in web.paths() if path.startswith("/photos/")] == ["/photos/30/large.jpg"]
    assert len(rows()) == 3


def test_a_server_that_fails_later_leaves_what_was_taken(
    inaturalist: INaturalist, reply: Any, collect: Any, rows: Rows
) -> None:
    for number in range(1, 4):
        inaturalist.add(number)
    whole = inaturalist.page
    inaturalist.web.pages["/v1/observations"] = lambda query: (
        whole(query) if query["id_above"] == "0" else reply(status=503)
    )
    words = ("inaturalist", "pangolin", "--api", inaturalist.api)
    done = collect(*words)
    assert done.exit_code == 2
    summary, sentence = done.stderr.splitlines()
    assert summary.startswith("Taken 2,")
    assert sentence.endswith("run the command again later, it goes on from here.")
    inaturalist.web.pages["/v1/observations"] = whole
    assert "Taken 1, already there 2," in collect(*words).stderr
    assert len(rows()) == 3


@pytest.mark.parametrize("collector", ["inaturalist", "gbif"])
@pytest.mark.parametrize(
    ("taxon", "says"),
    [
        ("manis_javanika", "'manis_javanika' is not a label of the taxonomy; near it are manis_javanica"),
        ("ivory", "'ivory' is not a taxon but a "),
    ],
)
def test_what_is_no_taxon_is_refused(refusal: Callable[..., str], collector: str, taxon: str, says: str) -> None:
    assert refusal(collector, taxon).startswith(says)


def test_a_taxon_that_a_server_does_not_know_is_said(web: Any, answer: Any, refusal: Callable[..., str]) -> None:
    web.pages["/taxa"] = answer({"results": []})
    web.pages["/species/match"] = answer({"confidence": 100, "matchType": "NONE", "synonym": False})
    for collector, name in (("inaturalist", "iNaturalist"), ("gbif", "GBIF")):
        assert refusal(collector, "Manis javanica", "--api", web.url) == f"{name} has no taxon Manis javanica."


class Gbif:
    """GBIF's API on the local web, two occurrences a page."""

    def __init__(self, web: Any, answer: Any) -> None:
        self.web, self.answer, self.api = web, answer, web.url + "/v1"
        self.occurrences: list[dict[str, Any]] = []
        match = {"usageKey": 2431, "scientificName": "Manidae", "rank": "FAMILY", "matchType": "EXACT"}
        web.pages["/v1/species/match"] = answer(match)
        web.pages["/v1/occurrence/search"] = self.page

    def page(self, query: dict[str, str]) -> Any:
        offset = int(query["offset"])
        results = self.occurrences[offset : offset + 2]
        is_last = offset + 2 >= len(self.occurrences)
        found = {"offset": offset, "limit": 2, "endOfRecords": is_last, "count": len(self.occurrences)}
        return self.answer(found | {"results": results})

    def add(self, key: int, *media: dict[str, Any], **fields: Any) -> None:
        occurrence = {
            "key": key, "datasetKey": "d-1", "basisOfRecord": "PRESERVED_SPECIMEN", "species": "Manis javanica",
            "scientificName": "Manis javanica Desmarest, 1822", "genus": "Manis", "institutionCode": "NHM",
        }  # fmt: skip
        self.occurrences.append(occurrence | fields | {"media": list(media)})

    def medium(self, number: int, **fields: Any) -> dict[str, Any]:
        address = self.web.picture(f"/media/{number}.jpg", number)
        licence = "http://creativecommons.org/licenses/by/4.0/legalcode"
        stated = {"type": "StillImage", "format": "image/jpeg", "identifier": address, "license": licence}
        return stated | {"rightsHolder": "The Museum"} | fields


def test_gbif_gives_photos_of_all_but_inaturalist(web: Any, answer: Any, collect: Any, rows: Rows) -> None:
    gbif = Gbif(web, answer)
    gbif.add(1, gbif.medium(1))
    gbif.add(2, gbif.medium(2), datasetKey="50c9509d-22c7-4a22-a47d-8c48425ef4a7")
    gbif.add(3, gbif.medium(3, license=None), gbif.medium(4, license="CC_BY_NC_4_0"), gbif.medium(5, rightsHolder=None))
    gbif.add(4, gbif.medium(6, type="Sound"), gbif.medium(7, identifier=None))
    gbif.add(5, gbif.medium(8, rightsHolder=None, creator="A. Person"), institutionCode=None, species=None)
    done = collect("gbif", "pangolin", "--api", gbif.api)
    assert done.exit_code == 0, done.stderr
    asked = [asked.query for asked in web.asked if asked.path == "/v1/occurrence/search"]
    assert [query["offset"] for query in asked] == ["0", "2", "4"]
    assert (asked[0]["taxonKey"], asked[0]["mediaType"]) == ("2431", "StillImage")
    first, last = rows()
    assert (first["group"], first["source"], first["label"]) == ("gbif/1", "gbif/NHM", "manis_javanica")
    assert (first["licence"], first["attribution"]) == ("CC-BY-4.0", "The Museum")
    assert first["note"] == "Manis javanica, preserved specimen"
    assert first["original"] == web.url + "/media/1.jpg"
    assert (last["group"], last["source"], last["attribution"]) == ("gbif/5", "gbif/d-1", "A. Person")
    assert "refused by licence 3 (" in done.stderr
    for reason in ("no licence stated 1", "non-commercial 1", "nobody to credit 1"):
        assert reason in done.stderr


def test_pages_that_never_end_are_left(web: Any, answer: Any, collect: Any, rows: Rows) -> None:
    gbif = Gbif(web, answer)
    gbif.add(1, gbif.medium(1))

    def endless(query: dict[str, str]) -> Any:
        return answer({"results": gbif.occurrences[int(query["offset"]) :], "endOfRecords": False})

    web.pages["/v1/occurrence/search"] = endless
    assert collect("gbif", "pangolin", "--api", gbif.api).exit_code == 0
    assert len(rows()) == 1


def test_pictures_of_the_wild_web_cannot_do_harm(
    web: Any, answer: Any, reply: Any, collect: Any, rows: Rows, out: Path, draw: Any
) -> None:
    gbif = Gbif(web, answer)
    evil = "..%2F..%2Fevil.jpg"
    web.pages["/media/page"] = reply(b"<html>not a picture</html>")
    web.pages["/media/empty"] = reply()
    web.pages["/media/endless"] = reply(endless=True)
    web.pages["/media/half"] = reply(draw(6)[:300])
    web.pages["/media/" + evil] = reply(draw(7))
    for key, name in enumerate(("page", "empty", "endless", "half", evil, "gone")):
        gbif.add(key, gbif.medium(50 + key, identifier=f"{web.url}/media/{name}"))
    for key, address in enumerate(("file:///etc/passwd", "ftp://127.0.0.1/a.jpg", "http://[", "\x1b[2J\n=evil()")):
        gbif.add(20 + key, gbif.medium(60 + key, identifier=address))
    gbif.add(30, gbif.medium(70, rightsHolder="A\nB\x1b[2J\u202eC"), institutionCode="../../x")
    done = collect("gbif", "pangolin", "--api", gbif.api)
    assert done.exit_code == 3
    assert "missing 6, unreadable 3" in done.stderr
    assert "\x1b" not in done.stderr
    good, last = rows()
    assert (good["group"], last["group"]) == ("gbif/4", "gbif/30")
    assert last["attribution"] == "A B[2JC"
    assert last["source"] == "gbif/../../x"
    files = {file.relative_to(out).as_posix() for file in out.rglob("*") if file.is_file()}
    assert files == {"manifest.csv", good["file"], last["file"]}
    assert {row["file"] for row in rows()} == {
        f"photos/{row['sha256'][:2]}/{row['sha256'][:16]}.jpeg" for row in rows()
    }
