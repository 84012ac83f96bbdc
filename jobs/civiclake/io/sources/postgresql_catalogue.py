"""What PostgreSQL's catalogue says of a table: its columns with their types, and its key."""

from __future__ import annotations

from typing import Any

import psycopg

Connection = psycopg.Connection[tuple[Any, ...]]


def columns(connection: Connection, schema: str, name: str, *, sized: bool) -> dict[str, str]:
    """Types by column, in the table's order; nothing when there is no such table.

    Args:
        connection: to the table's database.
        schema: of the table.
        name: of the table.
        sized: whether types come with their length, as ``numeric(12,2)``.
    """
    rows = connection.execute(
        "SELECT a.attname, format_type(a.atttypid, CASE WHEN %s THEN a.atttypmod END)"
        " FROM pg_attribute a"
        " JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = %s AND c.relname = %s AND a.attnum > 0 AND NOT a.attisdropped"
        " ORDER BY a.attnum",
        [sized, schema, name],
    ).fetchall()
    return {str(column): str(kind) for column, kind in rows}


def primary_key(connection: Connection, schema: str, name: str) -> tuple[str, ...]:
    """The columns of the declared primary key in its order, or nothing."""
    rows = connection.execute(
        "SELECT a.attname FROM pg_index i"
        " JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace"
        " CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY AS k(number, place)"
        " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.number"
        " WHERE n.nspname = %s AND c.relname = %s AND i.indisprimary ORDER BY k.place",
        [schema, name],
    ).fetchall()
    return tuple(str(row[0]) for row in rows)
