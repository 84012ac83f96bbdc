"""From judged rows to the served table: set aside, protect, classify, MERGE."""

from __future__ import annotations

import json
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from civiclake import columns as c
from civiclake.contracts.model import Load
from civiclake.engine.session import PSEUDONYM
from civiclake.errors import AccountError, BatchHeld, FencedError
from civiclake.io import quarantine
from civiclake.io.lock import TableLock
from civiclake.pipeline.batch import Batch
from civiclake.pipeline.judge import Judged
from civiclake.steps.merge import action_counts, classify, gone, late_before, merge_sql
from civiclake.steps.protect import protect
from civiclake.steps.validate import reasons

_APP = "civiclake"


@dataclass
class Changes:
    """What the good rows of a batch mean to the served table."""

    frame: DataFrame
    counts: dict[str, int]

    def rows(self, action: str) -> int:
        """Rows with that action."""
        return self.counts.get(action, 0)

    @property
    def to_merge(self) -> int:
        """Rows that change the table."""
        return sum(self.rows(a) for a in (c.ACTION_INSERT, c.ACTION_UPDATE, c.ACTION_DELETE))


def _pseudonymize(value: Column, domain: str) -> Column:
    return F.call_function(PSEUDONYM, value, F.lit(domain))


def classify_rows(batch: Batch, judged: Judged) -> Changes:
    """Protect the good rows and compare them with the served table.

    Args:
        batch: the batch under way.
        judged: its judged rows.

    Raises:
        BatchHeld: a snapshot would delete more of the table than its contract allows.
    """
    good = judged.frame.where(F.col(c.FATE) == c.FATE_GOOD)
    masked = protect(good, batch.dataset, _pseudonymize)
    served = batch.spark.table(batch.unified)
    is_snapshot = batch.dataset.load is Load.SNAPSHOT
    compares_whole = is_snapshot and not batch.is_replay and batch.stale_before is None
    classified = classify(masked, served, batch.dataset)
    if batch.stale_before is not None:
        classified = late_before(classified, batch.stale_before, batch.dataset)
    if compares_whole:
        delivered = _delivered_keys(judged.frame, batch)
        classified = classified.unionByName(gone(served, delivered, batch.dataset))
    frame = batch.save(classified, "classified")
    found = {row[c.ACTION]: row["rows"] for row in action_counts(frame).collect()}
    changes = Changes(frame, found)
    if compares_whole:
        _refuse_mass_deletion(batch, changes, served)
    return changes


def _delivered_keys(frame: DataFrame, batch: Batch) -> DataFrame:
    """Keys as the unified table holds them, of all rows that the snapshot delivered."""
    keys = [batch.dataset.column(name) for name in batch.dataset.key]
    shown = [
        _pseudonymize(F.col(k.name).cast("string"), k.pseudonym_domain or k.name).alias(k.name)
        if k.protection
        else F.col(k.name)
        for k in keys
    ]
    return frame.select(*shown)


def _refuse_mass_deletion(batch: Batch, changes: Changes, served: DataFrame) -> None:
    going = changes.rows(c.ACTION_DELETE)
    allowed = batch.dataset.limits.max_deleted_fraction
    if not going:
        return
    total = served.count()
    if going > allowed * total:
        raise BatchHeld(
            f"{batch.where} is held: the snapshot would delete {going} of {total} served rows"
            f" ({going / total:.0%}, allowed are {allowed:.0%}); ask {batch.dataset.owner.name}"
            f" ({batch.dataset.owner.contact}) whether the delivery is whole"
        )


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
            batch.spark, batch.settings, batch.dataset, rows, batch.batch_id, judged.frame
        )
    if not any_bad:
        return {}
    found = bad.select(F.explode("reasons").alias("reason")).groupBy("reason").count().collect()
    return {row["reason"]: row["count"] for row in found}


def merge(batch: Batch, changes: Changes, lock: TableLock) -> None:
    """Apply the changes in one Delta commit, and hold Delta's counts against ours.

    Raises:
        FencedError: a younger writer has taken over; nothing was written.
        AccountError: Delta counted otherwise; the table is back at its former version.
    """
    if not changes.to_merge:
        return
    lock.check()
    spark = batch.spark
    before = _version(batch)
    # Delta refuses a commit whose version of this application is not above the last one's:
    # a writer that lost its lock while Spark worked can't commit any more.
    settings = {
        "spark.databricks.delta.commit.idempotencyCheck.enabled": "true",
        "spark.databricks.delta.write.txnAppId": _APP,
        "spark.databricks.delta.write.txnVersion": str(lock.token),
        "spark.databricks.delta.commitInfo.userMetadata": json.dumps(
            {"batch_id": batch.batch_id, "attempt": batch.attempt, "token": lock.token}
        ),
    }
    for name, value in settings.items():
        spark.conf.set(name, value)
    try:
        changing = F.col(c.ACTION).isin(c.ACTION_INSERT, c.ACTION_UPDATE, c.ACTION_DELETE)
        changes.frame.where(changing).createOrReplaceTempView("_changes")
        rows = spark.sql(merge_sql(batch.unified, "_changes", batch.dataset)).collect()
    finally:
        for name in settings:
            spark.conf.unset(name)
    if not rows:
        raise FencedError(
            f"{batch.where}: Delta has a commit by a younger writer than token {lock.token};"
            " nothing was written, start the batch again"
        )
    _compare(batch, changes, rows[0].asDict(), before)


def _compare(batch: Batch, changes: Changes, counted: dict[str, int], before: int) -> None:
    expected = {
        "num_inserted_rows": changes.rows(c.ACTION_INSERT),
        "num_updated_rows": changes.rows(c.ACTION_UPDATE),
        "num_deleted_rows": changes.rows(c.ACTION_DELETE),
    }
    actual = {name: counted[name] for name in expected}
    if actual != expected:
        batch.spark.sql(f"RESTORE TABLE {batch.unified} TO VERSION AS OF {before}").collect()
        raise AccountError(
            f"{batch.where}: expected {expected}, but Delta counted {actual}; the table is back"
            f" at version {before}"
        )


def _version(batch: Batch) -> int:
    row = batch.spark.sql(f"DESCRIBE HISTORY {batch.unified} LIMIT 1").collect()[0]
    return int(row["version"])
