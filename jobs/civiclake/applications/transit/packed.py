"""Rows on their way to the day that they are of: texts as numbers, many rows as one value.

Spark moves rows one by one, and of a position its texts are the most. Each worker packs what it
reads: for each day one value that holds the rows as Arrow's stream, where a text that comes again
is a number. Days are then gathered from a few values, and not sorted from millions of rows; and the
trips of a service are packed once, for however many days it runs on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa
import pyarrow.compute as pc

COLUMNS = "day date, rows int, packed binary"
"""What :func:`pack` gives, as Spark writes a schema."""
SERVICE = "service_id string, packed binary"
"""What :func:`service` gives."""
ROWS = 200_000
"""Rows that are packed at once: a value of some 10 MB."""
_SCHEMA = pa.schema([("day", pa.date32()), ("rows", pa.int32()), ("packed", pa.binary())])


def pack(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Rows with a ``day`` as values for each day; a row without one is of no day, and left out.

    Args:
        batches: of rows.
    """
    waiting: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        waiting.append(batch)
        rows += batch.num_rows
        if rows >= ROWS:
            yield from _packed(waiting)
            waiting, rows = [], 0
    if rows:
        yield from _packed(waiting)


def _packed(batches: list[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    table = pa.Table.from_batches(batches).combine_chunks()
    days = table["day"].unique().drop_null()
    encoded = _encoded(table.drop_columns("day"))
    parts = [encoded.filter(pc.equal(table["day"], day)) for day in days]
    if parts:
        counts = pa.array([len(part) for part in parts], pa.int32())
        values = pa.array([_bytes(part) for part in parts], pa.binary())
        yield pa.RecordBatch.from_arrays([days, counts, values], schema=_SCHEMA)


def _encoded(table: pa.Table) -> pa.Table:
    for number, field in enumerate(table.schema):
        if pa.types.is_string(field.type):
            column = table.column(number).dictionary_encode()
            table = table.set_column(number, field.name, column)
    return table


def _bytes(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def service(table: pa.Table) -> pa.Table:
    """The trips of one service as one value."""
    ids = table["service_id"].unique()
    values = pa.array([_bytes(table.drop_columns("service_id"))], pa.binary())
    return pa.table({"service_id": ids, "packed": values})


def unpack(table: pa.Table) -> pa.Table:
    """The rows of all values again, texts still as numbers, of one list for all of them."""
    values = [one for chunk in table["packed"].chunks for one in chunk]
    parts = [pa.ipc.open_stream(one.as_buffer()).read_all() for one in values]
    return pa.concat_tables(parts).unify_dictionaries().combine_chunks()
