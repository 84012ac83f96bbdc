"""Which logical type a column of text seems to hold."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

_INTEGER = re.compile(r"[+-]?(0|[1-9][0-9]{0,16})")
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
_LEADING_ZERO = re.compile(r"[+-]?0[0-9]")
_BOOLEANS = frozenset({"true", "false", "t", "f"})
_ISO_MOMENT = re.compile(
    r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}(:?\d{2})?)?"
)
_DATES = (
    ("%Y-%m-%d", None, r"\d{4}-\d{2}-\d{2}"),
    ("%Y/%m/%d", "yyyy/MM/dd", r"\d{4}/\d{2}/\d{2}"),
    ("%d.%m.%Y", "dd.MM.yyyy", r"\d{2}\.\d{2}\.\d{4}"),
    ("%d/%m/%Y", "dd/MM/yyyy", r"\d{2}/\d{2}/\d{4}"),
    ("%m/%d/%Y", "MM/dd/yyyy", r"\d{2}/\d{2}/\d{4}"),
)
"""How Python reads it, how the JDK does (None: by itself), and its shape."""
_MOMENTS = (
    ("%Y/%m/%d %H:%M:%S", "yyyy/MM/dd HH:mm:ss", r"\d{4}/\d{2}/\d{2} \d{2}:\d{2}:\d{2}"),
    ("%Y/%m/%d %H:%M", "yyyy/MM/dd HH:mm", r"\d{4}/\d{2}/\d{2} \d{2}:\d{2}"),
    ("%d.%m.%Y %H:%M:%S", "dd.MM.yyyy HH:mm:ss", r"\d{2}\.\d{2}\.\d{4} \d{2}:\d{2}:\d{2}"),
    ("%d.%m.%Y %H:%M", "dd.MM.yyyy HH:mm", r"\d{2}\.\d{2}\.\d{4} \d{2}:\d{2}"),
)
_DECIMAL = re.compile(r"(numeric|decimal)(\((\d+)(,(\d+))?\))?")
_LENGTH = re.compile(r"\(\d+\)")
_SIGN = re.compile(r" (unsigned|zerofill)")
_DECLARED = {
    "boolean": "boolean",
    "date": "date",
    "timestamp with time zone": "timestamp",
    "timestamp without time zone": "timestamp",
    "smallint": "integer",
    "integer": "integer",
    "bigint": "integer",
    "real": "number",
    "double precision": "number",
    "datetime": "timestamp",
    "timestamp": "timestamp",
    "tinyint": "integer",
    "mediumint": "integer",
    "int": "integer",
    "year": "integer",
    "float": "number",
    "double": "number",
}
"""PostgreSQL's words, then those of MariaDB and MySQL."""
_MOST_DIGITS = 38
"""A wider decimal has no exact type here."""


@dataclass(frozen=True)
class GuessedType:
    """A logical type, and what ODCS needs besides to say it."""

    logical: str
    physical: str | None = None
    options: dict[str, Any] = field(default_factory=dict)


def guess_type(values: Sequence[str], declared: str | None = None) -> GuessedType:
    """The narrowest type that every value has; text when in doubt.

    Args:
        values: what stands in the column, without the empty ones.
        declared: the source's own type, which is believed where it says enough.
    """
    if declared is not None:
        return _from_declared(declared)
    if not values:
        return GuessedType("string")
    found = _plain(values) or _dated(values, _DATES, "date") or _moment(values)
    return found or GuessedType("string")


def _from_declared(declared: str) -> GuessedType:
    said = declared.lower()
    decimal = _DECIMAL.fullmatch(_SIGN.sub("", said))
    if decimal:
        digits, decimals = int(decimal[3] or 0), int(decimal[5] or 0)
        exact = max(digits, 1, decimals) <= min(digits, _MOST_DIGITS)
        return GuessedType("number", f"numeric{decimal[2]}" if exact else None)
    # A length says how much is shown or kept of it, and no more: int(11), timestamp(3).
    plain = _LENGTH.sub("", said).replace(" zerofill", "")
    if plain == "bigint unsigned":
        return GuessedType("number", "numeric(20,0)")
    if plain == "int unsigned":  # up to 2^32
        return GuessedType("integer", "bigint")
    logical = _DECLARED.get(plain) or _DECLARED.get(plain.removesuffix(" unsigned"), "string")
    if logical == "timestamp":
        return GuessedType(logical, plain, {"defaultTimezone": "UTC"})
    return GuessedType(logical, plain if plain in ("bigint", "real") else None)


def _plain(values: Sequence[str]) -> GuessedType | None:
    if all(v.lower() in _BOOLEANS for v in values):
        return GuessedType("boolean")
    # A number that begins with a zero is a name: 007, a district's code, a telephone.
    if any(_LEADING_ZERO.match(v) and "." not in v for v in values):
        return None
    if all(_INTEGER.fullmatch(v) for v in values):
        big = max(abs(int(v)) for v in values) >= 1 << 31
        return GuessedType("integer", "bigint" if big else None)
    if all(_NUMBER.fullmatch(v) for v in values) and not _long_digits(values):
        return GuessedType("number")
    return None


def _long_digits(values: Sequence[str]) -> bool:
    """Whole numbers of 18 digits and more are names, such as ID numbers."""
    return any(len(v.lstrip("+-")) > 17 and v.lstrip("+-").isdigit() for v in values)


def _dated(
    values: Sequence[str], known: Sequence[tuple[str, str | None, str]], logical: str
) -> GuessedType | None:
    for pattern, jdk, shape in known:
        if all(re.fullmatch(shape, v) for v in values) and all(map(_reader(pattern), values)):
            options: dict[str, Any] = {"format": jdk} if jdk else {}
            if logical == "timestamp":
                options["defaultTimezone"] = "UTC"
            return GuessedType(logical, None, options)
    return None


def _reader(pattern: str) -> Callable[[str], bool]:
    def reads(value: str) -> bool:
        try:
            datetime.strptime(value, pattern)
        except ValueError:
            return False
        return True

    return reads


def _moment(values: Sequence[str]) -> GuessedType | None:
    if all(_ISO_MOMENT.fullmatch(v) for v in values):
        return GuessedType("timestamp", None, {"defaultTimezone": "UTC"})
    return _dated(values, _MOMENTS, "timestamp")
