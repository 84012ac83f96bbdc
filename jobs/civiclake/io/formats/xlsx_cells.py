"""The cells of a sheet and the texts that they share, as they are written: nothing is computed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from defusedxml.ElementTree import DefusedXMLParser
from openpyxl.utils import column_index_from_string

from civiclake.io.formats.xlsx_package import Package, local
from civiclake.io.reading.inspect import Unreadable

_MOST_COLUMNS = 16_384
_ESCAPED = re.compile(r"((?:_x[0-9A-Fa-f]{4}_)+)")


class Cell(NamedTuple):
    """A cell with content."""

    column: int
    """From 1."""
    type: str
    """``n``, ``s``, ``str``, ``inlineStr``, ``b``, ``e`` or ``d``."""
    style: int
    text: str | None
    """What is written as its value; None where nothing is."""
    formula: bool


class Line(NamedTuple):
    """A row as the sheet numbers it."""

    number: int
    cells: list[Cell]


def lines(package: Package, part: str) -> Iterator[Line]:
    """A sheet's rows; what has neither value nor formula is left out.

    Raises:
        Unreadable: a cell stands where no sheet has one.
    """
    target = _Rows()
    for _ in package.feed(part, DefusedXMLParser(target=target)):
        yield from target.done
        target.done.clear()


def shared_texts(package: Package, part: str) -> list[str]:
    """The table of texts that cells refer to."""
    target = _Texts()
    for _ in package.feed(part, DefusedXMLParser(target=target)):
        pass
    return target.found


def decoded(text: str) -> str:
    """Text with its escapes resolved (ECMA-376, ``ST_Xstring``): ``_x000D_`` is a carriage return,
    ``_x005F_`` the underscore that would begin an escape."""
    return _ESCAPED.sub(_unescaped, text) if "_x" in text else text


def _unescaped(match: re.Match[str]) -> str:
    units = bytes.fromhex("".join(match[1][at + 2 : at + 6] for at in range(0, len(match[1]), 7)))
    try:
        return units.decode("utf-16-be")
    except UnicodeDecodeError:  # half a character is left as it is written
        return match[0]


class _Gathered:
    """A parser's target that gathers the text within some elements.

    ``rPh`` is how East Asian text is read aloud, and no part of it.
    """

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._into: list[str] | None = None
        self._aloud = 0

    def _local(self, tag: str) -> str:
        found = self._names.get(tag)
        if found is None:
            found = self._names[tag] = local(tag)
        return found

    def data(self, text: str) -> None:
        """Text, in pieces."""
        if self._into is not None and not self._aloud:
            self._into.append(text)

    def close(self) -> None:
        """The part ends."""


class _Texts(_Gathered):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._parts: list[str] = []

    def start(self, tag: str, _attributes: dict[str, str]) -> None:
        name = self._local(tag)
        if name == "si":
            self._parts = []
        elif name == "t":
            self._into = self._parts
        elif name == "rPh":
            self._aloud += 1

    def end(self, tag: str) -> None:
        name = self._local(tag)
        if name == "si":
            self.found.append(decoded("".join(self._parts)))
        elif name == "t":
            self._into = None
        elif name == "rPh":
            self._aloud -= 1


class _Rows(_Gathered):
    def __init__(self) -> None:
        super().__init__()
        self.done: list[Line] = []
        self._inside = False
        self._row = self._column = 0
        self._cells: list[Cell] = []
        self._cell: dict[str, str] | None = None
        self._parts: list[str] | None = None
        self._formula = False

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        name = self._local(tag)
        if name == "sheetData":
            self._inside = True
        elif not self._inside:
            return
        elif name == "c":
            self._cell, self._parts, self._formula = attributes, None, False
        elif name in ("v", "is"):
            self._parts = []
            self._into = self._parts if name == "v" else None
        elif name == "t":
            self._into = self._parts
        elif name == "f":
            self._formula = True
        elif name == "rPh":
            self._aloud += 1
        elif name == "row":
            self._row = int(attributes.get("r") or self._row + 1)
            self._column = 0

    def end(self, tag: str) -> None:
        if not self._inside:
            return
        name = self._local(tag)
        if name in ("v", "t"):
            self._into = None
        elif name == "c":
            self._take()
        elif name == "rPh":
            self._aloud -= 1
        elif name == "row":
            self.done.append(Line(self._row, self._cells))
            self._cells = []
        elif name == "sheetData":
            self._inside = False

    def _take(self) -> None:
        cell = self._cell or {}
        self._column = _column(cell["r"].rstrip("0123456789")) if "r" in cell else self._column + 1
        if self._column > _MOST_COLUMNS:
            raise Unreadable(f"row {self._row} has over {_MOST_COLUMNS:,} columns")
        if self._parts is None and not self._formula:
            return
        text = None if self._parts is None else "".join(self._parts)
        kind, style = cell.get("t", "n"), int(cell.get("s", "0"))
        self._cells.append(Cell(self._column, kind, style, text, self._formula))


@lru_cache(maxsize=_MOST_COLUMNS)
def _column(letters: str) -> int:
    found: int = column_index_from_string(letters)
    return found
