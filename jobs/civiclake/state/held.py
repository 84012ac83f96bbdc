"""Locks for short work that all hosts of an installation do one at a time.

On one host they are files (:mod:`civiclake.local.held`); in the state's database they are advisory
locks of a connection, which the server frees when it ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from civiclake.errors import LockHeld
from civiclake.local import held as files
from civiclake.settings import Settings
from civiclake.state import database

_KEY = "hashtextextended('civiclake ' || %s, 0)"
_HOLDER = f"""
SELECT coalesce(host(client_addr), 'this server'), pid
FROM pg_locks JOIN pg_stat_activity USING (pid), (SELECT {_KEY} AS key) AS asked
WHERE locktype = 'advisory' AND granted AND objsubid = 1
    AND pg_locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND classid::bigint = (key >> 32) & 4294967295 AND objid::bigint = key & 4294967295
"""


@contextmanager
def held(
    settings: Settings, file: Path, what: str, *, timeout_s: float = files.WAIT_S
) -> Iterator[None]:
    """Hold a lock until the ``with`` block ends.

    Args:
        settings: where locks stand.
        file: the lock file of one host; its name below the state folder is the lock's.
        what: the work that waits, as a sentence begins.
        timeout_s: how many seconds to wait.

    Raises:
        LockHeld: another one has it for longer than that.
        StateUnavailable: the database of locks does not answer.
    """
    if not database.is_shared(settings):
        with files.held(file, what, timeout_s=timeout_s):
            yield
        return
    name = file.relative_to(settings.state_dir).as_posix()
    connection = database.connect(settings)
    try:
        with database.told(settings):
            is_ours = take(connection, name, timeout_s)
            by = "" if is_ours else holder(connection, name)
        if not is_ours:
            raise LockHeld(
                f"{what} waited {timeout_s:g} s for the lock {name} in"
                f" {database.where(settings)}, which {by} holds: try again when that is done,"
                " or end it"
            )
        yield
    finally:
        connection.close()


def take(connection: database.Connection, name: str, timeout_s: float) -> bool:
    """Take an advisory lock for a connection; whether it was given in time."""
    if timeout_s <= 0:
        query = f"SELECT pg_try_advisory_lock({_KEY})"
        found = connection.execute(query.encode(), [name]).fetchone()
        return bool(found and found[0])
    waits = "SELECT set_config('lock_timeout', %s, false)"
    connection.execute(waits, [str(max(1, round(timeout_s * 1000)))])
    try:
        connection.execute(f"SELECT pg_advisory_lock({_KEY})".encode(), [name])
        return True
    except psycopg.errors.LockNotAvailable:
        return False
    finally:
        if not connection.broken:
            connection.execute(waits, ["0"])


def holder(connection: database.Connection, name: str) -> str:
    """Who has an advisory lock, in a sentence."""
    found = connection.execute(_HOLDER.encode(), [name]).fetchone()
    return f"a process of {found[0]} (connection {found[1]})" if found else "another process"
