"""A job's eye on its engine: a job whose engine is gone ends, and does not wait for it.

Spark's client waits for ten minutes and more for an engine that was killed, and without end for
one that stands still. A thread beside each session greets the engine (:mod:`.ping`) and, when it
is gone, closes the session's channel: whatever waits on it fails at once, in every thread.
"""

from __future__ import annotations

import contextlib
import threading
import time
import weakref
from typing import Any

from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from pyspark.sql.connect.client.retries import DefaultPolicy

from civiclake.engine.ping import Answer, ping
from civiclake.errors import EngineError

EVERY_S = 2.0
GONE_S = 5.0
"""How long nobody may listen at the engine's port; it takes longer than that to start anew."""
SILENT_S = 30.0
"""How long it may leave greetings unanswered: more than its longest garbage collection."""
_GOODBYE_S = 5.0
_LOST = ("INVALID_HANDLE", "RETRIES_EXCEEDED", "NO_ACTIVE_SESSION")

_pulses: weakref.WeakKeyDictionary[SparkSession, Pulse] = weakref.WeakKeyDictionary()


class Pulse(threading.Thread):
    """Watches one session's engine until the session is closed, or the engine gone."""

    def __init__(self, client: Any, host: str, port: int) -> None:
        super().__init__(name="pulse", daemon=True)
        self.lost = ""
        """Why the engine is given up; empty while it lives."""
        self._client = weakref.ref(client)  # a session that nobody holds any more is no reason
        self._where = (host, port)

    def run(self) -> None:
        """Greet it again and again."""
        heard = time.monotonic()
        while self._is_wanted() and not self.lost:
            answer = ping("jobs", *self._where)
            now = time.monotonic()
            if answer is Answer.ANSWERED:
                heard = now
            elif now - heard > (GONE_S if answer is Answer.REFUSED else SILENT_S):
                self.give_up(f"the jobs engine {answer.value} at {self._where[0]}:{self._where[1]}")
            time.sleep(EVERY_S)

    def _is_wanted(self) -> bool:
        client = self._client()
        return client is not None and not client.is_closed

    def give_up(self, why: str) -> None:
        """Let everything that waits for the engine fail."""
        self.lost = self.lost or why
        client = self._client()
        if client is not None:
            client._channel.close()


def attach(spark: SparkSession) -> None:
    """Bound how long a session waits for its engine: half a minute, however it ended."""
    session: Any = spark  # a Connect session has a client, the shared base class does not say so
    client = session.client
    host, _, port = str(client._builder.endpoint).rpartition(":")
    client.set_retry_policies([DefaultPolicy(max_retries=11, max_backoff=3000)])
    pulse = Pulse(client, host.strip("[]"), int(port))
    _pulses[spark] = pulse
    pulse.start()


def lost(error: BaseException, spark: SparkSession | None = None) -> EngineError | None:
    """The engine's end as one sentence, if that is what an error comes from.

    Args:
        error: whatever was raised.
        spark: the session that it was raised beside; without one, any of this process. Another
            session's engine may have ended long ago, and explains nothing here.
    """
    asked = _pulses.values() if spark is None else filter(None, [_pulses.get(spark)])
    why = next((pulse.lost for pulse in asked if pulse.lost), "")
    if not why and isinstance(error, PySparkException):
        condition = error.getCondition() or ""
        text = str(error)
        if condition.startswith(_LOST):
            why = "the jobs engine was started again in the meantime"
        elif "UNAVAILABLE" in text or "failed to connect to all addresses" in text:
            why = "the connection to the jobs engine broke"
    if not why:
        return None
    return EngineError(
        f"{why}: what was committed stands, nothing else was written; run it again when the engine"
        " is up (`civiclake engine status`)"
    )


def interrupt(spark: SparkSession) -> None:
    """Stop a session's Spark work; an engine that does not answer is given up."""
    if not _within(spark.interruptAll):
        pulse = _pulses.get(spark)
        if pulse:
            pulse.give_up("the jobs engine does not answer")


def close(spark: SparkSession) -> None:
    """Close a session, without waiting for an engine that is gone."""
    pulse = _pulses.get(spark)
    if pulse and pulse.lost:
        return
    _within(spark.stop)


def _within(call: Any) -> bool:
    """Whether it came back in time; a failure is an answer, too."""

    def quiet() -> None:
        with contextlib.suppress(Exception):
            call()

    thread = threading.Thread(target=quiet, daemon=True)
    thread.start()
    thread.join(_GOODBYE_S)
    return not thread.is_alive()
