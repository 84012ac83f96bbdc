"""From ODCS's logical types to Spark's."""

from __future__ import annotations

import re
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from civiclake.contracts.read.faults import choice

SUPPORTED = ("string", "integer", "number", "boolean", "date", "timestamp")
ORDERABLE = ("integer", "number", "date", "timestamp")

_DECIMAL = re.compile(r"(?:decimal|numeric|number)\s*\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)")
_BIG = frozenset({"bigint", "int8", "long", "bigserial"})
_SINGLE = frozenset({"real", "float4"})
_INTEGER_FORMATS = {
    **dict.fromkeys(("i8", "i16", "i32", "u8", "u16"), "int"),
    **dict.fromkeys(("i64", "u32"), "bigint"),
}


class UnsupportedTypeError(ValueError):
    """A type that can't be stored; the message ends a sentence that names the place."""


def spark_type(column: dict[str, Any]) -> str:
    """The Spark DDL type of a column.

    Raises:
        UnsupportedTypeError: the logical type is not supported, or contradicts the physical one.
    """
    logical = column.get("logicalType")
    physical = str(column.get("physicalType") or "").strip().lower()
    options = column.get("logicalTypeOptions") or {}
    if logical == "integer":
        return _integer(physical, options)
    if logical == "number":
        return _number(physical)
    if logical in SUPPORTED:
        return str(logical)
    raise UnsupportedTypeError(
        f"is {logical!r}; allowed are {choice(SUPPORTED)}"
        " (nested and other values must be flattened by the source)"
    )


def _integer(physical: str, options: dict[str, Any]) -> str:
    wanted = options.get("format")
    if wanted is None:
        return "bigint" if physical in _BIG else "int"
    if wanted not in _INTEGER_FORMATS:
        raise UnsupportedTypeError(f"format is {wanted!r}; allowed are {choice(_INTEGER_FORMATS)}")
    return _INTEGER_FORMATS[wanted]


def _number(physical: str) -> str:
    found = _DECIMAL.fullmatch(physical)
    if found is None:
        return "float" if physical in _SINGLE else "double"
    precision, scale = int(found[1]), int(found[2] or 0)
    if not 1 <= precision <= 38 or scale > precision:
        raise UnsupportedTypeError(
            f"physicalType is {physical!r}; allowed is a decimal of at most 38 digits"
            " with no more decimals than digits"
        )
    return f"decimal({precision},{scale})"


_MOST_LETTERS = {
    "G": 4, "y": 6, "M": 4, "L": 4, "d": 2, "a": 1, "H": 2, "h": 2, "K": 2, "k": 2, "m": 2,
    "s": 2, "S": 9, "V": 2, "z": 4, "v": 4, "O": 4, "X": 5, "x": 5, "Z": 5,
}  # fmt: skip
"""Letters by which Spark reads a text, and how many of one may stand together."""


def check_format(pattern: str) -> str | None:
    """What is wrong with a date pattern of the JDK's DateTimeFormatter, or None."""
    if pattern.count("'") % 2:
        return "a quotation mark is not closed"
    plain = re.sub(r"'[^']*'", "", pattern)
    letters = set(plain)
    if "Y" in letters:
        return "'Y' is the year of the week; for the calendar year write 'y'"
    if re.search(r"(?<![yu])(?:yy|uu)(?![yu])", plain):
        return "a year of two digits leaves the century to a guess; allowed is 'yyyy'"
    if "D" in letters:
        return "'D' is the day of the year; for the day of the month write 'd'"
    if not (("y" in letters and "M" in letters and "d" in letters) or "u" in letters):
        return "allowed is a pattern with year, month and day, such as 'yyyy-MM-dd'"
    return _unreadable(plain) or _misread(plain)


def _unreadable(plain: str) -> str | None:
    """What Spark takes for no pattern of a text, when the night's rows are there already."""
    for run in re.finditer(r"([A-Za-z])\1*", plain):
        most = _MOST_LETTERS.get(run[1])
        if most is None:
            return f"{run[1]!r} is nothing that can be read; allowed are {choice(_MOST_LETTERS)}"
        if len(run[0]) > most:
            return f"{run[0]!r} has too many letters; allowed are up to {most}"
    return None


def _misread(plain: str) -> str | None:
    """What is read, as something else than whoever wrote it meant."""
    runs = [run[1] for run in re.finditer(r"([A-Za-z])\1*", re.sub(r"\[.*?\]", "", plain))]
    if runs.count("M") > 1:
        return "'M' is the month, and stands twice; minutes are 'm'"
    half = next((letter for letter in "hK" if letter in runs), None)
    if half and "a" not in plain:
        return f"{half!r} counts the hours of half a day and wants 'a' beside it; write 'H'"
    return None


def is_timezone(name: str) -> bool:
    """Whether the name is one of the IANA time zones."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return name in ("UTC", "Etc/UTC")
    return True
