"""From raw rows to judged rows: standardize, look up references, evaluate every rule."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from civiclake import columns as c
from civiclake.contracts.model import Rule
from civiclake.errors import UserError
from civiclake.io.lake import code_tables, tables
from civiclake.io.lake.delta_log import summary
from civiclake.pipeline.night import twice
from civiclake.pipeline.night.batch import Batch
from civiclake.pipeline.night.occurrences import IDENTICAL, ONE_TIME, older_files
from civiclake.steps.alike import Alike, find_alike, in_order, with_names
from civiclake.steps.changes import spare_deletes
from civiclake.steps.clock import with_ahead
from civiclake.steps.history import served_now
from civiclake.steps.rules import CompiledRule, compile_rules, sets_aside
from civiclake.steps.standardize import (
    MANY_COLUMNS,
    standardize,
    with_codes,
    with_positions,
    with_references,
)
from civiclake.steps.validate import (
    DUPLICATE_KEY,
    IS_EARLIER_NAME,
    IS_IDENTICAL,
    Counts,
    counts,
    decide,
    decide_files,
    glance,
    is_wide,
    judge,
    keep_broken_records,
    read_counts,
    seen,
    shared,
    with_fate,
)

log = logging.getLogger(__name__)

_BROADCAST_BYTES = 32 << 20
"""Of a referenced table's files: a copy of its keys takes a few times as much of the engine."""
_BY_KEY = (c.FATE_SUPERSEDED, c.FATE_DUPLICATE_KEY)
"""Fates of rows that share their key with another."""


@dataclass
class Judged:
    """A batch after every rule was evaluated."""

    raw: DataFrame
    """The rows as they came."""
    rows: DataFrame
    """Standardized rows with a bit per broken rule."""
    frame: DataFrame
    """The same with what becomes of each."""
    rules: list[CompiledRule]
    fates: dict[str, int]
    by_rule: dict[str, int]
    by_reason: dict[str, int]
    """Rows to be set aside because of what they hold or because of their key, by reason."""
    notes: dict[str, int] = field(default_factory=dict)
    """What is to be said of rows that break no rule."""
    told_apart: dict[str, int] = field(default_factory=dict)
    """Rows at a time that clocks showed twice of which their file tells which time it was."""
    alike: Alike | None = None
    """Columns that were read together: in ``rows`` and ``frame`` they have no names yet."""

    @property
    def row_rules(self) -> list[Rule]:
        """The rules that find single rows."""
        return [compiled.rule for compiled in self.rules]

    @property
    def read(self) -> int:
        """Rows of the batch."""
        return sum(self.fates.values())

    @property
    def set_aside(self) -> int:
        """Rows that won't be merged because of what they hold."""
        return self.fates[c.FATE_BROKEN] + self.fates[c.FATE_DUPLICATE_KEY]

    @property
    def warnings(self) -> dict[str, int]:
        """Rows that break a rule without being set aside for it, by rule."""
        soft = {r.rule.id for r in self.rules if not sets_aside(r.rule)}
        open_ = {name: n - self.told_apart.get(name, 0) for name, n in self.by_rule.items()}
        return {name: n for name, n in open_.items() if n and name in soft}


def judge_rows(batch: Batch, raw: DataFrame) -> Judged:
    """Evaluate every row rule in one pass over the batch, and keep the outcome staged.

    The rows are written as wide as they are once; what depends on other rows of the batch is
    looked up in a small frame beside them.
    """
    alike = find_alike(batch.dataset) if batch.is_small else None
    typed = with_ahead(standardize(raw, batch.dataset, alike), batch.dataset, batch.landed_at)
    coded = with_positions(with_codes(typed, batch.dataset, _tables(batch)), batch.dataset)
    prepared = with_references(coded, batch.dataset, _parents(batch), _large_parents(batch))
    compiled, _ = compile_rules(in_order(batch.dataset.rules, alike))
    rules = spare_deletes(compiled, batch.dataset)
    judged = keep_broken_records(judge(prepared, rules, alike))
    staged, found = _save(batch, judged, rules)
    staged, told_apart = twice.tell_apart(batch, staged, found.by_rule)
    fates, decided, notes = _decide(batch, staged, alike)
    fates[c.FATE_BROKEN] = found.rows - found.sound
    fates[c.FATE_GOOD] = found.sound - sum(fates[fate] for fate in _BY_KEY)
    unsure = twice.name_reasons(batch, staged, decided, found.by_rule)
    contested = fates[c.FATE_DUPLICATE_KEY] - sum(unsure.values())
    by_reason = {**found.by_reason, **unsure, DUPLICATE_KEY: contested}
    _tell_of_keys(batch, by_reason)
    frame = with_fate(staged, decided)
    return Judged(
        raw, staged, frame, rules, fates, found.by_rule, by_reason, notes, told_apart, alike
    )


def _save(batch: Batch, judged: DataFrame, rules: list[CompiledRule]) -> tuple[DataFrame, Counts]:
    """Keep the judged rows staged, and count what breaks the rules."""
    if not is_wide(rules):
        staged, row = batch.save_counted(judged, "judged", counts(rules, batch.dataset))
        return staged, read_counts(row, rules)
    staged, row = batch.save_counted(judged, "judged", glance(rules))
    counted = counts(rules, batch.dataset, seen(rules, row))
    return staged, read_counts(staged.agg(*counted).collect()[0].asDict(), rules)


def _decide(
    batch: Batch, staged: DataFrame, alike: Alike | None
) -> tuple[dict[str, int], DataFrame | None, dict[str, int]]:
    """The rows that share their key with another one; how many of them do not go on; and what
    is to be said of that."""
    if batch.dataset.occurrence is not None:
        older = older_files(batch)
        if not older:  # equal rows are rows of their own
            return dict.fromkeys(_BY_KEY, 0), None, {}
        rows = decide_files(staged, older)
    elif len(batch.dataset.columns) > MANY_COLUMNS and shared(staged, batch.dataset).isEmpty():
        # To tell how a thousand values differ is a plan as dear as judging them.
        return dict.fromkeys(_BY_KEY, 0), None, {}
    else:
        rows = decide(with_names(staged, alike), batch.dataset)
    counted = [F.count_if(F.col(c.FATE) == fate).alias(fate) for fate in _BY_KEY]
    superseded = F.col(c.FATE) == c.FATE_SUPERSEDED
    marks = {IDENTICAL: IS_IDENTICAL, ONE_TIME: IS_EARLIER_NAME}
    counted += [F.count_if(superseded & F.col(is_it)).alias(n) for n, is_it in marks.items()]
    decided, found = batch.save_counted(rows, "decided", counted)
    told = {fate: found[fate] for fate in _BY_KEY}
    notes = {name: found[name] for name in marks if found[name]}
    _tell(batch, notes)
    return told, decided if any(told.values()) else None, notes


def _tell(batch: Batch, notes: Mapping[str, int]) -> None:
    """Say what a contract could declare, where rows are left out that nothing is wrong with."""
    if IDENTICAL in notes:
        log.warning(
            "%s: %d rows are the same as another row of their file, key and values, and are served"
            " once; where they stand for different things, declare `occurrence: equals` in %s",
            batch.where, notes[IDENTICAL], batch.dataset.path,
        )  # fmt: skip
    if ONE_TIME in notes:
        log.warning(
            "%s: files of one time differ in %d rows; those of the later name are served",
            batch.where, notes[ONE_TIME],
        )  # fmt: skip


def _tables(batch: Batch) -> dict[str, DataFrame]:
    """The long code lists, per column that is coded by one."""
    coded = {col.name: col.codes for col in batch.dataset.columns if col.codes is not None}
    return {
        name: code_tables.frame(batch.spark, batch.settings, codes)
        for name, codes in coded.items()
        if codes.table is not None
    }


def _parents(batch: Batch) -> dict[str, DataFrame]:
    """Allowed values per column with a reference, from the unified tables as they stand.

    Raises:
        UserError: a referenced dataset was never loaded.
    """
    found: dict[str, DataFrame] = {}
    for column in batch.dataset.columns:
        if column.reference is None:
            continue
        parent = column.reference.dataset.replace(".", "_", 1)
        if not tables.exists(batch.spark, batch.settings, tables.UNIFIED, parent):
            raise UserError(
                f"{batch.where}: column {column.name} refers to {column.reference.dataset},"
                f" which was never loaded; run `civiclake load {column.reference.dataset}` first"
            )
        table = batch.spark.table(tables.by_path(batch.settings, tables.UNIFIED, parent))
        found[column.name] = served_now(table).select(column.reference.column)
    return found


def _large_parents(batch: Batch) -> set[str]:
    """Columns that refer to a table of which no copy is made for every task."""
    return {
        column.name
        for column in batch.dataset.columns
        if column.reference is not None
        and summary(
            batch.spark,
            batch.settings,
            tables.UNIFIED,
            column.reference.dataset.replace(".", "_", 1),
        ).size_bytes
        > _BROADCAST_BYTES
    }


def _tell_of_keys(batch: Batch, by_reason: Mapping[str, int]) -> None:
    """A row without a part of its key can't be merged, which surprises where the part is optional
    in the source."""
    for name in batch.dataset.key:
        rows = by_reason.get(f"required:{name}", 0)
        if rows:
            log.warning(
                "%s: %d rows have no %s, a part of the key, and are set aside; where that is"
                " normal, the contract can say what an absent value is taken for (absent_as)",
                batch.where,
                rows,
                name,
            )
