"""From decided rows to the served table: set aside, remember, MERGE."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from civiclake import columns as c
from civiclake.errors import AccountError, FencedError
from civiclake.io import lake, marks, quarantine
from civiclake.io.lock import TableLock
from civiclake.pipeline.batch import Batch
from civiclake.pipeline.classify import Changes
from civiclake.pipeline.judge import Judged
from civiclake.steps.merge import merge_sql
from civiclake.steps.validate import reasons

_APP = "civiclake"


def set_aside(batch: Batch, judged: Judged, changes: Changes) -> dict[str, int]:
    """Bring quarantine up to date with this judgement.

    Returns:
        Rows set aside by reason.
    """
    contested = changes.frame.where(F.col(c.ACTION) == c.ACTION_CONFLICT).select(
        F.col(c.RECORD).alias("_contested")
    )
    frame = judged.frame.withColumn("reasons", reasons(judged.rules))
    if changes.rows(c.ACTION_CONFLICT):
        hit = F.col(c.RECORD) == F.col("_contested")
        frame = frame.join(F.broadcast(contested), hit, "left").withColumn(
            "reasons",
            F.when(F.col("_contested").isNotNull(), F.array(F.lit(c.ACTION_CONFLICT))).otherwise(
                F.col("reasons")
            ),
        )
    bad = frame.where(F.size("reasons") > 0)
    rows = quarantine.rows_from(bad, batch.dataset, batch.batch_id, batch.rules_version)
    any_bad = judged.set_aside + changes.rows(c.ACTION_CONFLICT) > 0
    first_try = batch.attempt == 1 and not batch.is_replay
    if first_try and any_bad:
        quarantine.append(batch.spark, batch.settings, batch.dataset, rows)
    elif not first_try and (
        any_bad or quarantine.exists(batch.spark, batch.settings, batch.dataset)
    ):
        quarantine.settle(
            batch.spark, batch.settings, batch.dataset, rows, batch.batch_id, judged.rows
        )
    found = {**judged.by_reason, c.ACTION_CONFLICT: changes.rows(c.ACTION_CONFLICT)}
    return {reason: rows for reason, rows in found.items() if rows}


@contextmanager
def fenced(
    spark: SparkSession, lock: TableLock, said: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    """Commits of this block carry the lock's token, and what is to be read in the history.

    Delta refuses a commit whose version of this application is not above the last one's: a
    writer that lost its lock while Spark worked can't commit any more.
    """
    signed = {**said, "token": lock.token}
    settings = {
        "spark.databricks.delta.commit.idempotencyCheck.enabled": "true",
        "spark.databricks.delta.write.txnAppId": _APP,
        "spark.databricks.delta.write.txnVersion": str(lock.token),
        "spark.databricks.delta.commitInfo.userMetadata": json.dumps(signed),
    }
    for name, value in settings.items():
        spark.conf.set(name, value)
    try:
        yield signed
    finally:
        for name in settings:
            spark.conf.unset(name)


def merge(batch: Batch, changes: Changes, lock: TableLock) -> None:
    """Apply the changes in one Delta commit, and hold Delta's counts against ours.

    Raises:
        FencedError: a younger writer has taken over; nothing was written.
        AccountError: Delta counted otherwise; the table is back at its former version.
    """
    lock.check()
    spark = batch.spark
    # Before the merge: what is remembered is true of the source, whatever becomes of the batch,
    # and the batch run again remembers nothing twice.
    for found, kind in changes.remember:
        marks.add(spark, batch.settings, batch.dataset, found, kind)
    wanted = {word: changes.edited.get(word, 0) for word in _EDITS}
    if not any(wanted.values()):
        return
    only_new = wanted[c.EDIT_INSERT] == sum(wanted.values())
    with fenced(spark, lock, {"batch_id": batch.batch_id, "attempt": batch.attempt}) as signed:
        counted = _append(batch, changes, signed) if only_new else _merge(batch, changes)
    if counted is None:
        raise FencedError(
            f"{batch.where}: Delta has a commit by a younger writer than token {lock.token};"
            " nothing was written, start the batch again"
        )
    _compare(batch, wanted, counted)


_EDITS = (c.EDIT_INSERT, c.EDIT_UPDATE, c.EDIT_DELETE)


def _merge(batch: Batch, changes: Changes) -> dict[str, int] | None:
    """MERGE the changes; Delta's counts, or None when it has refused the commit."""
    changes.edits.createOrReplaceTempView("_changes")
    rows = batch.spark.sql(merge_sql(batch.unified, "_changes", batch.dataset)).collect()
    if not rows:
        return None
    counted = rows[0].asDict()
    names = ("num_inserted_rows", "num_updated_rows", "num_deleted_rows")
    return {word: counted[name] for word, name in zip(_EDITS, names, strict=True)}


def _append(batch: Batch, changes: Changes, signed: Mapping[str, Any]) -> dict[str, int] | None:
    """Append changes that are new rows only, without looking for them in the table again."""
    columns = [*(col.name for col in batch.dataset.unified_columns)]
    columns += [name for name, _ in c.unified_extra(batch.dataset)]
    writer = changes.edits.select(*columns).write.format("delta").mode("append")
    writer.save(lake.location(batch.settings, batch.layer, batch.dataset.table))
    commit = lake.newest_commit(batch.spark, batch.unified)
    if commit.said != signed:
        return None
    return {c.EDIT_INSERT: commit.rows_written, c.EDIT_UPDATE: 0, c.EDIT_DELETE: 0}


def _compare(batch: Batch, wanted: dict[str, int], counted: dict[str, int]) -> None:
    if counted != wanted:
        # The newest commit is the one above: nobody else has the right to write this table.
        before = lake.newest_commit(batch.spark, batch.unified).version - 1
        batch.spark.sql(f"RESTORE TABLE {batch.unified} TO VERSION AS OF {before}").collect()
        raise AccountError(
            f"{batch.where}: expected {wanted}, but Delta counted {counted}; the table is back"
            f" at version {before}"
        )
