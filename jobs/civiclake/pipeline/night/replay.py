"""``civiclake quarantine replay``: set-aside rows judged again; each moves once."""

from __future__ import annotations

import csv
import logging
import re
from datetime import UTC, datetime
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from civiclake import columns as c
from civiclake.contracts.model import Dataset
from civiclake.contracts.read.faults import choice
from civiclake.contracts.sql import sql_name
from civiclake.engine.session import suit_bytes
from civiclake.errors import UserError
from civiclake.io.lake import delta_log, quarantine, raw, tables
from civiclake.io.landing.manifest import BACKFILL_PREFIX
from civiclake.io.landing.store import Landing
from civiclake.io.ops.account import BatchResult
from civiclake.pipeline.night.batch import Batch
from civiclake.pipeline.night.load import run, snapshots
from civiclake.pipeline.writing import writing
from civiclake.settings import Settings

log = logging.getLogger(__name__)


def replay(
    settings: Settings,
    dataset: Dataset,
    *,
    batch_id: str | None = None,
    corrections: Path | None = None,
) -> BatchResult:
    """Judge all open set-aside rows anew, under the rules and code lists as they are now.

    A replay that broke off is finished first, under its own id and with the values that it had;
    a new one follows where records or corrections came since.

    Args:
        settings: of this installation.
        dataset: the compiled contract.
        batch_id: id of the replay's batch; made from the time when not given.
        corrections: CSV file of ``_record_id`` and source columns, with the right values.

    Returns:
        The account; what is still wrong stays in quarantine and counts as quarantined.

    Raises:
        UserError: nothing is set aside, the corrections do not fit, or the id is taken.
    """
    fixed = _read_corrections(corrections, dataset) if corrections else None
    if batch_id is not None:
        _refuse_landed(settings, dataset, batch_id)
    with writing(settings, dataset.table, "replay") as (spark, lock):
        if not quarantine.exists(spark, settings, dataset):
            raise UserError(f"nothing of {dataset.id} is set aside: there is nothing to replay")
        aside = delta_log.summary(spark, settings, tables.QUARANTINE, dataset.table)
        suit_bytes(spark, aside.size_bytes)
        former = quarantine.unfinished(spark, settings, dataset)
        if former is not None and raw.holds(spark, settings, dataset, former):
            batch = _batch(spark, settings, dataset, former)
            goes_on = quarantine.has_unclaimed(spark, settings, dataset)
            goes_on = goes_on or not _is_staged_so(batch, fixed)
            result = run(batch, lock, _staged)
            if not goes_on:
                return result
            log.warning("%s: %s, which had broken off, is finished", dataset.id, former)
            former = None
            lock.renew()
        if former is None and batch_id is not None:
            _refuse_written(spark, settings, dataset, batch_id)
        name = former or batch_id or f"replay-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
        if not quarantine.claim(spark, settings, dataset, name):
            raise UserError(f"nothing of {dataset.id} is set aside: there is nothing to replay")
        batch = _batch(spark, settings, dataset, name)
        return run(batch, lock, lambda batch: _stage(batch, fixed))


_NIGHT = re.compile(r"\d{8}T\d{6}Z")


def _refuse_landed(settings: Settings, dataset: Dataset, batch_id: str) -> None:
    """A replay's rows would take the place of a delivery's, or the other way round."""
    landing = Landing(settings)
    is_landed = landing.knows(dataset.id, batch_id)
    if is_landed or _NIGHT.fullmatch(batch_id) or batch_id.startswith(BACKFILL_PREFIX):
        what = "landing knows" if is_landed else "a delivery may come under"
        raise UserError(
            f"batch id {batch_id!r} is one that {what}: a replay of {dataset.id} would take the"
            " place of its rows; leave --batch-id out, or name one such as replay-1"
        )


def _refuse_written(
    spark: SparkSession, settings: Settings, dataset: Dataset, batch_id: str
) -> None:
    if raw.holds(spark, settings, dataset, batch_id):
        raise UserError(
            f"batch id {batch_id!r} was used before: raw.{dataset.table} holds its rows, which a"
            " replay would replace; leave --batch-id out, or name another one"
        )


def _batch(spark: SparkSession, settings: Settings, dataset: Dataset, batch_id: str) -> Batch:
    batch = Batch(spark, settings, dataset, batch_id, attempt=1, is_replay=True)
    batch.former = Landing(settings).former(dataset.id)
    batch.snapshots = snapshots(dataset, batch.former)
    return batch


def _stage(batch: Batch, fixed: list[dict[str, str]] | None) -> DataFrame:
    """Put the claimed records into raw as a batch of their own, corrected where asked for."""
    spark, settings, dataset = batch.spark, batch.settings, batch.dataset
    if fixed:
        records = quarantine.claimed(spark, settings, dataset, batch.batch_id)
        _refuse_unknown(records, fixed, dataset)
    tables.create_raw(spark, settings, dataset)
    raw.write_batch(_corrected(batch, fixed), settings, dataset, batch.batch_id)
    return _staged(batch)


def _staged(batch: Batch) -> DataFrame:
    """The records as this replay has put them into raw."""
    dataset = batch.dataset
    table = tables.by_path(batch.settings, tables.RAW, dataset.table)
    rows = raw.read_batch(batch.spark, table, batch.batch_id)
    lineage = [F.col(name) for name, _ in tables.RAW_LINEAGE]
    names = [col.source_name for col in dataset.columns]
    return rows.select(*raw.texts(rows.columns, names), *lineage)


def _corrected(batch: Batch, fixed: list[dict[str, str]] | None) -> DataFrame:
    """The claimed records as raw rows, with their corrections."""
    spark, settings, dataset = batch.spark, batch.settings, batch.dataset
    corrections = None
    if fixed:
        names = list(fixed[0])
        schema = ", ".join(f"{sql_name(name)} string" for name in names)
        corrections = spark.createDataFrame([tuple(r[n] for n in names) for r in fixed], schema)
    records = quarantine.claimed(spark, settings, dataset, batch.batch_id)
    return quarantine.as_raw(records, dataset, batch.batch_id, corrections)


def _is_staged_so(batch: Batch, fixed: list[dict[str, str]] | None) -> bool:
    """Whether the corrections are those with which the replay broke off; none are as good."""
    if fixed is None:
        return True
    records = quarantine.claimed(batch.spark, batch.settings, batch.dataset, batch.batch_id)
    named = records.where(F.col(c.RECORD).isin([row[c.RECORD] for row in fixed]))
    wanted = _corrected(batch, fixed)
    there = _staged(batch).select(*wanted.columns)
    return named.count() == len(fixed) and wanted.exceptAll(there).isEmpty()


def _refuse_unknown(records: DataFrame, fixed: list[dict[str, str]], dataset: Dataset) -> None:
    wanted = [row[c.RECORD] for row in fixed]
    known = {
        row[0] for row in records.where(F.col(c.RECORD).isin(wanted)).select(c.RECORD).collect()
    }
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise UserError(
            f"corrections: {', '.join(unknown[:10])} {'is' if len(unknown) == 1 else 'are'} not set"
            f" aside in {dataset.id}; `civiclake quarantine show {dataset.id}` lists what is"
        )


def _read_corrections(path: Path, dataset: Dataset) -> list[dict[str, str]]:
    allowed = [c.RECORD, *(column.source_name for column in dataset.columns)]
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, strict=True)
        header = list(reader.fieldnames or [])
        unknown = [name for name in header if name not in allowed]
        if c.RECORD not in header or unknown:
            what = f"has the column {unknown[0]!r}" if unknown else f"lacks the column {c.RECORD!r}"
            raise UserError(f"{path.name} {what}; allowed are {choice(allowed)}")
        rows = list(reader)
    ids = [row[c.RECORD] for row in rows]
    twice = sorted({i for i in ids if ids.count(i) > 1})
    if twice or not rows:
        raise UserError(f"{path.name} {f'names {twice[0]} twice' if twice else 'holds no record'}")
    return rows
