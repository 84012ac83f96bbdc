"""A table's lock as a file: for one host, whose kernel frees it when its process dies."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from civiclake.io.lake.lock_kept import GIVES_WAY_S, refusal
from civiclake.local import held
from civiclake.settings import Settings


class KeptInFile:
    """The record of a lock, in a file beside it.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> dict[str, Any]:
        """The record as it is now; empty where nobody held the lock before."""
        if not self.path.exists():
            return {}
        found: dict[str, Any] = json.loads(self.path.read_text())
        return found

    def write(self, record: dict[str, Any]) -> None:
        """Whole or not at all: a reader without the lock sees the old or the new record."""
        temporary = self.path.with_suffix(f".{os.getpid()}.tmp")
        temporary.write_text(json.dumps(record))
        temporary.replace(self.path)

    claim = write

    def is_wanted(self) -> bool:
        """Whether another one waits for the lock."""
        try:
            asked = self.wanted.stat().st_mtime
        except FileNotFoundError:
            return False
        return time.time() - asked < GIVES_WAY_S  # or it was left by one that was killed

    @property
    def wanted(self) -> Path:
        """The word that somebody waits for the lock."""
        return self.path.with_suffix(".wanted")


@contextmanager
def acquired(
    settings: Settings, table: str, timeout_s: float, *, asks: bool
) -> Iterator[KeptInFile]:
    """Hold a table's lock file.

    Args:
        settings: where lock files stand.
        table: table name without layer.
        timeout_s: how long to wait for another writer.
        asks: a holder that gives way is asked to, and waited for.

    Raises:
        LockHeld: another process writes the table.
    """
    settings.locks_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    kept = KeptInFile(settings.locks_dir / f"{table}.json")
    file_lock = FileLock(settings.locks_dir / f"{table}.lock", timeout_s, mode=0o600)
    _acquire(file_lock, table, kept, asks=asks)
    try:
        yield kept
    finally:
        file_lock.release()


def forget(settings: Settings, table: str) -> None:
    """Take the files of a table's lock away."""
    for path in settings.locks_dir.glob(f"{table}.*"):
        path.unlink(missing_ok=True)


def _acquire(file_lock: FileLock, table: str, kept: KeptInFile, *, asks: bool) -> None:
    try:
        file_lock.acquire()
        return
    except Timeout:
        by = kept.read()
    if asks and by.get("gives_way"):
        kept.wanted.touch()
        try:
            file_lock.acquire(timeout=GIVES_WAY_S)
            return
        except Timeout:
            by = kept.read()
        finally:
            kept.wanted.unlink(missing_ok=True)
    raise refusal(table, by, held.holder(Path(file_lock.lock_file)))
