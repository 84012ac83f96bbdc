"""``civiclake extract``: source to landing; a source that fails is written down like a batch."""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from civiclake.contracts.model import Dataset
from civiclake.errors import BatchHeld, CivicLakeError, EngineError
from civiclake.io.extract import extract
from civiclake.io.ops.account import BatchResult
from civiclake.settings import Settings

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

log = logging.getLogger(__name__)


def extract_batch(
    settings: Settings, dataset: Dataset, batch_id: str, *, again: bool = False
) -> dict[str, Any]:
    """Land one batch; what was landed before is returned as it is.

    Args:
        settings: of this installation.
        dataset: the compiled contract.
        batch_id: id of the batch, such as ``20160101T020000Z``.
        again: read anew a batch that was landed but not merged.

    Returns:
        What came: files, rows, bytes, watermark, seconds.

    Raises:
        CivicLakeError: the source could not be read, or the delivery is held.
    """
    began = time.monotonic()
    try:
        manifest = extract(settings, dataset, batch_id, again=again, connect=_connect)
    except CivicLakeError as error:
        _write_down(settings, dataset, batch_id, error)
        raise
    seconds = round(time.monotonic() - began, 2)
    log.info(
        "%s: %d rows in %d files, %d bytes, %.2f s",
        dataset.id, manifest.rows, len(manifest.files), manifest.bytes, seconds,
    )  # fmt: skip
    if manifest.unrenewed is not None:
        log.warning("%s", manifest.unrenewed)
    for name in manifest.left:
        log.warning(
            "%s: %s is still being written and is left for the next batch", dataset.id, name
        )
    return {
        "dataset": dataset.id,
        "batch_id": batch_id,
        "files": len(manifest.files),
        "rows": manifest.rows,
        "bytes": manifest.bytes,
        "watermark_from": manifest.watermark_from,
        "watermark_to": manifest.watermark_to,
        "left": list(manifest.left),
        "unrenewed": manifest.unrenewed,
        "seconds": seconds,
    }


def _connect(settings: Settings) -> SparkSession:
    # Spark's client is needed by few sources.
    from civiclake.engine.session import connect

    return connect(settings)


def _write_down(settings: Settings, dataset: Dataset, batch_id: str, error: CivicLakeError) -> None:
    """An absent or broken delivery stands in the ledger too; without an engine, in the log only."""
    from pyspark.errors import PySparkException

    from civiclake.io.ops import ledger
    from civiclake.pipeline.watch import deliveries

    status = "held" if isinstance(error, BatchHeld) else "failed"
    result = BatchResult(
        dataset=dataset.id, batch_id=batch_id, attempt=0, status=status, message=str(error)
    )
    recorder = ledger.Recorder()
    recorder.count("extract", status, 0)
    try:
        spark = _connect(settings)
    except EngineError as missing:
        log.warning("the ledger does not hold this failure: %s", missing)
        return
    try:
        by = ledger.Circumstances(contract_version=dataset.version)
        ledger.record(spark, settings, ledger.Entry(result, recorder, by))
        if status == "held":
            deliveries.note_held(spark, settings, dataset, batch_id, datetime.now(UTC))
    except PySparkException as missing:  # a disk that is full for landing is so for the ledger
        first = next(iter(str(missing).splitlines()), type(missing).__name__)
        log.warning("the ledger does not hold this failure: %s", first)
    finally:
        spark.stop()
