"""What the tests of the survey share: adverts with the scan that was made of them, as files."""

import csv
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow
import pyarrow.parquet
import pytest

from serve.advert.read import read_adverts
from serve.survey.command import command
from serve.survey.corrected import error_rates

PICTURE = {
    "path": "front.jpg", "sha256": "ab" * 32, "status": "recognised", "answer": "ivory", "probability": 0.93,
    "top": "ivory=0.93", "unfamiliarity": 0.1, "advice": [], "error": None,
}  # fmt: skip
FOUND = {
    "verdict": "clear", "score": 0.01, "answer": None, "reasons": [], "error": None, "bundle": "lite2",
    "policy": error_rates()["policy"], "pictures": [],
}  # fmt: skip
COLUMNS = ("id", *FOUND)
SCHEMA = pyarrow.schema(
    [
        ("row", pyarrow.int64()), ("id", pyarrow.string()), ("verdict", pyarrow.string()),
        ("score", pyarrow.float64()), ("answer", pyarrow.string()), ("reasons", pyarrow.list_(pyarrow.string())),
        ("error", pyarrow.string()), ("bundle", pyarrow.string()), ("policy", pyarrow.string()),
        (
            "pictures",
            pyarrow.list_(
                pyarrow.struct(
                    {
                        "path": pyarrow.string(), "sha256": pyarrow.string(), "status": pyarrow.string(),
                        "answer": pyarrow.string(), "probability": pyarrow.float64(), "top": pyarrow.string(),
                        "unfamiliarity": pyarrow.float64(), "advice": pyarrow.list_(pyarrow.string()),
                        "error": pyarrow.string(),
                    }
                )
            ),
        ),
    ]
)  # fmt: skip
Advert = Mapping[str, Any]


class Files(NamedTuple):
    """A folder with a scan and its advert file."""

    folder: Path

    def write(self, adverts: Sequence[Advert], parts: int = 2) -> None:
        """Write adverts, whose cells that a scan has go to the scan, in so many parts."""
        rows = [{"row": n, "id": each["id"], **FOUND, **_of(each, FOUND)} for n, each in enumerate(adverts)]
        (self.folder / "scan").mkdir(exist_ok=True)
        for part in range(parts):
            table = pyarrow.Table.from_pylist(rows[part::parts], SCHEMA)
            file = self.folder / f"scan/part-{part:05}.parquet"
            pyarrow.parquet.write_table(table, file)
            file.with_suffix(".json").write_text("{}")
        names = dict.fromkeys(name for each in adverts for name in each if name not in FOUND)
        self.table("adverts.csv", list(names), [{k: v for k, v in each.items() if k in names} for each in adverts])

    def table(self, name: str, columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> Path:
        """Write a CSV file."""
        file = self.folder / name
        with file.open("w", encoding="utf-8", newline="") as lines:
            writer = csv.DictWriter(lines, columns, restval="")
            writer.writeheader()
            writer.writerows(rows)
        return file

    def survey(self, **options: Path) -> tuple[int, Path]:
        """Run the command; its exit status and the folder that it wrote."""
        given: dict[str, Any] = {"labels": None, "rates": None, "links": None, "out": self.folder / "out", **options}
        adverts = read_adverts(self.folder / "adverts.csv")
        status = command(self.folder / "scan", adverts, self.folder, quiet=True, **given)
        return status, given["out"]

    def read(self, table: str) -> list[dict[str, str]]:
        """Rows of a table that the survey wrote."""
        with (self.folder / f"out/{table}.csv").open(encoding="utf-8", newline="") as lines:
            return list(csv.DictReader(lines))


def _of(advert: Advert, columns: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in advert.items() if name in columns}


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


@pytest.fixture
def alarm() -> Callable[..., dict[str, Any]]:
    """An advert that raises an alarm about ivory."""

    def make(own: str, **cells: Any) -> dict[str, Any]:
        found = {"verdict": "block", "score": 0.97, "answer": "ivory", "pictures": [PICTURE]}
        return {"id": own, "platform": "A", "seller": "s", **found, **cells}

    return make
