"""The questions in docs/survey.md are answered by the SQL that stands there."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

QUESTIONS = re.findall(r"```sql\n(.*?)```", (Path(__file__).parents[3] / "docs/survey.md").read_text(), re.DOTALL)


@pytest.fixture
def answers(files: Any, alarm: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    days = ["2025-03-03", "2025-03-30", "2025-04-01"]
    adverts = [alarm(f"a{n}", seller=f"s{n}", posted_at=day, price="5", currency="EUR") for n, day in enumerate(days)]
    files.write([*adverts, *({"id": f"c{n}", "platform": "A", "seller": "c"} for n in range(597))])
    labels = [{"id": f"a{n}", "label": "ivory"} for n in range(3)] + [{"id": f"c{n}", "label": "0"} for n in range(597)]
    rates = files.table("rates.csv", ["currency", "rate"], [{"currency": "EUR", "rate": 1}])
    files.survey(labels=files.table("labels.csv", ["id", "label"], labels), rates=rates, out=files.folder / "survey")
    monkeypatch.chdir(files.folder)
    return [duckdb.sql(question).fetchall() for question in QUESTIONS]


def test_three_questions_are_answered(answers: list[Any]) -> None:
    sample, shared, months = answers
    assert len({own for (own,) in sample}) == 500
    assert 0 < sum(own.startswith("a") for (own,) in sample) <= 3
    assert shared == [("ab" * 32, 3, ["a0", "a1", "a2"])]
    assert [(stratum, month.isoformat(), *rest) for stratum, month, *rest in months] == [
        ("A", "2025-03-01", 2, 2.0, 5.0),
        ("A", "2025-04-01", 1, 1.0, 5.0),
    ]
