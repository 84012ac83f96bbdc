"""validate: every row rule in one pass, as bits; then what becomes of each row."""

from __future__ import annotations

import operator
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from civiclake import columns as c
from civiclake.contracts.model import AMBIGUOUS_PREFIX, Dataset, History
from civiclake.contracts.rules.structural import AMBIGUOUS_TIME
from civiclake.steps.alike import Alike, lost_bits
from civiclake.steps.changes import kept
from civiclake.steps.fold import fold
from civiclake.steps.moments import local_times_of_key
from civiclake.steps.rules import CompiledRule, sets_aside

MALFORMED = "malformed"
"""Reason of a record that doesn't have the header's number of fields."""
DUPLICATE_KEY = "duplicate_key"
"""Reason of rows that share key and sequence but differ."""
IS_IDENTICAL = "_is_identical"
"""Of a superseded row: the same file holds another with the very same values."""
IS_EARLIER_NAME = "_is_earlier_name"
"""Of a superseded row: what was kept is of the same time, and its file has the later name."""
_RULE_PART, _REASON_PART = "rule:", "reason:"
_COUNTED_AT_ONCE = 2 * c.BITS


@dataclass(frozen=True)
class Counts:
    """What :func:`judge` found in a batch."""

    rows: int
    sound: int
    by_rule: dict[str, int]
    """Rows that bring values and break the rule."""
    by_reason: dict[str, int]
    """Rows to be set aside, by rule or ``malformed``; a row may have several reasons."""


def judge(
    prepared: DataFrame, rules: Sequence[CompiledRule], alike: Alike | None = None
) -> DataFrame:
    """Evaluate all row rules in one pass.

    Args:
        prepared: standardized rows with all helper columns.
        rules: compiled row rules, in the order that gives their bits.
        alike: columns that were read together; the rules on their types come first, in the
            order of ``alike.cast``.

    Returns:
        ``prepared`` with one bigint ``_broken_<w>`` per 62 rules, and ``_is_sound``.
    """
    cast = alike.cast if alike else []
    words = [_word(rules, start, cast).alias(_word_name(start)) for start in _starts(rules)]
    return prepared.select("*", *words).withColumn(c.IS_SOUND, ~_is_broken(rules))


def keep_broken_records(judged: DataFrame) -> DataFrame:
    """Leave the record as it came out of sound rows: it is as large as all the rest."""
    return judged.withColumn(c.RAW, F.when(~F.col(c.IS_SOUND), F.col(c.RAW)))


def is_wide(rules: Sequence[CompiledRule]) -> bool:
    """Whether there are so many rules that only those should be counted that a row breaks."""
    return len(rules) > _COUNTED_AT_ONCE


def counts(
    rules: Sequence[CompiledRule], dataset: Dataset, only: Collection[str] | None = None
) -> list[Column]:
    """Aggregates of judged rows, for :func:`read_counts`.

    Args:
        rules: the rules that gave the bits.
        dataset: the compiled contract.
        only: ids of the rules to count; default: all.
    """
    broken = {r.rule.id: _bit(i) for i, r in enumerate(rules) if only is None or r.rule.id in only}
    reasons = {
        r.rule.id: broken[r.rule.id] for r in rules if sets_aside(r.rule) and r.rule.id in broken
    }
    reasons[MALFORMED] = F.col(c.CORRUPT).isNotNull()
    brings_values = kept(dataset)
    return [
        F.count("*").alias("rows"),
        F.count_if(F.col(c.IS_SOUND)).alias("sound"),
        *[F.count_if(bit & brings_values).alias(_RULE_PART + name) for name, bit in broken.items()],
        *[F.count_if(bit).alias(_REASON_PART + name) for name, bit in reasons.items()],
    ]


def glance(rules: Sequence[CompiledRule]) -> list[Column]:
    """Aggregates of judged rows that tell which rules are broken at all, for :func:`seen`.

    A thousand columns have a thousand rules, of which a delivery breaks a few: to count each
    of them takes most of the time that judging does.
    """
    words = [_word_name(start) for start in _starts(rules)]
    return [F.coalesce(F.bit_or(name), F.lit(0)).alias(name) for name in words]


def seen(rules: Sequence[CompiledRule], row: Mapping[str, int]) -> set[str]:
    """The rules that a row breaks, by the values of :func:`glance`."""
    return {r.rule.id for i, r in enumerate(rules) if row[_word_name(i)] >> (i % c.BITS) & 1}


def read_counts(row: Mapping[str, int], rules: Sequence[CompiledRule]) -> Counts:
    """Take the values of :func:`counts` apart; what was not counted is broken by no row."""

    def part(prefix: str) -> dict[str, int]:
        return {k.removeprefix(prefix): v for k, v in row.items() if k.startswith(prefix)}

    by_rule = {**{r.rule.id: 0 for r in rules}, **part(_RULE_PART)}
    by_reason = {**{r.rule.id: 0 for r in rules if sets_aside(r.rule)}, **part(_REASON_PART)}
    return Counts(row["rows"], row["sound"], by_rule, by_reason)


def decide(judged: DataFrame, dataset: Dataset) -> DataFrame:
    """Say which sound rows do not go on because of other rows of the batch.

    Per key, only the row with the highest sequence goes on; with history, one row of every
    sequence does. When several have it, the place in a change log decides, or the names of files
    of one time. When nothing does and they differ, nobody can know which is right, and all of
    them are set aside. Few keys come twice: only their rows are put in order.

    Args:
        judged: rows of :func:`judge`, staged, for they are read twice.
        dataset: the compiled contract.

    Returns:
        ``_record_id`` and ``_fate`` (``superseded`` or ``duplicate_key``) of those rows, and
        whether they are superseded by an identical row of their file, or by a file's name alone.
    """
    by = _contested(dataset)
    rows = _contenders(judged.where(F.col(c.IS_SOUND)), by)
    place = _place(dataset)
    rows = rows.withColumns({"_place": place, "_text": _unified_values(dataset)})
    key = Window.partitionBy(*by)
    newest_first = key.orderBy(
        F.col(c.SEQUENCE).desc_nulls_last(), F.col("_place").desc(), F.col(c.RECORD)
    )
    moment = Window.partitionBy(*by, c.SEQUENCE)
    top = Window.partitionBy(*by, c.SEQUENCE, "_place")
    alike = Window.partitionBy(*by, c.SEQUENCE, c.FILE, "_text").orderBy(c.RECORD)
    of_newest = F.col(c.SEQUENCE).eqNullSafe(F.max(c.SEQUENCE).over(key))
    ranked = rows.select(
        c.RECORD,
        F.row_number().over(newest_first).alias("_rank"),
        of_newest.alias("_is_newest"),
        (F.col("_place") == F.max("_place").over(moment)).alias("_is_last"),
        (F.min("_text").over(top) != F.max("_text").over(top)).alias("_differs"),
        (F.min("_text").over(moment) != F.max("_text").over(moment)).alias("_vary"),
        (F.row_number().over(alike) > 1).alias("_is_again"),
    )
    is_top = F.col("_is_newest") & F.col("_is_last")
    fate = F.when(is_top & F.col("_differs"), c.FATE_DUPLICATE_KEY).when(
        F.col("_rank") > 1, c.FATE_SUPERSEDED
    )
    # A log may say the same twice: that is one word.
    identical = F.col("_is_again") & F.lit(dataset.operation is None)
    by_name = F.col("_is_newest") & ~F.col("_is_last") & F.col("_vary")
    return ranked.select(
        c.RECORD,
        fate.alias(c.FATE),
        identical.alias(IS_IDENTICAL),
        (by_name & F.lit(dataset.is_ordered_by_name)).alias(IS_EARLIER_NAME),
    ).where(F.col(c.FATE).isNotNull())


def _contested(dataset: Dataset) -> list[str]:
    """What only one row of a batch can have."""
    version = [c.SEQUENCE] if dataset.history is History.HISTORY else []
    return [*dataset.key, *version]


def shared(judged: DataFrame, dataset: Dataset) -> DataFrame:
    """Hashes of what several sound rows have in common of which one alone can go on."""
    return _again(judged.where(F.col(c.IS_SOUND)), _contested(dataset))


def _place(dataset: Dataset) -> Column:
    """What orders rows of one key and moment: the same for all of them where nothing does.

    Landing numbers files by time and then by name.
    """
    file = F.element_at(F.split(c.RECORD, "/"), 2).cast("int")
    if dataset.is_ordered_log:
        return F.struct(F.col(c.DELIVERED), file, F.col(c.ROW))
    return F.struct(file) if dataset.is_ordered_by_name else F.struct(F.lit(0))


def decide_files(judged: DataFrame, older: Sequence[str]) -> DataFrame:
    """Of a line list: rows of files that a newer version of the same name replaces in the batch.

    Args:
        judged: rows of :func:`judge`.
        older: what the records' ids of those files begin with, such as ``b1/0``.
    """
    rows = judged.where(F.col(c.IS_SOUND) & F.substring_index(c.RECORD, "/", 2).isin(list(older)))
    told = (F.lit(c.FATE_SUPERSEDED).alias(c.FATE), F.lit(False).alias(IS_IDENTICAL))
    return rows.select(c.RECORD, *told, F.lit(False).alias(IS_EARLIER_NAME))


def _contenders(sound: DataFrame, by: Sequence[str]) -> DataFrame:
    """The rows that share their key with another row, and now and then one that does not.

    Keys are told apart by a 64-bit number: of millions of texts a shuffle and a table in memory
    would cost as much as all rules together. Two keys may have the same one; the few rows that
    come along are alone under their key, and go on.
    """
    keys = F.broadcast(_again(sound, by))
    return sound.join(keys, F.xxhash64(*by) == F.col("_again"), "left_semi")


def _again(sound: DataFrame, by: Sequence[str]) -> DataFrame:
    rows = F.count("*").alias("_rows")
    found = sound.select(F.xxhash64(*by).alias("_again")).groupBy("_again").agg(rows)
    return found.where(F.col("_rows") > 1).select("_again")


def with_fate(judged: DataFrame, decided: DataFrame | None) -> DataFrame:
    """Say of every row what becomes of it, before the served table is looked at.

    Args:
        judged: rows of :func:`judge`.
        decided: rows of :func:`decide`; None where no key came twice.

    Returns:
        ``judged`` with ``_fate``: ``broken``, ``duplicate_key``, ``superseded`` or ``good``.
    """
    broken = F.when(~F.col(c.IS_SOUND), c.FATE_BROKEN)
    if decided is None:
        return judged.withColumn(c.FATE, broken.otherwise(c.FATE_GOOD))
    told = decided.select(F.col(c.RECORD).alias("_told"), F.col(c.FATE).alias("_told_fate"))
    joined = judged.join(F.broadcast(told), F.col(c.RECORD) == F.col("_told"), "left")
    fate = broken.otherwise(F.coalesce(F.col("_told_fate"), F.lit(c.FATE_GOOD)))
    return joined.withColumn(c.FATE, fate).drop("_told", "_told_fate")


def _unified_values(dataset: Dataset) -> Column:
    """One comparable text of all that the unified table would hold, nulls told apart."""
    kept = [F.col(col.name).cast("string").alias(col.name) for col in dataset.unified_columns]
    text = F.to_json(F.struct(*kept), {"ignoreNullFields": "false"})
    return text if dataset.operation is None else F.when(~F.col(c.IS_DELETE), text).otherwise("")


def reasons(
    rules: Sequence[CompiledRule], dataset: Dataset, by_reason: Mapping[str, int]
) -> Column:
    """Why a row was set aside: ids of the critical rules it breaks, or the key's trouble.

    A key that is another row's because clocks showed its time twice is named by that.

    Args:
        rules: the rules that gave the bits.
        dataset: the compiled contract.
        by_reason: rows by reason; a rule that no row breaks is looked at no more.
    """
    broken = [
        F.when(_bit(i), F.lit(r.rule.id))
        for i, r in enumerate(rules)
        if sets_aside(r.rule) and by_reason.get(r.rule.id)
    ]
    malformed = F.when(F.col(c.CORRUPT).isNotNull(), F.lit(MALFORMED))
    said: Column = F.lit(DUPLICATE_KEY)
    for name in reversed(local_times_of_key(dataset)):
        reason = f"{AMBIGUOUS_TIME}:{name}"
        if by_reason.get(reason):
            unsure = F.col(AMBIGUOUS_PREFIX + name).isNotNull()
            said = F.when(unsure, F.lit(reason)).otherwise(said)
    key = F.when(F.col(c.FATE) == c.FATE_DUPLICATE_KEY, said)
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


def _word(rules: Sequence[CompiledRule], start: int, cast: Sequence[str]) -> Column:
    """Rules by 62; those on the first of them, where columns were read together, at once."""
    at_once = cast[start : start + c.BITS]
    bits = [
        F.when(r.breaks, F.lit(1 << i).cast("bigint")).otherwise(F.lit(0).cast("bigint"))
        for i, r in enumerate(rules[start : start + c.BITS])
        if i >= len(at_once)
    ]
    if at_once:
        bits.append(lost_bits(start, len(at_once)))
    return fold(operator.add, bits)


def _bit(index: int) -> Column:
    mask = F.lit(1 << (index % c.BITS)).cast("bigint")
    return F.col(f"{c.BROKEN}{index // c.BITS}").bitwiseAND(mask) != 0
