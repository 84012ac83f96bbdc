"""The one reader of CSV text: what it reads is counted, and written for Spark as Parquet.

Blocks of lines without a quotation mark go through Arrow as they are. Where there is one, the
strict reader of Python's library says first that the quoting is sound and where records end.
Both take LF, CRLF and CR for the end of a line wherever they stand, and leave what is quoted
byte for byte. An empty value without quotation marks is none at all (null).
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from civiclake.io.reading.csv_header import Top, Wanted, read_top
from civiclake.io.reading.csv_text import Text, count_lines, lines_of
from civiclake.io.reading.inspect import (
    FIRST_RAGGED,
    LONGEST_LINE,
    Inspection,
    Unreadable,
    text_blocks,
    unparsable,
)
from civiclake.io.reading.rendition import Lineage, Rendition

_BLOCK_BYTES = 1 << 20
_BYTE_ORDER_MARK = "\ufeff"

Rename = Callable[[tuple[str, ...]], tuple[str, ...]]


def _as_they_are(names: tuple[str, ...]) -> tuple[str, ...]:
    return names


@dataclass(frozen=True)
class Form:
    """How a CSV text is to be read."""

    wanted: Wanted = field(default_factory=Wanted)
    encoding: str = "utf-8"
    rename: Rename = _as_they_are
    """The header's names in the contract's words."""
    written_here: bool = False
    """Whether the text is of our own making: its quoting is sound, a value may be of any length,
    and a blank line is a record of one column, whose only value is null."""
    accepted: bool = False
    """Whether an older CivicLake landed it as it is: no line of it is too long."""
    lineage: Lineage | None = None
    """What raw will say of its records, where that is known."""


def render(binary: io.BufferedIOBase, target: Path, form: Form) -> Inspection:
    """Read CSV text to its end in constant memory, and write its rendition.

    Args:
        binary: the bytes.
        target: the Parquet file to write; its folder is there.
        form: how the text is to be read.

    Raises:
        Unreadable: there is no header, the quoting is broken, or the bytes are not of the
            encoding.
    """
    longest = None if form.written_here or form.accepted else LONGEST_LINE
    text = Text(text_blocks(binary, form.encoding, _BLOCK_BYTES), longest)
    with Rendition(target, form.lineage) as rendition:
        top = read_top(text, form.wanted)
        body = _Body(text, top, form, rendition)
        body.read()
    unnamed = body.empty
    header = tuple(name for place, name in enumerate(body.names) if place not in unnamed)
    return Inspection(
        header=header,
        rows=rendition.rows,
        ragged_rows=tuple(body.first),
        ragged_count=body.ragged,
        multiline=body.multiline,
        delimiter=top.delimiter,
        header_line=top.line,
        names_line=top.names_line,
    )


class _Body:
    """The records below the header, while they are read."""

    def __init__(self, text: Text, top: Top, form: Form, rendition: Rendition) -> None:
        self._text, self._form, self._rendition = text, form, rendition
        self._delimiter, self._width = top.delimiter, len(top.names)
        self._least = max(p for p in range(self._width) if p not in top.unnamed) + 1
        self.names = form.rename(top.names)
        self.empty = set(top.unnamed)
        """Places of columns without a name that have shown no value so far."""
        self.ragged = 0
        self.first: list[int] = []
        self.multiline = False

    def read(self) -> None:
        """Read to the end.

        Raises:
            Unreadable: the quoting is broken.
        """
        while block := self._text.block():
            columns, malformed = self._columns(block)
            for place in list(self.empty):
                if has_text(columns[place]):
                    self.empty.remove(place)
            self._rendition.put(self.names, columns, malformed)
        if not self._rendition.rows:
            nothing = pa.array([], pa.string())
            self._rendition.put(self.names, [nothing] * self._width)

    def _columns(self, block: str) -> tuple[Sequence[pa.Array], pa.Array | None]:
        ours = self._form.written_here
        if ours or '"' not in block:
            whole = self._closed(block) if ours else block
            columns = self._by_arrow(whole, quoted=ours)
            if ours and columns is not None:
                self.multiline = self.multiline or count_lines(whole) != len(columns[0])
        else:
            whole, count, even = self._whole_records(block)
            columns = self._by_arrow(whole, quoted=True) if even else None
            if columns is not None and len(columns[0]) != count:
                columns = None
        return self._by_hand(whole) if columns is None else (columns, None)

    def _closed(self, block: str) -> str:
        """The block, and the lines that end the value that it breaks off in."""
        parts, marks = [block], block.count('"')
        while marks % 2 and (line := self._text.line()) is not None:
            parts.append(line)
            marks += line.count('"')
        return "".join(parts)

    def _whole_records(self, block: str) -> tuple[str, int, bool]:
        """The block and what its last record needs besides; its records; whether all are even.

        Raises:
            Unreadable: the quoting is broken.
        """
        count, more = count_lines(block), []
        before = self._text.taken - count

        def taken() -> Iterator[str]:
            yield from lines_of(block)
            for line in iter(self._text.line, None):
                more.append(line)
                yield line

        reader = csv.reader(taken(), delimiter=self._delimiter, strict=True)
        records = blank = 0
        even, begins = True, 1
        try:
            for values in reader:
                begins = reader.line_num + 1
                if len(values) == self._width:
                    records += 1
                elif values:
                    records, even = records + 1, False
                else:
                    blank += 1
                if reader.line_num >= count:
                    break
        except csv.Error as error:
            ends = before + reader.line_num
            raise Unreadable(unparsable(error, before + begins, ends)) from None
        self.multiline = self.multiline or reader.line_num != records + blank
        return block + "".join(more), records, even

    @property
    def _counts_blanks(self) -> bool:
        return self._form.written_here and self._width == 1

    def _by_arrow(self, block: str, *, quoted: bool) -> list[pa.Array] | None:
        """The columns; None where a record is of another length, or Arrow can't be asked."""
        if not self._delimiter.isascii():
            return None
        # Arrow would take a value's first sign for the mark of a file's beginning.
        mark = _BYTE_ORDER_MARK if block.startswith(_BYTE_ORDER_MARK) else ""
        data, odd = (mark + block).encode(), []

        def refuse(row: pa.csv.InvalidRow) -> str:
            odd.append(row)
            return "skip"

        names = [str(place) for place in range(self._width)]
        table = pa.csv.read_csv(
            pa.BufferReader(data),
            read_options=pa.csv.ReadOptions(
                column_names=names, block_size=len(data) + 1, use_threads=False
            ),
            parse_options=pa.csv.ParseOptions(
                delimiter=self._delimiter,
                quote_char='"' if quoted else False,
                newlines_in_values=quoted,
                ignore_empty_lines=not self._counts_blanks,
                invalid_row_handler=refuse,
            ),
            convert_options=pa.csv.ConvertOptions(
                check_utf8=False,  # it was decoded
                column_types=dict.fromkeys(names, pa.string()),
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )
        return None if odd else [column.combine_chunks() for column in table.columns]

    def _by_hand(self, block: str) -> tuple[list[pa.Array], pa.Array]:
        """Record by record, where not all are of one length."""
        rows: list[list[str | None]] = []
        malformed: list[str | None] = []
        for values, came in _records(block, self._delimiter):
            if not values and not self._counts_blanks:
                continue
            row = _told_apart(values, came, self._delimiter)
            is_whole = len(row) >= self._least or self._counts_blanks
            is_whole = is_whole and not any(row[self._width :])
            rows.append([*row[: self._width], *[None] * (self._width - len(row))])
            malformed.append(None if is_whole else came.rstrip("\r\n"))
            if not is_whole:
                self._note(self._rendition.rows + len(rows))
        columns = [
            pa.array([row[place] for row in rows], pa.string()) for place in range(self._width)
        ]
        return columns, pa.array(malformed, pa.string())

    def _note(self, number: int) -> None:
        self.ragged += 1
        if self.ragged <= FIRST_RAGGED:
            self.first.append(number)


def _records(block: str, delimiter: str) -> Iterator[tuple[list[str], str]]:
    """The values of every record, and its text."""
    came: list[str] = []

    def lines() -> Iterator[str]:
        for line in lines_of(block):
            came.append(line)
            yield line

    for values in csv.reader(lines(), delimiter=delimiter, strict=True):
        yield values, "".join(came)
        came.clear()


def _told_apart(values: Sequence[str], came: str, delimiter: str) -> list[str | None]:
    """The values; empty ones are null unless they stand in quotation marks."""
    if '""' not in came or all(values):
        return [value or None for value in values]
    value = re.compile(rf'"(?:[^"]|"")*"|[^{re.escape(delimiter)}\r\n]*')
    found: list[str | None] = []
    place = 0
    for text in values:
        match = cast("re.Match[str]", value.match(came, place))
        found.append(text if match[0] else None)
        place = match.end() + 1
    return found


def has_text(column: pa.Array) -> bool:
    """Whether a column holds anything but blanks."""
    trimmed = pc.utf8_trim_whitespace(column)
    return bool(pc.any(pc.not_equal(trimmed, "")).as_py())
