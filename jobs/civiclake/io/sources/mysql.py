"""Tables and queries of a MariaDB or MySQL server: one snapshot, streamed into parts."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import pymysql
from pymysql import converters
from pymysql.constants import ER
from pymysql.cursors import SSCursor

from civiclake.contracts.model import Dataset
from civiclake.errors import SourceError
from civiclake.io.landing.delivery import ask, credential, expand
from civiclake.io.landing.drift import refuse_columns
from civiclake.io.sources import mysql_types as types
from civiclake.io.sources import tables
from civiclake.io.sources.mysql_errors import number, translated
from civiclake.io.sources.parts import Lines, Parts
from civiclake.io.sources.registry import Asked, Pulled
from civiclake.io.sources.tls import tls_context

_EARLIEST = {"timestamp": "1970-01-01 00:00:01", "datetime": "1000-01-01", "date": "1000-01-01"}
"""What lies before is a zero date: no moment, and like NULL it comes every time."""
_LOCK_WAIT_S = 3
_PATIENCE_S = 600
_NO_RIGHT_TO_LOCK = (ER.DBACCESS_DENIED_ERROR, ER.TABLEACCESS_DENIED_ERROR)

Connection = Any
"""The driver carries no types."""


@dataclass(frozen=True)
class _Table:
    """What is read: a table or a query, its columns' types, and the moment of the snapshot."""

    dataset: Dataset
    source: str
    kinds: dict[str, str]
    """By the contract's name."""
    spelled: dict[str, str]
    """The table's own name, where it is another."""
    moment: datetime

    def column(self, name: str) -> str:
        """A column by the contract's name, as an identifier."""
        return types.quoted(self.spelled.get(name, name))

    def select(self, conditions: Sequence[str]) -> str:
        """The statement that brings the rows of all these conditions, a line of CSV each."""
        names = tables.header(self.dataset, self.kinds)
        columns = [(self.column(name), self.kinds[name]) for name in names]
        return f"SELECT {types.csv_record(columns)} FROM {self.source}{_where(conditions)}"


def pull(asked: Asked) -> Pulled:
    """Read the table, or what of it is new, into the draft.

    What holds for PostgreSQL's null and future sequences holds here, and a zero date counts
    as null. A partitioned table is locked against writers for the moment in which all
    connections start their snapshots, so they see the same rows where the table's engine is
    transactional (InnoDB); the login needs the right LOCK TABLES for it.

    Args:
        asked: dataset, draft and watermark of the batch.
    """
    dataset, watermark = asked.dataset, asked.watermark
    count = dataset.source.partition.parts if dataset.source.partition else 0
    with translated(dataset), ExitStack() as stack:
        connection, *others = _snapshots(dataset, stack, 1 + count)
        table = _table(dataset, connection)
        newest, conditions = watermark, []
        if dataset.reads_by_watermark:
            sequence = tables.sequence(dataset, table.kinds, types.INSTANTS, types.NUMBERS)
            newest = _newest(table, connection, sequence) or watermark
            if watermark is not None:
                conditions.append(_since(table, sequence, watermark))
        header = tables.header(dataset, table.kinds)
        version = table.moment.isoformat()
        parts = Parts(asked.draft, dataset.name, header, _origin(dataset), table.moment, version)
        if others:
            files = parts.fill_at_once(_readers(table, connection, others, conditions))
        else:
            files = parts.fill(_rows(dataset, connection, table.select(conditions)))
    return Pulled(files, newest)


def _rows(dataset: Dataset, connection: Connection, statement: str) -> Lines:
    """The lines of one unbuffered result."""
    with translated(dataset):
        cursor = SSCursor(connection)
        cursor.execute(statement)
        try:
            while (row := cursor.fetchone()) is not None:
                if row[0] is None:  # the server's answer when a text passes its own limit
                    raise SourceError(
                        f"{dataset.id}: a row of {tables.what(dataset)} is longer than the "
                        f"server's max_allowed_packet: {ask(dataset)} to raise it"
                    )
                yield row[0] + b"\n"
        except BaseException:
            # Left as it is, the driver would read the rest of the table to its end.
            _kill(dataset, connection)
            with contextlib.suppress(pymysql.err.MySQLError):
                cursor.close()
            raise
        cursor.close()


def _kill(dataset: Dataset, connection: Connection) -> None:
    statement = f"KILL QUERY {int(connection.thread_id())}"
    with (
        contextlib.suppress(pymysql.err.MySQLError),
        _connect(dataset) as other,
        other.cursor() as cursor,
    ):
        cursor.execute(statement)


def _readers(
    table: _Table, connection: Connection, others: Sequence[Connection], conditions: Sequence[str]
) -> list[Callable[[], Lines]]:
    """One reader for each range of the partition's column."""
    column = table.column(tables.partition_column(table.dataset, table.kinds, types.INTEGERS))
    query = f"SELECT MIN({column}), MAX({column}) FROM {table.source}{_where(conditions)}"
    low, high = (int(bound or 0) for bound in _one(connection, query))
    found: list[Callable[[], Lines]] = []
    for other, (start, end) in zip(others, tables.ranges(low, high, len(others)), strict=False):
        limits = [] if end is None else [f"{column} < {end}"]
        if start is None:  # a null belongs to no range
            limits = [f"({limit} OR {column} IS NULL)" for limit in limits]
        else:
            limits.append(f"{column} >= {start}")
        statement = table.select([*conditions, *limits])
        found.append(partial(_rows, table.dataset, other, statement))
    return found


def _snapshots(dataset: Dataset, stack: ExitStack, count: int) -> list[Connection]:
    """Connections that look at one and the same state."""
    connections = [stack.enter_context(_connect(dataset)) for _ in range(count)]
    with _locked(dataset) if count > 1 else contextlib.nullcontext():
        for connection in connections:
            with connection.cursor() as cursor:
                cursor.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
    return connections


@contextlib.contextmanager
def _locked(dataset: Dataset) -> Iterator[None]:
    with _connect(dataset) as connection, connection.cursor() as cursor:
        cursor.execute(f"SET SESSION lock_wait_timeout = {_LOCK_WAIT_S}")
        try:
            cursor.execute(f"LOCK TABLES {_source(dataset)} READ")
        except pymysql.err.MySQLError as error:
            if number(error) in _NO_RIGHT_TO_LOCK:
                raise SourceError(
                    f"{dataset.id}: the login may not lock {tables.what(dataset)}, which a "
                    f"partitioned read needs: {ask(dataset)} to grant LOCK TABLES, or take "
                    f"`partition` out of {dataset.path}"
                ) from None
            raise
        yield
        cursor.execute("UNLOCK TABLES")


def _connect(dataset: Dataset) -> Connection:
    source = dataset.source
    connection = pymysql.connect(
        host=expand(dataset, "host", source.host),
        port=int(expand(dataset, "port", source.port or "3306")),
        database=expand(dataset, "database", source.database),
        user=credential(dataset, "USER"),
        password=credential(dataset, "PASSWORD"),
        charset="utf8mb4",
        use_unicode=False,  # the lines of CSV go to the file as they come
        conv=converters.encoders,
        ssl=tls_context(dataset),
        connect_timeout=4,
        read_timeout=_PATIENCE_S,
        program_name="civiclake",
    )
    with connection.cursor() as cursor:
        cursor.execute(f"SET SESSION time_zone = '+00:00', net_write_timeout = {_PATIENCE_S}")
    return connection


def _source(dataset: Dataset) -> str:
    if dataset.source.query:
        return f"({dataset.source.query}) AS asked"
    return ".".join(types.quoted(part) for part in _names(dataset))


def _names(dataset: Dataset) -> list[str]:
    schema, name = dataset.source.db_schema, dataset.source.table or dataset.name
    return [schema, name] if schema else [name]


def _table(dataset: Dataset, connection: Connection) -> _Table:
    """The table or query and its columns' types, held against the contract."""
    source = _source(dataset)
    with connection.cursor() as cursor:
        try:
            cursor.execute(f"SELECT * FROM {source} LIMIT 0")
        except pymysql.err.MySQLError as error:
            if number(error) == ER.NO_SUCH_TABLE and not dataset.source.query:
                raise tables.no_table(dataset, ".".join(_names(dataset))) from None
            raise
        found = types.kinds(cursor)
    spelled = tables.spellings(dataset, found)
    kinds = tables.in_contract_s_words(found, spelled)
    refuse_columns(dataset, tables.what(dataset), list(kinds))
    (now,) = _one(connection, "SELECT UTC_TIMESTAMP(6)")
    moment = datetime.fromisoformat(str(now)).replace(tzinfo=UTC)
    return _Table(dataset, source, kinds, spelled, moment)


def _newest(table: _Table, connection: Connection, sequence: str) -> str | None:
    column, kind = table.column(sequence), table.kinds[sequence]
    found, conditions = f"MAX({column})", []
    if kind in types.INSTANTS:
        zone = table.dataset.column(table.dataset.sequence or "").timezone
        local = table.moment.astimezone(UTC if kind == "timestamp" else ZoneInfo(zone))
        conditions = [f"{column} <= '{_written(local)}'", f"{column} >= '{_EARLIEST[kind]}'"]
    unit = tables.per_second(table.dataset)
    if kind in types.NUMBERS and unit:
        conditions = [f"{column} <= {int(table.moment.timestamp() * unit)}"]
    if kind == "timestamp":
        found = f"CONCAT({found}, '+00:00')"
    (newest,) = _one(connection, f"SELECT {found} FROM {table.source}{_where(conditions)}")
    return newest


def _since(table: _Table, sequence: str, watermark: str) -> str:
    column, kind = table.column(sequence), table.kinds[sequence]
    if kind not in types.INSTANTS:
        counted = tables.counted_back(table.dataset, watermark)
        return f"({column} >= {counted:f} OR {column} IS NULL)"
    mark = datetime.fromisoformat(watermark) - timedelta(seconds=table.dataset.overlap_seconds)
    never = f"{column} IS NULL OR {column} < '{_EARLIEST[kind]}'"
    return f"({column} >= '{_written(mark)}' OR {never})"


def _written(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat(" ", timespec="microseconds")


def _where(conditions: Sequence[str]) -> str:
    return " WHERE " + " AND ".join(conditions) if conditions else ""


def _one(connection: Connection, query: str) -> tuple[str | None, ...]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        row = cursor.fetchone()
    return tuple(value if value is None else value.decode() for value in row)


def _origin(dataset: Dataset) -> str:
    source = dataset.source
    host, port = expand(dataset, "host", source.host), expand(dataset, "port", source.port)
    name = ".".join(_names(dataset))
    return f"mysql://{host}:{port}/{expand(dataset, 'database', source.database)}/{name}"
