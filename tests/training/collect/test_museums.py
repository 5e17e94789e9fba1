"""The Met and the Smithsonian, as their APIs speak: what is taken, what is passed over, and why."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Rows = Callable[[], list[dict[str, str]]]

PAGE = "https://www.metmuseum.org/art/collection/search/"


class Met:
    """The Met's API on the local web."""

    def __init__(self, web: Any, answer: Any) -> None:
        self.web, self.answer = web, answer
        self.api = web.url + "/v1"
        self.ids: list[int] = []

    def add(self, number: int, **fields: Any) -> None:
        picture = self.web.picture(f"/web-large/{number}.jpg", number)
        record = {
            "objectID": number, "isHighlight": False, "accessionNumber": f"36.100.{number}", "isPublicDomain": True,
            "primaryImage": picture.replace("web-large", "original"), "primaryImageSmall": picture,
            "additionalImages": [], "constituents": None, "department": "Asian Art", "objectName": "Netsuke",
            "title": "Netsuke", "medium": "Ivory", "creditLine": "Gift of A. Person, 1910",
            "objectURL": PAGE + str(number),
        }  # fmt: skip
        self.ids.append(number)
        self.web.pages[f"/v1/objects/{number}"] = self.answer(record | fields)
        self.web.pages["/v1/search"] = self.answer({"total": len(self.ids), "objectIDs": self.ids})


@pytest.fixture
def met(web: Any, answer: Any) -> Met:
    return Met(web, answer)


def test_the_met_gives_the_small_picture_of_each_object_of_a_medium(
    met: Met, web: Any, collect: Any, rows: Rows, out: Path
) -> None:
    met.add(7)
    met.add(8, medium="IVORY")
    done = collect("met", "--medium", "Ivory", "--label", "ivory", "--api", met.api)
    assert done.exit_code == 0, done.stderr
    search = web.asked[0]
    assert search.path == "/v1/search"
    assert (search.query["medium"], search.query["hasImages"], bool(search.query["q"])) == ("Ivory", "true", True)
    first, second = rows()
    assert first == {
        "file": first["file"], "sha256": first["sha256"], "label": "ivory", "split": "", "group": "met/7",
        "source": "met", "licence": "CC0-1.0",
        "attribution": "The Metropolitan Museum of Art, Gift of A. Person, 1910", "width": "60", "height": "40",
        "note": "Ivory", "original": PAGE + "7",
    }  # fmt: skip
    assert (out / first["file"]).read_bytes() == web.pages["/web-large/7.jpg"].body
    assert second["group"] == "met/8"
    assert done.stderr.startswith("Taken 2, already there 0, refused by licence 0, missing 0, unreadable 0.")
    assert "dataset split" in done.stderr


def test_the_met_s_other_objects_are_passed_over_or_refused(met: Met, web: Any, collect: Any, rows: Rows) -> None:
    met.add(1, medium="Wood, ivory")
    met.add(2, isPublicDomain=False, primaryImage="", primaryImageSmall="")
    met.add(3, primaryImage="", primaryImageSmall="")
    met.add(4)
    del web.pages["/v1/objects/4"]
    met.add(5)
    del web.pages["/web-large/5.jpg"]
    met.add(6, primaryImageSmall=None, primaryImage=web.picture("/original/6.jpg", 6))
    done = collect("met", "--medium", "Ivory", "--label", "ivory", "--api", met.api)
    assert done.exit_code == 3
    assert [row["group"] for row in rows()] == ["met/6"]
    lines = done.stderr.splitlines()
    assert lines[0] == f"{PAGE}3: has no picture"
    assert lines[1] == f"{PAGE}4: 127.0.0.1 answers 404."
    assert lines[2] == f"{PAGE}5: 127.0.0.1 answers 404."
    assert lines[3].startswith(
        "Taken 1, already there 0, refused by licence 1 (not an open licence 1), missing 3, unreadable 0, "
        "not what was asked for 1."
    )


def test_a_list_of_objects_brings_its_labels_and_may_name_the_picture(
    met: Met, web: Any, collect: Any, rows: Rows, tmp_path: Path
) -> None:
    met.add(1)
    met.add(2, medium="Bone; incised")
    other = web.picture("/web-large/other.jpg", 99)
    objects = tmp_path / "objects.csv"
    objects.write_text(f"object_id,label,picture_url\n1,ivory,\n2,bone,{other}\n")
    done = collect("met", "--objects", objects, "--api", met.api)
    assert done.exit_code == 0, done.stderr
    assert [(row["group"], row["label"], row["note"]) for row in rows()] == [
        ("met/1", "ivory", "Ivory"),
        ("met/2", "bone", "Bone; incised"),
    ]
    assert "/web-large/other.jpg" in web.paths()
    assert "/web-large/2.jpg" not in web.paths()


def test_what_is_there_is_not_looked_up_again(met: Met, web: Any, collect: Any, rows: Rows) -> None:
    met.add(1)
    words = ("met", "--medium", "Ivory", "--label", "ivory", "--api", met.api)
    collect(*words)
    met.add(2)
    web.asked.clear()
    done = collect(*words)
    assert web.paths() == ["/v1/search", "/v1/objects/2", "/web-large/2.jpg"]
    assert "Taken 1, already there 1," in done.stderr
    assert len(rows()) == 2


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "Say what to collect: --objects FILE, or --medium TEXT with --label KEY."),
        (("--medium", "Ivory"), "Say what to collect: --objects FILE, or --medium TEXT with --label KEY."),
        (("--medium", "Ivory", "--label", "ivry"), "'ivry' is not a label of the taxonomy; near it are ivory"),
        (("--objects", "nowhere.csv"), "nowhere.csv cannot be read"),
    ],
)
def test_the_met_cannot_be_asked_for_what_is_not_clear(
    refusal: Callable[..., str], words: tuple[str, ...], says: str
) -> None:
    assert refusal("met", *words).startswith(says)


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("id,label\n1,ivory\n", "has no column object_id."),
        ("object_id,label\nabc,ivory\n", "line 2: an object needs an object_id of digits and a label."),
        ("object_id,label\n1,\n", "line 2: an object needs an object_id of digits and a label."),
        ("object_id,label\n1,gold dust\n", "'gold dust' is not a label of the taxonomy"),
    ],
)
def test_a_list_of_objects_that_cannot_be_used_is_refused(
    refusal: Callable[..., str], tmp_path: Path, table: str, says: str
) -> None:
    objects = tmp_path / "objects.csv"
    objects.write_text(table)
    assert says in refusal("met", "--objects", objects)


def test_a_museum_that_cannot_be_reached_is_one_sentence(web: Any, refusal: Callable[..., str]) -> None:
    web.close()
    words = ("met", "--medium", "Ivory", "--label", "ivory", "--api", web.url)
    assert refusal(*words).startswith("127.0.0.1 cannot be reached, 5 times in a row; run the command again later")


def test_nothing_found_is_said(web: Any, answer: Any, refusal: Callable[..., str]) -> None:
    web.pages["/search"] = answer({"total": 0, "objectIDs": None})
    assert refusal("met", "--medium", "Ivry", "--label", "ivory", "--api", web.url).startswith("Nothing was found")


def smithsonian_row(web: Any, number: int, medium: str = "ivory", access: str = "CC0", screen: bool = True) -> Any:
    name = f"NMAAHC-{number}"
    picture = web.picture(f"/ids/{name}_screen", number)
    full = web.picture(f"/ids/{name}", 100 + number)
    resources = [{"label": "High-resolution TIFF", "url": f"{web.url}/ids/{name}.tif"}]
    resources += [{"label": "Screen Image", "url": picture}] if screen else []
    media = {
        "thumbnail": full, "idsId": name, "usage": {"access": access}, "type": "Images", "content": full,
        "guid": f"http://n2t.net/ark:/65665/{number}", "resources": resources,
    }  # fmt: skip
    descriptive = {
        "record_ID": f"nmaahc_{number}", "unit_code": "NMAAHC", "title": {"label": "Object Name", "content": "Box"},
        "online_media": {"mediaCount": 2, "media": [media, {"type": "3d_voyager", "content": web.url + "/voyager"}]},
        "data_source": "National Museum of African American History and Culture",
    }  # fmt: skip
    free_text = {
        "physicalDescription": [{"label": "Medium", "content": medium}, {"label": "Dimensions", "content": "1"}]
    }
    return {
        "id": f"edanmdm-nmaahc_{number}", "title": "Box", "unitCode": "NMAAHC", "type": "edanmdm",
        "content": {"descriptiveNonRepeating": descriptive, "freetext": free_text, "indexedStructured": {}},
    }  # fmt: skip


def test_the_smithsonian_gives_pictures_page_by_page(web: Any, answer: Any, collect: Any, rows: Rows) -> None:
    items = [
        smithsonian_row(web, 1),
        smithsonian_row(web, 2, medium="wood with ivory inlay"),
        smithsonian_row(web, 3, access="Usage conditions apply"),
        {"id": "edanmdm-bare", "title": "Bare", "unitCode": "NMAH", "content": {"freetext": None}},
        smithsonian_row(web, 4, medium="Ivory", screen=False),
    ]

    def search(query: dict[str, str]) -> Any:
        start = int(query["start"])
        page = {"rows": items[start : start + 2], "rowCount": len(items), "message": "content found"}
        return answer({"status": 200, "responseCode": 1, "response": page})

    web.pages["/v1.0/search"] = search
    done = collect("smithsonian", "ivory", "--label", "ivory", "--key", "mine", "--api", web.url + "/v1.0")
    assert done.exit_code == 0, done.stderr
    asked = [asked.query for asked in web.asked if asked.path == "/v1.0/search"]
    assert [query["start"] for query in asked] == ["0", "2", "4"]
    assert {query["api_key"] for query in asked} == {"mine"}
    assert asked[0]["q"] == '"ivory" AND online_media_type:"Images"'
    first, last = rows()
    assert (first["group"], first["source"], first["licence"]) == (
        "smithsonian/edanmdm-nmaahc_1",
        "smithsonian/NMAAHC",
        "CC0-1.0",
    )
    assert first["attribution"].startswith("National Museum of African American History and Culture, Smithsonian")
    assert first["original"] == web.url + "/ids/NMAAHC-1"
    assert [path for path in web.paths() if path.startswith("/ids/")] == ["/ids/NMAAHC-1_screen", "/ids/NMAAHC-4"]
    assert last["group"] == "smithsonian/edanmdm-nmaahc_4"
    assert "refused by licence 1 (not an open licence 1)" in done.stderr


def test_a_wrong_key_is_one_sentence(web: Any, reply: Any, refusal: Callable[..., str]) -> None:
    web.pages["/search"] = reply(b'{"error": {"code": "API_KEY_INVALID"}}', 403)
    words = ("smithsonian", "ivory", "--label", "ivory", "--key", "secret", "--api", web.url)
    assert refusal(*words) == "127.0.0.1 answers 403."
