"""The frame of every try that writes a table: it stands in the ledger, however it ends."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace

from pyspark.sql import SparkSession

from civiclake.errors import BatchHeld, CivicLakeError
from civiclake.io.lake.lock import TableLock
from civiclake.io.ops import ledger, recall
from civiclake.io.ops.account import BatchResult
from civiclake.io.ops.ledger import Entry
from civiclake.local.disk import told_when_full, written_folders
from civiclake.settings import Settings

log = logging.getLogger(__name__)

Note = Callable[[BatchResult], None]


@contextmanager
def recorded(
    spark: SparkSession,
    settings: Settings,
    lock: TableLock,
    where: tuple[str, str],
    entry: Entry,
    *,
    note: Note | None = None,
    status: str = recall.MERGED,
) -> Iterator[None]:
    """Write a try into the ledger when its block ends, and first what a former one left untold.

    Args:
        spark: session on the jobs' engine.
        settings: of this installation.
        lock: the right to write the table.
        where: layer and name of the table whose commit carries the account.
        entry: the try; the block fills its result.
        note: what else is to be written down, beside the ledger.
        status: of a try that comes to its end.

    Raises:
        AccountError: the rows don't add up.
        DiskFull: there was no room to write.
    """
    result, recorder = entry.result, entry.recorder
    recall.recall(spark, settings, lock, *where)
    what = f"{result.dataset} batch {result.batch_id}"
    try:
        with told_when_full(what, *written_folders(settings)):
            yield
        result.check(what)
    except BaseException as error:
        result.status = "held" if isinstance(error, BatchHeld) else "failed"
        result.message = _told(error)
        result.forget()
        recorder.outcomes = [one for one in recorder.outcomes if one[0] not in ("account", "kind")]
        is_told = False
        with suppress(Exception):  # what went wrong first is what is raised
            _write(spark, settings, lock, entry, note)
            is_told = True
        if not is_told:
            log.warning(
                "the ledger does not hold that %s is %s: %s", what, result.status, result.message
            )
        raise
    result.status = status
    _write(spark, settings, lock, entry, note)
    lock.note_accounted()


def _told(error: BaseException) -> str:
    if isinstance(error, CivicLakeError):
        return str(error)
    if isinstance(error, Exception):
        return f"{type(error).__name__}: see the task's log"
    return "it was stopped"


def _write(
    spark: SparkSession, settings: Settings, lock: TableLock, entry: Entry, note: Note | None
) -> None:
    entry.result.seconds = round(entry.recorder.seconds, 2)
    entry.by = replace(entry.by, token=lock.token)
    if note is None:
        ledger.record(spark, settings, entry)
        return
    with ThreadPoolExecutor(max_workers=1) as aside:
        noted = aside.submit(note, entry.result)
        ledger.record(spark, settings, entry)
    noted.result()
