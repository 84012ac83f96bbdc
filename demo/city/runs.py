"""What the buses really did: trips as they ran, day by day, and what was made wrong on purpose.

By the timetable's own measure everything else runs between half a minute early and two minutes
late, and keeps its distance.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from functools import lru_cache

from demo.city import gtfs, lines
from demo.city.chance import Draw
from demo.city.lines import FREE_DAYS, WEEKDAYS, Course, Trip
from demo.city.residents import City

FIRST_DAY = date(2015, 12, 26)
ZONE = timezone(timedelta(hours=8))
"""As the feed's: its clocks never change."""
LATE, SLOWED, BUNCHED, MISSED, EXTRA, UNNAMED, STRAYING = "K3", "K4", "K1", "K5", "K6", "K7", "K2"
"""The lines on which something is wrong, in this order: late from the start; late from some stop
on; in bunches from some stop on; trips that never run; trips that nobody planned; buses that do
not say which trip they run; positions beside the street."""
SPOILT_FROM = {SLOWED: 5, BUNCHED: 4}
"""At which stop of those lines, from 0, it is first seen: the segment before it is slow."""
LATE_S = (480, 840)
_EXTRA_AT_S = (9 * 3600, 15 * 3600)


@dataclass(frozen=True)
class Run:
    """A trip as it ran on a day, or one that nobody planned."""

    trip_id: str
    course: Course
    day: date
    vehicle: str
    times_s: tuple[int, ...]
    """When the bus was at each stop, in seconds after the service day's start."""
    is_planned: bool = True
    is_named: bool = True
    """Whether the bus says which trip it runs."""
    strays: bool = False
    """Whether one of its positions lies beside the street."""
    start_time: str | None = None
    """Of a run by frequency."""

    def moment(self, seconds: float) -> datetime:
        """The instant, on the service day's own clock."""
        start = datetime(self.day.year, self.day.month, self.day.day, tzinfo=ZONE)
        return start + timedelta(seconds=seconds)


def service(day: date) -> str:
    """Which service runs on a day."""
    free = day.weekday() >= 5 or f"{day:%Y%m%d}" in gtfs.HOLIDAYS
    return FREE_DAYS if free else WEEKDAYS


def missed(city: City, day: date) -> list[Trip]:
    """Trips of the timetable that did not run."""
    found = []
    for direction in (0, 1):
        there = [
            trip for trip in _planned(city, service(day))
            if trip.course.line.id == MISSED and trip.course.direction == direction
        ]  # fmt: skip
        first = (day.toordinal() * 5 + direction) % len(there)
        chosen = {first, (first + len(there) // 2) % len(there)} if len(there) > 4 else {first}
        found += [there[n] for n in sorted(chosen)]
    return found


@lru_cache(maxsize=8)
def runs(city: City, day: date) -> tuple[Run, ...]:
    """All runs of a day."""
    gone = {trip.id for trip in missed(city, day)}
    ran = [_run(city, trip, day) for trip in _planned(city, service(day)) if trip.id not in gone]
    return (*ran, *_extra(city, day))


@lru_cache(maxsize=8)
def _planned(city: City, of: str) -> tuple[Trip, ...]:
    return tuple(trip for trip in lines.trips(city) if trip.service == of)


@lru_cache(maxsize=4)
def _vehicles(city: City) -> dict[str, str]:
    """The bus that runs each block."""
    blocks = {trip.block: None for trip in lines.trips(city)}
    by_service: dict[str, int] = {}
    found = {}
    for block in blocks:
        of = block.split("-")[1]
        by_service[of] = by_service.get(of, 0) + 1
        found[block] = f"bus-{by_service[of]:03d}"
    return found


def _run(city: City, trip: Trip, day: date) -> Run:
    line = trip.course.line
    late = _delays(city, trip, day)
    offsets = trip.course.offsets_s
    times = tuple(trip.departs_s + o + d for o, d in zip(offsets, late, strict=True))
    return Run(
        trip.id,
        trip.course,
        day,
        _vehicles(city)[trip.block],
        times,
        is_named=line.id != UNNAMED or trip.number % 6 != 3,
        strays=line.id == STRAYING and trip.number % 5 == 2,
        start_time=gtfs.clock_time(trip.departs_s) if line.by_frequency else None,
    )


def _delays(city: City, trip: Trip, day: date) -> list[int]:
    """Seconds that a bus is late at each stop."""
    chance = Draw(city.seed, "run", trip.id, trip.number, day)
    calls, line = len(trip.course.stops), trip.course.line
    begins, more = chance.between(-30, 60), chance.between(0, 60)
    if line.is_frequent:
        begins, more = chance.between(0, 20), chance.between(0, 20)
    elif line.id == LATE:
        begins = chance.between(*LATE_S)
    usual = [begins + more * n // calls for n in range(calls)]
    if line.id not in SPOILT_FROM:
        return usual
    spoilt = SPOILT_FROM[line.id]
    if line.id == SLOWED:
        lost = chance.between(540, 780)
    else:
        # Each second bus waits, and the one behind it makes up for nothing: they meet.
        lost = chance.between(215, 225) if trip.number % 2 else chance.between(-45, -35)
        usual[spoilt:] = [0] * (calls - spoilt)
    return [*usual[:spoilt], *(late + lost for late in usual[spoilt:])]


def _extra(city: City, day: date) -> Iterator[Run]:
    """Runs that the timetable does not know."""
    there = [course for course in lines.courses(city.seed) if course.line.id == EXTRA]
    for course, departs in zip(there, _EXTRA_AT_S, strict=True):
        times = tuple(departs + offset for offset in course.offsets_s)
        trip_id = f"X-{day:%Y%m%d}-{course.id}"
        vehicle = f"bus-9{course.direction:02d}"
        yield Run(trip_id, course, day, vehicle, times, is_planned=False)
