"""Dates and times: in which of the usual ways a column writes them, and where two ways fit."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from civiclake.contracts.draft.guessed import GuessedType

_ISO_MOMENT = re.compile(
    r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?"
    r"( ?Z|[+-]\d{2}(:?\d{2})?| ?UTC| ?GMT| [A-Z][A-Za-z]+/[A-Za-z_/]+)?"
)
_SHORT_ZONE = re.compile(r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2} [A-Z]{2,5}")
_STAMPS = (
    ("yyyyMMddHHmmss", r"(19|20)\d{12}"),
    ("yyyyMMddHHmmssXX", r"(19|20)\d{12}([+-]\d{4}|Z)"),
    ("yyyyMMddHHmmssXXX", r"(19|20)\d{12}([+-]\d{2}:\d{2}|Z)"),
)
"""Without signs between, as HL7 has them: how the JDK reads it, and its shape."""
_IN_UTC: dict[str, Any] = {"defaultTimezone": "UTC"}


@dataclass(frozen=True)
class _Way:
    """One way of writing: how Python reads it, how the JDK does, and its shape."""

    python: str
    jdk: str | None
    """None: the pipeline reads it without being told."""
    shape: str


def _ways_of_dates() -> list[_Way]:
    """Fixed widths before free ones, and the day first where day and month may be either."""
    found = [_Way("%Y-%m-%d", None, r"\d{4}-\d{2}-\d{2}")]
    two, free = r"\d{2}", r"\d{1,2}"
    for part in ("-", "/", "."):
        sign = re.escape(part)
        for width, day, month in ((two, "dd", "MM"), (free, "d", "M")):
            orders = (
                (("%Y", "%m", "%d"), ("yyyy", month, day), (r"\d{4}", width, width)),
                (("%d", "%m", "%Y"), (day, month, "yyyy"), (width, width, r"\d{4}")),
                (("%m", "%d", "%Y"), (month, day, "yyyy"), (width, width, r"\d{4}")),
            )
            found += [_Way(part.join(p), part.join(j), sign.join(s)) for p, j, s in orders]
    for part in ("-", " "):
        shape = rf"\d{{2}}{part}[A-Z][a-z]{{2}}{part}\d{{4}}"
        found.append(_Way(f"%d{part}%b{part}%Y", f"dd{part}MMM{part}yyyy", shape))
    return [way for way in found if way.jdk != "yyyy-MM-dd"]


_DATES = _ways_of_dates()
_TIMES = (
    _Way("%H:%M:%S", "HH:mm:ss", r"\d{2}:\d{2}:\d{2}"),
    _Way("%H:%M", "HH:mm", r"\d{2}:\d{2}"),
    _Way("%H:%M:%S", "H:mm:ss", r"\d{1,2}:\d{2}:\d{2}"),
    _Way("%H:%M", "H:mm", r"\d{1,2}:\d{2}"),
    _Way("%I:%M:%S %p", "hh:mm:ss a", r"\d{2}:\d{2}:\d{2} [AP]M"),
    _Way("%I:%M:%S %p", "h:mm:ss a", r"\d{1,2}:\d{2}:\d{2} [AP]M"),
    _Way("%I:%M %p", "hh:mm a", r"\d{2}:\d{2} [AP]M"),
    _Way("%I:%M %p", "h:mm a", r"\d{1,2}:\d{2} [AP]M"),
)
_SHORT_YEAR = re.compile(r"\d{1,2}([./-])\d{1,2}\1\d{2}( .*)?")
_TIME_NAME = re.compile(
    r"(.*_)?(time|timestamp|ts|at|on|epoch|date|datetime|created|updated|modified|changed|seen"
    r"|unix|utc)(_(s|ms|sec|secs|seconds|millis|utc|unix))?"
)
_DATE_NAME = re.compile(r"(.*_)?(date|day|on|datum|fecha|data|tag|rq|riqi)")
_EPOCH = ("s", 1), ("ms", 1000)
_FROM_1990, _TO_2060 = 631_152_000, 2_840_140_800


def guess_moment(counted: Counter[str]) -> GuessedType | None:
    """A date or a timestamp, if every text is one in the same way of writing."""
    if all(map(_ISO_MOMENT.fullmatch, counted)):
        return GuessedType("timestamp", None, dict(_IN_UTC))
    if all(map(_SHORT_ZONE.fullmatch, counted)):
        return GuessedType(
            "timestamp", None, {"format": "yyyy-MM-dd HH:mm:ss z", **_IN_UTC},
            notes=("its zones are short names, which several countries share",),
        )  # fmt: skip
    found = _fitting(counted, _DATES)
    if found:
        return _said("date", found, counted)
    timed = [_together(d, t) for t in _TIMES for d in _dates_beside(t)]
    found = _fitting(counted, timed)
    return _said("timestamp", found, counted) if found else None


def short_year(counted: Iterable[str]) -> tuple[str, ...]:
    """What is to be said of dates whose years have two digits."""
    values = list(counted)
    if values and all(map(_SHORT_YEAR.fullmatch, values)):
        return (
            f"dates such as {values[0]!r} leave the century to a guess, so they stay text: ask for"
            " years of four digits",
        )
    return ()


def epoch(counted: Counter[str], name: str) -> GuessedType | None:
    """Whole numbers that count seconds or milliseconds since 1970, by name and by range."""
    if not _TIME_NAME.fullmatch(name) or not all(re.fullmatch(r"[0-9]{9,13}", v) for v in counted):
        return None
    for unit, factor in _EPOCH:
        if all(_FROM_1990 * factor <= int(v) <= _TO_2060 * factor for v in counted):
            first = min(map(int, counted))
            shown = datetime.fromtimestamp(first // factor, UTC)
            return GuessedType(
                "timestamp", None, dict(_IN_UTC), {"epoch": unit},
                (f"taken for {'milli' if unit == 'ms' else ''}seconds since 1970: {first} is"
                 f" {shown:%Y-%m-%dT%H:%M:%SZ}",),
            )  # fmt: skip
    return None


def compact_date(counted: Counter[str], name: str) -> GuessedType | None:
    """Eight digits that are a day, in a column that is named so."""
    way = _Way("%Y%m%d", "yyyyMMdd", r"(19|20)\d{6}")
    if not _DATE_NAME.fullmatch(name) or not _reads(counted, way):
        return None
    return _said("date", [way], counted)


def compact_moment(counted: Counter[str]) -> GuessedType | None:
    """Fourteen digits that are a moment."""
    for jdk, shape in _STAMPS:
        if all(re.fullmatch(shape, v) and _is_moment(v[:14], "%Y%m%d%H%M%S") for v in counted):
            return GuessedType("timestamp", None, {"format": jdk, **_IN_UTC})
    return None


def _dates_beside(time: _Way) -> list[_Way]:
    """Who writes AM and PM writes the month first."""
    return sorted(_DATES, key=lambda d: d.python[1] != "m") if "%p" in time.python else _DATES


def _together(date: _Way, time: _Way) -> _Way:
    return _Way(
        f"{date.python} {time.python}",
        f"{date.jdk or 'yyyy-MM-dd'} {time.jdk}",
        f"{date.shape} {time.shape}",
    )


def _fitting(counted: Counter[str], ways: list[_Way]) -> list[_Way]:
    """The first way in which all can be read, and the other that swaps its day and month."""
    first = next(iter(counted))
    likely = [way for way in ways if re.fullmatch(way.shape, first)]
    found = [way for way in likely if _reads(counted, way)]
    return [way for way in found if way.shape == found[0].shape]


def _reads(counted: Iterable[str], way: _Way) -> bool:
    shape = re.compile(way.shape)
    return all(shape.fullmatch(v) and _is_moment(v, way.python) for v in counted)


def _is_moment(value: str, pattern: str) -> bool:
    try:
        datetime.strptime(value, pattern)
    except ValueError:
        return False
    return True


def _said(logical: str, ways: list[_Way], counted: Counter[str]) -> GuessedType:
    options: dict[str, Any] = {"format": ways[0].jdk} if ways[0].jdk else {}
    if logical == "timestamp":
        options |= _IN_UTC
    notes: tuple[str, ...] = ()
    if len(ways) > 1:
        example = min(counted, key=lambda v: _swap_matters(v, ways))
        notes = (
            f"DAY AND MONTH MAY BE EITHER: {example!r} is read as {ways[0].jdk}, and could be"
            f" {ways[1].jdk}",
        )
    return GuessedType(logical, None, options, notes=notes)


def _swap_matters(value: str, ways: list[_Way]) -> bool:
    """Whether both ways give the same day, which shows nothing."""
    days = {datetime.strptime(value, way.python) for way in ways}
    return len(days) == 1
