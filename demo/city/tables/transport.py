"""Transport: where the buses were, minute by minute, on the lines of the timetable."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from datetime import UTC, timedelta
from decimal import Decimal
from functools import lru_cache
from math import hypot
from typing import NamedTuple

from demo.city import runs
from demo.city.deliveries import PAST
from demo.city.residents import City
from demo.city.runs import Run
from demo.city.table import Defect, Row, Shape
from demo.city.tables.common import tenths

EVERY_S = 60
_STRAYS_AT = 4
"""Which position of such a run lies beside the street, from 0."""
_ASIDE = 0.0045
"""How far, in degrees: about half a kilometre."""
PART = 1_000_000
"""Items of a day are numbered from as many times its number."""


class Seen(NamedTuple):
    """A bus at a moment."""

    run: Run
    seconds: int
    next_stop: int
    """Number of the stop that it is at or on its way to, from 0."""
    latitude: float
    longitude: float
    speed_m_per_s: float
    is_astray: bool = False


@lru_cache(maxsize=3)
def seen(city: City, day: int) -> tuple[Seen, ...]:
    """Every position of a day, the first being that of the first file."""
    date = runs.FIRST_DAY + timedelta(days=day)
    return tuple(one for run in runs.runs(city, date) for one in _positions(run))


def _minutes(run: Run) -> range:
    return range(run.times_s[0], run.times_s[-1], EVERY_S)


def _positions(run: Run) -> Iterator[Seen]:
    """A position a minute from the first departure on, and one at the last arrival."""
    for number, seconds in enumerate((*_minutes(run), run.times_s[-1])):
        after = min(bisect_right(run.times_s, seconds), len(run.times_s) - 1)
        since, until = run.times_s[after - 1], run.times_s[after]
        share = (seconds - since) / (until - since)
        (lat_a, lon_a), (lat_b, lon_b) = run.course.shape[after - 1], run.course.shape[after]
        latitude, longitude = lat_a + share * (lat_b - lat_a), lon_a + share * (lon_b - lon_a)
        astray = run.strays and number == _STRAYS_AT
        if astray:
            latitude, longitude = _astray(run, latitude, longitude)
        length = run.course.along_m[after] - run.course.along_m[after - 1]
        speed = length / (until - since)
        yield Seen(run, seconds, after, latitude, longitude, speed, astray)


def _astray(run: Run, latitude: float, longitude: float) -> tuple[float, float]:
    """The place that is furthest from the line of those half a kilometre aside."""
    sides = ((_ASIDE, 0.0), (-_ASIDE, 0.0), (0.0, _ASIDE), (0.0, -_ASIDE))
    spots = [(latitude + north, longitude + east) for north, east in sides]
    return max(
        spots,
        key=lambda spot: min(hypot(spot[0] - a, spot[1] - b) for a, b in run.course.shape),
    )


@lru_cache(maxsize=64)
def per_day(city: City, day: int) -> int:
    """Positions of a day, counted without making them."""
    date = runs.FIRST_DAY + timedelta(days=day)
    return sum(len(_minutes(run)) + 1 for run in runs.runs(city, date))


def _position(city: City, index: int, changes: int) -> Row:
    day, number = divmod(index, PART)
    one = seen(city, day)[number]
    run, named = one.run, one.run.is_named
    course = run.course
    return (
        run.vehicle,
        run.trip_id if named else None,
        course.line.id if named else None,
        course.direction if named else None,
        f"{run.day:%Y%m%d}" if named else None,
        run.start_time if named else None,
        ("SCHEDULED" if run.is_planned else "ADDED") if named else None,
        course.stops[one.next_stop].id if named else None,
        one.next_stop + 1 if named else None,
        Decimal(f"{one.latitude:.6f}"),
        Decimal(f"{one.longitude:.6f}"),
        tenths(round(one.speed_m_per_s * 10) + changes),
        f"{run.moment(one.seconds).astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
    )


VEHICLE_POSITIONS = Shape(
    id="transport.vehicle_positions",
    columns=(
        "vehicle_id", "trip_id", "route_id", "direction_id", "start_date", "start_time",
        "trip_schedule_relationship", "stop_id", "current_stop_sequence", "latitude", "longitude",
        "speed_m_per_s", "timestamp",
    ),
    key=("vehicle_id", "timestamp"),
    make=_position,
    count=lambda city: sum(per_day(city, day) for day in range(PAST)),
    defects=(
        Defect("reference:route_id", "route_id", "no such route"),
        Defect("range:latitude", "latitude", Decimal("95.5")),
        Defect("range:speed_m_per_s", "speed_m_per_s", tenths(990)),
    ),
)  # fmt: skip
