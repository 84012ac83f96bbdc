"""extract: source to landing, the first step of a night, without Spark."""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    stop_after_delay,
    wait_exponential,
)

from civiclake.contracts.model import Dataset, Load, SourceKind
from civiclake.errors import BatchHeld, SourceError, SourceUnavailable
from civiclake.io.deliveries import check_shape, land
from civiclake.io.landing import BatchManifest, Draft, LandedFile, Landing
from civiclake.io.sources import files, postgresql, s3, sftp
from civiclake.io.sources.common import Delivery, StillWritten, ask, expand
from civiclake.settings import Settings

SETTLE_SECONDS = 2.0
"""A dropped file changed within this time may still be growing."""
_log = logging.getLogger(__name__)


def extract(
    settings: Settings,
    dataset: Dataset,
    batch_id: str,
    *,
    settle_seconds: float = SETTLE_SECONDS,
    again: bool = False,
) -> BatchManifest:
    """Read what the source has for this batch, once.

    A batch that is in landing already is returned as it is. A source that does not
    answer is tried three times, for less than twenty seconds in all.

    Args:
        settings: where landing is.
        dataset: the compiled contract.
        batch_id: id of the batch, such as ``20160101T020000Z``.
        settle_seconds: how long a dropped file must have been left alone.
        again: read anew a batch that was landed but not committed.

    Raises:
        SourceUnavailable: the source does not answer; later it may.
        SourceError: the source can't be read, or has delivered nothing.
        BatchHeld: the delivery's shape is not the contract's; it is kept to be looked at.
    """
    landing = Landing(settings)
    if again:
        landing.discard(dataset.id, batch_id)
    found = landing.find(dataset.id, batch_id)
    if found is not None:
        return found
    tries = Retrying(
        retry=retry_if_exception_type(SourceUnavailable),
        stop=stop_after_attempt(3) | stop_after_delay(12),
        wait=wait_exponential(multiplier=1, max=3),
        before_sleep=_tell,
        reraise=True,
    )
    return tries(_attempt, landing, dataset, batch_id, settle_seconds)


def _tell(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    _log.warning("try %d failed, trying again: %s", state.attempt_number, error)


def _attempt(
    landing: Landing, dataset: Dataset, batch_id: str, settle_seconds: float
) -> BatchManifest:
    began = time.monotonic()
    with landing.drafting(dataset, batch_id) as draft:
        watermark = landing.watermark(dataset.id) if dataset.load is Load.INCREMENTAL else None
        newest: str | None = None
        left: list[str] = []
        if dataset.source.kind is SourceKind.POSTGRESQL:
            pulled = postgresql.pull(dataset, draft, watermark)
            landed, newest = list(pulled.files), pulled.watermark_to
        else:
            deliveries, left = _deliveries(landing, dataset, settle_seconds)
            landed = _land_all(landing, draft, dataset, batch_id, deliveries, left)
        manifest = BatchManifest(
            dataset=dataset.id,
            batch_id=batch_id,
            contract_version=dataset.version,
            load=dataset.load,
            created_at=datetime.now(UTC),
            seconds=round(time.monotonic() - began, 3),
            files=tuple(landed),
            rows=sum(file.rows for file in landed),
            bytes=sum(file.size_bytes for file in landed),
            watermark_from=watermark,
            watermark_to=newest if dataset.load is Load.INCREMENTAL else None,
            left=tuple(left),
        )
        _refuse_empty(dataset, manifest)
        return landing.publish(draft, manifest)


def _deliveries(
    landing: Landing, dataset: Dataset, settle_seconds: float
) -> tuple[list[Delivery], list[str]]:
    """The deliveries that this batch takes, oldest first."""
    left: list[str] = []
    if dataset.source.kind is SourceKind.S3:
        found = s3.find(dataset)
    elif dataset.source.kind is SourceKind.SFTP:
        found, left = sftp.find(dataset, settle_seconds=settle_seconds)
    else:
        found, left = files.find(dataset, settle_seconds=settle_seconds)
    may_lack = dataset.limits.allow_empty and dataset.load is not Load.SNAPSHOT
    if not found and not left and not may_lack:
        where = expand(dataset, "location", dataset.source.location)
        raise SourceError(
            f"{dataset.id}: nothing is delivered: no file matches {where}: "
            f"{ask(dataset)} to deliver"
        )
    if dataset.load is Load.SNAPSHOT:
        return found[-1:], left  # the newest is the whole of it
    taken = landing.taken(dataset.id)
    return [delivery for delivery in found if delivery.identity not in taken], left


def _land_all(
    landing: Landing,
    draft: Draft,
    dataset: Dataset,
    batch_id: str,
    deliveries: list[Delivery],
    left: list[str],
) -> list[LandedFile]:
    landed = []
    for delivery in deliveries:
        try:
            file = land(draft, dataset, delivery)
        except StillWritten:
            left.append(delivery.name)
            continue
        try:
            check_shape(dataset, file)
        except BatchHeld:
            landing.hold(draft, dataset, batch_id)
            raise
        landed.append(file)
    return landed


def _refuse_empty(dataset: Dataset, manifest: BatchManifest) -> None:
    if manifest.rows or (dataset.limits.allow_empty and not _lacks_snapshot(manifest)):
        return
    if manifest.left:
        what = f"only files still being written ({', '.join(manifest.left[:5])}) are there"
        raise SourceUnavailable(f"{dataset.id}: {what}: the next try may find them finished")
    what = "the delivery has a header but no rows" if manifest.files else "nothing new is delivered"
    raise SourceError(
        f"{dataset.id}: {what}: {ask(dataset)} to deliver, or set limits.allow_empty in "
        f"{dataset.path} if that is normal"
    )


def _lacks_snapshot(manifest: BatchManifest) -> bool:
    """No file at all is no empty snapshot: merged, it would delete everything."""
    return manifest.load is Load.SNAPSHOT and not manifest.files
