"""From decided rows to the served table: set aside, remember, merge."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from civiclake import columns as c
from civiclake.contracts.model import History
from civiclake.errors import AccountError, FencedError
from civiclake.io.lake import marks, quarantine, recognise, tables
from civiclake.io.lake.apply import EDITS, apply_changes
from civiclake.io.lake.fence import fenced
from civiclake.io.lake.fingerprint import FINGERPRINT, with_fingerprint
from civiclake.io.lake.lock import TableLock
from civiclake.pipeline.night.batch import Batch
from civiclake.pipeline.night.decide import Changes
from civiclake.pipeline.night.judge import Judged
from civiclake.steps.standardize import as_it_came, carries_record
from civiclake.steps.validate import reasons


def set_aside(batch: Batch, judged: Judged, changes: Changes) -> dict[str, int]:
    """Bring quarantine up to date with this judgement.

    Returns:
        Rows set aside by reason.
    """
    by_key = judged.fates[c.FATE_DUPLICATE_KEY] + changes.rows(c.ACTION_CONFLICT)
    why = reasons(judged.rules, batch.dataset, judged.by_reason)
    frame = judged.frame.withColumn("reasons", why)
    if changes.rows(c.ACTION_CONFLICT):
        frame = _with_contested(frame, changes)
    bad = frame.where(F.size("reasons") > 0)
    if by_key or not carries_record(batch.dataset):
        bad = _with_record(bad, judged.raw)
    any_bad = judged.set_aside + changes.rows(c.ACTION_CONFLICT) > 0
    _keep(batch, judged, _known_by(batch, bad), any_bad=any_bad)
    found = {**judged.by_reason, c.ACTION_CONFLICT: changes.rows(c.ACTION_CONFLICT)}
    return {reason: rows for reason, rows in found.items() if rows}


def _known_by(batch: Batch, bad: DataFrame) -> DataFrame:
    """Add each record's fingerprint; a replay's records keep theirs."""
    if batch.is_replay:
        return bad.withColumn(FINGERPRINT, F.lit(None).cast("string"))
    if not batch.origins:
        return with_fingerprint(bad, c.RAW, c.CORRUPT, F.lit(""))
    # Equal records of two files are two; of two versions of a file they are one.
    schema = "_path string, _origin string"
    origins = F.broadcast(batch.spark.createDataFrame(list(batch.origins.items()), schema))
    placed = bad.join(origins, F.col(c.FILE) == F.col("_path"), "left")
    within = F.coalesce("_origin", c.FILE)
    return with_fingerprint(placed, c.RAW, c.CORRUPT, within).drop("_path", "_origin")


def _keep(batch: Batch, judged: Judged, bad: DataFrame, *, any_bad: bool) -> None:
    """Write what is set aside; quarantine is not looked at where it can't hold any of it."""
    spark, settings, dataset = batch.spark, batch.settings, batch.dataset
    rows = quarantine.rows_from(bad, dataset, batch.batch_id, batch.rules_version)
    if not quarantine.exists(spark, settings, dataset):
        if any_bad:
            quarantine.append(spark, settings, dataset, rows)
        return
    first_try = batch.attempt == 1 and not batch.is_replay
    # Where every night stays served, what another night lacks is not gone.
    is_newest = batch.taken_at is not None and batch.stale_before is None
    is_whole = is_newest and dataset.history is not History.SNAPSHOT
    if any_bad or is_whole or not first_try:
        again = None if first_try else judged.rows
        said = recognise.Judgement(batch.batch_id, rows, again, any_bad, is_whole, batch.is_small)
        recognise.settle(spark, settings, dataset, said, batch)


def _with_contested(frame: DataFrame, changes: Changes) -> DataFrame:
    """Name the reason of rows that the served table contradicts."""
    conflicts = changes.frame.where(F.col(c.ACTION) == c.ACTION_CONFLICT)
    contested = F.broadcast(conflicts.select(F.col(c.RECORD).alias("_contested")))
    said = F.when(F.col("_contested").isNotNull(), F.array(F.lit(c.ACTION_CONFLICT)))
    return frame.join(contested, F.col(c.RECORD) == F.col("_contested"), "left").withColumn(
        "reasons", said.otherwise(F.col("reasons"))
    )


def _with_record(bad: DataFrame, raw: DataFrame) -> DataFrame:
    """Look up the record as it came of rows that don't carry it, as sound ones do not."""
    came = raw.select(F.col(c.RECORD).alias("_came_record"), as_it_came(raw).alias("_came"))
    wanted = bad.where(F.col(c.RAW).isNull()).select(F.col(c.RECORD).alias("_came_record"))
    found = F.broadcast(came.join(F.broadcast(wanted), "_came_record", "left_semi"))
    joined = bad.join(found, F.col(c.RECORD) == F.col("_came_record"), "left")
    return joined.withColumn(c.RAW, F.coalesce(F.col(c.RAW), F.col("_came")))


def merge(batch: Batch, changes: Changes, lock: TableLock, said: Mapping[str, Any]) -> None:
    """Apply the changes in one Delta commit, which is made only if its counts are ours.

    Args:
        batch: the batch under way.
        changes: what is to be done.
        lock: the right to write its table.
        said: what the commit leaves to be read, its account among it.

    Raises:
        FencedError: a younger writer has taken over; nothing was written.
        AccountError: Delta counted otherwise; nothing was written.
    """
    lock.check()
    spark = batch.spark
    # Before the merge: what is remembered is true of the source, whatever becomes of the batch,
    # and the batch run again remembers nothing twice.
    for found, kind in changes.remember:
        marks.add(spark, batch.settings, batch.dataset, found, kind)
    edited = [changes.edited.get(word, 0) for word in EDITS]
    if not any(edited):
        return
    with fenced(spark, lock, said):
        is_done = _apply(batch, changes.edits, edited)
    if not is_done:
        raise FencedError(
            f"{batch.where}: Delta has a commit by a younger writer than token {lock.token};"
            " nothing was written, start the batch again"
        )


_COUNTS = "CIVICLAKE_COUNTS"
"""By this our procedure's refusal is known (jvm/src/city/civiclake/ApplyChanges.java)."""


def _apply(batch: Batch, changes: DataFrame, edited: Sequence[int]) -> bool:
    """Let the engine write; false when a younger writer has committed already."""
    table = tables.location(batch.settings, batch.layer, batch.dataset.table)
    try:
        return apply_changes(table, changes, edited)
    except PySparkException as error:
        found = re.search(rf"{_COUNTS}: ([^\n]*)", str(error))
        if found is None:
            raise
        raise AccountError(f"{batch.where}: {found.group(1)}") from error
