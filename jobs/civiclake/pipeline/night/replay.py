"""``civiclake quarantine replay``: set-aside rows judged again; each moves once."""

from __future__ import annotations

import csv
import logging
from datetime import UTC, datetime
from pathlib import Path

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from civiclake import columns as c
from civiclake.contracts.model import Dataset
from civiclake.contracts.read.faults import choice
from civiclake.contracts.sql import sql_name
from civiclake.errors import UserError
from civiclake.io.lake import quarantine, raw, tables
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

    A replay that broke off is taken up again under its own id before a new one begins.

    Args:
        settings: of this installation.
        dataset: the compiled contract.
        batch_id: id of the replay's batch; made from the time when not given.
        corrections: CSV file of ``_record_id`` and source columns, with the right values.

    Returns:
        The account; what is still wrong stays in quarantine and counts as quarantined.

    Raises:
        UserError: nothing is set aside, or the corrections do not fit.
    """
    fixed = _read_corrections(corrections, dataset) if corrections else None
    with writing(settings, dataset.table, "replay") as (spark, lock):
        if not quarantine.exists(spark, settings, dataset):
            raise UserError(f"nothing of {dataset.id} is set aside: there is nothing to replay")
        unfinished = quarantine.unfinished(spark, settings, dataset)
        batch_id = unfinished or batch_id or f"replay-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
        if not quarantine.claim(spark, settings, dataset, batch_id):
            raise UserError(f"nothing of {dataset.id} is set aside: there is nothing to replay")
        batch = Batch(spark, settings, dataset, batch_id, attempt=1, is_replay=True)
        batch.former = Landing(settings).former(dataset.id)
        batch.snapshots = snapshots(dataset, batch.former)

        def read_raw(batch: Batch) -> DataFrame:
            return _stage(batch, fixed)

        return run(batch, lock, read_raw)


def _stage(batch: Batch, fixed: list[dict[str, str]] | None) -> DataFrame:
    """Put the claimed records into raw as a batch of their own, corrected where asked for."""
    spark, settings, dataset = batch.spark, batch.settings, batch.dataset
    records = quarantine.claimed(spark, settings, dataset, batch.batch_id)
    corrections = None
    if fixed:
        _refuse_unknown(records, fixed, dataset)
        names = list(fixed[0])
        schema = ", ".join(f"{sql_name(name)} string" for name in names)
        corrections = spark.createDataFrame([tuple(r[n] for n in names) for r in fixed], schema)
    rows = quarantine.as_raw(records, dataset, batch.batch_id, corrections)
    table = tables.create_raw(spark, settings, dataset)
    raw.write_batch(rows, settings, dataset, batch.batch_id)
    return raw.read_batch(spark, table, batch.batch_id)


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
