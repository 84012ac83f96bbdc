"""A batch that found the snapshot of before: it is written down, and no table is touched."""

from __future__ import annotations

import logging

from civiclake.contracts.model import Dataset
from civiclake.engine.session import connect
from civiclake.io.landing.manifest import BatchManifest
from civiclake.io.ops import ledger
from civiclake.io.ops.account import UNRENEWED, BatchResult
from civiclake.pipeline.watch import deliveries
from civiclake.settings import Settings

log = logging.getLogger(__name__)


def pass_over(
    settings: Settings, dataset: Dataset, manifest: BatchManifest, attempt: int
) -> BatchResult:
    """Account for a batch that is no delivery; what is served stays as old as it is.

    It is no failure: what refers to the dataset, or is made from it, goes on with what is
    served. That its department owes a delivery is told by ``civiclake deliveries check``.

    Args:
        settings: of this installation.
        dataset: the compiled contract.
        manifest: of the batch; its ``unrenewed`` says what was found.
        attempt: which try of the batch this is.

    Raises:
        EngineError: the jobs engine does not answer.
    """
    sentence = manifest.unrenewed or ""
    log.warning("%s", sentence)
    result = BatchResult(
        dataset=dataset.id,
        batch_id=manifest.batch_id,
        attempt=attempt,
        status=UNRENEWED,
        message=sentence,
    )
    recorder = ledger.Recorder()
    recorder.count("extract", UNRENEWED, 0)
    spark = connect(settings)
    try:
        by = ledger.Circumstances(contract_version=dataset.version)
        ledger.record(spark, settings, ledger.Entry(result, recorder, by))
        if dataset.limits.allow_empty:
            deliveries.note_unrenewed(spark, settings, dataset, manifest)
    finally:
        spark.stop()
    return result
