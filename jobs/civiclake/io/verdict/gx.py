"""Great Expectations: the batch's official verdict and its Data Docs page.

The suite is the same that ``steps/rules.py`` compiles; here it is judged by Great
Expectations itself. No value of a record leaves this module: results carry counts only,
and the pages load nothing from anywhere.
"""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from civiclake.contracts.model import Dataset, Mart, Rule, Severity
from civiclake.contracts.sql import sql_name
from civiclake.io.verdict import data_docs, in_memory
from civiclake.io.verdict.gx_metrics import answer_values_without_spark

_OF_MOMENTS = ("expect_column_max_to_be_between", "expect_column_min_to_be_between")
_BOUNDS = ("min_value", "max_value")
_COUNTS_ONLY = {"result_format": "BASIC", "partial_unexpected_count": 0}


@dataclass(frozen=True)
class RuleVerdict:
    """What Great Expectations found for one rule."""

    rule: Rule
    success: bool
    unexpected_rows: int | None
    """Rows that break the rule; None for rules on the whole batch."""
    observed: str | None
    """Value that a rule on the whole batch looked at."""
    error: str | None
    """Why the rule could not be judged; such a rule has not passed."""


@dataclass(frozen=True)
class Verdict:
    """What Great Expectations found for a batch."""

    success: bool
    rules: tuple[RuleVerdict, ...]
    page: str
    """The Data Docs page, as HTML that loads nothing."""


@cache
def _library() -> ModuleType:
    """Import takes seconds, so it happens while Spark works; and quietly."""
    _without_calls()
    import great_expectations

    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    # Its temporary folders are of no interest to an operator.
    logging.getLogger("great_expectations.data_context.types.base").setLevel(logging.ERROR)
    return great_expectations


def _without_calls() -> None:
    """Read by Great Expectations at its import and again with every context."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"


def warm_up() -> None:
    """Import Great Expectations ahead of time, and compile its pages' templates."""
    _library()
    data_docs.warm_up()


def judge(
    prepared: DataFrame, dataset: Dataset | Mart, batch_id: str, *, few: int | None = None
) -> Verdict:
    """Let Great Expectations judge a batch by all its rules.

    Args:
        prepared: standardized rows with the helper columns that the rules name.
        dataset: the compiled contract.
        batch_id: for the page's title.
        few: how many rows these are, where they may be judged in memory: it is done if it is known
            to come to the same (:mod:`civiclake.io.verdict.in_memory`).

    Returns:
        The verdict, rule by rule, in the contract's order.
    """
    _library()
    _without_calls()
    named = None if few is None else in_memory.columns_of(dataset.rules)
    found = None
    if few is not None and named is not None and few * len(named) <= in_memory.MOST_VALUES:
        columns = [F.col(sql_name(name)) for name in named] or [F.lit(1).alias("_row")]
        found = judge_table(prepared.select(*columns).toArrow(), dataset, batch_id)
    return found or _judge_in_spark(prepared, dataset, batch_id)


def _judge_in_spark(prepared: DataFrame, dataset: Dataset | Mart, batch_id: str) -> Verdict:
    context = _context()
    answer_values_without_spark({rule.expectation for rule in dataset.rules})
    # The rows are staged in Parquet already; a cached frame can't be the source of a MERGE.
    source = context.data_sources.add_spark(name="lake", persist=False)
    return _told(_validate(source, dataset, dataset.rules, batch_id, prepared), dataset)


def judge_table(table: pa.Table, dataset: Dataset | Mart, batch_id: str) -> Verdict | None:
    """Let Great Expectations' pandas engine judge a batch.

    Args:
        table: the columns of :func:`civiclake.io.verdict.in_memory.columns_of`.
        dataset: as in :func:`judge`.
        batch_id: as in :func:`judge`.

    Returns:
        The verdict; None where Spark might come to another one.
    """
    rows = in_memory.rows_of(dataset.rules, table)
    if rows is None:
        return None
    rules = [in_memory.told_alike(rule, rows) for rule in dataset.rules]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of pandas, on groups in regular expressions
        source = _context().data_sources.add_pandas(name="lake")
        result = _validate(source, dataset, rules, batch_id, rows)
    by_id = {rule.id: rule for rule in rules}
    for one in result.results:
        rule, found = by_id[one.expectation_config.meta["rule"]], one.result or {}
        observed = found.get("observed_value")
        if isinstance(observed, np.generic):  # the page can't show it
            observed = found["observed_value"] = observed.item()
        if _error(one.exception_info) or not in_memory.is_clear(rule, observed):
            return None
    return _told(result, dataset)


def _context() -> Any:
    context = _library().get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}
    return context


def _validate(
    source: Any, dataset: Dataset | Mart, rules: Sequence[Rule], batch_id: str, rows: Any
) -> Any:
    asset = source.add_dataframe_asset(name=dataset.id)
    definition = asset.add_batch_definition_whole_dataframe(batch_id)
    batch = definition.get_batch(batch_parameters={"dataframe": rows})
    expectations = [_configuration(rule) for rule in rules]
    suite = _library().ExpectationSuite(name=dataset.id, expectations=expectations)
    return batch.validate(suite, result_format=_COUNTS_ONLY)


def _told(result: Any, dataset: Dataset | Mart) -> Verdict:
    by_id = {r.expectation_config.meta["rule"]: r for r in result.results}
    verdicts = tuple(_verdict(rule, by_id[rule.id]) for rule in dataset.rules)
    return Verdict(bool(result.success), verdicts, data_docs.page(result))


def _configuration(rule: Rule) -> dict[str, Any]:
    meta: dict[str, Any] = {"rule": rule.id, "origin": rule.origin}
    if rule.description:
        meta["notes"] = rule.description
    return {
        "type": rule.expectation,
        "kwargs": _arguments(rule),
        "severity": rule.severity.value,
        "meta": meta,
    }


def _arguments(rule: Rule) -> dict[str, Any]:
    """The rule's arguments as Great Expectations is to be told them.

    It compares the highest or lowest moment of a column here, where Spark's client hands moments
    out in this machine's zone and without it, and can't compare them with one that has its offset.
    """
    if rule.expectation not in _OF_MOMENTS:
        return dict(rule.kwargs)
    return {name: _here(value) if name in _BOUNDS else value for name, value in rule.kwargs.items()}


def _here(value: Any) -> Any:
    if not isinstance(value, str) or "T" not in value:
        return value
    moment = datetime.fromisoformat(value)
    return moment.astimezone().replace(tzinfo=None).isoformat() if moment.tzinfo else value


def _verdict(rule: Rule, result: Any) -> RuleVerdict:
    found = result.result or {}
    observed = found.get("observed_value")
    return RuleVerdict(
        rule=rule,
        success=bool(result.success),
        unexpected_rows=found.get("unexpected_count"),
        observed=None if observed is None else str(observed),
        error=_error(result.exception_info),
    )


def _error(info: dict[str, Any] | None) -> str | None:
    """The first message in a result's exception info, which nests when many metrics failed."""
    if not info:
        return None
    if "raised_exception" in info:
        return str(info.get("exception_message")) if info["raised_exception"] else None
    nested = [_error(part) for part in info.values() if isinstance(part, dict)]
    return next((message for message in nested if message), None)


def holding(verdict: Verdict, row_rules: Sequence[Rule]) -> list[str]:
    """Why a batch as a whole is not to be merged: one sentence per failed critical rule.

    A failed row rule only sets rows aside, unless it says how many rows may fail
    (``mostly``). A rule that could not be judged has not passed.
    """
    compiled = {rule.id for rule in row_rules}
    found: list[str] = []
    for v in verdict.rules:
        if v.error is not None:
            found.append(f"rule {v.rule.id} could not be judged: {v.error}")
        elif v.success or v.rule.severity is not Severity.CRITICAL:
            continue
        elif v.rule.id not in compiled or "mostly" in v.rule.kwargs:
            seen = f"{v.unexpected_rows} rows" if v.observed is None else v.observed
            found.append(f"rule {v.rule.id} failed: {v.rule.expectation} saw {seen}")
    return found
