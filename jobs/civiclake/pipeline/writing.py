"""The right to write one table: its lock, a session, and an orderly end on a signal."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from civiclake.engine import pulse, said
from civiclake.engine.session import connect, session_id
from civiclake.errors import CivicLakeError, SparkFailed, StateUnavailable
from civiclake.io.lake import objects
from civiclake.io.lake.lock import TableLock, table_lock
from civiclake.local.disk import told_when_full, written_folders
from civiclake.settings import Settings

log = logging.getLogger(__name__)

_STORE = re.compile(r"awssdk|hadoop\.fs\.s3a")
_PASSING = re.compile(r"Status Code: (?:5\d\d|429)|Unable to execute HTTP request|Timeout|Connect")
_LAST_S = 8.0
"""How long after a signal the process may take to end by itself; all steps bear a kill."""


@contextmanager
def writing(
    settings: Settings, table: str, holder: str, *, gives_way: bool = False
) -> Iterator[tuple[SparkSession, TableLock]]:
    """A session of the jobs' engine and the table's lock; both end with the block.

    A signal to stop first stops the Spark work, then the process, within ten seconds. An engine
    that ends or stands still meanwhile ends the block within a minute (:mod:`.pulse`).

    Args:
        settings: of this installation.
        table: name without layer, as the lock files know it.
        holder: who writes, for the sentence that another writer gets.
        gives_way: it looks whether another one wants the lock, and lets go.

    Raises:
        LockHeld: another process writes the table.
        EngineError: the engine does not answer, or ended while the block ran.
        DiskFull: there was no room to write.
        StateUnavailable: the lake's store failed or did not answer.
        UserError: the lake's bucket is not there, or its keys may not.
    """

    def stop_former(record: dict[str, Any]) -> None:
        session = record.get("session_id")
        if session:
            log.warning("%s: stopping what a dead writer left running", table)
            # A session that is closed by now, or went with its engine, has left nothing.
            with contextlib.suppress(PySparkException):
                former = connect(settings, session_id=session)
                pulse.interrupt(former)
                pulse.close(former)

    held = table_lock(settings, table, holder=holder, stop_former=stop_former, gives_way=gives_way)
    with told_when_full(table, *written_folders(settings)), held as lock:
        spark = connect(settings)
        lock.note(session_id=session_id(spark))
        try:
            with _stopping(spark), _translated(settings, table, spark):
                yield spark, lock
        finally:
            pulse.close(spark)


@contextmanager
def _translated(settings: Settings, table: str, spark: SparkSession) -> Iterator[None]:
    """Spark's errors as one sentence; the first lines go into the log, not the JVM's stack."""
    try:
        yield
    except Exception as error:
        gone = pulse.lost(error, spark)
        if gone:
            raise type(gone)(f"{table}: {gone}") from None
        if not isinstance(error, PySparkException):
            raise
        words = said.words(error)
        log.error("Spark said: %s", words[:4000])
        refused = _of_the_store(settings, words)
        if refused:
            raise type(refused)(f"{table}: {refused}") from None
        raise SparkFailed(
            f"{table}: Spark failed ({said.first_line(error)[:500]}): run the batch again; if it"
            " stays so, see the jobs engine's log"
        ) from None


def _of_the_store(settings: Settings, words: str) -> CivicLakeError | None:
    """What is wrong with the lake's store, where Spark failed by it: Spark names no cause."""
    if settings.lake_uri is None or not _STORE.search(words):
        return None
    try:
        objects.greet(settings)
    except CivicLakeError as refused:
        return refused
    if _PASSING.search(words):
        return StateUnavailable(
            f"the lake's store did not answer for a while, and now it does ({words[:300]}):"
            " run the batch again"
        )
    return None


@contextmanager
def _stopping(spark: SparkSession) -> Iterator[None]:
    def stop(number: int, frame: FrameType | None) -> None:
        log.warning("stopped by signal %d: cancelling Spark work", number)
        last = threading.Timer(_LAST_S, os._exit, (128 + number,))
        last.daemon = True
        last.start()
        pulse.interrupt(spark)
        raise SystemExit(128 + number)

    former = {s: signal.signal(s, stop) for s in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
