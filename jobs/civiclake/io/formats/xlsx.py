"""XLSX: one sheet of a workbook, one of its rows the header, cells by their values.

The kept readers give no way to tell an error from a blank (calamine) or what a formula has no
result for, and know fixed places and one dialect only (openpyxl): the parts are read here, and
openpyxl's knowledge of number formats and of days is used.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import IO
from xml.etree.ElementTree import ParseError

from defusedxml import DefusedXmlException
from openpyxl.utils import get_column_letter

from civiclake.contracts.model import Dataset
from civiclake.io.formats import xlsx_cells, xlsx_package
from civiclake.io.formats.table import Row, Table
from civiclake.io.formats.xlsx_cells import Cell, Line
from civiclake.io.formats.xlsx_package import Package, Sheet
from civiclake.io.formats.xlsx_values import Values
from civiclake.io.reading.csv_header import complete
from civiclake.io.reading.inspect import Unreadable

MAX_HELD_BYTES = 256 << 20
"""Of each part that is read as a whole, the table of texts among them."""
MAX_SHEET_BYTES = 4 << 30
_LOOKED_AT_ROWS = 50
"""So far down a header is looked for, to say where it stands."""
_FAULTS = (
    KeyError, ValueError, TypeError, AttributeError, IndexError, OverflowError, OSError,
    ParseError, DefusedXmlException,
)  # fmt: skip
"""What parsers raise over a workbook that is not one."""


def read(binary: IO[bytes], dataset: Dataset) -> Table:
    """The rows of the contract's ``sheet``, or of the only one that is shown.

    Blank rows are no records. A column that the header leaves without a name is ``column_N``; it
    is left out where no row has a value in it.

    Raises:
        Unreadable: it is no whole workbook, or the sheet or its header can't be told.
    """
    book = _Book(binary)
    sheet = _wanted(book.package.sheets, dataset.source.sheet)
    return _Rows(book, sheet, dataset).table()


def sheets(binary: IO[bytes]) -> list[str]:
    """The names of a workbook's sheets, those that are shown first.

    Raises:
        Unreadable: it is no whole workbook.
    """
    found = _Book(binary).package.sheets
    return [sheet.name for sheet in sorted(found, key=lambda s: s.hidden)]


def header_row(binary: IO[bytes], name: str) -> int:
    """The row of a sheet that looks like its header: the first that fills most of the widest
    row's columns, where titles stand above it.

    Args:
        binary: the file's bytes.
        name: of the sheet.

    Raises:
        Unreadable: it is no whole workbook.
    """
    book = _Book(binary)
    first = list(itertools.islice(book.lines(_wanted(book.package.sheets, name)), _LOOKED_AT_ROWS))
    filled = [(line.number, sum(bool(c.text) for c in line.cells)) for line in first]
    least = max(2, max((cells for _, cells in filled), default=0) // 2 + 1)
    found = next((number for number, cells in filled if cells >= least), 1)
    above = [number for number, cells in filled if cells and number < found]
    return found if above else 1


class _Book:
    """A workbook's parts, and what all of its sheets share."""

    def __init__(self, binary: IO[bytes]) -> None:
        try:
            self.package: Package = xlsx_package.opened(binary, MAX_HELD_BYTES, MAX_SHEET_BYTES)
            self.values = self._values()
        except _FAULTS as error:
            raise _unreadable("it is no whole workbook", error) from None

    def _values(self) -> Values:
        package = self.package
        styles, texts = package.part("styles"), package.part("sharedStrings")
        settings = next(xlsx_package.children(package.book, "workbookPr"), None)
        since = settings.get("date1904", "0") if settings is not None else "0"
        return Values(
            package.read(styles) if styles else None,
            xlsx_cells.shared_texts(package, texts) if texts else [],
            since_1904=since in ("1", "true"),
        )

    def lines(self, sheet: Sheet) -> Iterator[Line]:
        """A sheet's rows that hold anything.

        Raises:
            Unreadable: the sheet is damaged.
        """
        try:
            for line in xlsx_cells.lines(self.package, sheet.part):
                if line.cells:
                    yield line
        except _FAULTS as error:
            raise _unreadable("its sheet is damaged", error) from None


class _Rows:
    """A sheet's rows; texts of dates depend on what the contract says of their column."""

    def __init__(self, book: _Book, sheet: Sheet, dataset: Dataset) -> None:
        self._book, self._sheet = book, sheet
        self._first = dataset.source.header_row or 1
        spelt = [(c, (c.source_name, *c.also)) for c in dataset.columns]
        self._types = {name: column.spark_type for column, names in spelt for name in names}
        self._wanted = [set(names) for _, names in spelt]

    def table(self) -> Table:
        """Header and rows.

        Raises:
            Unreadable: no row is the header.
        """
        lines = self._book.lines(self._sheet)
        ahead = list(itertools.islice(self._below(lines), 1))
        if not ahead:
            if self._first > 1:
                raise Unreadable(f"its sheet holds nothing from row {self._first} (`header_row`)")
            raise Unreadable("its sheet is empty: the first row must name the columns")
        names = self._names(ahead[0])
        self._check_place(ahead[0], names)
        unnamed = {place for place, name in enumerate(names) if name is None}
        empty = unnamed - self._filled() if unnamed else unnamed
        places = [place for place in range(len(names)) if place not in empty]
        header = [names[place] or f"column_{place + 1}" for place in places]
        rows = self._records(lines, header, places, len(names))
        return Table(header, rows, header_row=ahead[0].number)

    def _below(self, lines: Iterator[Line]) -> Iterator[Line]:
        """The rows from the header on; one that shows nothing names nothing."""
        for line in lines:
            if line.number >= self._first and self._is_shown(line):
                yield line

    def _is_shown(self, line: Line) -> bool:
        return any(self._text(cell, "string", line) for cell in line.cells)

    def _names(self, line: Line) -> list[str | None]:
        cells: list[str | None] = [None] * max(cell.column for cell in line.cells)
        for cell in line.cells:
            cells[cell.column - 1] = self._text(cell, "string", line)
        names, unnamed = complete(cells)
        found = [None if place in unnamed else name for place, name in enumerate(names)]
        while found and found[-1] is None:
            found.pop()
        return found

    def _check_place(self, line: Line, names: Sequence[str | None]) -> None:
        """A title above the columns' names is no header: said with the row that is."""
        if not self._wanted or any(spelt & set(names) for spelt in self._wanted):
            return
        for other in itertools.islice(self._book.lines(self._sheet), _LOOKED_AT_ROWS):
            if all(spelt & set(self._names(other)) for spelt in self._wanted):
                held = ", ".join(name for name in names if name)[:200]
                raise Unreadable(
                    f"row {line.number} of its sheet {self._sheet.name}, taken for the header, "
                    f"holds {held} and none of the contract's columns; row {other.number} holds "
                    f"them: set `header_row: {other.number}`"
                )

    def _filled(self) -> set[int]:
        """The places of the columns that hold anything below the header."""
        lines = self._below(self._book.lines(self._sheet))
        next(lines, None)
        return {cell.column - 1 for line in lines for cell in line.cells if cell.text}

    def _records(
        self, lines: Iterator[Line], header: list[str], places: list[int], width: int
    ) -> Iterator[Row]:
        """The rows after the header, as wide as it unless they hold more."""
        kinds = {p: self._types.get(name, "string") for p, name in zip(places, header, strict=True)}
        at = {place: position for position, place in enumerate(places)}
        for line in lines:
            row: list[str | None] = [None] * len(header)
            for cell in line.cells:
                place = cell.column - 1
                text = self._text(cell, kinds.get(place, "string"), line)
                if text is None:
                    continue
                if place in at:
                    row[at[place]] = text
                elif place >= width:
                    row.extend([None] * (place - width + len(header) + 1 - len(row)))
                    row[place - width + len(header)] = text
            if any(value is not None for value in row):
                yield row

    def _text(self, cell: Cell, kind: str, line: Line) -> str | None:
        if cell.formula and _lacks_result(cell):
            # Its value would be read as nothing.
            raise Unreadable(
                f"cell {_place(cell, line)} holds a formula without its result: open the "
                "workbook in a spreadsheet program and save it, or save values only"
            )
        try:
            return self._book.values.text(cell, kind)
        except _FAULTS as error:
            what = f"cell {_place(cell, line)} can't be read"
            raise _unreadable(what, error) from None


def _lacks_result(cell: Cell) -> bool:
    """A result that is the empty text is one; a number or a truth has at least a sign."""
    return cell.text is None or (not cell.text and cell.type not in ("str", "inlineStr"))


def _place(cell: Cell, line: Line) -> str:
    return f"{get_column_letter(cell.column)}{line.number}"


def _wanted(found: list[Sheet], name: str | None) -> Sheet:
    held = ", ".join(sheet.name + " (hidden)" * sheet.hidden for sheet in found)[:200]
    if name is not None:
        named = next((sheet for sheet in found if sheet.name == name), None)
        if named is None:
            raise Unreadable(f"it has no sheet {name} (it holds {held})")
        return named
    shown = [sheet for sheet in found if not sheet.hidden] or found
    if len(shown) != 1:
        raise Unreadable(f"it holds {len(found)} sheets ({held}): name one as `sheet`")
    return shown[0]


def _unreadable(what: str, error: BaseException) -> Unreadable:
    if isinstance(error, DefusedXmlException):
        return Unreadable("it defines entities, which no workbook needs")
    said = str(error).partition("\n")[0][:200]
    return Unreadable(f"{what} ({said or type(error).__name__})")
