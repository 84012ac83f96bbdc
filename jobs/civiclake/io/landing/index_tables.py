"""The tables of landing's index, and how one manifest is written into them and taken out."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, NamedTuple

from civiclake.io.landing.manifest import BACKFILL_PREFIX, BatchManifest

VERSION = 1
"""Of these tables; an index of another version is built anew."""
WAIT_S = 300.0
"""The longest that one process waits for another that writes, or builds the index anew."""
_TABLES = """
CREATE TABLE batches (
    batch_id TEXT PRIMARY KEY,
    is_night INTEGER NOT NULL,
    created_us INTEGER NOT NULL,
    taken_us INTEGER,
    rows INTEGER NOT NULL,
    is_unrenewed INTEGER NOT NULL,
    watermark TEXT,
    mark_number REAL,
    mark_text TEXT,
    is_committed INTEGER NOT NULL,
    landed_ns INTEGER NOT NULL,
    stamp TEXT NOT NULL,
    inode INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE files (
    batch_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    origin TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    version TEXT NOT NULL,
    modified_us INTEGER NOT NULL,
    PRIMARY KEY (batch_id, number)
) WITHOUT ROWID;
CREATE INDEX by_identity ON files (origin, size_bytes, version);
CREATE INDEX by_night ON batches (is_night, batch_id);
CREATE INDEX by_commit ON batches (is_committed, is_unrenewed);
CREATE INDEX by_creation ON batches (created_us);
CREATE INDEX by_commit_and_creation ON batches (is_committed, created_us);
CREATE INDEX by_taking ON batches (is_committed, taken_us);
CREATE INDEX by_mark ON batches (is_committed, mark_number, mark_text);
CREATE INDEX by_landing ON batches (landed_ns);
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""
Row = Sequence[Any]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Facts(NamedTuple):
    """What a batch's folder says without its manifest being read."""

    landed_ns: int
    """When the manifest was written."""
    stamp: str
    """Tells the manifest's file from another of its name."""
    is_committed: bool
    inode: int
    """Tells the folder from another of its name."""


def connect(path: Path | str) -> sqlite3.Connection:
    """An index, with its tables; transactions are begun and ended by whoever writes."""
    connection = sqlite3.connect(
        path, timeout=WAIT_S, isolation_level=None, check_same_thread=False
    )
    try:
        if version(connection) != VERSION:
            connection.execute("BEGIN IMMEDIATE")
            _make(connection)
            connection.execute("COMMIT")
    except BaseException:
        connection.close()
        raise
    return connection


def version(connection: sqlite3.Connection) -> int:
    """Of the tables that are there; 0 where there are none."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _make(connection: sqlite3.Connection) -> None:
    if version(connection) == VERSION:  # another process was first
        return
    names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    for (name,) in names:
        connection.execute(f'DROP TABLE "{name}"')
    for statement in _TABLES.split(";"):
        connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {VERSION}")


def add(
    connection: sqlite3.Connection,
    manifest: BatchManifest,
    *,
    is_committed: bool,
    facts: Facts | None = None,
) -> None:
    """Write one manifest down, in place of what was known of its batch.

    Args:
        connection: of the index.
        manifest: what the batch brought.
        is_committed: whether its merge is done.
        facts: of its folder, where it has one.
    """
    insert(connection, *rows(manifest, is_committed=is_committed, facts=facts))


def insert(connection: sqlite3.Connection, batch: Row, files: Sequence[Row]) -> None:
    """Write a batch's rows, in place of what was known of it."""
    remove(connection, batch[0])
    connection.execute(f"INSERT INTO batches VALUES ({', '.join('?' * len(batch))})", batch)
    connection.executemany("INSERT INTO files VALUES (?, ?, ?, ?, ?, ?)", files)


def rows(
    manifest: BatchManifest, *, is_committed: bool, facts: Facts | None = None
) -> tuple[Row, list[Row]]:
    """The row of a batch and those of its files; the arguments are those of :func:`add`."""
    number, text = order(manifest.watermark_to) if manifest.watermark_to is not None else (None, "")
    taken_at = manifest.taken_at
    batch = (
        manifest.batch_id,
        not manifest.batch_id.startswith(BACKFILL_PREFIX),
        microseconds(manifest.created_at),
        None if taken_at is None else microseconds(taken_at),
        manifest.rows,
        manifest.unrenewed is not None,
        manifest.watermark_to,
        None if number is None else float(number),
        text,
        is_committed,
        facts.landed_ns if facts else 0,
        facts.stamp if facts else "",
        facts.inode if facts else 0,
    )
    files: list[Row] = [
        (manifest.batch_id, i, *file.identity, microseconds(file.modified_at))
        for i, file in enumerate(manifest.files)
    ]
    return batch, files


def remove(connection: sqlite3.Connection, batch_id: str) -> None:
    """Forget a batch."""
    for table in ("files", "batches"):
        connection.execute(f"DELETE FROM {table} WHERE batch_id = ?", [batch_id])


def mark(connection: sqlite3.Connection, batch_id: str, *, is_committed: bool) -> None:
    """Note whether a batch's merge is done."""
    statement = "UPDATE batches SET is_committed = ? WHERE batch_id = ?"
    connection.execute(statement, [is_committed, batch_id])


def order(watermark: str) -> tuple[Decimal, str]:
    """Numbers in their own order, everything else (ISO dates and times) as text."""
    try:
        return (Decimal(watermark), "")
    except InvalidOperation:
        moment = datetime.fromisoformat(watermark)
        return (Decimal(0), moment.isoformat(timespec="microseconds"))


def microseconds(moment: datetime) -> int:
    """Since 1970, in UTC."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def moment(count: int) -> datetime:
    """The moment of so many microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=count)
