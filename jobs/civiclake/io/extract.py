"""extract: source to landing, the first step of a night, without Spark."""

from __future__ import annotations

import contextlib
import logging
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial

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
from civiclake.io.landing.choose import choose
from civiclake.io.landing.delivery import Delivery, StillWritten, ask, expand
from civiclake.io.landing.drafts import Draft
from civiclake.io.landing.land_file import check_shape, land
from civiclake.io.landing.manifest import BatchManifest, LandedFile
from civiclake.io.landing.store import Landing
from civiclake.io.reading.rendition import Lineage
from civiclake.io.sources.registry import Asked, Connect, Finds, Pulls, TellsBeside, connector
from civiclake.settings import Settings

SETTLE_SECONDS = 2.0
"""A dropped file changed within this time may still be growing."""
_AT_ONCE, _LARGE_BYTES = 2, 4 << 20
"""Files are read so many at a time where they are so large together."""
_log = logging.getLogger(__name__)


def extract(
    settings: Settings,
    dataset: Dataset,
    batch_id: str,
    *,
    settle_seconds: float = SETTLE_SECONDS,
    again: bool = False,
    connect: Connect | None = None,
    whole: bool = False,
) -> BatchManifest:
    """Read what the source has for this batch, once.

    A batch that is in landing already is returned as it is, unless it found nothing new. A
    source that does not answer is tried three times, for less than twenty seconds in all.

    Args:
        settings: where landing is.
        dataset: the compiled contract.
        batch_id: id of the batch, such as ``20160101T020000Z``.
        settle_seconds: how long a dropped file must have been left alone.
        again: read anew a batch that was landed but not committed.
        connect: opens a session of the jobs engine, for the connectors that need one.
        whole: read all that the source has, whatever earlier batches have brought.

    Raises:
        SourceUnavailable: the source does not answer; later it may.
        SourceError: the source can't be read, or has delivered nothing.
        BatchHeld: the delivery's shape is not the contract's; it is kept to be looked at.
    """
    landing = Landing(settings)
    if again:
        landing.discard(dataset.id, batch_id)
    found = landing.find(dataset.id, batch_id)
    if found is not None and found.unrenewed is None:
        return found
    if found is not None:  # perhaps it was renewed meanwhile
        landing.discard(dataset.id, batch_id)
    tries = Retrying(
        retry=retry_if_exception_type(SourceUnavailable),
        stop=stop_after_attempt(3) | stop_after_delay(12),
        wait=wait_exponential(multiplier=1, max=3),
        before_sleep=_tell,
        reraise=True,
    )
    reader = connector(dataset)
    if isinstance(reader, Pulls):
        return tries(_pull, settings, landing, dataset, batch_id, reader, connect, whole)
    return tries(_find, landing, dataset, batch_id, reader, settle_seconds, whole)


def _tell(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    _log.warning("try %d failed, trying again: %s", state.attempt_number, error)


def _pull(
    settings: Settings,
    landing: Landing,
    dataset: Dataset,
    batch_id: str,
    reader: Pulls,
    connect: Connect | None,
    whole: bool,
) -> BatchManifest:
    began = time.monotonic()
    marked = dataset.reads_by_watermark and not whole
    watermark = landing.former(dataset.id).watermark() if marked else None
    with landing.drafting(dataset, batch_id) as draft:
        asked = Asked(settings, dataset, batch_id, draft, watermark, connect)
        try:
            pulled = reader.pull(asked)
        except BatchHeld:
            landing.hold(draft, dataset, batch_id)
            raise
        manifest = _manifest(dataset, batch_id, pulled.files, began).model_copy(
            update={
                "watermark_from": watermark,
                "watermark_to": pulled.watermark_to,
                "folded": dict(pulled.folded),
            }
        )
        _refuse_empty(dataset, manifest)
        return landing.publish(draft, manifest)


def _find(
    landing: Landing,
    dataset: Dataset,
    batch_id: str,
    reader: Finds,
    settle_seconds: float,
    whole: bool,
) -> BatchManifest:
    began = time.monotonic()
    with landing.drafting(dataset, batch_id) as draft:
        found, left = reader.find(dataset, settle_seconds=settle_seconds)
        _refuse_nothing(dataset, reader, found, left)
        chosen = choose(landing, dataset, found, left, datetime.now(UTC), whole=whole)
        # The bytes as they came, and what stage reads of them: a Parquet file is about as large.
        draft.needed = 2 * sum(delivery.size_bytes for delivery in chosen.deliveries)
        landed = _land_all(landing, draft, dataset, batch_id, chosen.deliveries, left)
        manifest = _manifest(dataset, batch_id, landed, began)
        update = {"left": tuple(left), "unrenewed": chosen.unrenewed}
        manifest = manifest.model_copy(update=update)
        _refuse_empty(dataset, manifest)
        return landing.publish(draft, manifest)


def _manifest(
    dataset: Dataset, batch_id: str, files: Sequence[LandedFile], began: float
) -> BatchManifest:
    return BatchManifest(
        dataset=dataset.id,
        batch_id=batch_id,
        contract_version=dataset.version,
        load=dataset.load,
        created_at=datetime.now(UTC),
        seconds=round(time.monotonic() - began, 3),
        files=tuple(files),
        rows=sum(file.rows for file in files),
        bytes=sum(file.size_bytes for file in files),
    )


def _refuse_nothing(
    dataset: Dataset, reader: Finds, found: list[Delivery], left: list[str]
) -> None:
    may_lack = dataset.limits.allow_empty and dataset.load is not Load.SNAPSHOT
    if found or left or may_lack:
        return
    where = expand(dataset, "location", dataset.source.location)
    lies = ""
    if isinstance(reader, TellsBeside):
        with contextlib.suppress(SourceError):  # it must not hide what is told here
            lies = f" ({reader.beside(dataset)})"
    raise SourceError(
        f"{dataset.id}: nothing is delivered: no file matches {where}{lies}: "
        f"{ask(dataset)} to deliver, or correct the pattern in {dataset.path}"
    )


def _land_all(
    landing: Landing,
    draft: Draft,
    dataset: Dataset,
    batch_id: str,
    deliveries: Sequence[Delivery],
    left: list[str],
) -> list[LandedFile]:
    landed: list[LandedFile] = []
    is_snapshot = dataset.load is Load.SNAPSHOT
    taken_at = max((d.modified_at for d in deliveries), default=None) if is_snapshot else None
    tasks = []
    for place, delivery in enumerate(deliveries):
        came, moment = draft.place(delivery.name), taken_at or delivery.modified_at
        lineage = Lineage(draft.batch_id, place, came, moment)
        tasks.append(partial(land, draft, dataset, delivery, lineage))
    try:
        with _readers(tasks, dataset, deliveries) as readers:
            for delivery, read in zip(deliveries, readers, strict=True):
                try:
                    file = read()
                except StillWritten:
                    left.append(delivery.name)
                    continue
                check_shape(dataset, file)
                landed.append(file)
    except BatchHeld:
        landing.hold(draft, dataset, batch_id)
        raise
    return landed


Read = Callable[[], LandedFile]


@contextlib.contextmanager
def _readers(
    tasks: Sequence[Read], dataset: Dataset, deliveries: Sequence[Delivery]
) -> Iterator[Sequence[Read]]:
    """What reads each file, in order; of large files on a disk, more than one at a time.

    Unpacking, hashing, parsing and writing all happen outside of Python's lock. A connection to
    another machine is asked one thing at a time.
    """
    size = sum(delivery.size_bytes for delivery in deliveries)
    if len(tasks) < 2 or size < _LARGE_BYTES or dataset.source.kind is not SourceKind.FILES:
        yield tasks
        return
    with ThreadPoolExecutor(min(_AT_ONCE, os.cpu_count() or 1)) as pool:
        begun = [pool.submit(task) for task in tasks]
        try:
            yield [one.result for one in begun]
        finally:
            for one in begun:
                one.cancel()


def _refuse_empty(dataset: Dataset, manifest: BatchManifest) -> None:
    if manifest.unrenewed is not None:
        return  # what is served stays whole: no reason to stop what refers to it
    if manifest.rows or (dataset.limits.allow_empty and not _lacks_snapshot(manifest)):
        return
    if manifest.left:
        what = f"only files still being written ({', '.join(manifest.left[:5])}) are there"
        raise SourceUnavailable(f"{dataset.id}: {what}: the next try may find them finished")
    what = "the delivery has a header but no rows" if manifest.files else "nothing new is delivered"
    sentence = (
        f"{dataset.id}: {what}: {ask(dataset)} to deliver, or set limits.allow_empty in "
        f"{dataset.path} if that is normal"
    )
    if manifest.load is Load.SNAPSHOT and manifest.files:
        raise BatchHeld(f"{sentence}; an empty snapshot would delete every row that is served")
    raise SourceError(sentence)


def _lacks_snapshot(manifest: BatchManifest) -> bool:
    """No file at all is no empty snapshot: merged, it would delete everything."""
    return manifest.load is Load.SNAPSHOT and not manifest.files
