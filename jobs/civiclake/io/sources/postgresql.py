"""Tables of a PostgreSQL server: one snapshot, streamed by COPY into compressed parts."""

from __future__ import annotations

import csv
import hashlib
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg import sql

from civiclake.contracts.model import Dataset, DriftAction, Load
from civiclake.errors import BatchHeld, SourceError, UserError
from civiclake.io.landing import Draft, LandedFile
from civiclake.io.sources.common import ask, credential, expand
from civiclake.io.sources.postgresql_errors import translated

ROWS_PER_PART = 250_000
"""A gzip file can't be split: parts of this size keep all of Spark's cores busy."""
_FLUSH_BYTES = 1 << 20
_INSTANTS = ("timestamp with time zone", "timestamp without time zone", "date")
_NUMBERS = ("smallint", "integer", "bigint", "numeric")

Connection = psycopg.Connection[tuple[Any, ...]]


@dataclass(frozen=True)
class Pulled:
    """What one snapshot of a table gave."""

    files: tuple[LandedFile, ...]
    watermark_to: str | None


def pull(dataset: Dataset, draft: Draft, watermark: str | None) -> Pulled:
    """Read the table, or what of it is new, into the draft.

    Rows whose sequence is null come every time: no watermark can tell whether they are
    new, and left out they would be lost without a word. A sequence in the future is read
    but moves no watermark: it would hide every row after it.

    Args:
        dataset: the compiled contract.
        draft: the batch's folder.
        watermark: highest sequence of the batches before; None reads everything.
    """
    with translated(dataset), _connect(dataset) as connection:
        table, kinds = _shape(dataset, connection)
        moment, snapshot = _moment(connection)
        newest, condition = watermark, sql.Composed([])
        if dataset.load is Load.INCREMENTAL:
            sequence = _sequence(dataset, kinds)
            newest = _newest(dataset, connection, table, sequence, kinds) or watermark
            if watermark is not None:
                condition = _since(dataset, sequence, kinds, watermark)
        chosen = sql.SQL(", ").join(
            sql.SQL("{}::text").format(sql.Identifier(c.source_name)) for c in dataset.columns
        )
        query = sql.SQL("COPY (SELECT {} FROM {}{}) TO STDOUT (FORMAT csv)").format(
            chosen, table, condition
        )
        parts = _Parts(dataset, draft, _origin(dataset, connection), moment, snapshot)
        files = parts.fill(connection, query)
    return Pulled(files, newest)


class _Parts:
    """Cuts the stream into parts, counting and hashing on the way."""

    def __init__(
        self, dataset: Dataset, draft: Draft, origin: str, moment: datetime, snapshot: str
    ) -> None:
        self._dataset, self._draft, self._origin = dataset, draft, origin
        self._moment, self._snapshot = moment, snapshot
        self._header = tuple(c.source_name for c in dataset.columns)

    def fill(self, connection: Connection, query: sql.Composed) -> tuple[LandedFile, ...]:
        files: list[LandedFile] = []
        with connection.cursor() as cursor:
            with cursor.copy(query) as copy:
                messages = iter(copy)
                while True:
                    file = self._part(messages)
                    if file.rows or not files:
                        files.append(file)
                    else:
                        self._draft.path(file.path).unlink()
                    if file.rows < ROWS_PER_PART:
                        break
            counted = sum(file.rows for file in files)
            if counted != cursor.rowcount:
                raise SourceError(
                    f"{self._dataset.id}: {counted} rows came but the server says "
                    f"{cursor.rowcount}: run the batch again"
                )
        return tuple(files)

    def _part(self, messages: Iterator[Any]) -> LandedFile:
        name = self._draft.place(f"{self._dataset.name}.csv.gz")
        digest, packer = hashlib.sha256(), zlib.compressobj(1, wbits=31)
        rows = size = 0
        multiline = False
        with self._draft.path(name).open("wb") as file:

            def write(data: bytes) -> None:
                nonlocal size
                digest.update(data)
                size += file.write(data)

            write(packer.compress(_csv_line(self._header)))
            for chunk, count in _chunks(messages, ROWS_PER_PART):
                rows += count
                multiline = multiline or chunk.count(b"\n") != count or b"\r" in chunk
                write(packer.compress(chunk))
            write(packer.flush())
        return LandedFile(
            path=name,
            origin=self._origin,
            size_bytes=size,
            sha256=digest.hexdigest(),
            rows=rows,
            header=self._header,
            modified_at=self._moment,
            version=self._snapshot,
            multiline=multiline,
            compressed=True,
        )


def _chunks(messages: Iterator[Any], limit: int) -> Iterator[tuple[bytes, int]]:
    """COPY sends one message per row: join them into pieces worth compressing."""
    held: list[Any] = []
    size = taken = 0
    while taken < limit:
        message = next(messages, None)
        if message is None:
            break
        held.append(message)
        taken += 1
        size += len(message)
        if size >= _FLUSH_BYTES:
            yield b"".join(held), len(held)
            held.clear()
            size = 0
    if held:
        yield b"".join(held), len(held)


def _csv_line(values: tuple[str, ...]) -> bytes:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(values)
    return line.getvalue().encode()


def _connect(dataset: Dataset) -> Connection:
    source = dataset.source
    connection: Connection = psycopg.connect(
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


def _shape(dataset: Dataset, connection: Connection) -> tuple[sql.Identifier, dict[str, str]]:
    """The table and its columns' types, held against the contract."""
    named = (dataset.source.table or dataset.name).rpartition(".")
    schema, name = named[0] or dataset.source.db_schema or "public", named[2]
    rows = connection.execute(
        "SELECT a.attname, format_type(a.atttypid, NULL) FROM pg_attribute a"
        " JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = %s AND c.relname = %s AND a.attnum > 0 AND NOT a.attisdropped",
        [schema, name],
    ).fetchall()
    where = f"{schema}.{name}"
    if not rows:
        raise SourceError(
            f"{dataset.id}: the database {connection.info.dbname} has no table {where}: "
            f"{ask(dataset)} where it went, or correct `physicalName` in {dataset.path}"
        )
    kinds = {str(column): str(kind) for column, kind in rows}
    wanted = [c.source_name for c in dataset.columns]
    missing = [column for column in wanted if column not in kinds]
    if missing:
        raise SourceError(
            f"{dataset.id}: table {where} lacks {', '.join(missing)}: {ask(dataset)} "
            f"to bring it back, or take it out of {dataset.path}"
        )
    added = sorted(set(kinds) - set(wanted))
    if added and dataset.drift.new_column is DriftAction.HOLD:
        raise BatchHeld(
            f"{dataset.id}: table {where} has {', '.join(added)}, unknown to the contract: add it "
            f"to {dataset.path} or set drift.new_column to ignore; {ask(dataset)} what it is"
        )
    return sql.Identifier(schema, name), kinds


def _moment(connection: Connection) -> tuple[datetime, str]:
    row = connection.execute(
        "SELECT transaction_timestamp(), pg_current_snapshot()::text"
    ).fetchone()
    assert row is not None
    return row[0], str(row[1])


def _sequence(dataset: Dataset, kinds: dict[str, str]) -> str:
    """The sequence column's name in the table, when it is of a kind that has an order."""
    if dataset.sequence is None:
        raise UserError(f"{dataset.path}: an incremental load needs `sequence`: name the column")
    name = dataset.column(dataset.sequence).source_name
    kind = kinds[name]
    if kind not in _INSTANTS and (kind not in _NUMBERS or dataset.overlap_seconds):
        raise UserError(
            f"{dataset.path}: sequence {name} is of type {kind} in the source: allowed are "
            "timestamps and dates, and numbers when there is no overlap"
        )
    return name


def _newest(
    dataset: Dataset,
    connection: Connection,
    table: sql.Identifier,
    sequence: str,
    kinds: dict[str, str],
) -> str | None:
    column, kind = sql.Identifier(sequence), kinds[sequence]
    zone = sql.Literal(dataset.column(dataset.sequence or "").timezone)
    now = (
        sql.SQL("now()") if kind == _INSTANTS[0] else sql.SQL("now() AT TIME ZONE {}").format(zone)
    )
    past = sql.SQL(" WHERE {} <= {}").format(column, now) if kind in _INSTANTS else sql.SQL("")
    query = sql.SQL("SELECT max({})::text FROM {}{}").format(column, table, past)
    row = connection.execute(query).fetchone()
    return row[0] if row else None


def _since(dataset: Dataset, sequence: str, kinds: dict[str, str], watermark: str) -> sql.Composed:
    column, kind = sql.Identifier(sequence), kinds[sequence]
    mark: sql.Composable = sql.SQL("{}::" + kind).format(sql.Literal(watermark))
    if dataset.overlap_seconds:
        mark += sql.SQL(" - make_interval(secs => {})").format(sql.Literal(dataset.overlap_seconds))
    return sql.SQL(" WHERE {c} >= {m} OR {c} IS NULL").format(c=column, m=mark)


def _origin(dataset: Dataset, connection: Connection) -> str:
    info = connection.info
    table = dataset.source.table or dataset.name
    return f"postgresql://{info.host}:{info.port}/{info.dbname}/{table}"
