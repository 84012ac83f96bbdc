"""Row rules as Spark columns: each Great Expectations check, compiled once.

A compiled rule is a column that is true exactly where Great Expectations would count the
row as unexpected; ``tests/spark/test_rules.py`` holds the two equal for every type here.
Rules of other types are judged by Great Expectations alone.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyspark.sql import Column
from pyspark.sql import functions as F

from civiclake.contracts.model import Rule, Severity
from civiclake.steps.fold import fold

Compiler = Callable[[Mapping[str, Any]], Column]

_IGNORED = {"mostly", "meta", "notes", "result_format", "catch_exceptions", "severity"}
"""Arguments that change the verdict on the batch or its report, not on a row."""


@dataclass(frozen=True)
class CompiledRule:
    """A rule with the column that finds the rows breaking it."""

    rule: Rule
    breaks: Column
    """True where the row breaks the rule; never null."""


def compile_rules(rules: Sequence[Rule]) -> tuple[list[CompiledRule], list[Rule]]:
    """Compile what can be compiled.

    Returns:
        The compiled row rules in order, and the rules that only Great Expectations judges.
    """
    compiled: list[CompiledRule] = []
    rest: list[Rule] = []
    for rule in rules:
        column = _compile(rule)
        if column is None:
            rest.append(rule)
        else:
            compiled.append(CompiledRule(rule, F.coalesce(column, F.lit(False))))
    return compiled, rest


def is_row_rule(rule: Rule) -> bool:
    """Whether a rule judges rows one by one and compiles to a column."""
    return _supported(rule) is not None


def _supported(rule: Rule) -> tuple[Compiler, dict[str, Any]] | None:
    found = _COMPILERS.get(rule.expectation)
    if found is None:
        return None
    compiler, known = found
    arguments = {k: v for k, v in rule.kwargs.items() if v is not None and k not in _IGNORED}
    return (compiler, arguments) if set(arguments) <= known else None


def _compile(rule: Rule) -> Column | None:
    supported = _supported(rule)
    return None if supported is None else supported[0](supported[1])


def sets_aside(rule: Rule) -> bool:
    """Whether a row that breaks the rule is set aside (others are only counted)."""
    return rule.severity is Severity.CRITICAL


def _any(parts: Sequence[Column]) -> Column:
    return fold(operator.or_, parts)


def _null(a: Mapping[str, Any]) -> Column:
    return F.col(a["column"]).isNotNull()


def _not_null(a: Mapping[str, Any]) -> Column:
    return F.col(a["column"]).isNull()


def _between(a: Mapping[str, Any]) -> Column:
    return _outside(F.col(a["column"]), a)


def _lengths_between(a: Mapping[str, Any]) -> Column:
    return _outside(F.length(F.col(a["column"])), a)


def _outside(value: Column, a: Mapping[str, Any]) -> Column:
    parts: list[Column] = []
    if "min_value" in a:
        low = F.lit(a["min_value"])
        parts.append(value <= low if a.get("strict_min") else value < low)
    if "max_value" in a:
        high = F.lit(a["max_value"])
        parts.append(value >= high if a.get("strict_max") else value > high)
    return _any(parts)


def _lengths_equal(a: Mapping[str, Any]) -> Column:
    return F.length(F.col(a["column"])) != F.lit(a["value"])


def _in_set(a: Mapping[str, Any]) -> Column:
    return ~F.col(a["column"]).isin(list(a["value_set"]))


def _not_in_set(a: Mapping[str, Any]) -> Column:
    return F.col(a["column"]).isin(list(a["value_set"]))


def _regex(a: Mapping[str, Any]) -> Column:
    return ~F.col(a["column"]).rlike(a["regex"])


def _not_regex(a: Mapping[str, Any]) -> Column:
    return F.col(a["column"]).rlike(a["regex"])


def _pair_greater(a: Mapping[str, Any]) -> Column:
    """A pair with a null in it is no breach: Great Expectations does not count it."""
    first, second = F.col(a["column_A"]), F.col(a["column_B"])
    return first < second if a.get("or_equal") else first <= second


def _pair_equal(a: Mapping[str, Any]) -> Column:
    """A half-null pair differs, unless the rule leaves such rows out."""
    first, second = F.col(a["column_A"]), F.col(a["column_B"])
    differs = ~first.eqNullSafe(second)
    if a.get("ignore_row_if") == "either_value_is_missing":
        return first.isNotNull() & second.isNotNull() & differs
    return differs


_C = frozenset({"column"})
_RANGE = frozenset({"column", "min_value", "max_value", "strict_min", "strict_max"})
_PAIR = frozenset({"column_A", "column_B", "ignore_row_if"})

_COMPILERS: dict[str, tuple[Compiler, frozenset[str]]] = {
    "expect_column_values_to_be_null": (_null, _C),
    "expect_column_values_to_not_be_null": (_not_null, _C),
    "expect_column_values_to_be_between": (_between, _RANGE),
    "expect_column_value_lengths_to_be_between": (_lengths_between, _RANGE),
    "expect_column_value_lengths_to_equal": (_lengths_equal, _C | {"value"}),
    "expect_column_values_to_be_in_set": (_in_set, _C | {"value_set"}),
    "expect_column_values_to_not_be_in_set": (_not_in_set, _C | {"value_set"}),
    "expect_column_values_to_match_regex": (_regex, _C | {"regex"}),
    "expect_column_values_to_not_match_regex": (_not_regex, _C | {"regex"}),
    "expect_column_pair_values_a_to_be_greater_than_b": (_pair_greater, _PAIR | {"or_equal"}),
    "expect_column_pair_values_to_be_equal": (_pair_equal, _PAIR),
}

SUPPORTED = frozenset(_COMPILERS)
"""Expectation types that compile to a column."""
