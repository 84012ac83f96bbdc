"""What leaves the lake as CSV: a spreadsheet must not take a resident's text for a formula."""

from __future__ import annotations

import csv
import io
import json
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from civiclake.cli import query
from civiclake.engine import client
from civiclake.errors import UserError

TEXTS = ["=1+1", "+49 30", "-1", "@SUM(A1)", "\t=1", "\r=1", "a=1", "", "'=1"]


def test_text_that_begins_like_a_formula_is_escaped_and_numbers_are_not(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    numbers = [-1, -2.5, Decimal("-0.10"), None, True]
    rows: list[tuple[Any, ...]] = [tuple(TEXTS), (*numbers, "x", "y", "z", "w")]

    def answer(*_: Any) -> tuple[list[str], Any]:
        return [f"c{place}" for place in range(9)], iter(rows)

    monkeypatch.setattr(client, "query", answer)
    monkeypatch.setenv(query.PASSWORD, "given")
    query.sql("select 1", fmt=query.Format.CSV, user="analyst")
    _, texts, values = csv.reader(io.StringIO(capsys.readouterr().out, newline=""))
    assert texts == ["'=1+1", "'+49 30", "'-1", "'@SUM(A1)", "'\t=1", "'\r=1", "a=1", "", "'=1"]
    assert values == ["-1", "-2.5", "-0.10", "", "True", "x", "y", "z", "w"]


def _asked(
    monkeypatch: pytest.MonkeyPatch, columns: list[str], rows: list[tuple[Any, ...]]
) -> None:
    monkeypatch.setattr(client, "query", lambda *_: (columns, iter(rows)))
    monkeypatch.setenv(query.PASSWORD, "given")


@pytest.mark.parametrize("fmt", query.Format)
def test_years_that_python_does_not_know_are_printed_in_every_format(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], fmt: query.Format
) -> None:
    row = ("+10000-01-01 04:59:59", datetime(9999, 12, 31, 23, 59, 59), "-0043-03-15", float("inf"))
    _asked(monkeypatch, ["a", "b", "c", "d"], [row])
    query.sql("select 1", fmt=fmt, user="analyst")
    printed = capsys.readouterr().out
    for text in ("+10000-01-01 04:59:59", "9999-12-31 23:59:59", "-0043-03-15", "inf"):
        assert text in printed
    if fmt is query.Format.JSON:
        assert json.loads(printed)["d"] == "inf"


def test_two_columns_of_one_name_are_no_object(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _asked(monkeypatch, ["id", "id"], [(1, 2)])
    with pytest.raises(UserError, match=r"is named id.*apart with AS"):
        query.sql("select 1", fmt=query.Format.JSON, user="analyst")
    query.sql("select 1", fmt=query.Format.CSV, user="analyst")
    assert "1,2" in capsys.readouterr().out
