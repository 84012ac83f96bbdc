"""Values as people read them, by what the column's name says of its unit."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import datetime, timedelta

from civiclake.pipeline.brief.sheet import Value

NONE = "not known"
NO_GAP = "none"
"""A mart says in its column ``gap`` what is missing, and is empty where nothing is."""
_UNITS = {
    "_s": "seconds", "_h": "hours", "_m": "metres", "_km": "km", "_kmh": "km/h", "_c": "°C",
    "_mm": "mm", "_yuan": "yuan", "_minutes": "minutes", "_years": "years", "_share": "%",
}  # fmt: skip
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_IDENTIFIERS = ("year", "_id", "_code", "cell", "grade")
"""Ends of names of numbers that count nothing."""


def words(name: str) -> tuple[str, str]:
    """A column's name as words, and its unit; nothing where the name tells none.

    Only the longest ending counts: ``delay_mean_s`` is ``delay mean`` in ``seconds``. What is
    asked by ``is_late`` is answered by yes or no: ``late``.
    """
    name = name.removeprefix("is_")
    for end in sorted(_UNITS, key=len, reverse=True):
        if name.endswith(end) and name != end.strip("_"):
            kept = name if end == "_share" else name.removesuffix(end)
            return kept.replace("_", " "), _UNITS[end]
    return name.replace("_", " "), ""


def head(name: str) -> str:
    """A column's name above its values."""
    said, unit = words(name)
    return f"{said} ({unit})" if unit and unit != "%" else said


def shown(name: str, value: Value) -> str:
    """A value in a table or a sentence; shares are per cent."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return NO_GAP if name == "gap" else NONE
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    if name.endswith(_IDENTIFIERS):
        return f"{value:g}" if isinstance(value, float) else str(value)
    if name.endswith("_share"):
        return f"{number(round(100 * value, 1))} %"
    return number(value)


def shape(value: Value, *, is_number: bool) -> str:
    """The style of a value in a table: digits below digits, and a day on one line."""
    if is_number:
        return "number"
    return "day" if isinstance(value, str) and _DAY.fullmatch(value) else ""


def named(name: str, value: Value, names: Mapping[str, str]) -> str:
    """A value in a table, with the name of its district where it is the code of one."""
    said = shown(name, value)
    known = names.get(said) if name.endswith("district_code") or name == "area_code" else None
    return f"{known} ({said})" if known else said


def number(value: float) -> str:
    """A number with three digits that count, and all of those before the point."""
    if isinstance(value, int) or float(value).is_integer():
        return f"{int(value):,}".replace("-", "\N{MINUS SIGN}")
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{min(digits, 6)}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return text.replace("-", "\N{MINUS SIGN}")


def moment(at: datetime) -> str:
    """A time in UTC, to the minute."""
    return f"{at:%Y-%m-%d %H:%M} UTC"


def age(then: datetime, now: datetime) -> str:
    """How long ago something was."""
    span = max(now - then, timedelta())
    for unit, seconds in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if span.total_seconds() >= 2 * seconds:
            return f"{span.total_seconds() / seconds:.0f} {unit}s ago"
    return "a minute ago" if span.total_seconds() >= 60 else "just now"


def rounded(low: float, high: float, ticks: int = 4) -> list[float]:
    """Round numbers from below one value to above another, for an axis.

    Both must be finite; where they are the same there is one step around them.
    """
    if high <= low:
        low, high = low - (abs(low) or 1) / 2, low + (abs(low) or 1) / 2
    raw = (high - low) / max(ticks, 1)
    size = 10.0 ** math.floor(math.log10(raw))
    step = next(size * m for m in (1, 2, 2.5, 5, 10) if size * m >= raw)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [round(n * step, 12) for n in range(first, last + 1)]
