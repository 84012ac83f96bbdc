"""Where a CSV text's column names stand, and what the columns without a name are called."""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from civiclake.io.reading.csv_text import Text
from civiclake.io.reading.inspect import Unreadable, check_header, unparsable

SEPARATOR = re.compile(r'"?sep=(.)"?[\r\n]*', re.IGNORECASE)
"""The first line by which a spreadsheet is told the delimiter."""
_LOOKED_AT = 20
"""Records in which the contract's names are looked for when the header lacks them."""


@dataclass(frozen=True)
class Wanted:
    """What the contract says of the header."""

    delimiter: str = ","
    header_row: int | None = None
    """The line of the names, counted from 1; None: the first one that holds a text."""
    spellings: Sequence[Collection[str]] = ()
    """Of each column the names that it may have."""
    known: tuple[str, ...] | None = None
    """The names, where the first record is known to be the header."""


@dataclass(frozen=True)
class Top:
    """What stands above the first record."""

    names: tuple[str, ...]
    """Of all columns; one without a name is called by its place."""
    unnamed: frozenset[int]
    """Places of the columns without a name."""
    delimiter: str
    line: int
    """The line of the names, counted from 1."""
    names_line: int | None = field(default=None)
    """The line that holds all of the contract's names, where the header lacks one."""


def read_top(text: Text, wanted: Wanted) -> Top:
    """Read up to the first record.

    Raises:
        Unreadable: there are no names, or one stands there twice.
        csv.Error: their quoting is broken.
    """
    if wanted.known is not None:
        next(_records(text, wanted.delimiter), None)
        return Top(wanted.known, frozenset(), wanted.delimiter, 1)
    delimiter = _separator(text) or wanted.delimiter
    if wanted.delimiter != ",":
        delimiter = wanted.delimiter
    line, cells = _header(text, delimiter, wanted.header_row)
    ahead = _ahead(text, delimiter)
    cells = [*cells, *padding(cells, ahead[0][1] if ahead else ())]
    names, unnamed = complete(cells)
    return Top(
        tuple(check_header(names)), unnamed, delimiter, line, _names_line(names, ahead, wanted)
    )


def complete(cells: Sequence[str | None]) -> tuple[list[str], frozenset[int]]:
    """Trimmed names; an empty one becomes ``column_<place>``, and its place is told."""
    # How a line breaks inside a name is the file's business, not the contract's.
    trimmed = [(cell or "").strip().replace("\r\n", "\n") for cell in cells]
    unnamed = frozenset(place for place, name in enumerate(trimmed) if not name)
    return [name or f"column_{place + 1}" for place, name in enumerate(trimmed)], unnamed


def _separator(text: Text) -> str | None:
    line = text.line()
    if line is None:
        return None
    found = SEPARATOR.fullmatch(line)
    if found is None:
        text.give_back([line])
        return None
    return found[1]


def _header(text: Text, delimiter: str, row: int | None) -> tuple[int, list[str]]:
    """The line and the cells of the header."""
    while row is not None and text.taken < row - 1:
        if text.line() is None:
            raise Unreadable(f"it has {text.taken} lines, and `header_row` is {row}")
    while True:
        begins = text.taken + 1
        try:
            cells = next(_records(text, delimiter), None)
        except csv.Error as error:
            raise Unreadable(unparsable(error, begins, text.taken)) from None
        if cells is None:
            raise Unreadable("it is empty: a line must name the columns")
        if any(cell.strip() for cell in cells):
            return begins, cells
        if row is not None:
            raise Unreadable(f"line {row} is blank, and `header_row` says that names stand there")


def _records(text: Text, delimiter: str) -> Iterator[list[str]]:
    return csv.reader(iter(text.line, None), delimiter=delimiter, strict=True)


def _ahead(text: Text, delimiter: str) -> list[tuple[int, list[str]]]:
    """The first records with their lines; they come again."""
    seen: list[str] = []

    def lines() -> Iterator[str]:
        for line in iter(text.line, None):
            seen.append(line)
            yield line

    found: list[tuple[int, list[str]]] = []
    begins = text.taken + 1
    try:
        for cells in csv.reader(lines(), delimiter=delimiter, strict=True):
            if cells:
                found.append((begins, cells))
            if len(found) == _LOOKED_AT:
                break
            begins = text.taken + 1
    except csv.Error:
        pass  # told in its place, when the records are read
    text.give_back(seen)
    return found


def padding(header: Sequence[str], first: Sequence[str]) -> list[str]:
    """Places without a name for empty values that the first record has beyond the header."""
    beyond = first[len(header) :]
    return [] if any(value.strip() for value in beyond) else [""] * len(beyond)


def _names_line(
    names: Collection[str], ahead: Sequence[tuple[int, Sequence[str]]], wanted: Wanted
) -> int | None:
    def has_all(found: Collection[str]) -> bool:
        return all(any(word in found for word in words) for words in wanted.spellings)

    if not wanted.spellings or has_all(names):
        return None
    return next((line for line, cells in ahead if has_all({c.strip() for c in cells})), None)
