"""The tables of a survey: each is a query of tables/*.sql over the adverts and the corrected shares."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow
import pyarrow.parquet

from serve.output import guarded

if TYPE_CHECKING:
    from collections.abc import Iterable

    from serve.survey.adverts import Row
    from serve.survey.corrected import Corrected

QUERIES = {file.stem: file for file in sorted((Path(__file__).parent / "tables").glob("*.sql"))}
TEXT, NUMBER, COUNT = pyarrow.string(), pyarrow.float64(), pyarrow.int64()
ADVERTS = pyarrow.schema(
    [
        *((name, TEXT) for name in ("id", "stratum", "platform", "seller", "language", "location")),
        *((name, NUMBER) for name in ("latitude", "longitude")),
        ("posted", pyarrow.date32()),
        ("price", NUMBER), ("currency", TEXT), ("value", NUMBER), ("quantity", NUMBER),
        ("verdict", TEXT), ("score", NUMBER), ("answer", TEXT), ("subject", TEXT), ("contradiction", pyarrow.bool_()),
        ("cluster", TEXT), ("label", TEXT),
    ]
)  # fmt: skip
SHARES = ("share", "share_low", "share_high", "share_low_by_seller", "share_high_by_seller")
TOTALS = tuple(f"{name}{end}" for name in ("offers", "per_alarm") for end in ("", "_low", "_high"))
PREVALENCE = pyarrow.schema(
    [
        ("stratum", TEXT), ("subject", TEXT), ("adverts", COUNT), ("sellers", COUNT), ("alarms", COUNT),
        ("alarm_share", NUMBER), ("method", TEXT), ("labelled", COUNT),
        *((name, NUMBER) for name in (*SHARES, *TOTALS)),
    ]
)  # fmt: skip

MACROS = """
CREATE MACRO lowest(total, squares, rate, low) AS if(total IS NULL OR low IS NULL, NULL, greatest(0,
    total * coalesce(rate, 0) - sqrt((total * (coalesce(rate, 0) - low)) ** 2 + 3.84 * coalesce(rate, 0) * squares)));
CREATE MACRO highest(total, squares, rate, high) AS
    total * coalesce(rate, 0) + sqrt((total * (high - coalesce(rate, 0))) ** 2 + 3.84 * high * squares);
"""
"""95% limits of a total over some alarms, scaled by `rate` offers for each alarm (with its limits), as a week's or a
place's may differ by chance: every alarm adds its size or nothing, so that chance has a variance of `rate` x `squares`,
the sum of squared sizes."""

Table = list[dict[str, Any]]


def make_tables(rows: Iterable[Row], corrected: Iterable[Corrected], folder: Path) -> dict[str, Table]:
    """Write adverts.parquet and prevalence.parquet, and every table as CSV; give the tables by name."""
    sources = {
        "adverts": pyarrow.Table.from_pylist([vars(row) for row in rows], ADVERTS),
        "prevalence": pyarrow.Table.from_pylist([each.record() for each in corrected], PREVALENCE),
    }
    tables = {}
    with duckdb.connect() as database:
        for name, table in sources.items():
            pyarrow.parquet.write_table(table, folder / f"{name}.parquet")
            database.register(name, table)
        database.execute(MACROS)
        database.create_function("guarded", guarded, ["VARCHAR"], "VARCHAR")
        for name, query in QUERIES.items():
            found = database.sql(query.read_text(encoding="utf-8"))
            _with_guarded_text(found).write_csv(str(folder / f"{name}.csv"))
            tables[name] = [dict(zip(found.columns, each, strict=True)) for each in found.fetchall()]
    return tables


def _with_guarded_text(table: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
    kinds = zip(table.columns, map(str, table.types), strict=True)
    return table.project(", ".join(f"guarded({name}) AS {name}" if kind == "VARCHAR" else name for name, kind in kinds))
