"""A compiled rule finds exactly the rows that Great Expectations counts as unexpected."""

from __future__ import annotations

import datetime as dt
import json
import random
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from nights import Nights, city
from pyspark.sql import DataFrame, SparkSession

from civiclake.contracts.model import Dataset, Rule, Severity
from civiclake.contracts.rules.checks import typed
from civiclake.contracts.rules.suites import known_expectations
from civiclake.io.verdict import gx, in_memory
from civiclake.settings import Settings
from civiclake.steps import rules
from civiclake.steps.validate import counts, decide, judge, read_counts, with_fate

ROWS: list[tuple[Any, ...]] = [
    # id, n, x, money, day, at, text, other, flag
    (1, 1, 0.5, "1.50", "2016-01-01", "2016-01-01 00:00:00", "abc", "abc", True),
    (2, 5, 5.0, "5.00", "2016-06-01", "2016-06-01 12:30:00", "abcd", "abd", False),
    (3, 10, 10.0, "10.00", "2016-12-31", "2016-12-31 23:59:59", "ABC", None, None),
    (4, None, None, None, None, None, None, "x", True),
    (5, -3, -0.0, "0.00", "1899-12-31", "1999-12-31 23:59:59", "", "", True),
    (6, None, None, None, None, None, None, None, None),
    (7, 10, 9.999, "9.99", "2030-01-01", "2030-01-01 00:00:00", "äöü\nx", "äöü\nx", False),
    (8, 11, 1e300, "999999.99", "9999-12-31", "9999-12-31 00:00:00", " abc ", "abc", True),
]
SCHEMA = (
    "id int, n int, x double, money decimal(10,2), day date, at timestamp, text string,"
    " other string, flag boolean"
)

CASES: dict[str, list[dict[str, Any]]] = {
    "expect_column_values_to_be_null": [{"column": "text"}, {"column": "n"}],
    "expect_column_values_to_not_be_null": [{"column": "text"}, {"column": "x", "mostly": 0.1}],
    "expect_column_values_to_be_between": [
        {"column": "n", "min_value": 1, "max_value": 10},
        {"column": "n", "min_value": 1, "strict_min": True},
        {"column": "x", "max_value": 10, "strict_max": True},
        {"column": "x", "min_value": 0, "max_value": 9.999},
        {"column": "money", "min_value": 1.5, "max_value": 10},
        {"column": "day", "min_value": "1900-01-01", "max_value": "2029-12-31"},
        {"column": "at", "min_value": "2000-01-01T00:00:00+00:00"},
        {"column": "n", "min_value": 2, "mostly": 0.5},
    ],
    "expect_column_value_lengths_to_be_between": [
        {"column": "text", "min_value": 1, "max_value": 4},
        {"column": "text", "max_value": 3},
        {"column": "text", "min_value": 3, "strict_min": True},
    ],
    "expect_column_value_lengths_to_equal": [{"column": "text", "value": 3}],
    "expect_column_values_to_be_in_set": [
        {"column": "text", "value_set": ["abc", "ABC"]},
        {"column": "n", "value_set": [1, 10]},
    ],
    "expect_column_values_to_not_be_in_set": [
        {"column": "text", "value_set": ["abc", ""]},
        {"column": "n", "value_set": [10]},
    ],
    "expect_column_values_to_match_regex": [
        {"column": "text", "regex": "^[a-z]+$"},
        {"column": "text", "regex": "b"},
        {"column": "text", "regex": "^(?:.*)$"},
    ],
    "expect_column_values_to_not_match_regex": [{"column": "text", "regex": "^ab"}],
    "expect_column_pair_values_a_to_be_greater_than_b": [
        {"column_A": "x", "column_B": "n"},
        {"column_A": "x", "column_B": "n", "or_equal": True},
        {"column_A": "n", "column_B": "id", "ignore_row_if": "either_value_is_missing"},
        {"column_A": "n", "column_B": "id", "ignore_row_if": "neither"},
    ],
    "expect_column_pair_values_to_be_equal": [
        {"column_A": "text", "column_B": "other"},
        {"column_A": "text", "column_B": "other", "ignore_row_if": "either_value_is_missing"},
        {"column_A": "text", "column_B": "other", "ignore_row_if": "neither"},
    ],
}
ONE_WRONG: dict[str, dict[str, Any]] = {
    "expect_column_values_to_be_null": {"column": "mostly_null"},
    "expect_column_values_to_not_be_null": {"column": "one_null"},
    "expect_column_values_to_be_between": {"column": "n", "min_value": 1, "max_value": 3},
    "expect_column_value_lengths_to_be_between": {"column": "text", "max_value": 3},
    "expect_column_value_lengths_to_equal": {"column": "text", "value": 3},
    "expect_column_values_to_be_in_set": {"column": "text", "value_set": ["A11", "A12"]},
    "expect_column_values_to_not_be_in_set": {"column": "text", "value_set": ["A12\n"]},
    "expect_column_values_to_match_regex": {"column": "text", "regex": "^(?:A[0-9]{2})$"},
    "expect_column_values_to_not_match_regex": {"column": "text", "regex": "\\n"},
    "expect_column_pair_values_a_to_be_greater_than_b": {"column_A": "n", "column_B": "other"},
    "expect_column_pair_values_to_be_equal": {"column_A": "text", "column_B": "same"},
    # judged by Great Expectations alone
    "expect_column_pair_values_to_be_in_set": {
        "column_A": "n", "column_B": "other", "value_pairs_set": [[1, 0], [2, 0]],
    },
    "expect_column_values_to_be_unique": {"column": "twice"},
    "expect_column_values_to_match_regex_list": {"column": "text", "regex_list": ["A1[0-9]\\z"]},
    "expect_column_values_to_not_match_regex_list": {"column": "text", "regex_list": ["\\n"]},
    "expect_compound_columns_to_be_unique": {"column_list": ["n", "other"]},
    "expect_multicolumn_sum_to_equal": {"column_list": ["n", "rest"], "sum_total": 3},
    "expect_multicolumn_values_to_be_equal": {"column_list": ["text", "same"]},
    "expect_select_column_values_to_be_unique_within_record": {"column_list": ["n", "third"]},
    "expect_column_distinct_values_to_be_in_set": {"column": "n", "value_set": [1, 2]},
    "expect_column_distinct_values_to_equal_set": {"column": "n", "value_set": [1, 2]},
    "expect_column_distinct_values_to_contain_set": {"column": "n", "value_set": [1, 2, 3]},
    "expect_column_most_common_value_to_be_in_set": {"column": "n", "value_set": [9]},
    "expect_column_max_to_be_between": {"column": "at", "max_value": "2020-01-01T11:00:00+00:00"},
    "expect_column_min_to_be_between": {"column": "at", "min_value": "2020-01-01T10:30:00+00:00"},
    "expect_column_mean_to_be_between": {"column": "n", "max_value": 2},
    "expect_column_median_to_be_between": {"column": "n", "min_value": 3},
    "expect_column_stdev_to_be_between": {"column": "n", "max_value": 1},
    "expect_column_sum_to_be_between": {"column": "n", "max_value": 6},
    "expect_column_unique_value_count_to_be_between": {"column": "n", "max_value": 2},
    "expect_column_proportion_of_unique_values_to_be_between": {"column": "n", "min_value": 1},
    "expect_column_proportion_of_non_null_values_to_be_between": {
        "column": "one_null", "min_value": 1,
    },
    "expect_column_quantile_values_to_be_between": {
        "column": "n", "quantile_ranges": {"quantiles": [1.0], "value_ranges": [[0, 3]]},
    },
    "expect_table_row_count_to_equal": {"value": 3},
    "expect_table_row_count_to_be_between": {"max_value": 3},
    "expect_column_values_to_match_json_schema": {
        "column": "json", "json_schema": {"required": ["a"]},
    },
    "expect_column_values_to_be_json_parseable": {"column": "like_json"},
    "expect_column_values_to_match_strftime_format": {
        "column": "dated", "strftime_format": "%Y-%m-%d",
    },
    "expect_column_value_z_scores_to_be_less_than": {
        "column": "n", "threshold": 1, "double_sided": False,
    },
    "expect_column_values_to_be_increasing": {"column": "rest"},
    "expect_column_values_to_be_decreasing": {"column": "rest"},
}  # fmt: skip
"""Of every type of rule, one that a single value of four breaks."""
UNCOMPILED: list[tuple[str, dict[str, Any]]] = [
    ("expect_column_values_to_be_unique", {"column": "n"}),
    ("expect_column_mean_to_be_between", {"column": "n", "min_value": 0, "max_value": 10}),
    ("expect_column_values_to_be_between",
     {"column": "n", "min_value": 1, "row_condition": "id > 3", "condition_parser": "spark"}),
]  # fmt: skip


def _frame(spark: SparkSession) -> DataFrame:
    rows = [
        (
            *row[:3],
            None if row[3] is None else Decimal(row[3]),
            None if row[4] is None else dt.date.fromisoformat(row[4]),
            None if row[5] is None else dt.datetime.fromisoformat(row[5]),
            *row[6:],
        )
        for row in ROWS
    ]
    return spark.createDataFrame(rows, SCHEMA)


def _rules() -> list[Rule]:
    found = [
        Rule(id=f"{kind.removeprefix('expect_')}:{n}", expectation=kind, kwargs=kwargs)
        for kind, cases in CASES.items()
        for n, kwargs in enumerate(cases)
    ]
    return found + [
        Rule(id=f"uncompiled:{n}", expectation=kind, kwargs=kwargs, severity=Severity.WARNING)
        for n, (kind, kwargs) in enumerate(UNCOMPILED)
    ]


@pytest.fixture(scope="module")
def found(spark: SparkSession) -> tuple[dict[str, int], gx.Verdict]:
    """Both counts of every rule, each from one judgement of the same frame."""
    frame = _frame(spark)
    compiled, _ = rules.compile_rules(_rules())
    row = counts_of(frame, compiled)
    base = city().dataset("meteorology.daily")
    dataset = base.model_copy(update={"rules": tuple(_rules())})
    return row, gx.judge(frame, dataset, "b1")


def counts_of(frame: DataFrame, compiled: list[rules.CompiledRule]) -> dict[str, int]:
    from pyspark.sql import functions as F

    from civiclake import columns as c

    judged = judge(frame.withColumn(c.CORRUPT, F.lit(None).cast("string")), compiled)
    dataset = city().dataset("meteorology.daily")
    row = judged.agg(*counts(compiled, dataset)).collect()[0].asDict()
    return read_counts(row, compiled).by_rule


ONE_WRONG_ROWS = """
    (1, 'A11', 'A11', null, 'a', 0, 1, 2, 5, timestamp'2020-01-01 10:00:00', '{"a": 1}',
     '1', '2020-01-01'),
    (1, 'A12', 'A12', null, 'b', 0, 2, 2, 6, timestamp'2020-01-01 10:30:00', '{"a": 2}',
     '2', '2020-01-02'),
    (2, 'A12', 'A12', null, 'c', 0, 3, 1, 7, timestamp'2020-01-01 11:00:00', '{"a": 3}',
     '3', '2020-01-03'),
    (9, 'A12\n', 'A12', 'x', null, 9, 3, 9, 9, timestamp'2020-01-01 11:30:00', '{}',
     '{', 'never')
"""


@pytest.fixture(scope="module")
def of_one_wrong(spark: SparkSession) -> tuple[dict[str, int], dict[str, gx.RuleVerdict]]:
    """What both find of a single wrong value, by type of rule."""
    names = "n, text, same, mostly_null, one_null, other, twice, rest, third, at, json"
    frame = spark.sql(f"SELECT * FROM VALUES {ONE_WRONG_ROWS} AS t({names}, like_json, dated)")
    kinds = {"text": "string", "at": "timestamp"}
    made = tuple(
        Rule(id=kind, expectation=kind, kwargs=typed(kind, kwargs, kinds))
        for kind, kwargs in ONE_WRONG.items()
    )
    compiled, _ = rules.compile_rules(made)
    dataset = city().dataset("meteorology.daily").model_copy(update={"rules": made})
    verdict = gx.judge(frame, dataset, "b1")
    return counts_of(frame, compiled), {v.rule.id: v for v in verdict.rules}


@pytest.mark.parametrize("kind", ONE_WRONG)
def test_one_wrong_value_is_found(
    kind: str, of_one_wrong: tuple[dict[str, int], dict[str, gx.RuleVerdict]]
) -> None:
    ours, theirs = of_one_wrong
    assert theirs[kind].error is None
    assert not theirs[kind].success
    assert ours.get(kind, 1) == 1
    assert theirs[kind].unexpected_rows in (None, 1, 2)  # two share a value that stands twice


def test_one_wrong_value_of_every_type() -> None:
    known = set(known_expectations())
    assert rules.SUPPORTED <= set(ONE_WRONG) <= known
    # These ask more of a column than a value of four can break.
    assert known - set(ONE_WRONG) == {
        "expect_column_kl_divergence_to_be_less_than",
        "expect_column_values_to_not_be_outliers",
    }


MORE_CASES: dict[str, list[dict[str, Any]]] = {
    "expect_column_mean_to_be_between": [
        {"column": "n", "min_value": 0, "max_value": 10}, {"column": "x", "max_value": 3},
        {"column": "n", "max_value": -1, "strict_max": True},
    ],
    "expect_column_stdev_to_be_between": [{"column": "n", "max_value": 1}],
    "expect_column_sum_to_be_between": [
        {"column": "n", "min_value": 1_000_000}, {"column": "id", "min_value": 1},
    ],
    "expect_column_proportion_of_non_null_values_to_be_between": [
        {"column": name, "min_value": 0.95} for name in ("n", "money", "day", "at", "text", "flag")
    ],
    "expect_column_proportion_of_unique_values_to_be_between": [
        {"column": name, "min_value": 0.2} for name in ("n", "day", "text")
    ],
    "expect_column_unique_value_count_to_be_between": [
        {"column": name, "max_value": 12} for name in ("n", "at", "text")
    ],
    "expect_column_values_to_be_unique": [{"column": "id"}, {"column": "text"}, {"column": "n"}],
    "expect_compound_columns_to_be_unique": [{"column_list": ["id", "n"]}],
    "expect_column_distinct_values_to_be_in_set": [{"column": "other", "value_set": ["abc", "x"]}],
    "expect_column_distinct_values_to_contain_set": [
        {"column": "other", "value_set": ["abc", "x"]}, {"column": "other", "value_set": ["y"]},
    ],
    "expect_table_row_count_to_be_between": [{"min_value": 1, "max_value": 100}],
    "expect_table_row_count_to_equal": [{"value": 8}],
    "expect_column_values_to_be_between": [
        {"column": "money", "max_value": 3, "strict_max": True, "mostly": 0.4},
    ],
    "expect_column_pair_values_a_to_be_greater_than_b": [
        {"column_A": "text", "column_B": "other", "or_equal": True},
    ],
    "expect_column_values_to_match_regex": [{"column": "text", "regex": r"\w\d"}],
}  # fmt: skip
"""What is judged in memory, too, beside :data:`CASES`."""


def _random_frame(spark: SparkSession, seed: int, nulls: float) -> DataFrame:
    """Rows of the same columns: values that meet, bounds that are met, nulls in any of them."""
    draw = random.Random(seed)

    def one(*values: Any) -> Any:
        return None if draw.random() < nulls else draw.choice(values)

    rows = [
        (
            number,
            one(-3, 0, 1, 2, 5, 10, 11, 2_000_000_000),
            one(-1.5, -0.0, 0.0, 0.1, 0.30000000000000004, 9.999, 10.0, 1e300),
            one(Decimal("0.10"), Decimal("1.50"), Decimal("3.00"), Decimal("-99999999.99")),
            one(dt.date(1899, 12, 31), dt.date(2016, 2, 29), dt.date(2029, 12, 31)),
            one(dt.datetime(1999, 12, 31, 23, 59, 59, 999999), dt.datetime(2000, 1, 1)),
            one("abc", "abcd", "ABC", "", " abc ", "a1", "\u4e2d\u6587", "\U0001f600b", "b\n"),
            one("abc", "abd", "x", "", "\uff11"),
            one(True, False),
        )
        for number in range(150)
    ]
    return spark.createDataFrame(rows, SCHEMA)


def _alike() -> list[Rule]:
    more = [
        Rule(id=f"{kind}:more:{n}", expectation=kind, kwargs=kwargs)
        for kind, cases in MORE_CASES.items()
        for n, kwargs in enumerate(cases)
    ]
    found = [*_rules(), *more]
    return [rule for rule in found if in_memory.columns_of([rule]) is not None]


@pytest.mark.parametrize("rows", ["plain", "nulls", "no nulls"])
def test_both_engines_of_great_expectations_come_to_the_same(
    spark: SparkSession, rows: str
) -> None:
    """What is judged in memory is judged as in Spark, or not at all."""
    frames = {
        "plain": lambda: _frame(spark),
        "nulls": lambda: _random_frame(spark, 7, 0.2),
        "no nulls": lambda: _random_frame(spark, 8, 0.0),
    }
    frame, base = frames[rows](), city().dataset("meteorology.daily")
    asked = base.model_copy(update={"rules": tuple(_alike())})
    table, judged = frame.toArrow(), []
    for theirs in gx.judge(frame, asked, "b1").rules:
        alone = base.model_copy(update={"rules": (theirs.rule,)})
        ours = gx.judge_table(table, alone, "b1")
        if ours is None:
            continue
        judged.append(theirs.rule.id)
        told = ours.rules[0]
        assert (told.success, told.unexpected_rows) == (theirs.success, theirs.unexpected_rows), (
            theirs.rule
        )
        assert told.error is None and theirs.error is None
        assert _number(told.observed) == pytest.approx(_number(theirs.observed)), theirs.rule
    assert [rule.id for rule in _alike() if rule.id not in judged] == LEFT[rows]


LEFT: dict[str, list[str]] = {
    "plain": [
        "column_values_to_match_regex:2",  # its dot stops at other ends of lines in Java
        "column_pair_values_to_be_equal:2",
        "expect_compound_columns_to_be_unique:more:0",
        "expect_column_values_to_match_regex:more:0",
    ],
    "nulls": [
        "column_values_to_match_regex:2",
        "column_pair_values_to_be_equal:2",
        "expect_compound_columns_to_be_unique:more:0",
        "expect_column_values_to_match_regex:more:0",
    ],
    "no nulls": ["column_values_to_match_regex:2", "expect_column_values_to_match_regex:more:0"],
}
"""What Spark is asked for all the same, for what the rows hold."""


def _number(observed: str | None) -> Any:
    try:
        return float(observed or "nan") if observed else None
    except ValueError:
        return sorted(observed or "")


def test_every_supported_type_has_cases() -> None:
    assert set(CASES) == rules.SUPPORTED


@pytest.mark.parametrize("rule", [r for r in _rules() if rules.is_row_rule(r)], ids=lambda r: r.id)
def test_both_count_the_same(rule: Rule, found: tuple[dict[str, int], gx.Verdict]) -> None:
    ours, verdict = found
    theirs = next(v for v in verdict.rules if v.rule.id == rule.id)
    assert theirs.error is None
    assert ours[rule.id] == theirs.unexpected_rows


def test_the_cases_find_something_and_pass_something(
    found: tuple[dict[str, int], gx.Verdict],
) -> None:
    ours, _ = found
    for kind in CASES:
        name = kind.removeprefix("expect_")
        assert any(0 < n < len(ROWS) for rule, n in ours.items() if rule.startswith(name)), kind


def test_what_does_not_compile_is_judged_by_great_expectations(
    found: tuple[dict[str, int], gx.Verdict],
) -> None:
    ours, verdict = found
    theirs = {v.rule.id: v for v in verdict.rules if v.rule.id.startswith("uncompiled")}
    assert not set(theirs) & set(ours)
    assert [theirs[f"uncompiled:{n}"].success for n in range(3)] == [False, True, False]
    assert all(v.error is None for v in theirs.values())


def test_a_rule_that_can_not_be_judged_has_not_passed(spark: SparkSession) -> None:
    rule = Rule(
        id="broken",
        expectation="expect_column_values_to_match_regex",
        kwargs={"column": "text", "regex": "("},
        severity=Severity.WARNING,
    )
    base: Dataset = city().dataset("meteorology.daily")
    verdict = gx.judge(_frame(spark), base.model_copy(update={"rules": (rule,)}), "b1")
    held = gx.holding(verdict, [rule])
    assert len(held) == 1
    assert held[0].startswith("rule broken could not be judged: ")


def test_the_page_loads_nothing_and_shows_no_value(spark: SparkSession) -> None:
    secret = "990101198001010999"
    frame = spark.createDataFrame([(secret, "2016-01-01")], "text string, day string")
    rule = Rule(
        id="form", expectation="expect_column_values_to_match_regex",
        kwargs={"column": "text", "regex": "^a"},
    )  # fmt: skip
    base = city().dataset("meteorology.daily")
    verdict = gx.judge(frame, base.model_copy(update={"rules": (rule,)}), "b1")
    assert "form" in verdict.page or "regular expression" in verdict.page
    assert secret not in verdict.page
    assert "http-equiv" in verdict.page
    for loaded in ("<script", "<link", "http://", "https://"):
        assert loaded not in verdict.page


def test_both_agree_on_the_citys_own_suites(
    settings: Settings, spark: SparkSession, tmp_path: Path
) -> None:
    """Every rule of a real contract on rows that break many of them."""
    nights = Nights(settings, spark, tmp_path, city().dataset("meteorology.daily"))
    delivery = Path(__file__).resolve().parents[1] / "golden/meteorology.daily/night_1/delivery.csv"
    limits = nights.dataset.limits.model_copy(update={"max_set_aside_fraction": 1.0})
    nights.dataset = nights.dataset.model_copy(update={"limits": limits})
    result = nights.run("b1", delivery.read_text())
    assert result.status == "merged"  # a difference of counts would have held it
    assert json.loads(json.dumps(result.reasons)) == result.reasons


def test_decide_needs_no_rules(spark: SparkSession) -> None:
    """A dataset whose contract asks for nothing still has its rows decided upon."""
    dataset = city().dataset("meteorology.daily")
    frame = spark.sql(
        "SELECT date'2016-01-01' AS date, 1.0D AS precipitation_mm, 1.0D AS temp_max_c,"
        " 1.0D AS temp_min_c, 1.0D AS wind_m_per_s, 'sun' AS weather,"
        " timestamp'2016-01-01' AS _sequence, timestamp'2016-01-01' AS _delivered_at, 'f' AS _file,"
        " 1L AS _row, 'b/0/1' AS _record_id, CAST(NULL AS string) AS _malformed"
    )
    judged = judge(frame, [])
    decided = decide(judged, dataset)
    assert decided.count() == 0
    for told in (None, decided):
        assert with_fate(judged, told).select("_fate").collect() == [("good",)]
