"""merge, the part that decides: what each good row means to the table that is served.

The decision is made before the MERGE, so that only rows that change something are
merged, and so that the MERGE's own counts can be held against it.
"""

from __future__ import annotations

import operator
from datetime import datetime

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from civiclake import columns as c
from civiclake.contracts.model import Dataset, History
from civiclake.steps.fold import fold


def classify(masked: DataFrame, served: DataFrame, dataset: Dataset) -> DataFrame:
    """Compare good rows with the served table, null-safe, column by column.

    Args:
        masked: rows after ``protect``, one per key.
        served: the unified table as it stands.
        dataset: the compiled contract.

    Returns:
        ``masked`` with ``_action``: insert, update, unchanged, late or conflict.
    """
    values = [col.name for col in dataset.unified_columns]
    mine, theirs = masked.alias("s"), served.alias("t")
    same_key = fold(operator.and_, [F.col(f"s.`{k}`") == F.col(f"t.`{k}`") for k in dataset.key])
    same = fold(operator.and_, [F.col(f"s.`{v}`").eqNullSafe(F.col(f"t.`{v}`")) for v in values])
    joined = mine.join(theirs, same_key, "left")
    action = _append_action(same) if dataset.history is History.APPEND else _latest_action(same)
    return joined.select("s.*", action.alias(c.ACTION))


def _append_action(same: Column) -> Column:
    """An event is written once: the same again is unchanged, a different one is contested."""
    return (
        F.when(F.col(f"t.{c.BATCH}").isNull(), c.ACTION_INSERT)
        .when(same, c.ACTION_UNCHANGED)
        .when(_same_record(), c.ACTION_UPDATE)
        .otherwise(c.ACTION_CONFLICT)
    )


def _latest_action(same: Column) -> Column:
    ours, served = F.col(f"s.{c.SEQUENCE}"), F.col(f"t.{c.SEQUENCE}")
    return (
        F.when(F.col(f"t.{c.BATCH}").isNull(), c.ACTION_INSERT)
        .when(same, c.ACTION_UNCHANGED)
        .when(ours < served, c.ACTION_LATE)
        .when(ours > served, c.ACTION_UPDATE)
        .when(_same_record(), c.ACTION_UPDATE)
        .otherwise(c.ACTION_CONFLICT)
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


def late_before(classified: DataFrame, taken_at: datetime, dataset: Dataset) -> DataFrame:
    """Let rows of a snapshot older than the one that is served change nothing.

    Args:
        classified: rows with ``_action``.
        taken_at: when the served snapshot was taken.
        dataset: the compiled contract; with a sequence column of its own, all rows given
            here come from the older snapshot.
    """
    is_older = F.lit(True) if dataset.sequence else F.col(c.SEQUENCE) < F.lit(taken_at)
    action = F.when(is_older, c.ACTION_LATE).otherwise(F.col(c.ACTION))
    return classified.withColumn(c.ACTION, action)


def action_counts(classified: DataFrame) -> DataFrame:
    """Rows per action: columns ``_action`` and ``rows``."""
    return classified.groupBy(c.ACTION).agg(F.count("*").alias("rows"))


def merge_sql(table: str, changes: str, dataset: Dataset) -> str:
    """The MERGE that applies classified changes to the unified table.

    Args:
        table: name or path of the Delta table.
        changes: name of the relation with ``insert``, ``update`` and ``delete`` rows.
        dataset: the compiled contract.
    """
    columns = [f"`{col.name}`" for col in dataset.unified_columns]
    columns += [name for name, _ in c.UNIFIED_EXTRA]
    on = " AND ".join(f"t.`{k}` = s.`{k}`" for k in dataset.key)
    sets = ", ".join(f"t.{name} = s.{name}" for name in columns)
    names, values = ", ".join(columns), ", ".join(f"s.{name}" for name in columns)
    return (
        f"MERGE INTO {table} AS t USING {changes} AS s ON {on}\n"
        f"WHEN MATCHED AND s.{c.ACTION} = '{c.ACTION_DELETE}' THEN DELETE\n"
        f"WHEN MATCHED AND s.{c.ACTION} = '{c.ACTION_UPDATE}' THEN UPDATE SET {sets}\n"
        f"WHEN NOT MATCHED AND s.{c.ACTION} = '{c.ACTION_INSERT}'"
        f" THEN INSERT ({names}) VALUES ({values})"
    )
