"""history: which keys of a batch change, and what their time lines mean to table and account.

Only the keys that change are put on a time line; see :mod:`civiclake.steps.timeline`.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from datetime import datetime

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from civiclake import columns as c
from civiclake.contracts.model import Dataset
from civiclake.steps.fold import fold
from civiclake.steps.timeline import AT, IS_AGAIN, ORIGIN, RECORD, SERVED, VALUES, key_of

QUIET = "_is_quiet"
"""Of a record: nothing of its key changes by this batch."""


def served_now(table: DataFrame) -> DataFrame:
    """The rows of a unified table that are in force, whatever its history."""
    if c.IS_CURRENT in table.columns:
        return table.where(F.col(c.IS_CURRENT))
    if c.SNAPSHOT_DATE in table.columns:
        newest = table.agg(F.max(c.SNAPSHOT_DATE).alias(c.SNAPSHOT_DATE))
        return table.join(F.broadcast(newest), c.SNAPSHOT_DATE, "left_semi")
    return table


def compare(
    masked: DataFrame, served: DataFrame, snapshots: Sequence[datetime], dataset: Dataset
) -> DataFrame:
    """Find the records whose key holds the very same values already.

    Args:
        masked: rows after ``protect``, one per key and sequence.
        served: the unified table.
        snapshots: when snapshots were taken; a record of an older one is never quiet.
        dataset: the compiled contract.

    Returns:
        ``masked`` with ``_valid_from`` of the current version and ``_is_quiet``.
    """
    mine, theirs = masked.alias("s"), served.where(F.col(c.IS_CURRENT)).alias("t")
    on = fold(operator.and_, [F.col(f"s.`{k}`") == F.col(f"t.`{k}`") for k in dataset.key])
    names = [col.name for col in dataset.unified_columns]
    same = fold(operator.and_, [F.col(f"s.`{n}`").eqNullSafe(F.col(f"t.`{n}`")) for n in names])
    quiet = same & (F.col(f"s.{c.SEQUENCE}") >= F.col(f"t.{c.VALID_FROM}"))
    if snapshots:
        quiet = quiet & (F.col(f"s.{c.SEQUENCE}") >= F.lit(max(snapshots)))
    if dataset.operation is not None:
        quiet = quiet & ~F.col(f"s.{c.IS_DELETE}")
    joined = mine.join(theirs, on, "left").select(
        "s.*", f"t.{c.VALID_FROM}", F.coalesce(quiet, F.lit(False)).alias(QUIET)
    )
    by_key = Window.partitionBy(*dataset.key)
    return joined.withColumn(QUIET, F.min(QUIET).over(by_key))


def edits(line: DataFrame, dataset: Dataset) -> DataFrame:
    """The rows of the unified table to insert, update and delete, with ``_edit``."""
    names = [col.name for col in dataset.unified_columns if col.name not in dataset.key]
    return line.where(F.col(c.EDIT).isNotNull()).select(
        *key_of(dataset),
        *[F.col(f"{VALUES}.`{name}`").alias(name) for name in names],
        F.col(AT).alias(c.SEQUENCE),
        c.BATCH,
        c.RECORD,
        F.col(AT).alias(c.VALID_FROM),
        c.VALID_TO,
        F.col(c.VALID_TO).isNull().alias(c.IS_CURRENT),
        c.EDIT,
    )


def outcomes(compared: DataFrame, line: DataFrame, dataset: Dataset) -> DataFrame:
    """What became of every record: ``_record_id``, ``_action``, and the business date if any."""
    own = [] if dataset.event_time is None else [dataset.event_time]
    quiet = compared.where(F.col(QUIET)).select(
        c.RECORD, F.lit(c.ACTION_UNCHANGED).alias(c.ACTION), *own
    )
    told = line.where(F.col(c.ACTION).isNotNull()).select(
        c.RECORD, c.ACTION, *[F.col(f"{VALUES}.`{name}`").alias(name) for name in own]
    )
    return quiet.unionByName(told)


def deletions(line: DataFrame, dataset: Dataset) -> DataFrame:
    """The deletions that a change log told, to be remembered: they may precede what they end."""
    told = (F.col(ORIGIN) == RECORD) & F.col(VALUES).isNull()
    found = line.where(told & (F.col(c.ACTION) != c.ACTION_CONFLICT))
    return found.select(*key_of(dataset), F.col(AT).alias(c.SEQUENCE), c.BATCH, c.RECORD)


def confirmations(compared: DataFrame, line: DataFrame, dataset: Dataset) -> DataFrame:
    """Moments at which a key came again with the values that it had, to be remembered.

    A row that comes late may fall between a version and its confirmation; without this
    memory it would reach beyond the confirmation and hide what is newer.
    """
    fields = [*key_of(dataset), F.col(c.SEQUENCE), F.col(c.BATCH), F.col(c.RECORD)]
    is_later = F.col(c.SEQUENCE) > F.col(c.VALID_FROM)
    quiet = compared.where(F.col(QUIET) & is_later).select(*fields)
    again = F.col(IS_AGAIN) & F.col(ORIGIN).isin(SERVED, RECORD)
    folded = line.where(again & F.col(VALUES).isNotNull()).withColumn(c.SEQUENCE, F.col(AT))
    return quiet.unionByName(folded.select(*fields))
