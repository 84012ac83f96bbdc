"""validate: every row rule in one pass, as bits; then what becomes of each row."""

from __future__ import annotations

import operator
from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from civiclake import columns as c
from civiclake.contracts.model import Dataset, History
from civiclake.steps.fold import fold
from civiclake.steps.rules import CompiledRule, sets_aside

MALFORMED = "malformed"
"""Reason of a record that doesn't have the header's number of fields."""
DUPLICATE_KEY = "duplicate_key"
"""Reason of rows that share key and sequence but differ."""
_RULE_PART = "rule:"
_FATE_PART = "fate:"


def judge(prepared: DataFrame, rules: Sequence[CompiledRule]) -> DataFrame:
    """Evaluate all row rules in one pass.

    Args:
        prepared: standardized rows with all helper columns.
        rules: compiled row rules, in the order that gives their bits.

    Returns:
        ``prepared`` with one bigint ``_broken_<w>`` per 62 rules.
    """
    words = [_word(rules, start).alias(_word_name(start)) for start in _starts(rules)]
    return prepared.select("*", *words)


def decide(judged: DataFrame, rules: Sequence[CompiledRule], dataset: Dataset) -> DataFrame:
    """Say what becomes of each row, before the served table is looked at.

    Per key, only the row with the highest sequence goes on; with history, one row of every
    sequence does. When several have it and differ, nobody can know which is right, and all
    of them are set aside.

    Returns:
        ``judged`` with ``_fate``: ``broken``, ``duplicate_key``, ``superseded`` or ``good``.
    """
    sound = judged.withColumn("_sound", ~_is_broken(rules))
    version = [c.SEQUENCE] if dataset.history is History.HISTORY else []
    per_key = Window.partitionBy(*dataset.key, "_sound", *version)
    newest_first = per_key.orderBy(F.col(c.SEQUENCE).desc_nulls_last(), F.col(c.RECORD))
    top = Window.partitionBy(*dataset.key, "_sound", c.SEQUENCE)
    values = _unified_values(dataset)
    ranked = sound.select(
        "*",
        F.row_number().over(newest_first).alias("_rank"),
        F.max(c.SEQUENCE).over(per_key).alias("_top"),
        (F.min(values).over(top) != F.max(values).over(top)).alias("_differs"),
    )
    contested = F.col(c.SEQUENCE).eqNullSafe(F.col("_top")) & F.col("_differs")
    fate = (
        F.when(~F.col("_sound"), c.FATE_BROKEN)
        .when(contested, c.FATE_DUPLICATE_KEY)
        .when(F.col("_rank") > 1, c.FATE_SUPERSEDED)
        .otherwise(c.FATE_GOOD)
    )
    return ranked.withColumn(c.FATE, fate).drop("_sound", "_rank", "_top", "_differs")


def _unified_values(dataset: Dataset) -> Column:
    """One comparable text of all that the unified table would hold, nulls told apart."""
    kept = [F.col(col.name).cast("string").alias(col.name) for col in dataset.unified_columns]
    text = F.to_json(F.struct(*kept), {"ignoreNullFields": "false"})
    return text if dataset.operation is None else F.when(~F.col(c.IS_DELETE), text).otherwise("")


def counts(decided: DataFrame, rules: Sequence[CompiledRule], counted: Column) -> DataFrame:
    """Count fates and broken rules in one aggregate.

    Args:
        decided: rows with fates and bits.
        rules: the rules that gave the bits.
        counted: which rows count under their rules; a deletion brings no values.

    Returns:
        One row: ``rows``, ``fate:<fate>`` per fate and ``rule:<id>`` per rule.
    """
    fates = (c.FATE_GOOD, c.FATE_BROKEN, c.FATE_SUPERSEDED, c.FATE_DUPLICATE_KEY)
    return decided.agg(
        F.count("*").alias("rows"),
        *[F.count_if(F.col(c.FATE) == f).alias(_FATE_PART + f) for f in fates],
        *[F.count_if(_bit(i) & counted).alias(_RULE_PART + r.rule.id) for i, r in enumerate(rules)],
    )


def read_counts(row: dict[str, int]) -> tuple[dict[str, int], dict[str, int]]:
    """Take the row of :func:`counts` apart: rows by fate, rows by broken rule."""
    fates = {k.removeprefix(_FATE_PART): v for k, v in row.items() if k.startswith(_FATE_PART)}
    by_rule = {k.removeprefix(_RULE_PART): v for k, v in row.items() if k.startswith(_RULE_PART)}
    return fates, by_rule


def reasons(rules: Sequence[CompiledRule]) -> Column:
    """Why a row was set aside: ids of the critical rules it breaks, or the key's trouble."""
    broken = [F.when(_bit(i), F.lit(r.rule.id)) for i, r in enumerate(rules) if sets_aside(r.rule)]
    malformed = F.when(F.col(c.CORRUPT).isNotNull(), F.lit(MALFORMED))
    key = F.when(F.col(c.FATE) == c.FATE_DUPLICATE_KEY, F.lit(DUPLICATE_KEY))
    return F.filter(F.array(malformed, key, *broken), lambda reason: reason.isNotNull())


def _is_broken(rules: Sequence[CompiledRule]) -> Column:
    """Whether a row breaks a rule that sets it aside, or is not a whole record."""
    parts = [F.col(c.CORRUPT).isNotNull()]
    for start in _starts(rules):
        mask = sum(
            1 << i for i, r in enumerate(rules[start : start + c.BITS]) if sets_aside(r.rule)
        )
        parts.append(F.col(_word_name(start)).bitwiseAND(F.lit(mask).cast("bigint")) != 0)
    return fold(operator.or_, parts)


def _starts(rules: Sequence[CompiledRule]) -> range:
    return range(0, len(rules), c.BITS)


def _word_name(start: int) -> str:
    return f"{c.BROKEN}{start // c.BITS}"


def _word(rules: Sequence[CompiledRule], start: int) -> Column:
    bits = [
        F.when(r.breaks, F.lit(1 << i).cast("bigint")).otherwise(F.lit(0).cast("bigint"))
        for i, r in enumerate(rules[start : start + c.BITS])
    ]
    return fold(operator.add, bits)


def _bit(index: int) -> Column:
    mask = F.lit(1 << (index % c.BITS)).cast("bigint")
    return F.col(f"{c.BROKEN}{index // c.BITS}").bitwiseAND(mask) != 0
