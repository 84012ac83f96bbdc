"""A table that a reader hands on, written as landing's rendition."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from civiclake.io.formats.table import Row, Table
from civiclake.io.reading.csv_header import complete
from civiclake.io.reading.csv_records import Rename, has_text
from civiclake.io.reading.inspect import (
    FIRST_RAGGED,
    LONGEST_VALUE,
    Inspection,
    Unreadable,
    check_header,
)
from civiclake.io.reading.rendition import Lineage, Rendition, longest_characters

_AHEAD_ROWS = 1000
"""Rows looked at before the first are written: most files show all their names by then."""
_AHEAD_CHARACTERS = 1 << 18


class _Rows:
    """Rows as they pass: written a block at a time, and those of another length noted."""

    def __init__(self, table: Table, rendition: Rendition, rename: Rename) -> None:
        self._table, self._rendition, self._rename = table, rendition, rename
        names, unnamed = complete(table.header)
        self._width = len(names)
        self.empty = set(unnamed)
        """Places of columns without a name that have shown no value so far."""
        self.ragged = 0
        self.first: list[int] = []
        self.multiline = False

    @property
    def names(self) -> tuple[str, ...]:
        """The header as it is by now, in the contract's words.

        Raises:
            Unreadable: a name stands there twice.
        """
        return self._rename(tuple(check_header(complete(self._table.header)[0])))

    def put(self, rows: Sequence[Row]) -> None:
        """Write some rows.

        Raises:
            Unreadable: a value is longer than any may be.
        """
        names = self.names
        width = len(names)
        even, malformed = [], []
        for place, row in enumerate(rows):
            is_whole = self._table.grows or len(row) == width
            even.append(row if len(row) == width else _fitted(row, width))
            malformed.append(None if is_whole else _line(row))
            if not is_whole:
                self._note(self._rendition.rows + place + 1)
        columns = [pa.array([row[place] for row in even], pa.string()) for place in range(width)]
        for name, column in zip(names, columns, strict=True):
            self._look_at(name, column)
        for place in list(self.empty):
            if has_text(columns[place]):
                self.empty.remove(place)
        self._rendition.put(names, columns, pa.array(malformed, pa.string()))

    def _note(self, number: int) -> None:
        self.ragged += 1
        if self.ragged <= FIRST_RAGGED:
            self.first.append(number)

    def _look_at(self, name: str, column: pa.Array) -> None:
        if longest_characters(column) > LONGEST_VALUE:
            number = (
                self._rendition.rows
                + 1
                + next(
                    place
                    for place, value in enumerate(column.to_pylist())
                    if value is not None and len(value) > LONGEST_VALUE
                )
            )
            raise Unreadable(
                f"record {number} has a value of over {LONGEST_VALUE >> 20} MiB in {name}"
            )
        self.multiline = self.multiline or _has_line_break(column)


def write(
    table: Table,
    target: Path,
    expected: tuple[str, ...],
    rename: Rename,
    lineage: Lineage | None = None,
) -> Inspection:
    """Write a table to its last row.

    Args:
        table: header and rows, read while they are written.
        target: the Parquet file to write.
        expected: the header of records when there is not one.
        rename: gives the header in the contract's words.
        lineage: of the delivered file, where that is known.

    Raises:
        Unreadable: the file turns out to be broken, or grows beyond measure.
    """
    blocks = _blocks(table.rows)
    first = next(blocks, [])
    if table.grows and not first:
        table.header.extend(expected)
    with Rendition(target, lineage) as rendition:
        rows = _Rows(table, rendition, rename)
        for block in chain([first], blocks):
            rows.put(block)
    names = rows.names
    return Inspection(
        tuple(name for place, name in enumerate(names) if place not in rows.empty),
        rendition.rows,
        tuple(rows.first),
        rows.ragged,
        rows.multiline,
        header_line=table.header_row,
    )


def _blocks(rows: Iterator[Row]) -> Iterator[list[Row]]:
    """The rows by the thousand, no more at once than fit into little memory."""
    found: list[Row] = []
    size = 0
    for row in rows:
        found.append(row)
        size += sum(len(value) for value in row if value)
        if len(found) == _AHEAD_ROWS or size >= _AHEAD_CHARACTERS:
            yield found
            found, size = [], 0
    if found:
        yield found


def _line(row: Row) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(row)
    return text.getvalue()


def _has_line_break(column: pa.Array) -> bool:
    return bool(pc.any(pc.match_substring_regex(column, r"[\r\n]")).as_py())


def _fitted(row: Row, width: int) -> Row:
    return [*row[:width], *[None] * (width - len(row))]
