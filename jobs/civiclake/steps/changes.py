"""Change logs: what a row of operations means, and which rules a deletion must keep."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from civiclake import columns as c
from civiclake.contracts.model import (
    AHEAD_PREFIX,
    AMBIGUOUS_PREFIX,
    GIVEN_PREFIX,
    INVALID_PREFIX,
    ORPHAN_PREFIX,
    REPLACED_PREFIX,
    SKIPPED_PREFIX,
    UNCAST_PREFIX,
    UNKNOWN_PREFIX,
    Dataset,
    Rule,
)
from civiclake.steps.rules import CompiledRule

_PREFIXES = (
    UNCAST_PREFIX,
    UNKNOWN_PREFIX,
    ORPHAN_PREFIX,
    REPLACED_PREFIX,
    INVALID_PREFIX,
    SKIPPED_PREFIX,
    AMBIGUOUS_PREFIX,
    GIVEN_PREFIX,
    AHEAD_PREFIX,
)


def with_operation(typed: DataFrame, dataset: Dataset) -> DataFrame:
    """Mark the rows of a change log that say that their key is gone.

    Returns:
        ``typed`` with the boolean ``_is_delete``, or as it is when the dataset is no change log.
    """
    if dataset.operation is None:
        return typed
    gone = F.coalesce(F.col(dataset.operation).isin(list(dataset.delete_words)), F.lit(False))
    return typed.withColumn(c.IS_DELETE, gone)


def spare_deletes(rules: Sequence[CompiledRule], dataset: Dataset) -> list[CompiledRule]:
    """Let a deletion be judged by its key, its sequence and its operation alone.

    A log tells little more of a row that is gone: what is empty there is no fault.
    """
    if dataset.operation is None:
        return list(rules)
    told = {*dataset.key, dataset.sequence, dataset.operation}
    spared = ~F.col(c.IS_DELETE)
    return [
        rule if columns_of(rule.rule) <= told else CompiledRule(rule.rule, rule.breaks & spared)
        for rule in rules
    ]


def kept(dataset: Dataset) -> Column:
    """Whether a row brings values to be judged: all rows but deletions."""
    return F.lit(True) if dataset.operation is None else ~F.col(c.IS_DELETE)


def columns_of(rule: Rule) -> set[str]:
    """The contract's columns that a rule looks at."""
    named = [rule.kwargs[k] for k in ("column", "column_A", "column_B") if k in rule.kwargs]
    return {_plain(name) for name in (*named, *rule.kwargs.get("column_list", ()))}


def _plain(name: str) -> str:
    for prefix in _PREFIXES:
        name = name.removeprefix(prefix)
    return name
