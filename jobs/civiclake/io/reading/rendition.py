"""Landing's rendition of what was delivered: Parquet, every value text, which Spark reads.

Whatever the format, landing's own reader writes it: each column under its stored name
(:mod:`civiclake.io.reading.raw_names`), the number of the record, and the text of a record that
is not whole. So landing counts and Spark reads the same records, by construction. Where it is
known as which file of its batch raw will know the delivery, the rest of raw's own columns stands
there, too: raw takes such a file as it is (:mod:`civiclake.io.lake.take`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from civiclake import columns as c
from civiclake.io.reading.inspect import Unreadable
from civiclake.io.reading.raw_names import stored

SUFFIX = ".parquet"
_GROUP_BYTES = 16 << 20
"""Text held in memory before it is written: a group of rows, which is what Spark can split by."""
_DICTIONARY_BYTES = 64 << 10
MAX_BYTES = 50 << 30
"""No delivery may hold more text."""
_SAID = b"civiclake.lineage"
"""Where a rendition's footer says what its columns of lineage hold."""
_MOMENT = pa.timestamp("us", tz="UTC")


@dataclass(frozen=True)
class Lineage:
    """As what raw knows a delivered file and its records."""

    batch_id: str
    place: int
    """Of the file among those of its batch, counted from 0."""
    file: str
    """Relative to the batch's folder."""
    delivered_at: datetime

    @property
    def begins(self) -> str:
        """What the ids of its records begin with."""
        return f"{self.batch_id}/{self.place}/"

    @property
    def said(self) -> bytes:
        """All of it, for a footer."""
        moment = self.delivered_at.astimezone(UTC).isoformat()
        return json.dumps([self.batch_id, self.place, self.file, moment]).encode()

    def columns(self, numbers: pa.Array) -> dict[str, pa.Array]:
        """Raw's columns beside the record's number.

        Args:
            numbers: of the records.
        """
        count = len(numbers)
        ids = pc.binary_join_element_wise(self.begins, numbers.cast(pa.string()), "")
        moment = pa.scalar(self.delivered_at, _MOMENT)
        return {
            c.RECORD: ids,
            c.FILE: pa.repeat(self.file, count),
            c.DELIVERED: pa.repeat(moment, count),
        }


def holds(schema: pa.Schema, lineage: Lineage) -> bool:
    """Whether a rendition with that schema holds just this lineage."""
    return bool((schema.metadata or {}).get(_SAID) == lineage.said)


class Rendition:
    """Writes a rendition, column by column, a block of records at a time.

    Args:
        target: the Parquet file to write; its folder is there.
        lineage: of the delivered file, where that is known.
    """

    def __init__(self, target: Path, lineage: Lineage | None = None) -> None:
        self._target, self._lineage = target, lineage
        self._names: list[str] = []
        self._held: list[pa.Table] = []
        self._held_bytes = self._bytes = 0
        self._writer: pq.ParquetWriter | None = None
        self._finished: list[Path] = []
        self.rows = 0

    def __enter__(self) -> Rendition:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self._finish()
            return
        if self._writer is not None:
            self._writer.close()
        for part in self._finished:  # what is unreadable must not fill landing at every try
            part.unlink(missing_ok=True)

    def put(
        self, names: Sequence[str], columns: Sequence[pa.Array], malformed: pa.Array | None = None
    ) -> None:
        """Add records.

        Args:
            names: of the columns, in the contract's words; later blocks may bring more of them.
            columns: their values, as text.
            malformed: of records that are not whole, their text.

        Raises:
            Unreadable: the delivery grows beyond measure.
        """
        self._names = list(names)
        count = len(columns[0]) if columns else 0
        if malformed is None:
            malformed = pa.nulls(count, pa.string())
        numbers = pa.arange(self.rows + 1, self.rows + 1 + count)
        table = pa.table([*columns, numbers, malformed], names=self._columns(len(columns)))
        self.rows += count
        self._held.append(self._with_lineage(table, numbers))
        self._held_bytes += table.nbytes
        self._bytes += table.nbytes
        if self._bytes > MAX_BYTES:
            raise Unreadable(f"it holds over {MAX_BYTES >> 30} GiB of text")
        if self._held_bytes >= _GROUP_BYTES:
            self._flush()

    def _columns(self, count: int) -> list[str]:
        return [*map(stored, self._names[:count]), c.ROW, c.CORRUPT]

    def _with_lineage(self, table: pa.Table, numbers: pa.Array) -> pa.Table:
        if self._lineage is not None:
            for name, column in self._lineage.columns(numbers).items():
                table = table.append_column(name, column)
        return table

    def _schema(self) -> pa.Schema:
        *texts, row, corrupt = self._columns(len(self._names))
        kinds = [(name, pa.string()) for name in texts]
        kinds += [(row, pa.int64()), (corrupt, pa.string())]
        if self._lineage is None:
            return pa.schema(kinds)
        kinds += [(c.RECORD, pa.string()), (c.FILE, pa.string()), (c.DELIVERED, _MOMENT)]
        return pa.schema(kinds, {_SAID: self._lineage.said})

    def _flush(self) -> None:
        schema = self._schema()
        if self._writer is not None and self._writer.schema != schema:
            self._writer.close()  # a name came late: what is written lacks its column
            self._writer = None
        if self._writer is None:
            part = self._target.with_name(f"{self._target.name}.{len(self._finished)}")
            self._writer = _writer(part, schema)
            self._finished.append(part)
        _write(self._writer, self._held)
        self._held, self._held_bytes = [], 0

    def _finish(self) -> None:
        self._flush()
        assert self._writer is not None
        self._writer.close()
        if len(self._finished) == 1:
            self._finished[0].replace(self._target)
            return
        with _writer(self._target, self._schema()) as whole:
            for part in self._finished:
                with pq.ParquetFile(part) as file:
                    for place in range(file.num_row_groups):
                        _write(whole, [file.read_row_group(place)])
                part.unlink()


def _writer(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    # Statistics of text prune nothing that is read whole, and a large dictionary costs more than
    # it saves.
    return pq.ParquetWriter(
        path,
        schema,
        compression="zstd",
        write_statistics=False,
        dictionary_pagesize_limit=_DICTIONARY_BYTES,
    )


def _write(writer: pq.ParquetWriter, tables: Sequence[pa.Table]) -> None:
    """Write tables as one group of rows; a column that came late is null in those before it."""
    even = [_with_all(table, writer.schema) for table in tables]
    if even:
        whole = pa.concat_tables(even)
        writer.write_table(whole, row_group_size=max(1, whole.num_rows))


def _with_all(table: pa.Table, schema: pa.Schema) -> pa.Table:
    known = set(table.column_names)
    columns = [
        table[field.name] if field.name in known else pa.nulls(table.num_rows, field.type)
        for field in schema
    ]
    return pa.table(columns, schema=schema)


def longest_characters(column: pa.Array) -> int:
    """Length of a column's longest text."""
    return pc.max(pc.utf8_length(column)).as_py() or 0
