"""Parquet: columns become text inside Arrow, a batch of rows at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from civiclake.contracts.model import Dataset
from civiclake.io.formats import parquet_text
from civiclake.io.formats.parquet_text import NoText
from civiclake.io.formats.table import Row, Table, from_records
from civiclake.io.reading.inspect import Unreadable, check_header

BATCH_ROWS = 4096
_FEW_ROWS = 256
"""Where texts are written by what they share with the one before, few bytes make long ones."""
_NO_DICTIONARIES = ("DELTA_BYTE_ARRAY", "DELTA_LENGTH_BYTE_ARRAY")
"""Encodings that Arrow can't read as dictionaries."""


def read(binary: IO[bytes], dataset: Dataset) -> Table:
    """One row for each row of all row groups.

    A struct or a list becomes JSON text, or columns where the contract names paths into it. A
    column of bytes that are no text, such as GeoParquet's geometry, is passed over unless the
    contract names it.

    Raises:
        Unreadable: it is no whole Parquet file, is encrypted, names a column twice, or holds a
            value without text.
    """
    try:
        plain = pq.ParquetFile(binary, coerce_int96_timestamp_unit="us", pre_buffer=False)
        # Whoever asks for the encodings of an encrypted column before is ended by Arrow.
        next(plain.iter_batches(1), None)
        texts, encoded = _texts(plain)
        # As dictionaries: a text that stands a million times is held once.
        file = pq.ParquetFile(
            binary, coerce_int96_timestamp_unit="us", read_dictionary=texts, pre_buffer=False
        )
    except (pa.ArrowException, OSError) as error:
        raise _unreadable("it is no whole Parquet file", error) from None
    wanted = {n.partition(".")[0] for c in dataset.columns for n in (c.source_name, *c.also)}
    check_header(plain.schema_arrow.names)
    fields = [f for f in plain.schema_arrow if f.name in wanted or _has_text(file, f)]
    rows = _Rows(file, [f.name for f in fields], _FEW_ROWS if encoded else BATCH_ROWS)
    dotted = {n for c in dataset.columns for n in (c.source_name, *c.also) if "." in n}
    ways = {n.partition(".")[0] for n in dotted}
    if any(f.name in ways and pa.types.is_nested(f.type) for f in fields):
        return from_records(rows.records(), dataset)
    return Table(list(rows.names), rows.texts())


class _Rows:
    """The rows of some columns of a file."""

    def __init__(self, file: pq.ParquetFile, names: list[str], batch_rows: int) -> None:
        self._file, self.names, self._batch_rows = file, names, batch_rows

    def texts(self) -> Iterator[Row]:
        """As text."""
        for batch, before in self._batches():
            columns = [
                _named(parquet_text.texts, batch.column(name), name, before) for name in self.names
            ]
            yield from zip(*columns, strict=True)

    def records(self) -> Iterator[dict[str, Any]]:
        """With the values that are in others still in them."""
        for batch, before in self._batches():
            columns = [
                _named(
                    parquet_text.values if pa.types.is_nested(column.type) else parquet_text.texts,
                    column,
                    name,
                    before,
                )
                for name, column in ((name, batch.column(name)) for name in self.names)
            ]
            for row in zip(*columns, strict=True):
                yield dict(zip(self.names, row, strict=True))

    def _batches(self) -> Iterator[tuple[pa.RecordBatch, int]]:
        """Batches, and how many rows came before each."""
        before = 0
        try:
            for batch in self._file.iter_batches(self._batch_rows, columns=self.names):
                yield batch, before
                before += batch.num_rows
        except (pa.ArrowException, OSError) as error:
            raise _unreadable("it is damaged", error) from None


def _named(read: Any, column: pa.Array, name: str, before: int) -> Any:
    """A column's values; what is wrong with one is told with its place."""
    try:
        return read(column)
    except NoText as error:
        raise Unreadable(f"{error} (column {name}, row {before + error.row + 1:,})") from None
    except Unreadable as error:
        raise Unreadable(f"{error} (column {name})") from None


def _has_text(file: pq.ParquetFile, field: pa.Field) -> bool:
    """Whether a column has: of bytes, what the first of them say."""
    if not _may_lack_text(field.type):
        return True
    try:
        first = next(file.iter_batches(_FEW_ROWS, columns=[field.name]), None)
        if first is None:
            return False
        found = parquet_text.texts(first.column(0))
    except (NoText, Unreadable):
        return False
    except (pa.ArrowException, OSError) as error:
        raise _unreadable("it is damaged", error) from None
    return any(text is not None for text in found)


def _may_lack_text(kind: pa.DataType) -> bool:
    if isinstance(kind, pa.BaseExtensionType):
        return kind.extension_name != "arrow.uuid" and _may_lack_text(kind.storage_type)
    if pa.types.is_nested(kind):
        return any(_may_lack_text(kind.field(place).type) for place in range(kind.num_fields))
    return parquet_text.is_bytes(kind) or pa.types.is_null(kind) or pa.types.is_interval(kind)


def _texts(file: pq.ParquetFile) -> tuple[list[str], bool]:
    """Columns of text that can be read as dictionaries; and whether some can't be."""
    metadata = file.metadata
    encoded = {
        chunk.path_in_schema
        for group in range(metadata.num_row_groups)
        for chunk in map(metadata.row_group(group).column, range(metadata.num_columns))
        if any(encoding in _NO_DICTIONARIES for encoding in chunk.encodings)
    }
    texts = [
        field.name
        for field in file.schema_arrow
        if parquet_text.is_text(field.type) and not pa.types.is_fixed_size_binary(field.type)
    ]
    return [name for name in texts if name not in encoded], bool(encoded)


def _unreadable(what: str, error: BaseException) -> Unreadable:
    said = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
    if "crypt" in said.lower():
        return Unreadable("it is encrypted: ask for it without, or decrypt it before it is dropped")
    return Unreadable(f"{what} ({said})")
