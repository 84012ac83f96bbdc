"""What a cell says: its value as a spreadsheet program counts it, in the house's text."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from xml.etree.ElementTree import Element

from openpyxl.styles.numbers import BUILTIN_FORMATS
from openpyxl.utils.datetime import MAC_EPOCH, WINDOWS_EPOCH, from_excel, from_ISO8601

from civiclake.io.formats.text import cell as text_of
from civiclake.io.formats.text import number
from civiclake.io.formats.xlsx_cells import Cell, decoded
from civiclake.io.formats.xlsx_package import children

_DIGITS = 15
"""Spreadsheet programs count with as many significant digits, and show no more: what a file
holds beyond them (``0.30000000000000004``) is binary noise."""
_YEAR_DAYS = 366
"""A time of day over 24 hours is a duration up to here, and beyond the time of a date."""
_EXACT = 1 << 53
_WHOLE = re.compile(r"-?[0-9]+")
_NO_SIGNS = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?!h+\]|m+\]|s+\])[^\]]*\]|am/pm|a/p', re.I)
"""Parts of a number format that stand for themselves: texts, spaces, colours, currencies."""
_ELAPSED = re.compile(r"\[(?:h+|m+|s+)\]", re.I)
_PADDED = re.compile(r"0{2,}")
_PLAIN_NAMES = ("general", "standard")
_EAST_ASIAN = {
    **dict.fromkeys((27, 28, 29, 30, 31, 36, 50, 51, 52, 53, 54, 57, 58), "yyyy-m-d"),
    **dict.fromkeys((32, 33, 34, 35, 55, 56), "h:mm"),
}
"""Built-in formats that only the East Asian programs have, and no file spells out."""


class Values:
    """Values of a workbook's cells.

    Args:
        styles: the workbook's styles, if it has any.
        shared: the texts that cells refer to.
        since_1904: whether its days count from 1904.
    """

    def __init__(self, styles: Element | None, shared: list[str], *, since_1904: bool) -> None:
        self._shared = shared
        self._epoch = MAC_EPOCH if since_1904 else WINDOWS_EPOCH
        formats = _formats(styles) if styles is not None else []
        self._shown = [_shown_as(f) for f in formats]
        self._padded = [len(f) if _PADDED.fullmatch(f) else 0 for f in formats]

    def text(self, cell: Cell, kind: str) -> str | None:
        """A cell's text; None where it has no value.

        Args:
            cell: as the sheet has it.
            kind: the Spark type of its column. An error such as ``#N/A`` is no value; in a column
                that is no text it is handed on, so that the row is set aside with it as reason.

        Raises:
            ValueError, IndexError: it is not what its type says.
            Unreadable: its text holds a NUL character.
        """
        if not cell.text:
            return None
        if cell.type == "s":
            return text_of(self._shared[int(cell.text)]) or None
        if cell.type in ("str", "inlineStr"):
            return text_of(decoded(cell.text))
        if cell.type == "b":
            return "true" if cell.text.strip() in ("1", "true") else "false"
        if cell.type == "e":
            return None if kind == "string" else cell.text
        if cell.type == "d":
            return self._moment(from_ISO8601(cell.text), kind, "date")
        return self._number(cell, cell.text.strip(), kind)

    def _number(self, cell: Cell, text: str, kind: str) -> str | None:
        shown = self._shown[cell.style] if cell.style < len(self._shown) else ""
        if shown:
            return self._moment(self._counted(float(text), shown, kind), kind, shown)
        found = _counted_in_decimals(text)
        width = self._padded[cell.style] if cell.style < len(self._padded) else 0
        if width and kind == "string" and found.isdigit():
            return found.zfill(width)
        return found

    def _counted(self, days: float, shown: str, kind: str) -> date | time | timedelta | str:
        """What a number of days is: an instant, a time of day or a duration."""
        instant = kind in ("date", "timestamp")
        if shown == "elapsed" or (shown == "time" and 1 <= days < _YEAR_DAYS and not instant):
            return timedelta(milliseconds=round(days * 86_400_000))
        try:
            found: date | time = from_excel(days, self._epoch)
        except OverflowError:  # no calendar goes so far; a spreadsheet program shows ######
            return _counted_in_decimals(repr(days))
        return found

    @staticmethod
    def _moment(value: date | time | timedelta | str, kind: str, shown: str) -> str | None:
        if not isinstance(value, datetime):
            return text_of(value)
        midnight = value.time() == time.min
        if midnight and (kind == "date" or (kind != "timestamp" and shown == "date")):
            return value.date().isoformat()
        return value.isoformat()


def _counted_in_decimals(text: str) -> str:
    if _WHOLE.fullmatch(text):
        return str(int(text))
    value = float(text)
    if value.is_integer() and abs(value) <= _EXACT:
        return str(int(value))
    return number(f"{value:.{_DIGITS}g}")


def _formats(styles: Element) -> list[str]:
    """The number format of each style that a cell may have."""
    own = {
        int(entry.get("numFmtId", "0")): entry.get("formatCode", "")
        for group in children(styles, "numFmts")
        for entry in children(group, "numFmt")
    }
    known = {**BUILTIN_FORMATS, **_EAST_ASIAN, **own}
    return [
        known.get(int(entry.get("numFmtId", "0")), "General")
        for group in children(styles, "cellXfs")
        for entry in children(group, "xf")
    ]


def _shown_as(code: str) -> str:
    """``elapsed``, ``time``, ``date``, ``datetime``, or nothing for a number."""
    if code.lower() in _PLAIN_NAMES:
        return ""
    signs = _NO_SIGNS.sub("", code).partition(";")[0].lower()
    if _ELAPSED.search(signs):
        return "elapsed"
    clock = any(sign in signs for sign in "hs")
    calendar = any(sign in signs for sign in "dy") or ("m" in signs and not clock)
    if calendar:
        return "datetime" if clock else "date"
    return "time" if clock else ""
