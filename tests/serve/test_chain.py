"""From adverts to a survey, by the commands and the files that one leaves to the next."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import skimage.data
from PIL import Image

Run = Callable[..., Any]
SHIPPED = Path(skimage.data.__file__).parent


def test_a_scan_is_matched_reviewed_and_surveyed(schreger: Run, tmp_path: Path) -> None:
    pictures, scan = tmp_path / "pictures", tmp_path / "scan"
    pictures.mkdir()
    coffee = Image.open(SHIPPED / "coffee.png")
    coffee.save(pictures / "coffee.png")
    coffee.resize((300, 200)).save(pictures / "taken.jpg", quality=60)
    Image.open(SHIPPED / "chelsea.png").save(pictures / "cat.png")
    adverts = tmp_path / "adverts.csv"
    adverts.write_text(
        "id,platform,seller,title,pictures\n"
        "a,market,ann,Mammoth ivory,coffee.png;cat.png\n"
        "b,bazaar,bob,Mammoth ivory,taken.jpg\n"
        "c,market,cat,A cat,missing.png\n",
        encoding="utf-8",
    )
    done = schreger("scan", adverts, "--pictures-root", pictures, "--out", scan, "--merge", tmp_path / "verdicts.csv")
    assert done.returncode == 3, done.stderr  # for want of a picture
    verdicts = table(tmp_path / "verdicts.csv")
    assert [(row["id"], row["seller"], row["verdict"]) for row in verdicts] == [
        ("a", "ann", "review"),
        ("b", "bob", "review"),
        ("c", "cat", "clear"),
    ]

    links = tmp_path / "links.csv"
    done = schreger("match", scan, "--adverts", adverts, "--pictures-root", pictures, "--out", links)
    assert done.returncode == 3, done.stderr
    first, cat, second, missing = table(links)
    assert (first["cluster"], second["by"], second["platform"]) == (second["cluster"], "pdq", "bazaar")
    assert cat["cluster"] != first["cluster"]
    assert missing["error"]
    assert "1 clusters of several sellers" in done.stderr

    tasks, decisions = tmp_path / "tasks.json", tmp_path / "decisions.csv"
    assert schreger("review", "export", scan, "--adverts", adverts, "--out", tasks).returncode == 0
    asked = json.loads(tasks.read_text(encoding="utf-8"))
    for task in asked:
        chosen = {"from_name": "decision", "value": {"choices": ["block"]}}
        task["annotations"] = [{"result": [chosen], "completed_by": 1, "updated_at": "2026-11-26T10:00:00Z"}]
    (tmp_path / "annotations.json").write_text(json.dumps(asked), encoding="utf-8")
    done = schreger("review", "import", tmp_path / "annotations.json", "--scan", scan, "--out", decisions)
    assert done.returncode == 0, done.stderr
    assert [row["id"] for row in table(decisions)] == ["a", "b"]

    out = tmp_path / "survey"
    done = schreger("survey", scan, "--adverts", adverts, "--links", links, "--out", out)
    assert done.returncode == 0, done.stderr
    (cluster,) = table(out / "clusters.csv")
    assert (cluster["adverts"], cluster["sellers"], cluster["platforms"]) == ("2", "2", "bazaar, market")
    (log,) = (out / "logs").glob("*.json")
    told = json.loads(log.read_text(encoding="utf-8"))
    assert told["sellers"] == ["ann on market", "bob on bazaar"]
    by_sha256 = {picture["sha256"] for advert in told["adverts"] for picture in advert["pictures"]}
    assert by_sha256 == {row["sha256"] for row in (first, cat, second)}


def table(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))
