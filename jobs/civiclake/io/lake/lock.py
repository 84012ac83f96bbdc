"""One writer per table: an operating-system lock with a fencing token beside it.

Delta on a local disk and on S3 lets two processes lose each other's commits, so the lock
stands outside Delta. The kernel frees it when its process dies, however it dies. What it
can't know is whether the dead process's Spark work still runs in the engine: the token
file therefore names the session of the last holder, and the next holder stops that
session's work before it starts its own. A holder whose token is no longer the newest
must not commit: see :meth:`TableLock.check`.

Maintenance gives way: whoever wants a table that it holds leaves a word beside the lock and
waits until it has let go, which takes a second or two.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from civiclake.errors import FencedError, LockHeld
from civiclake.local import held
from civiclake.settings import Settings

_GIVES_WAY_S = 60.0
"""How long to wait for a holder that gives way; it is asked no longer than that."""


@dataclass
class TableLock:
    """The right to write one table, until the ``with`` block ends."""

    table: str
    token: int
    path: Path
    former: dict[str, Any] | None = field(default=None)
    """Record of the last holder when it did not release its lock itself."""
    accounted: int = -1
    """The ledger holds what was committed under this token, and under those before."""

    def check(self) -> None:
        """Make sure that no younger writer took over.

        Raises:
            FencedError: another process holds a higher token.
        """
        newest = int(_read(self.path).get("token", 0))
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
        try:
            asked = _wanted(self.path).stat().st_mtime
        except FileNotFoundError:
            return False
        return time.time() - asked < _GIVES_WAY_S  # or it was left by one that was killed

    def note(self, **facts: Any) -> None:
        """Write down whom a successor would have to stop (the Spark session's id)."""
        _write(self.path, {**_read(self.path), **facts})


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
        settings: where lock files stand.
        table: table name without layer.
        holder: who asks, for the other one's error message (the batch).
        timeout_seconds: how long to wait for another writer.
        stop_former: called with the record of a holder that died without letting go.
        gives_way: this holder looks at :meth:`TableLock.is_wanted` and lets go soon.

    Yields:
        The lock, with a token higher than any before.

    Raises:
        LockHeld: another process writes the table.
    """
    settings.locks_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    record = settings.locks_dir / f"{table}.json"
    file_lock = FileLock(settings.locks_dir / f"{table}.lock", timeout_seconds, mode=0o600)
    _acquire(file_lock, table, record, asks=not gives_way)
    try:
        last = _read(record)
        former = None if last.get("released", True) else last
        accounted = int(last.get("accounted", -1))
        lock = TableLock(table, int(last.get("token", 0)) + 1, record, former, accounted)
        if former and stop_former:
            stop_former(former)  # if that fails, its record stays for the next one to try
        _write(
            record,
            {
                "token": lock.token,
                "holder": holder,
                "pid": os.getpid(),
                "released": False,
                "gives_way": gives_way,
                "accounted": accounted,
            },
        )
        try:
            yield lock
        finally:
            # Whoever gets here has ended its own Spark work; only a killed holder does not.
            lock.note(released=True)
    finally:
        file_lock.release()


def _acquire(file_lock: FileLock, table: str, record: Path, *, asks: bool) -> None:
    try:
        file_lock.acquire()
        return
    except Timeout:
        by = _read(record)
    if asks and by.get("gives_way"):
        word = _wanted(record)
        word.touch()
        try:
            file_lock.acquire(timeout=_GIVES_WAY_S)
            return
        except Timeout:
            by = _read(record)
        finally:
            word.unlink(missing_ok=True)
    # Who let go, or never wrote it down, is not who has it now.
    told = not by.get("released", True)
    who = (
        f"{by['holder']} (process {by['pid']})" if told else held.holder(Path(file_lock.lock_file))
    )
    raise LockHeld(f"table {table} is being written by {who}; try again when it is done")


def _wanted(record: Path) -> Path:
    """The word that somebody waits for a lock."""
    return record.with_suffix(".wanted")


def _read(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def _write(path: Path, record: dict[str, Any]) -> None:
    """Whole or not at all: a reader without the lock sees the old or the new record."""
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    temporary.write_text(json.dumps(record))
    temporary.replace(path)
