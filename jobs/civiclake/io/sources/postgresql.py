"""Tables and queries of a PostgreSQL server: one snapshot, streamed by COPY into parts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from civiclake.contracts.model import Dataset
from civiclake.errors import SourceError
from civiclake.io.landing.delivery import credential, expand
from civiclake.io.landing.drift import refuse_columns
from civiclake.io.sources import postgresql_catalogue as catalogue
from civiclake.io.sources import tables
from civiclake.io.sources.parts import Lines, Parts
from civiclake.io.sources.postgresql_errors import translated
from civiclake.io.sources.registry import Asked, Pulled
from civiclake.io.sources.tls import libpq_words

_INSTANTS = ("timestamp with time zone", "timestamp without time zone", "date")
_INTEGERS = ("smallint", "integer", "bigint")
_NUMBERS = (*_INTEGERS, "numeric")

Connection = catalogue.Connection


@dataclass(frozen=True)
class _Table:
    """What is read: a table or a query, and its columns' types."""

    dataset: Dataset
    source: sql.Composable
    kinds: dict[str, str]
    """By the contract's name."""
    spelled: dict[str, str]
    """The table's own name, where it is another."""

    def column(self, name: str) -> sql.Identifier:
        """A column by the contract's name."""
        return sql.Identifier(self.spelled.get(name, name))

    def copy(self, conditions: Sequence[sql.Composable]) -> sql.Composed:
        """The statement that brings the rows of all these conditions."""
        chosen = sql.SQL(", ").join(
            sql.SQL("{}::text").format(self.column(name))
            for name in tables.header(self.dataset, self.kinds)
        )
        where = sql.SQL(" WHERE ") + sql.SQL(" AND ").join(conditions)
        return sql.SQL("COPY (SELECT {} FROM {}{}) TO STDOUT (FORMAT csv)").format(
            chosen, self.source, where if conditions else sql.SQL("")
        )


def pull(asked: Asked) -> Pulled:
    """Read the table, or what of it is new, into the draft.

    Rows whose sequence is null come every time: no watermark can tell whether they are
    new, and left out they would be lost without a word. A sequence in the future is read
    but moves no watermark: it would hide every row after it.

    A partitioned table is read by several connections at once; all of them look at the
    one snapshot that the first of them exports.

    Args:
        asked: dataset, draft and watermark of the batch.
    """
    dataset, watermark = asked.dataset, asked.watermark
    with translated(dataset), _connect(dataset) as connection:
        table = _table(dataset, connection)
        moment, snapshot = _moment(connection)
        newest = watermark
        conditions: list[sql.Composable] = []
        if dataset.reads_by_watermark:
            sequence = tables.sequence(dataset, table.kinds, _INSTANTS, _NUMBERS)
            newest = _newest(table, connection, sequence) or watermark
            if watermark is not None:
                conditions.append(_since(table, sequence, watermark))
        header = tables.header(dataset, table.kinds)
        origin = _origin(dataset, connection)
        parts = Parts(asked.draft, dataset.name, header, origin, moment, snapshot)
        if dataset.source.partition is None:
            files = parts.fill(_rows(dataset, connection, table.copy(conditions)))
        else:
            files = parts.fill_at_once(_readers(table, connection, conditions))
    return Pulled(files, newest)


def _rows(dataset: Dataset, connection: Connection, statement: sql.Composed) -> Lines:
    """COPY sends one message per row; at the end the server says how many it sent."""
    count = 0
    with connection.cursor() as cursor:
        with cursor.copy(statement) as copy:
            for message in copy:
                count += 1
                yield message
        if count != cursor.rowcount:
            raise SourceError(
                f"{dataset.id}: {count} rows came but the server says {cursor.rowcount}: "
                "run the batch again"
            )


def _readers(
    table: _Table, connection: Connection, conditions: Sequence[sql.Composable]
) -> list[Callable[[], Lines]]:
    """One reader for each range of the partition's column."""
    partition = table.dataset.source.partition
    assert partition is not None
    column = table.column(tables.partition_column(table.dataset, table.kinds, _INTEGERS))
    where = sql.SQL(" WHERE ") + sql.SQL(" AND ").join(conditions) if conditions else sql.SQL("")
    query = sql.SQL("SELECT min({c}), max({c}) FROM {t}{w}").format(
        c=column, t=table.source, w=where
    )
    row = connection.execute(query).fetchone()
    low, high = row if row and row[0] is not None else (0, 0)
    exported = connection.execute("SELECT pg_export_snapshot()").fetchone()
    assert exported is not None
    found: list[Callable[[], Lines]] = []
    for start, end in tables.ranges(low, high, partition.parts):
        statement = table.copy([*conditions, *_between(column, start, end)])
        found.append(partial(_read_beside, table.dataset, str(exported[0]), statement))
    return found


def _between(
    column: sql.Identifier, start: int | None, end: int | None
) -> Iterator[sql.Composable]:
    if start is None:  # a null belongs to no range
        upper = sql.SQL("{} < {}").format(column, sql.Literal(end)) if end is not None else None
        if upper is not None:
            yield sql.SQL("({} OR {} IS NULL)").format(upper, column)
        return
    yield sql.SQL("{} >= {}").format(column, sql.Literal(start))
    if end is not None:
        yield sql.SQL("{} < {}").format(column, sql.Literal(end))


def _read_beside(dataset: Dataset, snapshot: str, statement: sql.Composed) -> Lines:
    """Read on a connection of its own what another one's snapshot shows."""
    with translated(dataset), _connect(dataset) as connection:
        connection.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(snapshot)))
        yield from _rows(dataset, connection, statement)


def _connect(dataset: Dataset) -> Connection:
    source = dataset.source
    connection: Connection = psycopg.connect(
        make_conninfo(**libpq_words(dataset)),
        host=expand(dataset, "host", source.host),
        port=expand(dataset, "port", source.port or "5432"),
        dbname=expand(dataset, "database", source.database),
        user=credential(dataset, "USER"),
        password=credential(dataset, "PASSWORD"),
        connect_timeout=4,
        application_name="civiclake",
        client_encoding="UTF8",
        options="-c timezone=UTC -c datestyle=ISO -c intervalstyle=iso_8601",
        keepalives_idle=30,
    )
    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    connection.read_only = True
    return connection


def _table(dataset: Dataset, connection: Connection) -> _Table:
    """The table or query and its columns' types, held against the contract."""
    if dataset.source.query:
        source: sql.Composable = sql.SQL("({}) AS asked").format(sql.SQL(dataset.source.query))
        kinds, where = _query_kinds(connection, source), tables.what(dataset)
    else:
        named = (dataset.source.table or dataset.name).rpartition(".")
        schema, name = named[0] or dataset.source.db_schema or "public", named[2]
        source, where = sql.Identifier(schema, name), f"table {schema}.{name}"
        kinds = catalogue.columns(connection, schema, name, sized=False)
        if not kinds:
            raise tables.no_table(dataset, f"{schema}.{name}")
    spelled = tables.spellings(dataset, kinds)
    kinds = tables.in_contract_s_words(kinds, spelled)
    refuse_columns(dataset, where, list(kinds))
    return _Table(dataset, source, kinds, spelled)


def _query_kinds(connection: Connection, source: sql.Composable) -> dict[str, str]:
    described = connection.execute(sql.SQL("SELECT * FROM {} LIMIT 0").format(source)).description
    numbers = {column.name: column.type_code for column in described or ()}
    rows = connection.execute(
        "SELECT oid::bigint, format_type(oid, NULL) FROM pg_type WHERE oid = ANY(%s)",
        [list(numbers.values())],
    ).fetchall()
    names = {int(number): str(kind) for number, kind in rows}
    return {column: names[number] for column, number in numbers.items()}


def _moment(connection: Connection) -> tuple[datetime, str]:
    row = connection.execute(
        "SELECT transaction_timestamp(), pg_current_snapshot()::text"
    ).fetchone()
    assert row is not None
    return row[0], str(row[1])


def _newest(table: _Table, connection: Connection, sequence: str) -> str | None:
    column, kind = table.column(sequence), table.kinds[sequence]
    zone = sql.Literal(table.dataset.column(table.dataset.sequence or "").timezone)
    now = (
        sql.SQL("now()") if kind == _INSTANTS[0] else sql.SQL("now() AT TIME ZONE {}").format(zone)
    )
    unit = tables.per_second(table.dataset)
    if kind in _NUMBERS and unit:
        now = sql.SQL("extract(epoch FROM now()) * {}").format(sql.Literal(unit))
    timed = kind in _INSTANTS or unit
    past = sql.SQL(" WHERE {} <= {}").format(column, now) if timed else sql.SQL("")
    query = sql.SQL("SELECT max({})::text FROM {}{}").format(column, table.source, past)
    row = connection.execute(query).fetchone()
    return row[0] if row else None


def _since(table: _Table, sequence: str, watermark: str) -> sql.Composed:
    column, kind = table.column(sequence), table.kinds[sequence]
    overlap = table.dataset.overlap_seconds
    mark: sql.Composable = sql.SQL("{}::" + kind).format(sql.Literal(watermark))
    if overlap and kind in _NUMBERS:
        units = overlap * (tables.per_second(table.dataset) or 1)
        mark += sql.SQL(" - {}").format(sql.Literal(units))
    elif overlap:
        mark += sql.SQL(" - make_interval(secs => {})").format(sql.Literal(overlap))
    return sql.SQL("({c} >= {m} OR {c} IS NULL)").format(c=column, m=mark)


def _origin(dataset: Dataset, connection: Connection) -> str:
    info = connection.info
    table = dataset.source.table or dataset.name
    return f"postgresql://{info.host}:{info.port}/{info.dbname}/{table}"
