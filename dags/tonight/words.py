"""Numbers and times as an operator reads them."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import quote

_UNITS = (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))


def span(seconds: float) -> str:
    """A length of time, such as ``9 hours``; of one day, hour or minute also what is over it."""
    left = max(0, int(seconds))
    parts: list[str] = []
    for name, size in _UNITS:
        count, left = divmod(left, size)
        if count:
            parts.append(plural(count, name))
        if parts and (count != 1 or len(parts) == 2):
            break
    return " ".join(parts) or "0 seconds"


def moment(when: datetime) -> str:
    """A time in UTC, to the minute."""
    return f"{when.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def plural(count: int, one: str, many: str = "") -> str:
    """``1 row``, ``2,300 rows``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def spaced(name: str) -> str:
    """A name as words."""
    return name.replace("_", " ")


def quoted(name: str) -> str:
    """A name as one segment of an address."""
    return quote(name, safe="")
