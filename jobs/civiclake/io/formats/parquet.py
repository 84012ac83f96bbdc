"""Parquet: columns become text inside Arrow, a batch of rows at a time."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import IO, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from civiclake.contracts.model import Dataset
from civiclake.io.formats.table import Row, Table, from_records
from civiclake.io.formats.text import cell, plain
from civiclake.io.inspect import Unreadable

BATCH_ROWS = 4096
MAX_VALUE_BYTES = 8 << 20


def read(binary: IO[bytes], dataset: Dataset) -> Table:
    """One row for each row of all row groups.

    A struct or a list becomes JSON text, or columns where the contract names paths into it.
    """
    try:
        file = pq.ParquetFile(binary, coerce_int96_timestamp_unit="us")
        texts = [f.name for f in file.schema_arrow if _is_text(f.type)]
        # As dictionaries: a text that stands a million times is held once.
        file = pq.ParquetFile(
            binary, coerce_int96_timestamp_unit="us", read_dictionary=texts, pre_buffer=False
        )
    except (pa.ArrowException, OSError) as error:
        raise Unreadable(f"it is no whole Parquet file ({_short(error)})") from None
    names = list(file.schema_arrow.names)
    nested = [f.name for f in file.schema_arrow if pa.types.is_nested(f.type)]
    dotted = {n.partition(".")[0] for c in dataset.columns for n in (c.source_name, *c.also)}
    if dotted & set(nested):
        return from_records(_records(file), dataset)
    return Table(names, _rows(file))


def _rows(file: pq.ParquetFile) -> Iterator[Row]:
    for batch in _batches(file):
        yield from zip(*[_texts(column) for column in batch.columns], strict=True)


def _records(file: pq.ParquetFile) -> Iterator[dict[str, Any]]:
    for batch in _batches(file):
        columns = [
            column.to_pylist() if pa.types.is_nested(column.type) else _texts(column)
            for column in batch.columns
        ]
        for row in zip(*columns, strict=True):
            yield dict(zip(batch.schema.names, row, strict=True))


def _batches(file: pq.ParquetFile) -> Iterator[pa.RecordBatch]:
    try:
        yield from file.iter_batches(batch_size=BATCH_ROWS)
    except (pa.ArrowException, OSError) as error:
        raise Unreadable(f"it is damaged ({_short(error)})") from None


def _texts(column: pa.Array) -> list[str | None]:
    """A column as text, by Arrow's own casts as far as they lose nothing."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        _check_lengths(column.dictionary)
        values = _texts(column.dictionary)
        return [None if place is None else values[place] for place in column.indices.to_pylist()]
    if pa.types.is_timestamp(kind):
        return _moments(column)
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return [_plain(text) for text in pc.cast(column, pa.string()).to_pylist()]
    if pa.types.is_nested(kind) or _is_text(kind) or pa.types.is_duration(kind):
        try:
            return [cell(value) for value in column.to_pylist()]
        except UnicodeDecodeError:
            raise Unreadable("it is damaged: what it calls text is no UTF-8") from None
    try:
        found: list[str | None] = pc.cast(column, pa.string()).to_pylist()
    except pa.ArrowException:
        raise Unreadable(f"it holds a column of type {kind}, which has no text") from None
    return found


def _plain(text: str | None) -> str | None:
    if text is None:
        return None
    if text.endswith(".0"):
        return text[:-2]
    return plain(Decimal(text)) if "e" in text or "E" in text else text


def _moments(column: pa.Array) -> list[str | None]:
    """ISO 8601; with a zone, the instant in UTC."""
    zoned = column.type.tz is not None
    if zoned:
        column = pc.cast(column, pa.timestamp(column.type.unit, "UTC"))
    text = pc.cast(pc.local_timestamp(column) if zoned else column, pa.string())
    text = pc.replace_substring(text, " ", "T")
    text = pc.replace_substring_regex(text, r"(\.\d*?)0+$", r"\1")
    text = pc.replace_substring_regex(text, r"\.$", "")
    found: list[str | None] = text.to_pylist()
    return [None if t is None else f"{t}Z" for t in found] if zoned else found


def _check_lengths(values: pa.Array) -> None:
    if not _is_text(values.type):
        return
    longest = pc.max(pc.binary_length(values)).as_py() or 0
    if longest > MAX_VALUE_BYTES:
        raise Unreadable(f"it holds a value of over {MAX_VALUE_BYTES >> 20} MiB")


def _is_text(kind: pa.DataType) -> bool:
    types = pa.types
    return bool(types.is_string(kind) or types.is_binary(kind) or types.is_large_string(kind))


def _short(error: BaseException) -> str:
    return str(error).splitlines()[0][:200] if str(error) else type(error).__name__
