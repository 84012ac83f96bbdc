"""merge, the part that decides: what each good row means to the table that is served.

The decision is made before the MERGE, so that only rows that change something are
merged, and so that the MERGE's own counts can be held against it.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from datetime import datetime

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from civiclake import columns as c
from civiclake.contracts.model import Dataset, History, Load
from civiclake.steps.fold import fold

GONE_AT, GONE_BY = "_gone_at", "_gone_by"
"""When a change log last deleted a key, and the record that said so."""
_EDITS = {
    c.ACTION_INSERT: c.EDIT_INSERT,
    c.ACTION_UPDATE: c.EDIT_UPDATE,
    c.ACTION_CONFIRM: c.EDIT_UPDATE,
    c.ACTION_DELETE: c.EDIT_DELETE,
    c.ACTION_REVOKE: c.EDIT_DELETE,
}


def classify(
    masked: DataFrame, served: DataFrame, dataset: Dataset, deleted: DataFrame | None = None
) -> DataFrame:
    """Compare good rows with the served table, null-safe, column by column.

    Args:
        masked: rows after ``protect``, one per key.
        served: the unified table as it stands.
        dataset: the compiled contract; its history is not ``history``.
        deleted: for a change log, what it deleted so far; see :func:`last_deleted`.

    Returns:
        ``masked`` with ``_action``: insert, update, confirm, revoke, unchanged, late or conflict.
    """
    values = [col.name for col in dataset.unified_columns]
    if dataset.history is History.SNAPSHOT:
        masked = masked.withColumn(c.SNAPSHOT_DATE, F.col(c.SEQUENCE).cast("date"))
    mine, theirs = masked.alias("s"), served.alias("t")
    same = fold(operator.and_, [F.col(f"s.`{v}`").eqNullSafe(F.col(f"t.`{v}`")) for v in values])
    joined = mine.join(theirs, _same(c.merge_key(dataset), "t"), "left")
    if deleted is not None:
        joined = joined.join(deleted.alias("g"), _same(dataset.key, "g"), "left")
        action = _log_action(same)
    elif dataset.history is History.APPEND:
        action = _append_action(same)
    else:
        confirms = dataset.load is Load.FILES and dataset.sequence is None
        action = _latest_action(same, confirms=confirms)
    return joined.select("s.*", action.alias(c.ACTION))


def last_deleted(marks: DataFrame, dataset: Dataset) -> DataFrame:
    """Per key the last deletion that a change log told: the key's columns, when, and by what."""
    last = F.max_by(c.RECORD, c.SEQUENCE).alias(GONE_BY)
    return marks.groupBy(*dataset.key).agg(F.max(c.SEQUENCE).alias(GONE_AT), last)


def _same(key: Sequence[str], other: str) -> Column:
    return fold(operator.and_, [F.col(f"s.`{k}`") == F.col(f"{other}.`{k}`") for k in key])


def _append_action(same: Column) -> Column:
    """An event is written once: the same again is unchanged, a different one is contested."""
    return (
        F.when(F.col(f"t.{c.BATCH}").isNull(), c.ACTION_INSERT)
        .when(same, c.ACTION_UNCHANGED)
        .when(_same_record(), c.ACTION_UPDATE)
        .otherwise(c.ACTION_CONFLICT)
    )


def _latest_action(same: Column, *, confirms: bool = False) -> Column:
    """The newest sequence wins.

    Where the sequence is the time of delivery, the same values may come again: that moves the
    served row's sequence on, or a delivery from between the two would take its place.
    """
    ours, served = F.col(f"s.{c.SEQUENCE}"), F.col(f"t.{c.SEQUENCE}")
    return (
        F.when(F.col(f"t.{c.BATCH}").isNull(), c.ACTION_INSERT)
        .when(same & (ours > served) & F.lit(confirms), c.ACTION_CONFIRM)
        .when(same, c.ACTION_UNCHANGED)
        .when(ours < served, c.ACTION_LATE)
        .when(ours > served, c.ACTION_UPDATE)
        .when(_same_record(), c.ACTION_UPDATE)
        .otherwise(c.ACTION_CONFLICT)
    )


def _log_action(same: Column) -> Column:
    """A change log's newest word on a key wins, a deletion too, and it is remembered."""
    ours, served = F.col(f"s.{c.SEQUENCE}"), F.col(f"t.{c.SEQUENCE}")
    gone_at, is_missing = F.col(f"g.{GONE_AT}"), F.col(f"t.{c.BATCH}").isNull()
    ends = F.col(f"s.{c.IS_DELETE}")
    contested = (ours == gone_at) & (F.col(f"s.{c.RECORD}") != F.col(f"g.{GONE_BY}"))
    deletion = (
        F.when(is_missing, c.ACTION_UNCHANGED)
        .when(ours < served, c.ACTION_LATE)
        .when((ours > served) | _same_record(), c.ACTION_REVOKE)
        .otherwise(c.ACTION_CONFLICT)
    )
    return (
        F.when(ends, deletion)
        .when(ours < gone_at, c.ACTION_LATE)
        .when(contested, c.ACTION_CONFLICT)
        .otherwise(_latest_action(same))
    )


def _same_record() -> Column:
    """The very record that is served, read anew under a corrected rule or code list."""
    return F.col(f"s.{c.RECORD}") == F.col(f"t.{c.RECORD}")


def gone(served: DataFrame, delivered_keys: DataFrame, dataset: Dataset) -> DataFrame:
    """Served rows whose key a full snapshot no longer holds.

    Args:
        served: the unified table.
        delivered_keys: keys of every row delivered, set-aside ones too: a record that is
            wrong tonight is not a record that is gone.
        dataset: the compiled contract.

    Returns:
        The served rows to delete, with ``_action`` = ``delete``.
    """
    keys = delivered_keys.select(*dataset.key).distinct()
    left = served.join(keys, list(dataset.key), "left_anti").select(*served.columns)
    return left.withColumn(c.ACTION, F.lit(c.ACTION_DELETE))


def late_before(classified: DataFrame, taken: Sequence[datetime], dataset: Dataset) -> DataFrame:
    """Let rows of a snapshot older than the one that is served change nothing.

    Args:
        classified: rows with ``_action``.
        taken: when snapshots were taken that are served, or newer than what is given here.
        dataset: the compiled contract. Of a table of snapshots, each night is served by
            itself; with a sequence column of its own, all rows given here come from an
            older snapshot.
    """
    ours = F.col(c.SEQUENCE)
    if dataset.history is History.SNAPSHOT:
        moments = F.array(*[F.lit(moment) for moment in taken])
        same_night = F.col(c.SNAPSHOT_DATE)
        is_older = F.exists(moments, lambda m: (m > ours) & (m.cast("date") == same_night))
    else:
        is_older = F.lit(True) if dataset.sequence else ours < F.lit(max(taken))
    action = F.when(is_older, c.ACTION_LATE).otherwise(F.col(c.ACTION))
    return classified.withColumn(c.ACTION, action)


def edits(classified: DataFrame) -> DataFrame:
    """The rows that change the table, with ``_edit``: what the MERGE does with each."""
    pairs = [F.lit(word) for pair in _EDITS.items() for word in pair]
    edit = F.create_map(*pairs)[F.col(c.ACTION)]
    return classified.where(F.col(c.ACTION).isin(list(_EDITS))).withColumn(c.EDIT, edit)


def merge_sql(table: str, changes: str, dataset: Dataset) -> str:
    """The MERGE that applies decided edits to the unified table.

    Args:
        table: name or path of the Delta table.
        changes: name of the relation with ``_edit`` rows.
        dataset: the compiled contract.
    """
    columns = [f"`{col.name}`" for col in dataset.unified_columns]
    columns += [name for name, _ in c.unified_extra(dataset)]
    on = " AND ".join(f"t.`{k}` = s.`{k}`" for k in c.merge_key(dataset))
    sets = ", ".join(f"t.{name} = s.{name}" for name in columns)
    names, values = ", ".join(columns), ", ".join(f"s.{name}" for name in columns)
    return (
        f"MERGE INTO {table} AS t USING {changes} AS s ON {on}\n"
        f"WHEN MATCHED AND s.{c.EDIT} = '{c.EDIT_DELETE}' THEN DELETE\n"
        f"WHEN MATCHED AND s.{c.EDIT} = '{c.EDIT_UPDATE}' THEN UPDATE SET {sets}\n"
        f"WHEN NOT MATCHED AND s.{c.EDIT} = '{c.EDIT_INSERT}'"
        f" THEN INSERT ({names}) VALUES ({values})"
    )
