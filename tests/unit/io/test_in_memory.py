"""What is left to Spark because Great Expectations' pandas engine might judge it otherwise."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from civiclake.contracts.model import Rule
from civiclake.contracts.read.patterns import whole
from civiclake.io.verdict import in_memory

BETWEEN = "expect_column_values_to_be_between"
REGEX = "expect_column_values_to_match_regex"
GREATER = "expect_column_pair_values_a_to_be_greater_than_b"
MEAN = "expect_column_mean_to_be_between"


def rule(kind: str, **kwargs: Any) -> Rule:
    return Rule(id="r", expectation=kind, kwargs=kwargs)


def is_judged(made: Rule, **columns: pa.Array) -> bool:
    return in_memory.rows_of([made], pa.table(columns)) is not None


@pytest.mark.parametrize(
    ("values", "is_alike"),
    [
        (pa.array([1.5, None]), True),
        (pa.array([1.5, float("nan")]), False),
        (pa.array([1, None]), True),
        (pa.array([2**60]), False),
        (pa.array([Decimal("1.50")], pa.decimal128(10, 2)), True),
        (pa.array([Decimal("1.50")], pa.decimal128(20, 2)), False),
        (pa.array([dt.date(9999, 12, 31), None]), True),
        (pa.array([3_000_000], pa.int32()).cast(pa.date32()), False),
        (pa.array([dt.datetime(1, 1, 1, tzinfo=dt.UTC)], pa.timestamp("us", "UTC")), True),
        (pa.array([dt.datetime(2020, 1, 1)], pa.timestamp("us")), False),
        (pa.array(["1"]), False),
        (pa.array([[1]]), False),
    ],
)
def test_kinds_of_values(values: pa.Array, is_alike: bool) -> None:
    assert is_judged(rule(BETWEEN, column="v", min_value=0), v=values) is is_alike


@pytest.mark.parametrize(
    ("pattern", "text", "is_alike"),
    [
        ("[A-Z]{2}", "上海", True),  # classes that are written out are the same in both
        (r"\d+", "12", True),
        (r"\d+", "\uff11\uff12", False),  # digits to Python, and none to Java
        ("a.b", "a\rb", False),
        ("(?i)é", "É", False),
        (r"\.", "上海", False),
    ],
)
def test_patterns(pattern: str, text: str, is_alike: bool) -> None:
    made = rule(REGEX, column="v", regex=whole(pattern))
    assert is_judged(made, v=pa.array([text, None])) is is_alike


def test_pairs() -> None:
    numbers, half = pa.array([1, 2]), pa.array([None, 2])
    assert is_judged(rule(GREATER, column_A="a", column_B="b"), a=numbers, b=half)
    assert not is_judged(rule(GREATER, column_A="a", column_B="b", mostly=0.5), a=numbers, b=half)
    assert not is_judged(rule(GREATER, column_A="a", column_B="b"), a=numbers, b=pa.array("xy"))


def test_no_rows_at_all() -> None:
    assert not is_judged(rule(BETWEEN, column="v", min_value=0), v=pa.array([], pa.int64()))


def test_rules_of_other_types_and_with_conditions() -> None:
    assert in_memory.columns_of([rule(BETWEEN, column="v", min_value=0)]) == ["v"]
    assert in_memory.columns_of([rule("expect_table_row_count_to_equal", value=2)]) == []
    assert in_memory.columns_of([rule("expect_column_median_to_be_between", column="v")]) is None
    assert in_memory.columns_of([rule(BETWEEN, column="v", row_condition="v > 1")]) is None


@pytest.mark.parametrize(
    ("observed", "is_clear"), [(3.5, True), (3.0 + 1e-12, False), (None, False)]
)
def test_a_measure_at_its_bound_is_for_spark(observed: float, is_clear: bool) -> None:
    assert in_memory.is_clear(rule(MEAN, column="v", max_value=3), observed) is is_clear
