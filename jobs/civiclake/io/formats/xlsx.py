"""XLSX: one sheet of a workbook, its first row the header, cells by their values."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from datetime import datetime
from typing import IO, Any
from xml.etree.ElementTree import ParseError

import openpyxl
from defusedxml import DefusedXmlException
from openpyxl.styles.numbers import is_datetime
from openpyxl.utils import get_column_letter
from openpyxl.utils.exceptions import InvalidFileException

from civiclake.contracts.model import Dataset
from civiclake.io import streams
from civiclake.io.formats.table import Row, Table
from civiclake.io.formats.text import cell as text_of
from civiclake.io.inspect import Unreadable

MAX_HELD_BYTES = 256 << 20
"""Of each part that is read as a whole, the table of texts among them."""
MAX_SHEET_BYTES = 4 << 30
_FAULTS = (
    KeyError, ValueError, TypeError, AttributeError, IndexError, OSError, ParseError,
    InvalidFileException, DefusedXmlException,
)  # fmt: skip
"""What openpyxl raises over a workbook that is not one."""


def read(binary: IO[bytes], dataset: Dataset) -> Table:
    """The rows of the contract's ``sheet``, or of the only one; blank rows are no records."""
    with zipfile.ZipFile(binary) as archive:
        _check_bounds(archive, binary)
        formulas = _has_formulas(archive)
    binary.seek(0)
    rows = _Rows(binary, dataset, formulas)
    header = rows.header()
    return Table(header, rows.records(len(header)))


def sheets(binary: IO[bytes]) -> list[str]:
    """The names of a workbook's sheets.

    Raises:
        Unreadable: it is no whole workbook.
    """
    with zipfile.ZipFile(binary) as archive:
        _check_bounds(archive, binary)
    binary.seek(0)
    return [sheet.title for sheet in _book(binary, values=True).worksheets]


class _Rows:
    """A sheet's rows; texts of dates depend on what the contract says of their column."""

    def __init__(self, binary: IO[bytes], dataset: Dataset, formulas: bool) -> None:
        sheet = _sheet(binary, dataset.source.sheet, values=True)
        self._cells = _safely(sheet.iter_rows())
        self._formulas: Iterator[Any] | None = None
        if formulas:
            written = _sheet(binary, dataset.source.sheet, values=False)
            self._formulas = _safely(written.iter_rows())
        names = ((n, c) for c in dataset.columns for n in (c.source_name, *c.also))
        self._types = {name: column.spark_type for name, column in names}
        self._kinds: list[str] = []
        self._number = 0

    def header(self) -> list[str]:
        """The first row, which names the columns."""
        cells = self._next()
        names = [text_of(c.value) for c in cells or ()]
        while names and names[-1] is None:
            names.pop()
        if not names:
            raise Unreadable("its sheet is empty: the first row must name the columns")
        if None in names:
            letter = get_column_letter(names.index(None) + 1)
            raise Unreadable(f"its first row leaves column {letter} without a name")
        found = [str(name).strip() for name in names]
        self._kinds = [self._types.get(name, "string") for name in found]
        return found

    def records(self, width: int) -> Iterator[Row]:
        """The rows after the header, as wide as it unless they hold more."""
        while (cells := self._next()) is not None:
            row = [self._text(c, place) for place, c in enumerate(cells)]
            while len(row) > width and row[-1] is None:
                row.pop()
            if any(value is not None for value in row):
                yield [*row, *[None] * (width - len(row))]

    def _next(self) -> Any:
        cells = next(self._cells, None)
        if self._formulas is not None and cells is not None:
            self._check_computed(cells, next(self._formulas, ()))
        self._number += 1
        return cells

    def _check_computed(self, cells: Any, written: Any) -> None:
        """A formula whose result nobody saved would be read as nothing."""
        for cell, source in zip(cells, written, strict=False):
            if cell.value is None and source.data_type == "f":
                raise Unreadable(
                    f"cell {source.coordinate} holds a formula without its result: open the "
                    "workbook in a spreadsheet program and save it, or save values only"
                )

    def _text(self, cell: Any, place: int) -> str | None:
        value = cell.value
        if value is None or value == "":
            return None
        if not isinstance(value, datetime):
            return text_of(value)
        kind = self._kinds[place] if place < len(self._kinds) else "string"
        midnight = (value.hour, value.minute, value.second, value.microsecond) == (0, 0, 0, 0)
        shown_as_date = kind != "timestamp" and is_datetime(cell.number_format) == "date"
        if midnight and (kind == "date" or shown_as_date):
            return value.date().isoformat()
        return value.isoformat()


def _book(binary: IO[bytes], *, values: bool) -> Any:
    try:
        return openpyxl.load_workbook(
            binary, read_only=True, data_only=values, keep_links=False, rich_text=False
        )
    except _FAULTS as error:
        raise _unreadable("it is no whole workbook", error) from None


def _sheet(binary: IO[bytes], wanted: str | None, *, values: bool) -> Any:
    book = _book(binary, values=values)
    names = [sheet.title for sheet in book.worksheets]
    if wanted is None and len(names) != 1:
        held = ", ".join(names)[:200]
        raise Unreadable(f"it holds {len(names)} sheets ({held}): name one as `sheet`")
    if wanted is not None and wanted not in names:
        raise Unreadable(f"it has no sheet {wanted} (it holds {', '.join(names)[:200]})")
    sheet = book[wanted or names[0]]
    sheet.reset_dimensions()  # programs write them wrong
    return sheet


def _safely(rows: Iterator[Any]) -> Iterator[Any]:
    try:
        yield from rows
    except _FAULTS as error:
        raise _unreadable("its sheet is damaged", error) from None


def _unreadable(what: str, error: BaseException) -> Unreadable:
    cause: BaseException | None = error
    while cause is not None:  # openpyxl wraps what its parser says
        if isinstance(cause, DefusedXmlException):
            return Unreadable("it defines entities, which no workbook needs")
        cause = cause.__cause__ or cause.__context__
    said = str(error).partition("\n")[0][:200]
    return Unreadable(f"{what} ({said or type(error).__name__})")


def _check_bounds(archive: zipfile.ZipFile, binary: IO[bytes]) -> None:
    """Before anything is unpacked: no member gives out more than its entry says."""
    size = binary.seek(0, 2)
    total = sum(info.file_size for info in archive.infolist())
    streams.check_ratio(total, size)
    for info in archive.infolist():
        limit = MAX_HELD_BYTES if _is_held(info.filename) else MAX_SHEET_BYTES
        if info.file_size > limit:
            raise Unreadable(f"its part {info.filename} unpacks to over {limit >> 20} MiB")


def _is_held(name: str) -> bool:
    """Whether openpyxl reads that part as a whole; sheets are read row by row."""
    return not name.startswith("xl/worksheets/")


def _has_formulas(archive: zipfile.ZipFile) -> bool:
    for info in archive.infolist():
        if info.filename.startswith("xl/worksheets/") and info.filename.endswith(".xml"):
            with archive.open(info) as part:
                tail = b""
                while block := part.read(1 << 20):
                    if b"<f>" in tail + block or b"<f " in tail + block:
                        return True
                    tail = block[-4:]
    return False
