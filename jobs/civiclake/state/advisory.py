"""Advisory locks of a connection to the state's database: freed by the server when that ends."""

from __future__ import annotations

import psycopg

from civiclake.state import database

_KEY = "hashtextextended('civiclake ' || %s, 0)"
_HOLDER = f"""
SELECT coalesce(host(client_addr), 'this server'), pid
FROM pg_locks JOIN pg_stat_activity USING (pid), (SELECT {_KEY} AS key) AS asked
WHERE locktype = 'advisory' AND granted AND objsubid = 1
    AND pg_locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND classid::bigint = (key >> 32) & 4294967295 AND objid::bigint = key & 4294967295
"""


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
