"""The canonical rendition of a delivered file: UTF-8 CSV with commas, as RFC 4180 has it."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import IO, cast

from civiclake.io.formats.table import Row, Table
from civiclake.io.inspect import FIRST_RAGGED, Inspection, Unreadable, check_header
from civiclake.io.streams import MAX_UNPACKED_BYTES

_AHEAD_ROWS = 1000
"""Rows looked at before the header is written: most files show all their names by then."""
_AHEAD_CHARACTERS = 1 << 20


class _Echo:
    """What the writer of a line hands back."""

    def write(self, line: str) -> str:
        return line


class _Counter:
    """Rows as they pass: counted, and those of another length noted."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self.rows = self.ragged = 0
        self.first: list[int] = []
        self.multiline = False

    def lines(self, rows: Iterator[Row]) -> Iterator[str]:
        writer = csv.writer(_Echo(), lineterminator="\r\n")
        limit = csv.field_size_limit()
        table = self._table
        for row in rows:
            self.rows += 1
            if len(row) != len(table.header) and not table.grows:
                self._note()
            line = cast(str, writer.writerow(row))
            if len(line) > limit:
                self._check_values(row, limit)
            self.multiline = self.multiline or "\n" in line[:-2] or "\r" in line[:-2]
            yield line

    def _note(self) -> None:
        self.ragged += 1
        if self.ragged <= FIRST_RAGGED:
            self.first.append(self.rows)

    def _check_values(self, row: Row, limit: int) -> None:
        for name, value in zip(self._table.header, row, strict=False):
            if value is not None and len(value) > limit:
                raise Unreadable(
                    f"record {self.rows} has a value of over {limit:,} characters in {name}"
                )


def write(table: Table, target: Path, expected: tuple[str, ...]) -> Inspection:
    """Write a table to its last row.

    Args:
        table: header and rows, read while they are written.
        target: the file to write.
        expected: the header of records when there is not one.

    Raises:
        Unreadable: the file turns out to be broken, or grows beyond measure.
    """
    counter = _Counter(table)
    ahead = _first(table.rows)
    if table.grows and not ahead:
        table.header.extend(expected)
    table.header[:] = check_header(table.header)
    width = len(table.header)
    with target.open("w", encoding="utf-8", newline="") as file:
        _put(file, counter.lines(_padded(chain(ahead, table.rows), table)), table.header)
    if len(table.header) > width:
        check_header(table.header)
        _widen(target, table.header)
    return Inspection(
        tuple(table.header), counter.rows, tuple(counter.first), counter.ragged, counter.multiline
    )


def _first(rows: Iterator[Row]) -> list[Row]:
    """The first rows, no more than fit into little memory."""
    found: list[Row] = []
    size = 0
    while len(found) < _AHEAD_ROWS and size < _AHEAD_CHARACTERS:
        row = next(rows, None)
        if row is None:
            break
        found.append(row)
        size += sum(len(value) for value in row if value)
    return found


def _put(file: IO[str], lines: Iterator[str], header: list[str]) -> None:
    writer = csv.writer(_Echo(), lineterminator="\r\n")
    size = file.write(cast(str, writer.writerow(header)))
    for line in lines:
        size += file.write(line)
        if size > MAX_UNPACKED_BYTES:
            raise Unreadable(f"it holds over {MAX_UNPACKED_BYTES >> 30} GiB of text")


def _padded(rows: Iterator[Row], table: Table) -> Iterator[Row]:
    for row in rows:
        missing = len(table.header) - len(row)
        yield [*row, *[None] * missing] if table.grows and missing else row


def _widen(target: Path, header: list[str]) -> None:
    """A name came late: the rows before it get an empty place for it."""
    fresh = target.with_name(target.name + ".wide")
    with (
        target.open(encoding="utf-8", newline="") as old,
        fresh.open("w", encoding="utf-8", newline="") as new,
    ):
        writer = csv.writer(new, lineterminator="\r\n")
        writer.writerow(header)
        for row in islice(csv.reader(old, strict=True), 1, None):
            writer.writerow([*row, *[None] * (len(header) - len(row))])
    fresh.replace(target)
