"""A table's lock in the state's database: for several hosts.

The lock is an advisory one of a connection: the server frees it when that connection ends, and
knows within half a minute that a host is cut off. A row beside it holds token and record, and
bears the mark of who claimed it: only who claimed it last can write into it.

When the connection is lost the holder takes the lock again, and goes on only if nobody claimed it
meanwhile: then nobody has written either. No clock of a host is asked.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from civiclake.errors import FencedError, StateUnavailable
from civiclake.io.lake.lock_kept import GIVES_WAY_S, refusal
from civiclake.settings import Settings
from civiclake.state import database
from civiclake.state.advisory import holder, take

_AGAIN_S = 40.0
"""How long a holder tries to have its lock back: longer than the server needs to see that the lost
connection is gone."""
_READ = "SELECT record, token FROM civiclake.locks WHERE name = %s"
_CLAIM = """
INSERT INTO civiclake.locks (name, token, claim, record) VALUES (%s, %s, %s, %s)
ON CONFLICT (name) DO UPDATE
SET token = excluded.token, claim = excluded.claim, record = excluded.record
WHERE civiclake.locks.token < excluded.token OR civiclake.locks.claim = excluded.claim
RETURNING token
"""
_CLAIMED = "SELECT claim FROM civiclake.locks WHERE name = %s"
_WRITE = """
UPDATE civiclake.locks SET token = %s, record = %s WHERE name = %s AND claim = %s RETURNING token
"""
_IS_WANTED = """
SELECT wanted_at > clock_timestamp() - %s * interval '1 second' FROM civiclake.locks
WHERE name = %s
"""
_WANT = "UPDATE civiclake.locks SET wanted_at = clock_timestamp() WHERE name = %s"
_UNWANT = "UPDATE civiclake.locks SET wanted_at = NULL WHERE name = %s"
_END = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE application_name = %s AND usename = current_user
"""


class KeptInRow:
    """The record of a lock, in a row of the state's database.

    Args:
        settings: of this installation.
        table: whose lock it is.
    """

    def __init__(self, settings: Settings, table: str) -> None:
        self._settings, self._table = settings, table
        self._claim = uuid.uuid4().hex
        self._is_claimed = False
        self._name = f"civiclake-lock-{self._claim}"
        self.connection = database.connect(settings, name=self._name)

    def read(self) -> dict[str, Any]:
        """The record as it is now; empty where nobody held the lock before."""
        rows = self._ask(_READ, [self._table])
        return {**rows[0][0], "token": rows[0][1]} if rows else {}

    def claim(self, record: dict[str, Any]) -> None:
        """Put the record of a new holder in place of the last one's.

        Raises:
            FencedError: another one was faster, which only a lost connection makes possible.
        """
        values = [self._table, record["token"], self._claim, Jsonb(record)]
        if not self._ask(_CLAIM, values):
            raise self._fenced()
        self._is_claimed = True

    def write(self, record: dict[str, Any]) -> None:
        """Put a record in place of one's own.

        Raises:
            FencedError: a younger holder has the lock.
        """
        values = [record["token"], Jsonb(record), self._table, self._claim]
        if not self._ask(_WRITE, values):
            raise self._fenced()

    def is_wanted(self) -> bool:
        """Whether another one waits for the lock."""
        rows = self._ask(_IS_WANTED, [GIVES_WAY_S, self._table])
        return bool(rows and rows[0][0])

    def want(self, *, is_wanted: bool) -> None:
        """Leave the word that one waits for the lock, or take it back."""
        self.connection.execute(_WANT if is_wanted else _UNWANT, [self._table])

    def _ask(self, statement: str, values: list[Any]) -> list[tuple[Any, ...]]:
        """Rows of a statement; once more where the connection was lost and the lock is ours.

        Each of these statements may run twice: whoever lost the answer can't tell.
        """
        try:
            return self.connection.execute(statement.encode(), values).fetchall()
        except database.LOST:
            self._take_again()
        with database.told(self._settings):
            return self.connection.execute(statement.encode(), values).fetchall()

    def _take_again(self) -> None:
        """Have the lock again, if nobody had it meanwhile."""
        with suppress(psycopg.Error):
            self.connection.close()
        deadline = time.monotonic() + _AGAIN_S
        while not self._try_again():
            if time.monotonic() > deadline:
                raise StateUnavailable(
                    f"lock of {self._table}: {database.where(self._settings)} does not answer any"
                    " more: nobody knows whose the lock is, so nothing more is written; run it"
                    " again when it is up"
                )
            time.sleep(0.2)

    def _try_again(self) -> bool:
        fresh = None
        try:
            fresh = database.connect(self._settings)
            fresh.execute(_END, [self._name])  # where the server has not seen it end
            self._refuse_claimed(fresh)
            if take(fresh, key(self._table), 0.5):
                self._refuse_claimed(fresh)
                fresh.execute("SELECT set_config('application_name', %s, false)", [self._name])
                self.connection, fresh = fresh, None
                return True
        except (StateUnavailable, *database.LOST):
            pass  # a server that starts, or is still away
        finally:
            if fresh is not None:
                fresh.close()
        return False

    def _refuse_claimed(self, connection: database.Connection) -> None:
        found = connection.execute(_CLAIMED, [self._table]).fetchone()
        if self._is_claimed and (not found or found[0] != self._claim):
            raise self._fenced()

    def _fenced(self) -> FencedError:
        return FencedError(
            f"lock of {self._table}: the connection to {database.where(self._settings)} was lost,"
            " and a younger writer has taken the lock; nothing more is written, start the batch"
            " again"
        )


def key(table: str) -> str:
    """The name of a table's lock among those of the database."""
    return f"table {table}"


@contextmanager
def acquired(
    settings: Settings, table: str, timeout_s: float, *, asks: bool
) -> Iterator[KeptInRow]:
    """Hold a table's lock in the database.

    Args:
        settings: say which database.
        table: table name without layer.
        timeout_s: how long to wait for another writer.
        asks: a holder that gives way is asked to, and waited for.

    Raises:
        LockHeld: another process writes the table.
        StateUnavailable: the database does not answer.
    """
    kept = KeptInRow(settings, table)
    try:
        with database.told(settings):
            _acquire(kept, table, timeout_s, asks=asks)
        yield kept
    finally:
        with suppress(psycopg.Error):
            kept.connection.close()  # which lets go


def forget(settings: Settings, table: str) -> None:
    """Take the row of a table's lock away."""
    with database.asking(settings) as connection:
        connection.execute("DELETE FROM civiclake.locks WHERE name = %s", [table])


def _acquire(kept: KeptInRow, table: str, timeout_s: float, *, asks: bool) -> None:
    connection = kept.connection
    if take(connection, key(table), timeout_s):
        return
    by = kept.read()
    if asks and by.get("gives_way"):
        kept.want(is_wanted=True)
        try:
            if take(connection, key(table), GIVES_WAY_S):
                return
            by = kept.read()
        finally:
            kept.want(is_wanted=False)
    raise refusal(table, by, holder(connection, key(table)))
