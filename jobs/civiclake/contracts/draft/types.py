"""Which logical type a column of text seems to hold."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace

from civiclake.contracts.draft.absent import absent_words, doubts, said_absent, sentinels
from civiclake.contracts.draft.guessed import GuessedType
from civiclake.contracts.draft.moments import (
    compact_date,
    compact_moment,
    epoch,
    guess_moment,
    short_year,
)
from civiclake.contracts.draft.numbers import Style, comma_doubt, formatted, thousand_doubt

_INTEGER = re.compile(r"[+-]?(0|[1-9][0-9]{0,16})")
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
_LEADING_ZERO = re.compile(r"[+-]?0[0-9]")
_WORDS = frozenset({"true", "false"})
_BOOLEANS = _WORDS | {"t", "f"}
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

_YEAR = re.compile(r"(?<!\d)\d{4}(?!\d)")
_USUAL_YEAR, _EARLIEST_YEAR = 1900, 1500
"""An earlier year than the second is a typing error, whatever else a column holds."""


def guess_type(
    values: Iterable[str],
    declared: str | None = None,
    *,
    name: str = "",
    style: Style | None = None,
) -> GuessedType:
    """The narrowest type that every value has; text when in doubt.

    Args:
        values: what stands in the column, without the empty ones; a mapping gives their numbers.
        declared: the source's own type, which is believed where it says enough.
        name: the column's name in snake case, which may tell that numbers are times.
        style: how the file writes numbers, where another column of it leaves no doubt.
    """
    if declared is not None:
        return _from_declared(declared)
    counted = values if isinstance(values, Counter) else Counter(values)
    if not counted:
        return GuessedType("string")
    found = _whole(counted, name, style)
    if found.logical != "string":
        return _with_early_days(_without_sentinels(found, counted), counted)
    words = absent_words(counted)
    rest = Counter({v: n for v, n in counted.items() if v not in words})
    if words and rest:
        inner = _whole(rest, name, style)
        if inner.logical != "string":
            inner = _with_early_days(_without_sentinels(inner, rest), rest)
            return said_absent(inner, words, counted)
    return replace(found, notes=comma_doubt(counted) or short_year(counted) or doubts(counted))


def _whole(counted: Counter[str], name: str, style: Style | None) -> GuessedType:
    """The type of a column in which every text is a value."""
    ways: tuple[Callable[[], GuessedType | None], ...] = (
        lambda: epoch(counted, name),
        lambda: compact_date(counted, name),
        lambda: compact_moment(counted),
        lambda: formatted(counted, style, plain_too=False),
        lambda: _plain(counted),
        lambda: guess_moment(counted),
        lambda: formatted(counted, style, plain_too=True),
    )
    return next((found for way in ways if (found := way())), GuessedType("string"))


def _without_sentinels(found: GuessedType, counted: Counter[str]) -> GuessedType:
    if found.logical not in ("integer", "number") or found.extension:
        return found
    words = sentinels(counted)
    if not words:
        return found
    rest = Counter({v: n for v, n in counted.items() if v not in words})
    return said_absent(_plain(rest) or found, words, counted)


def _with_early_days(found: GuessedType, values: Iterable[str]) -> GuessedType:
    """Days before 1900 are taken for typing errors, unless the contract names an earlier one."""
    if found.logical not in ("date", "timestamp"):
        return found
    years = [int(year) for value in values for year in _YEAR.findall(value)]
    first = min(years, default=_USUAL_YEAR)
    if not _EARLIEST_YEAR <= first < _USUAL_YEAR:
        return found
    minimum = f"{first}-01-01" + ("T00:00:00Z" if found.logical == "timestamp" else "")
    note = f"days from {first} on are seen; before 1900 they would else be set aside"
    options = {**found.options, "minimum": minimum}
    return replace(found, options=options, notes=(*found.notes, note))


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


def _plain(counted: Counter[str]) -> GuessedType | None:
    said = {v.lower() for v in counted}
    # One letter alone may as well be a code: the F of a register of women.
    if said <= _BOOLEANS and (said & _WORDS or said == _BOOLEANS - _WORDS):
        return GuessedType("boolean")
    # A number that begins with a zero is a name: 007, a district's code, a telephone.
    if any(_LEADING_ZERO.match(v) and "." not in v for v in counted):
        return None
    if all(_INTEGER.fullmatch(v) for v in counted):
        big = max(abs(int(v)) for v in counted) >= 1 << 31
        return GuessedType("integer", "bigint" if big else None)
    if all(_NUMBER.fullmatch(v) for v in counted) and not _long_digits(counted):
        return GuessedType("number", notes=thousand_doubt(counted))
    return None


def _long_digits(values: Iterable[str]) -> bool:
    """Whole numbers of 18 digits and more are names, such as ID numbers."""
    return any(len(v.lstrip("+-")) > 17 and v.lstrip("+-").isdigit() for v in values)
