"""What leaves the lake as CSV: a spreadsheet must not take a resident's text for a formula."""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from typing import Any

import pytest

from civiclake.cli import query
from civiclake.engine import client

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
