"""Whether a judged batch as a whole is to be believed, held against Great Expectations' verdict."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from civiclake import columns as c
from civiclake.contracts.model import UNCAST_PREFIX, ChangedType, Dataset, Rule
from civiclake.contracts.rules.loading import TYPE
from civiclake.errors import BatchHeld
from civiclake.io.verdict import gx
from civiclake.pipeline.night.batch import Batch
from civiclake.pipeline.night.judge import Judged
from civiclake.steps.alike import UNCAST, is_of_type
from civiclake.steps.changes import kept
from civiclake.steps.validate import is_wide

log = logging.getLogger(__name__)

UNBROKEN = "type:every"
"""Id of the rule that stands for all rules on types that no row breaks, where these are many."""
_UNBROKEN_COLUMN = "_every_type"
_TOGETHER = 50
_SHOWN_REASONS = 3
"""How many reasons a held batch names."""


def hold_unless_sound(batch: Batch, judged: Judged, verdict: gx.Verdict) -> None:
    """Refuse a batch that as a whole is not to be believed.

    Raises:
        BatchHeld: a critical rule on the batch failed, or too many rows are set aside.
    """
    problems = gx.holding(verdict, judged.row_rules)
    problems += [*_too_few(batch, judged), *_changed_types(batch, judged)]
    limits = batch.dataset.limits
    share = judged.set_aside / judged.read if judged.read else 0.0
    if share > limits.max_set_aside_fraction and not batch.is_replay:
        problems.append(
            f"{judged.set_aside} of {judged.read} rows ({share:.0%}) would be set aside, most for"
            f" {_worst(judged.by_reason)}; allowed are {limits.max_set_aside_fraction:.0%}"
        )
    if problems and batch.is_replay:
        log.warning(
            "%s is a part of a delivery, not held for: %s", batch.where, "; ".join(problems)
        )
    elif problems:
        owner = batch.dataset.owner
        raise BatchHeld(
            f"{batch.where} is held and the last good table stays served: {'; '.join(problems)};"
            f" ask {owner.name} ({owner.contact}) for a corrected delivery, or correct the rule"
            " and run the batch again"
        )


def _worst(by_reason: Mapping[str, int]) -> str:
    """The first few reasons with the rows that they set aside: a row may have several."""
    found = sorted(((n, reason) for reason, n in by_reason.items() if n), reverse=True)
    return ", ".join(f"{reason} ({n})" for n, reason in found[:_SHOWN_REASONS])


def _too_few(batch: Batch, judged: Judged) -> list[str]:
    """A batch suddenly small against those before it is a broken delivery until proved whole."""
    usual, least = batch.usual_rows, batch.dataset.min_rows_fraction
    if batch.is_replay or not usual or judged.read >= least * usual:
        return []
    return [
        f"it holds {judged.read} rows, {judged.read / usual:.0%} of the usual {usual:.0f} (median"
        f" of the last batches); allowed are {least:.0%} (limits.min_rows_fraction in"
        f" {batch.dataset.path})"
    ]


def _changed_types(batch: Batch, judged: Judged) -> list[str]:
    """Columns with values of another type, where the contract lets them hold the batch.

    Discarded values hold it as well when they are as many as rows may be set aside: a column
    that is null from one night on is a lost column.
    """
    policy = batch.dataset.drift.changed_type
    if policy is ChangedType.SET_ASIDE or batch.is_replay:
        return []
    share = 0.0 if policy is ChangedType.HOLD else batch.dataset.limits.max_set_aside_fraction
    found = []
    for column in batch.dataset.columns:
        wrong = judged.by_rule.get(f"{TYPE}{column.name}", 0)
        if wrong > share * judged.read:
            files = _files_with_uncast(judged, column.name)
            found.append(
                f"column {column.source_name} holds {wrong} values that are not of type"
                f" {column.spark_type} ({files}); drift.changed_type is {policy.value}"
            )
    return found


def _files_with_uncast(judged: Judged, column: str) -> str:
    wrong = judged.rows.where(_uncast(judged, column).isNotNull())
    rows = wrong.groupBy(c.FILE).count().orderBy(F.col("count").desc()).limit(5).collect()
    return ", ".join(f"{row['count']} in {row[c.FILE].rpartition('/')[2]}" for row in rows)


def _uncast(judged: Judged, column: str) -> Column:
    """The text of a column that could not be cast."""
    if judged.alike is not None and column in judged.alike.names:
        return judged.alike.uncast(column)
    return F.col(f"{UNCAST_PREFIX}{column}")


def for_verdict(batch: Batch, judged: Judged) -> tuple[DataFrame, Dataset]:
    """What Great Expectations is to judge: the rows and the rules.

    Where a thousand columns have a type, the helper columns of all rules that no row breaks by our
    count are put together into one, and Great Expectations is asked once whether it is null. It
    asks for each rule anew else, which costs as much as judging the rows.
    """
    rows = judged.rows.where(kept(batch.dataset))
    together = [r for r in judged.row_rules if is_of_type(r) and not judged.by_rule[r.id]]
    if not is_wide(judged.rules) or len(together) < _TOGETHER:
        return _with_uncast(rows, judged), batch.dataset
    known = {rule.id for rule in together}
    left = [rule for rule in batch.dataset.rules if rule.id not in known]
    asked = Rule(
        id=UNBROKEN,
        expectation=together[0].expectation,
        kwargs={"column": _UNBROKEN_COLUMN},
        description=f"in {len(together)} columns every value is of the column's type",
    )
    dataset = batch.dataset.model_copy(update={"rules": (*left, asked)})
    alike = judged.alike.names if judged.alike else frozenset()
    columns = {rule.id.removeprefix(TYPE) for rule in together}
    helpers = [f"{UNCAST_PREFIX}{name}" for name in sorted(columns - alike)]
    one = [F.col(name) for name in helpers]
    if judged.alike is not None:
        one.append(judged.alike.first_uncast(columns))
    named = rows.withColumn(_UNBROKEN_COLUMN, F.coalesce(*one)).drop(*helpers)
    return _with_uncast(named, judged, columns), dataset


def _with_uncast(rows: DataFrame, judged: Judged, but: Collection[str] = ()) -> DataFrame:
    """Give what could not be cast of columns that were read together the names that rules know.

    Args:
        rows: judged rows.
        judged: how they were judged.
        but: columns whose rules are not asked by themselves.
    """
    if judged.alike is None:
        return rows
    names = [name for name in judged.alike.cast if name not in but]
    made = {f"{UNCAST_PREFIX}{name}": judged.alike.uncast(name) for name in names}
    return (rows.withColumns(made) if made else rows).drop(UNCAST)


def compare_counts(batch: Batch, judged: Judged, verdict: gx.Verdict) -> None:
    """Hold our own count of every row rule against Great Expectations'.

    Raises:
        BatchHeld: the two differ, so one of them is wrong and neither is to be believed.
    """
    by_rule = {**judged.by_rule, UNBROKEN: 0}
    for found in verdict.rules:
        ours = by_rule.get(found.rule.id)
        if ours is None or found.unexpected_rows is None or found.error is not None:
            continue
        if ours != found.unexpected_rows:
            raise BatchHeld(
                f"{batch.where} is held: rule {found.rule.id} breaks on {ours} rows by CivicLake's"
                f" count and on {found.unexpected_rows} by Great Expectations'; report this"
            )
