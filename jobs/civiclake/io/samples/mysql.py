"""A table of a MariaDB or MySQL server; who asks stands in MYSQL_USER and MYSQL_PWD."""

from __future__ import annotations

import contextlib
import csv
import os
from collections.abc import Iterable, Iterator
from typing import Any

import pymysql
from pymysql import converters
from pymysql.constants import ER
from pymysql.cursors import SSCursor

from civiclake.contracts.draft.sample import Sample
from civiclake.errors import SourceError, SourceUnavailable, UserError
from civiclake.io.samples.asked import Asked
from civiclake.io.samples.collect import Collected, collect
from civiclake.io.samples.databases import Address, read_address, server
from civiclake.io.sources import mysql_types as types
from civiclake.io.sources.mysql_errors import number

_PATIENCE_S = 60
_NOT_LET_IN = (
    0, ER.ACCESS_DENIED_ERROR, ER.DBACCESS_DENIED_ERROR, ER.BAD_DB_ERROR, ER.CON_COUNT_ERROR,
    ER.SERVER_SHUTDOWN,
)  # fmt: skip
_FIRST_OF_CLIENT, _LAST_OF_CLIENT = 2000, 2999
"""Numbers of what the client finds by itself: no connection, or a lost one."""


def take(source: str, department: str, asked: Asked) -> Sample:
    """The rows as text, and what the server itself says of types and key.

    Raises:
        UserError: the address is incomplete, or there is no such table.
        SourceError: the table can't be read.
    """
    address = read_address(source, "mysql://host:port/database/table", "MYSQL_PWD")
    user = address.user or os.environ.get("MYSQL_USER")
    if not user:
        raise UserError(
            "MYSQL_USER is not set: put there who asks, and the password into MYSQL_PWD"
        )
    with _translated(address), _connected(address, user) as connection:
        declared = _declared(connection, address)
        key = _key(connection, address)
        found = _rows(connection, address, asked.rows)
    return Sample(
        header=tuple(declared),
        rows=found.rows,
        server=server("mysql", department, address.database),
        loading={"load": "snapshot", "connection": f"{department}_db"},
        origin=f"table {address.table} of database {address.database}",
        physical_name=address.table,
        declared_key=key,
        declared_types=declared,
        complete=found.complete,
    )


@contextlib.contextmanager
def _translated(address: Address) -> Iterator[None]:
    try:
        yield
    except pymysql.err.MySQLError as error:
        code = number(error)
        said = str(error.args[1] if len(error.args) > 1 else error).partition("\n")[0]
        if code in _NOT_LET_IN or _FIRST_OF_CLIENT <= code <= _LAST_OF_CLIENT:
            raise SourceUnavailable(f"{address.host} does not let us look: {said}") from None
        raise SourceError(f"{address.table} can't be read: {said}") from None


@contextlib.contextmanager
def _connected(address: Address, user: str) -> Iterator[Any]:
    connection = pymysql.connect(
        host=address.host,
        port=address.port or 3306,
        database=address.database,
        user=user,
        password=os.environ.get("MYSQL_PWD", ""),
        charset="utf8mb4",
        use_unicode=False,  # a line of CSV is decoded as a whole, below
        conv=converters.encoders,
        connect_timeout=4,
        read_timeout=_PATIENCE_S,
        program_name="civiclake",
    )
    try:
        _ask(connection, "SET SESSION time_zone = '+00:00'")
        _ask(connection, "START TRANSACTION READ ONLY")
        yield connection
    finally:
        connection.close()


def _declared(connection: Any, address: Address) -> dict[str, str]:
    """The columns in their order, with their types as the table declares them."""
    found = _ask(
        connection,
        "SELECT column_name, column_type FROM information_schema.columns"
        " WHERE table_schema = %s AND table_name = %s ORDER BY ordinal_position",
        [address.database, address.table],
    )
    if not found:
        raise UserError(f"the database {address.database} has no table {address.table}")
    return {name.decode(): kind.decode() for name, kind in found}


def _key(connection: Any, address: Address) -> tuple[str, ...]:
    found = _ask(
        connection,
        "SELECT column_name FROM information_schema.statistics"
        " WHERE table_schema = %s AND table_name = %s AND index_name = 'PRIMARY'"
        " ORDER BY seq_in_index",
        [address.database, address.table],
    )
    return tuple(name.decode() for (name,) in found)


def _rows(connection: Any, address: Address, most: int) -> Collected:
    """The rows, written by the server as every night will have them."""
    table = types.quoted(address.table)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {table} LIMIT 0")
        columns = [(types.quoted(name), kind) for name, kind in types.kinds(cursor).items()]
    query = f"SELECT {types.csv_record(columns)} FROM {table} LIMIT {most + 1}"
    with connection.cursor(SSCursor) as cursor:
        cursor.execute(query)
        return collect(_records(cursor, address.table), most)


def _records(lines: Iterable[tuple[bytes | None]], table: str) -> Iterator[list[str]]:
    for place, (line,) in enumerate(lines, start=1):
        if line is None:  # the server's answer when a text passes its own limit
            raise SourceError(
                f"{table} can't be read: row {place} is longer than the server's max_allowed_packet"
            )
        try:
            yield next(csv.reader([line.decode()], strict=True))
        except csv.Error as error:
            raise SourceError(f"{table} can't be read: row {place}: {error}") from None


def _ask(connection: Any, query: str, values: list[str] | None = None) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return cursor.fetchall()
