"""``civiclake backfill``: batches read again into a table beside the served one, and compared.

The table beside is built by the same steps under the same contract, with raw rows, set-aside
rows and accounts of its own; nothing that is served is touched before the swap.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from civiclake import columns as c
from civiclake.contracts.model import Dataset
from civiclake.engine.said import first_line
from civiclake.engine.session import connect, suit, suit_bytes
from civiclake.errors import CivicLakeError, UserError
from civiclake.io.extract import extract
from civiclake.io.lake import delta_log, marks, raw, tables
from civiclake.io.lake.lock import forget as forget_lock
from civiclake.io.lake.lock import table_lock
from civiclake.io.landing.former import Gathered
from civiclake.io.landing.manifest import BatchManifest
from civiclake.io.landing.store import Landing
from civiclake.io.ops import backfills, ledger
from civiclake.io.ops.backfills import Backfill
from civiclake.pipeline.night.batch import Batch
from civiclake.pipeline.night.load import compare_with_former, run, snapshots
from civiclake.pipeline.rebuild.difference import tell_difference
from civiclake.pipeline.rebuild.plan import Plan, Range, commits, day_of, plan
from civiclake.pipeline.writing import writing
from civiclake.settings import Settings

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Side:
    """The table beside the served one."""

    served: Dataset
    backfill_id: str

    @property
    def dataset(self) -> Dataset:
        """The same contract under a name of its own, so that every layer is its own."""
        return self.served.model_copy(update={"name": f"{self.served.name}__{self.backfill_id}"})

    def remove(self, settings: Settings) -> None:
        """Take everything of it away."""
        table = self.dataset.table
        for layer in (tables.BACKFILL, tables.RAW, tables.QUARANTINE, tables.MARKS, tables.STAGING):
            tables.remove(settings, layer, table)
        forget_lock(settings, table)


def lock_name(dataset: Dataset) -> str:
    """One backfill of a table at a time, whatever the nights do meanwhile."""
    return f"backfill_{dataset.table}"


def stage(
    settings: Settings, dataset: Dataset, days: Range, *, from_source: bool = False
) -> Backfill:
    """Build the table beside the served one, and tell how the two differ.

    A backfill that was staged before and not swapped is superseded by this one.

    Args:
        settings: of this installation.
        dataset: the compiled contract.
        days: the nights whose batches are read again.
        from_source: read the source anew in their place, not landing.

    Returns:
        The staged backfill.

    Raises:
        LockHeld: another backfill of this table is under way.
        UserError: there is nothing to read again.
    """
    side = Side(dataset, f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
    row = Backfill(
        dataset=dataset.id,
        backfill_id=side.backfill_id,
        state=backfills.FAILED,
        first_day=str(days.first) if days.first else None,
        last_day=str(days.last) if days.last else None,
        source="source" if from_source else "landing",
    )
    with table_lock(settings, lock_name(dataset), holder=f"backfill {side.backfill_id}"):
        spark = connect(settings)
        try:
            chosen = _chosen(settings, dataset, days)
            suit_both(spark, settings, dataset)
            _supersede(spark, settings, dataset)
            try:
                row = _build(spark, settings, side, chosen, row)
                row = tell_difference(spark, settings, side.served, side.dataset, row)
            except CivicLakeError as error:
                _forget(settings, side, row)
                backfills.record(spark, settings, row.model_copy(update={"message": str(error)}))
                raise
            return backfills.record(
                spark, settings, row.model_copy(update={"state": backfills.STAGED})
            )
        finally:
            spark.stop()


def suit_both(spark: SparkSession, settings: Settings, dataset: Dataset) -> None:
    """Suit a session to the served table and the one beside it, which is about as large."""
    served = delta_log.summary(spark, settings, tables.UNIFIED, dataset.table)
    suit_bytes(spark, 2 * served.size_bytes)


def _chosen(settings: Settings, dataset: Dataset, days: Range) -> list[str]:
    """The committed batches of those days."""
    committed = Landing(settings).committed(dataset.id)
    found = [m.batch_id for m in committed if days.holds(m)]
    if not found:
        span = f"{days.first or 'the beginning'} to {days.last or 'now'}"
        there = [day_of(m) for m in committed]
        known = f"from {min(there)} to {max(there)}" if there else "of no day"
        raise UserError(
            f"{dataset.id}: no batch of {span} was merged; landing holds merged batches {known}"
        )
    return found


def _supersede(spark: SparkSession, settings: Settings, dataset: Dataset) -> None:
    for row in backfills.of(spark, settings, dataset.id).values():
        if row.state in (backfills.STAGED, backfills.REFUSED):
            _forget(settings, Side(dataset, row.backfill_id), row)
            update = {"state": backfills.SUPERSEDED, "message": "a newer backfill was begun"}
            backfills.record(spark, settings, row.model_copy(update=update))


def _forget(settings: Settings, side: Side, row: Backfill) -> None:
    side.remove(settings)
    if row.read_batch:
        Landing(settings).discard(side.served.id, row.read_batch)


def _build(
    spark: SparkSession, settings: Settings, side: Side, chosen: Sequence[str], row: Backfill
) -> Backfill:
    """Fill the table beside; what it was built on, and from how many batches."""
    dataset = side.served
    served = tables.by_path(settings, tables.UNIFIED, dataset.table)
    version = delta_log.newest(spark, settings, tables.UNIFIED, dataset.table).version
    otherwise = tables.keeps_otherwise(spark.table(served).columns, dataset)
    if row.read_batch:
        if otherwise:
            raise UserError(
                f"{dataset.id}: history is {dataset.history.value} now, and the source knows no"
                f" former night: read them from landing, `civiclake backfill {dataset.id}`"
            )
        extract(settings, dataset, row.read_batch, whole=True, connect=connect)
        _begin(spark, settings, side, version, without=chosen)
        made = Plan(version, (row.read_batch,))
    else:
        if otherwise:  # rows of another history say too little to build on
            chosen = _chosen(settings, dataset, Range(None, None))
        made = _planned(spark, settings, dataset, chosen)
        if made.why:
            log.info("%s is built from its first batch on: %s", dataset.id, made.why)
        if not _begin(spark, settings, side, made.base_version):
            log.info("version %s can't be read any more: all batches are applied", version)
            every = [m.batch_id for m in ledger.merged(spark, settings, dataset.id)]
            made = Plan(None, tuple(every))
    merged = _held_by_base(settings, dataset, made)
    for batch_id in made.batches:
        _apply(settings, side, batch_id, merged)
    update = {
        "batches": len(made.batches),
        "base_version": made.base_version,
        "served_version": version,
    }
    return row.model_copy(update=update)


def _planned(
    spark: SparkSession, settings: Settings, dataset: Dataset, chosen: Sequence[str]
) -> Plan:
    order = ledger.merged(spark, settings, dataset.id)
    known = {m.batch_id for m in order}
    # A batch whose merge the ledger missed (no engine in the last moment) comes at its end.
    landing = Landing(settings)
    missed = [m for m in landing.committed(dataset.id) if m.batch_id not in known]
    order += [ledger.Merged(m.batch_id, True, m.contract_version) for m in missed]
    table = tables.by_path(settings, tables.UNIFIED, dataset.table)
    history = spark.sql(f"DESCRIBE HISTORY {table}").select("version", "userMetadata").collect()
    known_commits = commits([(h["version"], h["userMetadata"]) for h in history])
    return plan(order, chosen, known_commits, dataset.version)


def _begin(
    spark: SparkSession,
    settings: Settings,
    side: Side,
    version: int | None,
    without: Sequence[str] = (),
) -> bool:
    """Make the table beside, filled from a version of the served one; false if that is gone."""
    target = tables.create_unified(spark, settings, side.dataset, tables.BACKFILL)
    if version is None:
        return True
    served = tables.by_path(settings, tables.UNIFIED, side.served.table)
    try:
        former = spark.sql(f"SELECT * FROM {served} VERSION AS OF {version}")
        left = former.where(~F.col(c.BATCH).isin(list(without))) if without else former
        known = set(former.columns)
        wanted = spark.table(target).schema.fields
        left.select(
            *[
                (F.col(f"`{f.name}`") if f.name in known else F.lit(None))
                .cast(f.dataType)
                .alias(f.name)
                for f in wanted
            ]
        ).write.format("delta").mode("append").save(
            tables.location(settings, tables.BACKFILL, side.dataset.table)
        )
    except PySparkException as error:
        log.warning("%s", first_line(error))
        return False
    # What is remembered of keys is true of the source, whichever version it was learnt by.
    marks.copy(spark, settings, side.served, side.dataset)
    return True


def _held_by_base(settings: Settings, dataset: Dataset, made: Plan) -> Gathered:
    """The batches whose rows the version holds that the table is built on."""
    if made.base_version is None:
        return Gathered()
    committed = Landing(settings).committed(dataset.id)
    return Gathered(m for m in committed if m.batch_id not in made.batches)


def _apply(settings: Settings, side: Side, batch_id: str, merged: Gathered) -> None:
    """Take one batch through all steps; ``merged`` are those before, and grows by it."""
    landing = Landing(settings)
    manifest = landing.find(side.served.id, batch_id)
    log.info("backfill %s: batch %s", side.backfill_id, batch_id)
    # Each batch is a writer of its own: Delta takes a lock's token once.
    with writing(settings, side.dataset.table, f"backfill {side.backfill_id}") as (spark, lock):
        batch = Batch(spark, settings, side.dataset, batch_id, 1, layer=tables.BACKFILL)
        if manifest is None:
            batch.is_replay = True
            batch.former = merged
            batch.snapshots = snapshots(side.dataset, merged)
            run(batch, lock, lambda b: _stage_replay(b, side))
            return
        _refuse_lacking(side.served, manifest)
        compare_with_former(batch, merged, manifest)
        batch.is_small = suit(spark, manifest.rows)
        with landing.opened(side.served.id, batch_id) as folder:

            def read_raw(batch: Batch) -> DataFrame:
                return raw.stage(batch.spark, settings, side.dataset, manifest, folder)

            run(batch, lock, read_raw, expected=manifest.rows)
        merged.add(manifest)


def _refuse_lacking(dataset: Dataset, manifest: BatchManifest) -> None:
    """A column that came into the contract later is empty in old batches, if it may be."""
    for file in manifest.files:
        lacking = [
            col.source_name
            for col in dataset.columns
            if col.required and col.source_name not in file.header
        ]
        if lacking:
            raise UserError(
                f"{dataset.id} batch {manifest.batch_id}: {file.path} lacks {', '.join(lacking)},"
                f" which {dataset.path} requires now: backfill a later range, or let it be optional"
            )


def _stage_replay(batch: Batch, side: Side) -> DataFrame:
    """A replay's records as they were put right: they stand in raw alone."""
    table = tables.by_path(batch.settings, tables.RAW, side.served.table)
    rows = raw.read_batch(batch.spark, table, batch.batch_id)
    lineage = [F.col(name) for name, _ in tables.RAW_LINEAGE]
    names = [col.source_name for col in side.dataset.columns]
    chosen = rows.select(*raw.texts(rows.columns, names), *lineage)
    own = tables.create_raw(batch.spark, batch.settings, side.dataset)
    raw.write_batch(chosen, batch.settings, side.dataset, batch.batch_id)
    return raw.read_batch(batch.spark, own, batch.batch_id)
