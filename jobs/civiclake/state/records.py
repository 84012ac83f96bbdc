"""Small facts that all hosts of an installation remember, by kind and name, in its database."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from psycopg.types.json import Jsonb

from civiclake.settings import Settings
from civiclake.state import database

_WRITE = """
INSERT INTO civiclake.records (kind, name, value) VALUES (%s, %s, %s)
ON CONFLICT (kind, name) DO UPDATE SET value = excluded.value
"""


def read(settings: Settings, kind: str) -> dict[str, Any]:
    """All of a kind, by name.

    Raises:
        StateUnavailable: the database does not answer.
    """
    query = "SELECT name, value FROM civiclake.records WHERE kind = %s"
    with database.asking(settings) as connection:
        return dict(connection.execute(query, [kind]).fetchall())


def write(settings: Settings, kind: str, values: Mapping[str, Any]) -> None:
    """Write facts down, all or none; those of other names stay.

    Raises:
        StateUnavailable: the database does not answer.
    """
    rows = [(kind, name, Jsonb(value)) for name, value in values.items()]
    with database.asking(settings) as connection, connection.transaction():
        connection.cursor().executemany(_WRITE, rows)
