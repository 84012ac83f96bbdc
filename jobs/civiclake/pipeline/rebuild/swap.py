"""The swap: the served table gets a backfill's content in one Delta commit."""

from __future__ import annotations

import logging

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from civiclake import columns as c
from civiclake.contracts.model import Dataset, History
from civiclake.contracts.read.faults import choice
from civiclake.errors import AccountError, BatchHeld, FencedError, UserError
from civiclake.io.lake import delta_log, marks, quarantine, recognise, tables
from civiclake.io.lake.delta_log import Commit
from civiclake.io.lake.fence import fenced
from civiclake.io.lake.lock import TableLock, table_lock
from civiclake.io.landing.store import Landing
from civiclake.io.ops import backfills
from civiclake.io.ops.backfills import Backfill
from civiclake.pipeline.night.batch import Batch
from civiclake.pipeline.rebuild.stage import Side, lock_name, suit_both
from civiclake.pipeline.writing import writing
from civiclake.settings import Settings

log = logging.getLogger(__name__)
_KEEP = {
    "delta.deletedFileRetentionDuration": "interval 365 days",
    "delta.logRetentionDuration": "interval 365 days",
}
"""For so long the replaced version can be read: `SELECT ... VERSION AS OF`."""


def swap(settings: Settings, dataset: Dataset, backfill_id: str | None = None) -> Backfill:
    """Let a staged backfill be served; run again, it goes on where it broke off.

    Args:
        settings: of this installation.
        dataset: the compiled contract.
        backfill_id: default: the newest that is staged.

    Raises:
        BatchHeld: something was merged since it was staged; nothing was changed.
        UserError: there is no such staged backfill.
        LockHeld: the table is being written, or another backfill of it is under way.
    """
    with (
        table_lock(settings, lock_name(dataset), holder="a swap"),
        writing(settings, dataset.table, "a backfill's swap") as (spark, lock),
    ):
        row = _staged(spark, settings, dataset, backfill_id)
        side = Side(dataset, row.backfill_id)
        table = tables.by_path(settings, tables.UNIFIED, dataset.table)
        suit_both(spark, settings, dataset)
        swapped = _swapped_version(spark, settings, dataset, row.backfill_id)
        if swapped is None:
            _refuse_newer(spark, settings, dataset, row)
            _keep_evidence(spark, table)
            evidence = delta_log.newest(spark, settings, tables.UNIFIED, dataset.table).version
            swapped = _replace(spark, settings, table, side, lock, evidence)
        else:
            evidence = swapped - 1
        _settle(spark, settings, side)
        marks.copy(spark, settings, side.dataset, dataset)
        if row.read_batch:
            Landing(settings).mark_committed(dataset.id, row.read_batch)
        update = {
            "state": backfills.SWAPPED,
            "evidence_version": evidence,
            "swapped_version": swapped,
            "message": "",
        }
        row = backfills.record(spark, settings, row.model_copy(update=update))
    side.remove(settings)
    return row


def _staged(
    spark: SparkSession, settings: Settings, dataset: Dataset, backfill_id: str | None
) -> Backfill:
    known = backfills.of(spark, settings, dataset.id)
    ready = [name for name, row in known.items() if row.state == backfills.STAGED]
    name = backfill_id or (ready[-1] if ready else None)
    if name is None:
        raise UserError(
            f"no backfill of {dataset.id} is staged: run `civiclake backfill {dataset.id}` first"
        )
    if name not in known:
        raise UserError(
            f"there is no backfill {name!r} of {dataset.id}; staged are {choice(ready)}"
        )
    row = known[name]
    if row.state != backfills.STAGED:
        raise UserError(
            f"backfill {name} of {dataset.id} is {row.state}, not staged"
            f"{f' ({row.message})' if row.message else ''}; staged are {choice(ready)}"
        )
    return row


def _swapped_version(
    spark: SparkSession, settings: Settings, dataset: Dataset, backfill_id: str
) -> int | None:
    """The version by which it was swapped, when a swap broke off after its commit."""
    for commit in _history(spark, settings, dataset):
        if commit.said.get("backfill_id") == backfill_id:
            return commit.version
    return None


def _history(spark: SparkSession, settings: Settings, dataset: Dataset) -> list[Commit]:
    """The newest commits, newest first."""
    return delta_log.commits(spark, settings, tables.UNIFIED, dataset.table, 50)


def _refuse_newer(spark: SparkSession, settings: Settings, dataset: Dataset, row: Backfill) -> None:
    newer = [
        commit
        for commit in _history(spark, settings, dataset)
        if commit.version > (row.served_version or 0) and commit.operation not in tables.SAME_ROWS
    ]
    if not newer:
        return
    by = next((str(o.said["batch_id"]) for o in newer if "batch_id" in o.said), "another writer")
    message = (
        f"{row.dataset}: backfill {row.backfill_id} was staged against version"
        f" {row.served_version}, but {by} has written version {newer[-1].version} since: nothing"
        " was changed, run the backfill again to take it in"
    )
    update = {"state": backfills.REFUSED, "message": message}
    backfills.record(spark, settings, row.model_copy(update=update))
    raise BatchHeld(message)


def _keep_evidence(spark: SparkSession, table: str) -> None:
    """Keep the replaced version's files from a later clean-up."""
    rows = spark.sql(f"SHOW TBLPROPERTIES {table}").collect()
    said = {row["key"]: row["value"] for row in rows}
    if any(said.get(name) != value for name, value in _KEEP.items()):
        pairs = ", ".join(f"'{name}' = '{value}'" for name, value in _KEEP.items())
        spark.sql(f"ALTER TABLE {table} SET TBLPROPERTIES ({pairs})")


def _replace(
    spark: SparkSession,
    settings: Settings,
    table: str,
    side: Side,
    lock: TableLock,
    before: int,
) -> int:
    """Overwrite content and columns in one commit; the version that this made."""
    staged = spark.table(tables.by_path(settings, tables.BACKFILL, side.dataset.table))
    lock.check()
    writer = staged.write.format("delta").mode("overwrite").option("overwriteSchema", "true")
    if side.served.history is History.SNAPSHOT:  # or the new schema would have no partitions
        writer = writer.partitionBy(c.SNAPSHOT_DATE)
    with fenced(spark, lock, {"backfill_id": side.backfill_id, "evidence_version": before}):
        writer.save(tables.location(settings, tables.UNIFIED, side.served.table))
    made = _swapped_version(spark, settings, side.served, side.backfill_id)
    if made is None:
        raise FencedError(
            f"{side.served.id}: Delta has a commit by a younger writer than token {lock.token};"
            " nothing was swapped, start the swap again"
        )
    rows, wanted = spark.table(table).count(), staged.count()
    if rows != wanted:
        spark.sql(f"RESTORE TABLE {table} TO VERSION AS OF {before}").collect()
        raise AccountError(
            f"{side.served.id}: the swap wrote {rows} of {wanted} rows; the table is back at"
            f" version {before}"
        )
    return made


def _settle(spark: SparkSession, settings: Settings, side: Side) -> None:
    """Quarantine as the new judgement of every record that was read again has it."""
    served, own = side.served, side.dataset
    if not tables.exists(spark, settings, tables.RAW, own.table):
        return  # nothing was read, or a swap that broke off had come this far
    if not (quarantine.exists(spark, settings, served) or quarantine.exists(spark, settings, own)):
        return
    judged = (
        spark.table(tables.by_path(settings, tables.RAW, own.table)).select(c.RECORD).distinct()
    )
    bad = spark.table(quarantine.create(spark, settings, own))
    still_open = bad.where(F.col("status") == quarantine.OPEN)
    said = recognise.Judgement(side.backfill_id, still_open, judged)
    stage = Batch(spark, settings, own, side.backfill_id, attempt=1)
    recognise.settle(spark, settings, served, said, stage)
