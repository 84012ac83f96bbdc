"""An index of a dataset's batches: questions about all of them cost what has changed.

Landing's folders are the truth. The index is what they said when they were last looked at, in
a file beside the dataset's folder, and every use first asks whether that still holds: whether
the folder has changed since (its change time, which nobody can set), and whether the newest
batches and those that are not merged yet are as they were. What the index lacks is read, what
is gone is forgotten; an index that is lost, torn or of another folder is built anew, and told.
Where there can be none (a full disk, a lock that is not given), the manifests are read.
"""

from __future__ import annotations

import logging
import os
import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from civiclake.errors import UserError
from civiclake.io.landing import index_tables as tables
from civiclake.io.landing.drafts import sweep
from civiclake.io.landing.manifest import COMMITTED, MANIFEST, BatchManifest

BATCH_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,63}")
_LOOKED_AT_AGAIN = 50
"""So many of the newest batches are compared with their folders at every use."""
_TICK_S = 0.02
"""Changes less apart may bear one time: the kernel's clock of files ticks every 4 to 10 ms."""
_COARSE_TICK_S = 2.0
"""The same of file systems that keep no parts of a second."""
_LARGEST = 2**63 - 1
"""Whole number that SQLite takes."""
_TORN = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR)
_CANDIDATES = """
SELECT batch_id, stamp, is_committed FROM batches
WHERE is_committed = 0 AND is_unrenewed <= ?
UNION
SELECT batch_id, stamp, is_committed FROM (
    SELECT * FROM batches ORDER BY created_us DESC LIMIT ?)
"""
_log = logging.getLogger(__name__)

Row = tuple[Any, ...]


@dataclass(frozen=True)
class _Stamp:
    """Of a folder: which it is, and when names in it last came or went."""

    folder: str
    """Its device and inode."""
    changed_ns: int

    @property
    def text(self) -> str:
        return f"{self.folder} {self.changed_ns}"

    @property
    def age_s(self) -> float:
        return (time.time_ns() - self.changed_ns) / 1e9

    @property
    def tick_s(self) -> float:
        return _TICK_S if self.changed_ns % 1_000_000_000 else _COARSE_TICK_S


class Index:
    """The index of one dataset's batches.

    Args:
        folder: of the batches.
        what: whose they are, for messages.
        read: reads a batch's manifest; None when there is none.
    """

    def __init__(
        self, folder: Path, what: str, read: Callable[[str], BatchManifest | None]
    ) -> None:
        self._folder, self._what, self._read = folder, what, read
        self._asked: sqlite3.Connection | None = None
        beside = folder.resolve()
        self._path = beside.with_name(f".{beside.name}.index")

    def ask(self, statement: str, *values: Any) -> list[Row]:
        """Rows of the index, as landing was when this object was first asked.

        Raises:
            UserError: a merged batch's manifest can't be read.
        """
        for _ in range(2):
            try:
                self._asked = self._asked or self._followed()
                return self._asked.execute(statement, values).fetchall()
            except (sqlite3.Error, OSError) as error:
                self._asked = None
                if not self._removed(error):
                    break
        self._asked = tables.connect(":memory:")
        self._list(self._asked)
        return self._asked.execute(statement, values).fetchall()

    def _followed(self) -> sqlite3.Connection:
        """The index, brought up to what landing holds now."""
        if not self._folder.exists():
            return tables.connect(":memory:")
        connection = self._open()
        try:
            self._follow(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    @contextmanager
    def changing(self, batch_id: str = "") -> Iterator[sqlite3.Connection]:
        """Change landing and the index together; only one process at a time does.

        Whatever batch is changed, the folder tells.

        What is not written down here, because it failed or was killed, is found when the index
        is used next.
        """
        connection, trusted = tables.connect(":memory:"), False  # which nobody will read
        if self._folder.exists():
            try:
                connection = self._open()
                connection.execute("BEGIN IMMEDIATE")
                trusted = _known(connection) == self._stamp().text
            except (sqlite3.Error, OSError) as error:
                self._removed(error)
                connection, trusted = tables.connect(":memory:"), False
        with closing(connection):  # without a commit, it is as before
            yield connection
            with suppress(sqlite3.Error, OSError):
                if trusted:
                    _know(connection, self._settled())
                if connection.in_transaction:
                    connection.execute("COMMIT")

    def note(self, connection: sqlite3.Connection, manifest: BatchManifest) -> None:
        """Write a batch down that is in its folder, as :meth:`changing` asks."""
        with suppress(sqlite3.Error, OSError):
            found = self._facts(manifest.batch_id)
            if found is not None:
                tables.add(connection, manifest, is_committed=found.is_committed, facts=found)

    def forget(self, connection: sqlite3.Connection, batch_id: str) -> None:
        """Take a batch out, as :meth:`changing` asks."""
        tables.remove(connection, batch_id)

    def _open(self) -> sqlite3.Connection:
        os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600))
        return tables.connect(self._path)

    def _removed(self, error: Exception) -> bool:
        """Say that the index can't be used; whether it is worth trying with a new one."""
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        torn = code in _TORN
        then = "it is built anew" if torn else "the manifests themselves are read"
        _log.warning("%s: the index of landing can't be used (%s): %s", self._what, error, then)
        if torn:
            for path in (self._path, self._path.with_name(f"{self._path.name}-journal")):
                with suppress(OSError):
                    path.unlink(missing_ok=True)
        return torn

    def _follow(self, connection: sqlite3.Connection) -> None:
        if _known(connection) == self._stamp().text:
            changed = self._changed(connection, whole=False)
            if not changed:
                return
            connection.execute("BEGIN IMMEDIATE")
            for batch_id in changed:
                self._take(connection, batch_id)
        else:
            connection.execute("BEGIN IMMEDIATE")
            self._list(connection)
        connection.execute("COMMIT")

    def _list(self, connection: sqlite3.Connection) -> None:
        """Compare all names with those that are known."""
        at = self._settled()
        rows = connection.execute("SELECT batch_id, inode FROM batches")
        known: dict[str, int] = dict(rows.fetchall())
        with os.scandir(self._folder) as entries:
            names = {entry.name: entry.inode() & _LARGEST for entry in entries}
        # Once drafts stood here, beside the batches.
        sweep(self._folder / name for name in names if name.startswith("."))
        # A folder of the same name that is another one was put back by somebody.
        for batch_id in [name for name, inode in known.items() if names.get(name) != inode]:
            # Some file systems list other numbers than they give.
            if batch_id not in names or self._inode(batch_id) != known[batch_id]:
                tables.remove(connection, batch_id)
                del known[batch_id]
        fresh = sorted(name for name in names if name not in known and BATCH_ID.fullmatch(name))
        changed = self._changed(connection, whole=True)
        taken = [self._take(connection, batch_id) for batch_id in fresh]
        for batch_id in changed:
            self._take(connection, batch_id)
        if any(taken):
            _log.warning(
                "%s: the index of landing knew %d batches; the manifests of %d more were read",
                self._what, len(known), sum(taken),
            )  # fmt: skip
        # A folder without a manifest may get one without a trace in this one: look again.
        _know(connection, at if all(taken) and at == self._stamp() else None)

    def _changed(self, connection: sqlite3.Connection, *, whole: bool) -> list[str]:
        """Batches that may still change and did, by their folders."""
        rows = connection.execute(_CANDIDATES, [whole, _LOOKED_AT_AGAIN]).fetchall()
        changed = []
        for batch_id, stamp, is_committed in rows:
            found = self._facts(batch_id)
            if found is None or found[1:3] != (stamp, bool(is_committed)):
                changed.append(batch_id)
        return changed

    def _take(self, connection: sqlite3.Connection, batch_id: str) -> bool:
        """Read a batch's manifest; whether there is one."""
        tables.remove(connection, batch_id)
        found = self._facts(batch_id)
        try:
            manifest = self._read(batch_id) if found else None
        except UserError as error:
            if found and found.is_committed:
                raise
            _log.warning("%s", error)
            manifest = None
        if found is None or manifest is None:
            return False
        named = manifest.model_copy(update={"batch_id": batch_id})  # a copy may have a new name
        tables.add(connection, named, is_committed=found.is_committed, facts=found)
        return True

    def _facts(self, batch_id: str) -> tables.Facts | None:
        """What a batch's folder says; None without a manifest."""
        folder = f"{self._folder}/{batch_id}"
        try:
            found = os.stat(f"{folder}/{MANIFEST}")  # noqa: PTH116 - pathlib doubles the cost
            inode = self._inode(batch_id)
        except OSError:
            return None
        stamp = f"{found.st_ino} {found.st_size} {found.st_mtime_ns}"
        is_committed = os.path.exists(f"{folder}/{COMMITTED}")  # noqa: PTH110
        return tables.Facts(found.st_mtime_ns, stamp, is_committed, inode)

    def _inode(self, batch_id: str) -> int:
        return os.stat(f"{self._folder}/{batch_id}").st_ino & _LARGEST  # noqa: PTH116

    def _stamp(self) -> _Stamp:
        found = self._folder.stat()
        return _Stamp(f"{found.st_dev}:{found.st_ino}", found.st_ctime_ns)

    def _settled(self) -> _Stamp | None:
        """The folder's stamp, old enough that a later change has another; else None."""
        found = self._stamp()
        if 0 <= found.age_s < _TICK_S:
            time.sleep(_TICK_S)
        return found if found.age_s >= found.tick_s and found == self._stamp() else None


def _known(connection: sqlite3.Connection) -> str:
    """The stamp of the folder as the index has it; empty when it is not to be trusted."""
    found = connection.execute("SELECT value FROM facts WHERE name = 'folder'").fetchone()
    return str(found[0]) if found else ""


def _know(connection: sqlite3.Connection, stamp: _Stamp | None) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO facts VALUES ('folder', ?)", [stamp.text if stamp else ""]
    )
