"""Photos at hand: folders, tables and Label Studio's exports."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Rows = Callable[[], list[dict[str, str]]]
TERMS = ("--licence", "CC BY 4.0", "--attribution", "A. Person")


# Folders


@pytest.fixture
def photos(tmp_path: Path, draw: Any) -> Path:
    """Three photos of bone, two of them of one object, and one of ivory."""
    folder = tmp_path / "carvings"
    for number, name in enumerate(("bone/a.jpg", "bone/object 7/b.jpg", "bone/object 7/c.jpg", "Ivory/d.jpg")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(draw(number))
    return folder


def test_folders_named_after_labels_are_collected(photos: Path, collect: Any, rows: Rows, out: Path) -> None:
    (photos / "bone" / ".hidden.jpg").write_bytes(b"x")
    (photos / ".git").mkdir()
    (photos / ".git" / "x").write_bytes(b"x")
    for name in ("desktop.ini", "bone/Thumbs.db"):
        (photos / name).write_bytes(b"x")
    done = collect("folder", photos, *TERMS)
    assert done.exit_code == 0, done.stderr
    assert [(row["label"], row["group"], row["source"]) for row in rows()] == [
        ("ivory", "carvings/Ivory/d.jpg", "carvings"),
        ("bone", "carvings/bone/a.jpg", "carvings"),
        ("bone", "carvings/bone/object 7/b.jpg", "carvings"),
        ("bone", "carvings/bone/object 7/c.jpg", "carvings"),
    ]
    assert {(row["licence"], row["attribution"], row["split"]) for row in rows()} == {("CC-BY-4.0", "A. Person", "")}
    assert (out / rows()[0]["file"]).read_bytes() == (photos / "Ivory" / "d.jpg").read_bytes()
    assert "Taken 4, already there 0, refused by licence 0, missing 0, unreadable 0." in done.stderr


def test_the_photos_of_an_inner_folder_may_show_one_item(photos: Path, collect: Any, rows: Rows) -> None:
    assert collect("folder", photos, *TERMS, "--item", "folder", "--source", "us").exit_code == 0
    assert [row["group"] for row in rows()] == ["us/Ivory/d.jpg", "us/bone/a.jpg", *["us/bone/object 7"] * 2]


def test_one_label_may_be_given_for_all(photos: Path, collect: Any, rows: Rows) -> None:
    assert collect("folder", photos / "bone", *TERMS, "--label", "antler", "--item", "folder").exit_code == 0
    assert [(row["label"], row["group"]) for row in rows()] == [
        ("antler", "bone/a.jpg"),
        ("antler", "bone/object 7"),
        ("antler", "bone/object 7"),
    ]


def test_what_cannot_be_opened_is_told_and_the_rest_is_taken(photos: Path, collect: Any, rows: Rows, draw: Any) -> None:
    (photos / "bone" / "broken.jpg").write_bytes(draw(9)[:200])
    (photos / "bone" / "notes.txt").write_text("not a photo")
    (photos / "bone" / "empty.png").touch()
    done = collect("folder", photos, *TERMS)
    assert done.exit_code == 3
    assert len(rows()) == 4
    for name in ("broken.jpg", "notes.txt", "empty.png"):
        assert f"carvings/bone/{name}: " in done.stderr
    assert "unreadable 3." in done.stderr


def test_every_format_is_kept_as_it_came(tmp_path: Path, collect: Any, rows: Rows, out: Path, draw: Any) -> None:
    (tmp_path / "bone").mkdir()
    for number, form in enumerate(("PNG", "WEBP", "TIFF", "GIF", "BMP")):
        (tmp_path / "bone" / f"{number}.bin").write_bytes(draw(number, form))
    assert collect("folder", tmp_path / "bone", *TERMS, "--label", "bone").exit_code == 0
    assert [Path(row["file"]).suffix for row in rows()] == [".png", ".webp", ".tiff", ".gif", ".bmp"]
    for number, row in enumerate(rows()):
        assert (out / row["file"]).read_bytes() == (tmp_path / "bone" / f"{number}.bin").read_bytes()


def test_a_second_run_takes_nothing_anew(photos: Path, collect: Any, out: Path) -> None:
    collect("folder", photos, *TERMS)
    before = (out / "manifest.csv").read_bytes()
    done = collect("folder", photos, *TERMS)
    assert "Taken 0, already there 4," in done.stderr
    assert (out / "manifest.csv").read_bytes() == before


def test_the_same_bytes_under_two_labels_are_told(photos: Path, collect: Any, rows: Rows) -> None:
    (photos / "Ivory" / "same.jpg").write_bytes((photos / "bone" / "a.jpg").read_bytes())
    (photos / "bone" / "again.jpg").write_bytes((photos / "bone" / "a.jpg").read_bytes())
    done = collect("folder", photos, *TERMS)
    assert "carvings/bone/a.jpg: is there already as ivory, not as bone" in done.stderr
    assert "Taken 4, already there 2," in done.stderr
    assert len(rows()) == 4


def test_another_folder_of_the_same_name_needs_a_source(
    photos: Path, collect: Any, rows: Rows, out: Path, tmp_path: Path, draw: Any
) -> None:
    collect("folder", photos, *TERMS)
    other = tmp_path / "elsewhere" / "carvings" / "bone"
    other.mkdir(parents=True)
    (other / "a.jpg").write_bytes(draw(99))
    done = collect("folder", other.parent, *TERMS)
    assert done.exit_code == 2
    assert done.stderr == (
        "carvings/bone/a.jpg is there with other bytes: if it is another's, name that source by --source, and if it "
        f"was changed, take its row out of {out / 'manifest.csv'}.\n"
    )
    done = collect("folder", other.parent, *TERMS, "--source", "elsewhere")
    assert "Taken 1, already there 0," in done.stderr
    assert [row["group"] for row in rows()][-1] == "elsewhere/bone/a.jpg"


@pytest.mark.parametrize(
    ("terms", "says"),
    [
        ((), "Name the licence of these photos with --licence, such as CC0 or CC-BY-4.0."),
        (("--licence", "CC0"), "Name whom to credit for these photos with --attribution."),
        (("--licence", "CC BY-NC 4.0", "--attribution", "A"), "'CC BY-NC 4.0' will not do (non-commercial); open are"),
        (("--licence", "all mine", "--attribution", "A"), "'all mine' will not do (not an open licence); open are"),
    ],
)
def test_without_an_open_licence_and_a_credit_nothing_is_taken(
    photos: Path, refusal: Callable[..., str], tmp_path: Path, terms: tuple[str, ...], says: str
) -> None:
    assert refusal("folder", photos, *terms).startswith(says)
    export = tmp_path / "export.json"
    export.write_text("[]")
    assert refusal("label-studio", export, *terms).startswith(says)


def test_a_folder_that_cannot_be_used_is_refused(
    photos: Path, refusal: Callable[..., str], schreger: Any, tmp_path: Path
) -> None:
    assert refusal("folder", tmp_path / "nowhere", *TERMS) == f"There is no folder {tmp_path / 'nowhere'}."
    (photos / "bnoe").mkdir()
    (photos / "bnoe" / "e.jpg").write_bytes(b"")
    assert refusal("folder", photos, *TERMS).startswith("'bnoe' is not a label of the taxonomy; near it are bone")
    (photos / "bnoe" / "e.jpg").rename(photos / "e.jpg")
    assert "e.jpg is in no folder that is named after a label" in refusal("folder", photos, *TERMS)
    inside = schreger("dataset", "collect", "folder", photos, *TERMS, "--out", photos / "out")
    assert inside.exit_code == 2
    assert "collect into another folder" in inside.stderr
    (tmp_path / "empty").mkdir()
    assert refusal("folder", tmp_path / "empty", *TERMS).startswith("Nothing was found")


# The folder that is collected into


def test_a_row_that_was_cut_off_is_taken_off_and_collected_again(photos: Path, collect: Any, out: Path) -> None:
    collect("folder", photos, *TERMS)
    manifest = out / "manifest.csv"
    whole = manifest.read_bytes()
    for end in (-1, -30, len(whole.splitlines(keepends=True)[0]) - 3):
        manifest.write_bytes(whole[:end])
        done = collect("folder", photos, *TERMS)
        assert done.exit_code == 0, done.stderr
        assert "ended in half a row" in done.stderr
        assert manifest.read_bytes() == whole


def test_a_manifest_that_was_split_and_widened_is_added_to(photos: Path, collect: Any, rows: Rows, out: Path) -> None:
    collect("folder", photos / "Ivory", *TERMS, "--label", "ivory")
    manifest = out / "manifest.csv"
    head, row = manifest.read_text().splitlines()
    split = row.replace(",ivory,,", ",ivory,train,")
    assert split != row
    manifest.write_text(f"detail,{head}\nnetsuke,{split}\n")
    assert collect("folder", photos, *TERMS).exit_code == 0
    assert [(row["detail"], row["label"], row["split"]) for row in rows()] == [
        ("netsuke", "ivory", "train"), ("", "bone", ""), ("", "bone", ""), ("", "bone", "")
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"file,label\na,b\n", "lacks the column 'sha256'; collect into another folder"), (b"\xff\xfe\n", "cannot be")],
)
def test_another_s_file_is_not_added_to(photos: Path, collect: Any, out: Path, content: bytes, says: str) -> None:
    out.mkdir()
    (out / "manifest.csv").write_bytes(content)
    done = collect("folder", photos, *TERMS)
    assert done.exit_code == 2
    assert says in done.stderr
    assert (out / "manifest.csv").read_bytes() == content


def test_a_folder_that_cannot_be_written_is_refused(photos: Path, collect: Any, out: Path) -> None:
    out.write_text("a file")
    done = collect("folder", photos, *TERMS)
    assert done.exit_code == 2
    assert done.stderr.startswith(f"{out} cannot be collected into: Not a directory.\n")


# Tables


def test_a_table_s_photos_come_from_the_web_and_from_files(
    web: Any, collect: Any, rows: Rows, tmp_path: Path, draw: Any
) -> None:
    addresses = tmp_path / "list.csv"
    first, second = web.picture("/a.jpg", 1), web.picture("/b.jpg", 2)
    addresses.write_text(
        "url;label;licence;attribution;group;source;note;more\n"
        f"{first};bone;cc-by;A. Person;object 1;museum;dyed;x\n"
        f" {second} ;IVORY;CC0;;;;;\n"
        f"{web.url}/gone.jpg;bone;CC0;;;;;\n"
        f"{first}?closed;bone;All rights reserved;A;;;;\n"
        f"{first}?unstated;bone;;A;;;;\n",
        encoding="utf-8-sig",
    )
    done = collect("csv", addresses)
    assert done.exit_code == 3, done.stderr
    assert [(r["label"], r["group"], r["source"], r["note"], r["original"]) for r in rows()] == [
        ("bone", "object 1", "museum", "dyed", first),
        ("ivory", second, "list", "", second),
    ]
    assert "refused by licence 2 (not an open licence 1, no licence stated 1), missing 1," in done.stderr

    files = tmp_path / "files.csv"
    (tmp_path / "here.jpg").write_bytes(draw(3))
    files.write_text("file,label\nhere.jpg,horn\nnowhere.jpg,horn\n.,horn\n")
    done = collect("csv", files, *TERMS, "--source", "us")
    assert done.exit_code == 3
    assert "nowhere.jpg: there is no such file" in done.stderr
    assert [(row["label"], row["source"], row["licence"]) for row in rows()][2:] == [("horn", "us", "CC-BY-4.0")]


def test_files_of_two_tables_are_in_no_group_together(collect: Any, rows: Rows, tmp_path: Path, draw: Any) -> None:
    for number, name in enumerate(("one", "two")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.jpg").write_bytes(draw(number))
        (tmp_path / name / f"{name}.csv").write_text("file\n1.jpg\n")
        assert collect("csv", tmp_path / name / f"{name}.csv", *TERMS, "--label", "bone").exit_code == 0
    assert [(row["group"], row["original"]) for row in rows()] == [("one/1.jpg", "1.jpg"), ("two/1.jpg", "1.jpg")]


def test_a_label_that_was_corrected_since_is_told(web: Any, collect: Any, rows: Rows, tmp_path: Path) -> None:
    table, address = tmp_path / "list.csv", web.picture("/a.jpg", 1)
    for label in ("bone", "ivory"):
        table.write_text(f"url,label\n{address},{label}\n")
        done = collect("csv", table, *TERMS)
        assert done.exit_code == 0, done.stderr
    assert done.stderr.startswith(f"{address}: is there already as bone, not as ivory\nTaken 0, already there 1,")
    assert [row["label"] for row in rows()] == ["bone"]
    assert web.paths() == ["/a.jpg"]  # what is there is not fetched anew


def test_a_pipe_is_never_opened(collect: Any, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "files.csv").write_text("file\npipe.jpg\n")
    done = collect("csv", tmp_path / "files.csv", *TERMS, "--label", "bone")
    assert (done.exit_code, "missing 1" in done.stderr) == (3, True)


@pytest.mark.parametrize(
    ("content", "words", "says"),
    [
        ("address,label\n", TERMS, "has neither a column url nor a column file."),
        ("", TERMS, "has neither a column url nor a column file."),
        ("url\nx\n", TERMS, "has no column label; add it, or give one for all with --label."),
        ("url,label\nx,bone\n", (), "has no column licence; add it, or give one for all with --licence."),
        ("url,label,licence\nx,bone,CC0\n", (), "has no column attribution; add it, or give one for all"),
        ("url,label\nx,bone\n", ("--licence", "NC", "--attribution", "A"), "'NC' will not do (non-commercial)"),
        ("url,label\nx,bone\n,bone\n", TERMS, "line 3: the column url is empty."),
        ("url,label\nx,\n", TERMS, "line 2: the column label is empty."),
        ("url,label\nx,bonee\n", TERMS, "line 2: 'bonee' is not a label of the taxonomy; near it are bone"),
        ("url,label\nx,\udcff\n", TERMS, "cannot be read as a CSV file in UTF-8"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused(
    refusal: Callable[..., str], tmp_path: Path, content: str, words: tuple[str, ...], says: str
) -> None:
    table = tmp_path / "list.csv"
    table.write_bytes(content.encode(errors="surrogateescape"))
    assert says in refusal("csv", table, *words)


def test_a_table_that_is_not_there_is_refused(refusal: Callable[..., str], tmp_path: Path) -> None:
    assert refusal("csv", tmp_path / "nowhere.csv", *TERMS).endswith("No such file or directory.")


# Label Studio


def task(number: int, image: str, *choices: str, cancelled: bool = False, control: str = "material") -> dict[str, Any]:
    result = [
        {
            "id": "a1", "type": "choices", "from_name": control, "to_name": "image", "origin": "manual",
            "value": {"choices": [choice]},
        }
        for choice in choices
    ]  # fmt: skip
    annotation = {"id": number, "completed_by": 1, "was_cancelled": cancelled, "ground_truth": False, "result": result}
    data = {"id": number, "data": {"image": image}, "annotations": [annotation], "predictions": [], "project": 1}
    return data | {"file_upload": "x.jpg", "drafts": [], "meta": {}}


@pytest.fixture
def export(tmp_path: Path) -> Callable[..., Path]:
    def write(*tasks: dict[str, Any]) -> Path:
        file = tmp_path / "project-1.json"
        file.write_text(json.dumps(tasks))
        return file

    return write


def test_label_studio_s_export_is_collected(
    web: Any, export: Callable[..., Path], collect: Any, rows: Rows, tmp_path: Path, draw: Any
) -> None:
    (tmp_path / "sub folder").mkdir()
    (tmp_path / "sub folder" / "shown.jpg").write_bytes(draw(1))
    (tmp_path / "1a2b-sent.jpg").write_bytes(draw(2))
    agreed = task(3, web.picture("/c.jpg", 3), "bone")
    agreed["annotations"] *= 2
    file = export(
        task(1, "/data/local-files/?d=sub%20folder/shown.jpg", "Bone"),
        task(2, "/data/upload/1/1a2b-sent.jpg", "ivory"),
        agreed,
    )
    done = collect("label-studio", file, *TERMS)
    assert done.exit_code == 0, done.stderr
    shown, sent, address = (
        "/data/local-files/?d=sub%20folder/shown.jpg",
        "/data/upload/1/1a2b-sent.jpg",
        f"{web.url}/c.jpg",
    )
    assert [(row["label"], row["group"], row["source"], row["original"]) for row in rows()] == [
        ("bone", f"project-1/{shown}", "project-1", shown),
        ("ivory", f"project-1/{sent}", "project-1", sent),
        ("bone", f"project-1/{address}", "project-1", address),
    ]


def test_the_tasks_of_another_export_of_the_same_name_are_others(
    web: Any, export: Callable[..., Path], collect: Any, rows: Rows
) -> None:
    first, second = web.picture("/1.jpg", 1), web.picture("/2.jpg", 2)
    for address in (first, second):
        done = collect("label-studio", export(task(1, address, "bone")), *TERMS)
        assert "Taken 1, already there 0," in done.stderr
    assert len({row["group"] for row in rows()}) == 2


def test_a_task_that_was_collected_by_its_number_is_not_taken_again(
    web: Any, export: Callable[..., Path], collect: Any, rows: Rows, out: Path
) -> None:
    address = web.picture("/1.jpg", 1)
    collect("label-studio", export(task(1, address, "bone")), *TERMS)
    manifest = out / "manifest.csv"
    manifest.write_text(
        manifest.read_text().replace(f",project-1/{address},", ",project-1/1,").replace(address, "project-1/1")
    )
    done = collect("label-studio", export(task(1, address, "ivory")), *TERMS)
    assert f"{address}: is there already as bone, not as ivory" in done.stderr
    assert len(rows()) == 1


def test_a_task_without_exactly_one_label_or_with_a_photo_elsewhere_is_told(
    export: Callable[..., Path], collect: Any, tmp_path: Path, draw: Any, rows: Rows
) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").write_bytes(draw(1))
    (tmp_path / "secret.jpg").write_bytes(draw(2))
    file = export(
        task(1, "a.jpg", "bone", "ivory"),
        task(2, "a.jpg"),
        task(3, "a.jpg", "bone", cancelled=True),
        task(4, "../secret.jpg", "bone"),
        task(5, "/data/local-files/?d=..%2Fsecret.jpg", "bone"),
        task(6, str(tmp_path / "secret.jpg"), "bone"),
        task(7, "C:/Users/me/secret.jpg", "bone"),
        task(8, "..\\secret.jpg", "bone"),
        task(9, "a.jpg", "bone"),
    )
    done = collect("label-studio", file, *TERMS, "--photos", tmp_path / "photos")
    assert done.exit_code == 3
    assert len(rows()) == 1
    lines = done.stderr.splitlines()
    assert lines[0] == "project-1/1: has 2 labels where one is needed"
    assert lines[1:3] == [f"project-1/{number}: has no labels where one is needed" for number in (2, 3)]
    assert all("names a photo outside" in line for line in lines[3:8])
    assert "Taken 1, already there 0, refused by licence 0, missing 8," in lines[8]


def test_of_several_controls_one_may_be_named(
    export: Callable[..., Path], collect: Any, tmp_path: Path, draw: Any, rows: Rows
) -> None:
    (tmp_path / "a.jpg").write_bytes(draw(1))
    two = task(1, "a.jpg", "bone")
    two["annotations"][0]["result"] += task(1, "", "blurred", control="quality")["annotations"][0]["result"]
    two["annotations"][0]["result"].append({"type": "rectanglelabels", "value": {"rectanglelabels": ["ivory"]}})
    assert collect("label-studio", export(two), *TERMS, "--control", "material").exit_code == 0
    assert [row["label"] for row in rows()] == ["bone"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("not json", "is not a JSON export of Label Studio (not JSON-MIN): the whole: Invalid JSON"),
        ("{}", "is not a JSON export of Label Studio"),
        ('[{"id": 1, "image": "a.jpg", "choice": "bone"}]', "(not JSON-MIN): 0.data: Field required."),
        ('[{"id": 1, "data": {}, "annotations": []}]', "task 1: its data has no 'image'; name the photo's field:"),
        ('[{"id": 1, "data": {"image": 5}, "annotations": []}]', "task 1: its data has no 'image'"),
        (json.dumps([task(1, "a.jpg", "bonee")]), "'bonee' is not a label of the taxonomy; near it are bone"),
        ("[]", "Nothing was found"),
    ],
)
def test_an_export_that_cannot_be_used_is_refused(
    refusal: Callable[..., str], tmp_path: Path, content: str, says: str
) -> None:
    (tmp_path / "export.json").write_text(content)
    assert says in refusal("label-studio", tmp_path / "export.json", *TERMS)


def test_an_export_that_is_not_there_is_refused(refusal: Callable[..., str], tmp_path: Path) -> None:
    assert "cannot be read: No such file" in refusal("label-studio", tmp_path / "nowhere.json", *TERMS)
