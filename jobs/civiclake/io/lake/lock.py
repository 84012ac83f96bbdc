"""One writer per table: a lock with a fencing token and a record beside it.

Delta on a local disk and on S3 lets two processes lose each other's commits, so the lock
stands outside Delta: with the kernel of the one host (:mod:`.lock_file`), or in the database
that all hosts share (:mod:`.lock_row`). It is freed when its process dies, however it dies. What
neither can know is whether the dead process's Spark work still runs in the engine: the record
therefore names the session of the last holder, and the next holder stops that session's work
before it starts its own. A holder whose token is no longer the newest must not commit: see
:meth:`TableLock.check`.

Maintenance gives way: whoever wants a table that it holds leaves a word beside the lock and
waits until it has let go, which takes a second or two.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from civiclake.errors import FencedError, StateUnavailable
from civiclake.io.lake import lock_file
from civiclake.io.lake.lock_kept import Kept, Store
from civiclake.settings import Settings

_log = logging.getLogger(__name__)


@dataclass
class TableLock:
    """The right to write one table, until the ``with`` block ends."""

    table: str
    token: int
    kept: Kept
    """The record of the lock, where it stands."""
    former: dict[str, Any] | None = field(default=None)
    """Record of the last holder when it did not release its lock itself."""
    accounted: int = -1
    """The ledger holds what was committed under this token, and under those before."""

    def check(self) -> None:
        """Make sure that no younger writer took over.

        Raises:
            FencedError: another process holds a higher token.
            StateUnavailable: nobody knows, because what all hosts share does not answer.
        """
        newest = int(self.kept.read().get("token", 0))
        if newest != self.token:
            raise FencedError(
                f"lock of {self.table}: this writer holds token {self.token}, but token {newest}"
                " was given out since; nothing more is written, start the batch again"
            )

    def renew(self) -> None:
        """Go on under a newer token: Delta takes one for a single commit of a table.

        Raises:
            FencedError: another process holds a higher token.
        """
        self.check()
        self.token += 1
        self.note(token=self.token)

    def note_accounted(self) -> None:
        """Write down that the ledger holds all that was committed so far."""
        self.accounted = self.token
        self.note(accounted=self.token)

    def is_wanted(self) -> bool:
        """Whether another one waits for this lock; only who gives way needs to look."""
        return self.kept.is_wanted()

    def note(self, **facts: Any) -> None:
        """Write down whom a successor would have to stop (the Spark session's id)."""
        self.kept.write({**self.kept.read(), **facts})


@contextmanager
def table_lock(
    settings: Settings,
    table: str,
    *,
    holder: str,
    timeout_seconds: float = 0.0,
    stop_former: Callable[[dict[str, Any]], None] | None = None,
    gives_way: bool = False,
) -> Iterator[TableLock]:
    """Hold the lock of a table.

    Args:
        settings: where locks stand.
        table: table name without layer.
        holder: who asks, for the other one's error message (the batch).
        timeout_seconds: how long to wait for another writer.
        stop_former: called with the record of a holder that died without letting go.
        gives_way: this holder looks at :meth:`TableLock.is_wanted` and lets go soon.

    Yields:
        The lock, with a token higher than any before.

    Raises:
        LockHeld: another process writes the table.
        StateUnavailable: the database of locks does not answer.
    """
    is_shared = settings.state.is_shared
    with _store(settings).acquired(settings, table, timeout_seconds, asks=not gives_way) as kept:
        last = kept.read()
        former = None if last.get("released", True) else last
        accounted = int(last.get("accounted", -1))
        lock = TableLock(table, int(last.get("token", 0)) + 1, kept, former, accounted)
        if former and stop_former:
            stop_former(former)  # if that fails, its record stays for the next one to try
        kept.claim(
            {
                "token": lock.token,
                "holder": holder,
                "pid": os.getpid(),
                **({"host": socket.gethostname()} if is_shared else {}),
                "released": False,
                "gives_way": gives_way,
                "accounted": accounted,
            },
        )
        try:
            yield lock
        finally:
            _let_go(lock)


def _let_go(lock: TableLock) -> None:
    """Whoever gets here has ended its own Spark work; only a killed holder does not."""
    try:
        lock.note(released=True)
    except (FencedError, StateUnavailable) as error:
        # What the block did stands or has failed by itself; a successor asks Spark once in vain.
        _log.warning("lock of %s: that it was let go could not be noted: %s", lock.table, error)


def forget(settings: Settings, table: str) -> None:
    """Take away what is kept of a table's lock, when the table goes."""
    _store(settings).forget(settings, table)


def _store(settings: Settings) -> Store:
    if not settings.state.is_shared:
        return lock_file
    from civiclake.io.lake import lock_row  # its driver costs 0.1 s, which files need not

    return lock_row
