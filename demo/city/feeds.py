"""The real feeds, and how their departments deliver them night by night."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from demo.city import clock
from demo.city.truth import Expected

FEEDS = Path(__file__).resolve().parents[1] / "feeds"
_DELIVERED = timedelta(minutes=30)
_CORRECTED_DAY, _PRELIMINARY_DAY = "2015/12/31", "2015/12/29"


@dataclass(frozen=True)
class Drop:
    """A file that a department has dropped, and when."""

    path: str
    """Relative to the drops folder."""
    content: bytes
    delivered: datetime


def drops(night: int) -> dict[str, Drop]:
    """Every file that lies in the drops folder on that night, by path.

    Years come as a file each, 2015 by months, its last month by days. Night 2 delivers a
    year again as it was, corrects a day, and brings a preliminary version of another day
    that was mislaid; public security delivers again what it had delivered. Every later
    night delivers one day again.
    """
    found = {drop.path: drop for drop in _first_drops()}
    for later in range(2, night + 1):
        again = clock.midnight(later) + timedelta(minutes=40)
        for drop in _later_drops(found, later, again):
            found[drop.path] = drop
    return found


def expected(night: int) -> dict[str, Expected]:
    """What the batches of that night must account for, when all nights before were loaded."""
    days, crimes = _weather(), _records("Berlin_crimes.csv")
    found = {}
    if night == 1:
        found["meteorology.daily"] = _all("inserted", len(days))
        found["public_security.crimes"] = _all("inserted", crimes)
    elif night == 2:
        year = sum(day.startswith("2013") for day in days)
        found["meteorology.daily"] = Expected(read=year + 2, updated=1, unchanged=year, late=1)
        found["public_security.crimes"] = _all("unchanged", crimes)
    else:
        found["meteorology.daily"] = _all("unchanged", 1)
        found["public_security.crimes"] = Expected()
    return found


def _all(outcome: str, rows: int) -> Expected:
    return Expected.model_validate({"read": rows, outcome: rows})


def _records(name: str) -> int:
    with (FEEDS / name).open(encoding="utf-8", newline="") as file:
        return sum(1 for row in csv.reader(file) if row) - 1


@cache
def _lines() -> tuple[bytes, tuple[bytes, ...]]:
    header, *lines = (FEEDS / "seattle-weather.csv").read_bytes().splitlines(keepends=True)
    return header, tuple(lines)


def _weather() -> list[str]:
    """All days of the feed, as it writes them."""
    return [line.split(b",", 1)[0].decode() for line in _lines()[1]]


def _first_drops() -> list[Drop]:
    header, lines = _lines()
    files: dict[str, list[bytes]] = {}
    for line in lines:
        files.setdefault(_period(line[:10].decode()), []).append(line)
    found = [
        Drop(f"meteorology/{period}.csv", header + b"".join(part), _end(period) + _DELIVERED)
        for period, part in files.items()
    ]
    crimes = (FEEDS / "Berlin_crimes.csv").read_bytes()
    published = datetime(2016, 1, 1, tzinfo=UTC) - timedelta(days=20)
    return [*found, Drop("public_security/crimes.csv", crimes, published)]


def _period(day: str) -> str:
    if not day.startswith("2015"):
        return day[:4]
    return day.replace("/", "-") if day[5:7] == "12" else day[:7].replace("/", "-")


def _end(period: str) -> datetime:
    """The midnight after a period such as 2013, 2015-03 or 2015-12-30."""
    year, month, day = (*map(int, period.split("-")), 0, 0)[:3]
    if day:
        return datetime(year, month, day, tzinfo=UTC) + timedelta(days=1)
    if month:
        return datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
    return datetime(year + 1, 1, 1, tzinfo=UTC)


def _later_drops(found: dict[str, Drop], night: int, again: datetime) -> list[Drop]:
    if night > 2:
        day = _weather()[-3 - night % 20].replace("/", "-")
        return [_again(found[f"meteorology/{day}.csv"], again)]
    header, _ = _lines()
    final = found[f"meteorology/{_PRELIMINARY_DAY.replace('/', '-')}.csv"]
    mislaid = Drop(
        final.path.replace(".csv", "-preliminary.csv"),
        header + _with_wind(_PRELIMINARY_DAY, b"9.9"),
        final.delivered - timedelta(minutes=20),
    )
    corrected = Drop(
        f"meteorology/{_CORRECTED_DAY.replace('/', '-')}.csv",
        header + _with_wind(_CORRECTED_DAY, b"3.6"),
        again,
    )
    return [
        _again(found["meteorology/2013.csv"], again),
        corrected,
        mislaid,
        _again(found["public_security/crimes.csv"], again),
    ]


def _again(drop: Drop, delivered: datetime) -> Drop:
    return Drop(drop.path, drop.content, delivered)


def _with_wind(day: str, wind: bytes) -> bytes:
    line = next(line for line in _lines()[1] if line.startswith(day.encode()))
    values = line.split(b",")
    return b",".join([*values[:4], wind, *values[5:]])
