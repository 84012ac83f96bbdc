"""One text for every value: lossless, the same in every locale, no exponent, no stray ``.0``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from civiclake.io.reading.inspect import Unreadable


class Nil(dict[str, Any]):
    """What a record says has no value, though it may say more of it (XML's ``xsi:nil``)."""


_LONGEST_PLAIN = 400
"""Digits before or after the point; a number beyond (none that a computer counts with) keeps
its exponent, or four bytes would become a gigabyte."""


def cell(value: Any) -> str | None:
    """A value as the text of one CSV cell; what holds other values becomes JSON text.

    Raises:
        Unreadable: it is bytes that are no text, or holds what no text may.
    """
    if isinstance(value, str):
        return _sound(value)
    if value is None or isinstance(value, Nil):
        return None
    if isinstance(value, Mapping | list | tuple):
        return _sound(json_text(value))
    return scalar(value)


def _sound(text: str) -> str:
    if "\0" in text:
        raise Unreadable(f"the value {text[:40]!r} holds a NUL character")
    if not text.isascii():
        try:
            text.encode("utf-8")
        except UnicodeEncodeError as error:
            sign = text[error.start]
            raise Unreadable(
                f"the value {text[:40]!a} holds half a character ({sign!a}), which no text may"
            ) from None
    return text


def scalar(value: Any) -> str:
    """A number, a truth, a date or a time as text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return number(repr(value))
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return duration(value)
    if isinstance(value, bytes):
        return _decoded(value)
    return str(value)


def number(text: str) -> str:
    """A number's text without exponent and without ``.0``."""
    if text.endswith(".0"):
        return text[:-2]
    return plain(Decimal(text)) if "e" in text or "E" in text else text


def plain(value: Decimal) -> str:
    """All digits of a decimal, its trailing zeros among them."""
    if not value.is_finite() or abs(value.adjusted()) > _LONGEST_PLAIN:
        return str(value)
    return format(value, "f")


def duration(value: timedelta) -> str:
    """``H:MM:SS``; hours may pass 24, as in a timetable."""
    seconds = abs(value) // timedelta(seconds=1)
    sign = "-" if value < timedelta(0) else ""
    rest = abs(value) % timedelta(seconds=1) // timedelta(microseconds=1)
    shown = f"{sign}{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return f"{shown}.{rest:06d}".rstrip("0") if rest else shown


def json_text(value: Any) -> str:
    """JSON text that keeps every digit, which the library's floats would not."""
    if value is None or isinstance(value, Nil):
        return "null"
    if isinstance(value, Mapping):
        pairs = (f"{_quoted(str(k))}: {json_text(v)}" for k, v in value.items())
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(json_text(item) for item in value) + "]"
    if isinstance(value, bool | int | float | Decimal):
        return scalar(value)
    return _quoted(value if isinstance(value, str) else scalar(value))


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _decoded(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        raise Unreadable(f"the value {value[:20]!r} is bytes that are no text") from None
