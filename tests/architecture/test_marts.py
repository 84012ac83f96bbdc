"""Every mart has a golden case, and every case is of its mart's inputs and columns."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from mart_cases import Case, cases, city, rows, tables, types

ROOT = Path(__file__).resolve().parents[2]
CASES = cases()


def test_every_mart_has_a_golden_case() -> None:
    assert {mart.id for mart in city().marts} == {case.mart.id for case in CASES}


@pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])
def test_a_case_gives_every_input_and_wants_every_column(case: Case) -> None:
    assert set(case.given()) == set(case.mart.inputs)
    for path in case.inputs():
        known = types(tables()[path.name.removesuffix(".csv")])
        assert {name for row in rows(path) for name in row} <= set(known), path
    columns = [column.name for column in case.mart.columns]
    assert all(list(row) == columns for row in case.wanted()), case.folder
    assert case.wanted(), "a case that wants nothing shows nothing"


def test_steps_ask_the_engine_for_nothing_but_what_they_are_handed() -> None:
    """The plan shows what a frame reads; what a step had collected by itself, it would not."""
    session = re.compile(r"sparkSession\.(?!createDataFrame\b)|\bSparkSession\b|\.write\b|\.save")
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in sorted((ROOT / "jobs/civiclake/applications").rglob("*.py"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if session.search(line)
    ]
    assert found == []
