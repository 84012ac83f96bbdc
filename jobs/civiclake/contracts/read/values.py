"""Values in rules against the type of the column that they are compared with."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from typing import Any

NUMBERS = ("integer", "number")
TIMES = ("date", "timestamp")


def misfit(value: Any, kind: str | None) -> str | None:
    """What would be allowed instead, or None where the value is of the column's logical type."""
    if kind == "string":
        return None if isinstance(value, str) else "a text (in quotes)"
    if kind == "boolean":
        return None if isinstance(value, bool) else "true or false"
    if kind == "integer":
        return None if is_number(value) and value == int(value) else "a whole number"
    if kind == "number":
        return None if is_number(value) else "a number"
    if kind in TIMES:
        return time_misfit(value, kind)
    return None  # the column is faulty itself, and reported there


def time_misfit(value: Any, kind: str) -> str | None:
    """The same for a day or an instant."""
    form = "YYYY-MM-DD" if kind == "date" else "YYYY-MM-DDTHH:MM:SS+00:00"
    allowed = f"a {'day' if kind == 'date' else 'moment'} as {form} (in quotes)"
    if not isinstance(value, str):
        return allowed
    try:
        day = len(value) == len("YYYY-MM-DD") and bool(date.fromisoformat(value))
        if kind == "date":
            return None if day else allowed
        datetime.fromisoformat(value)
    except ValueError:
        return allowed
    return None


def is_number(value: Any) -> bool:
    """Whether it is a finite number; a boolean is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(value)


def instant(value: Any, kind: str | None) -> Any:
    """A text that stands for a moment with its offset, so that it is compared as one.

    A day is its first moment in UTC. Great Expectations takes a text without hours for a day,
    and some of its rules then compare days where others compare moments.
    """
    if kind != "timestamp" or not isinstance(value, str):
        return value
    moment = datetime.fromisoformat(value)
    return value if moment.tzinfo else moment.replace(tzinfo=UTC).isoformat()


def comparable(value: Any) -> Any:
    """What tells which of two sound bounds is higher."""
    if isinstance(value, str):
        moment = datetime.fromisoformat(value)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return value
