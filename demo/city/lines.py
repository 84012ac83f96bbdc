"""The bus lines of the city: where they run, over its own roads, and when.

Eight lines, each in two directions along the same streets. Two run every five minutes in the
morning peak, five all day, and one by frequency. Stops stand on either side of a crossing, and
lines that meet there share them.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, pairwise

from demo.city import places, streets
from demo.city.residents import City

Place = tuple[float, float]
"""Latitude and longitude, in degrees."""
WEEKDAYS, FREE_DAYS = "WD", "WE"
"""Services: Monday to Friday, and weekends and holidays."""
_MOST_TRIPS, _FULL_TIMETABLE = 24, 2_000
_PEAK_HEADWAY_S = 300
_PEAK_BEGINS_S, _LAST_S, _FIRST_S = 7 * 3600, 23 * 3600 + 2400, 6 * 3600
_KMH = 21
_LAYOVER_S = 1_300
"""Longer than the latest bus is late."""
_SIDE = 0.00006
"""How far a stop stands from the middle of the crossing, in degrees."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line: its two ends, and how it is run."""

    id: str
    ends: tuple[Place, Place]
    name: str
    is_frequent: bool = False
    by_frequency: bool = False


LINES = (
    Line("K1", ((25.035, 102.675), (25.068, 102.752)), "西山 - 盘龙", is_frequent=True),
    Line("K2", ((25.000, 102.760), (25.050, 102.700)), "官渡 - 五华", is_frequent=True),
    Line("K3", ((25.085, 102.770), (25.005, 102.735)), "盘龙 - 官渡"),
    Line("K4", ((25.050, 102.650), (25.010, 102.730)), "西山 - 官渡"),
    Line("K5", ((25.020, 102.650), (25.060, 102.720)), "西山 - 五华"),
    Line("K6", ((25.030, 102.770), (25.090, 102.740)), "官渡 - 盘龙"),
    Line("K7", ((24.862, 102.780), (24.910, 102.825)), "呈贡环线"),
    Line("K8", ((24.900, 102.455), (24.940, 102.500)), "安宁", by_frequency=True),
)


@dataclass(frozen=True, slots=True)
class Stop:
    """One side of a crossing at which buses call."""

    id: str
    name: str
    latitude: float
    longitude: float


@dataclass(frozen=True)
class Course:
    """A line in one direction."""

    line: Line
    direction: int
    shape: tuple[Place, ...]
    stops: tuple[Stop, ...]
    along_m: tuple[float, ...]
    """How far along the shape each of its points is; at each stands a stop."""

    @property
    def id(self) -> str:
        """Of its shape."""
        return f"{self.line.id}-{self.direction}"

    @property
    def offsets_s(self) -> tuple[int, ...]:
        """Seconds from the first departure to each stop, by the timetable."""
        return tuple(round(m * 3.6 / _KMH / 10) * 10 for m in self.along_m)


@dataclass(frozen=True, slots=True)
class Trip:
    """A trip of the timetable; of a line by frequency, one of its runs."""

    id: str
    course: Course
    service: str
    number: int
    """Of the course's trips on weekdays, from 0."""
    departs_s: int
    """Seconds after the service day's start."""
    block: str


def trips_each(city: City) -> int:
    """Trips of each course on a weekday; a small city has few."""
    if city.residents >= _FULL_TIMETABLE:
        return _MOST_TRIPS
    return max(4, city.residents // 200)


@lru_cache(maxsize=4)
def courses(seed: int) -> tuple[Course, ...]:
    """Every line, there and back."""
    found = []
    for line in LINES:
        way = _way(seed, *line.ends)
        found += [_course(seed, line, 0, way), _course(seed, line, 1, way[::-1])]
    return tuple(found)


@lru_cache(maxsize=4)
def trips(city: City) -> tuple[Trip, ...]:
    """All trips of the timetable, by course and service; blocks are dealt out already."""
    found = []
    for line in LINES:
        both = [course for course in courses(city.seed) if course.line is line]
        for service in (WEEKDAYS, FREE_DAYS):
            planned = [
                (departs, course, number)
                for course in both
                for number, departs in _departures(line, service, trips_each(city))
            ]
            found += _in_blocks(sorted(planned, key=lambda p: (p[0], p[1].id)), service)
    return tuple(found)


def first_s() -> int:
    """When a line by frequency begins."""
    return _FIRST_S


def headway_s(service: str, each: int) -> int:
    """Seconds between two runs of a line by frequency."""
    return 16 * 3600 // each * (2 if service == FREE_DAYS else 1)


def _departures(line: Line, service: str, each: int) -> list[tuple[int, int]]:
    """Number and time of each departure."""
    if line.is_frequent:
        count = each if service == WEEKDAYS else each // 2
        return [(n, _PEAK_BEGINS_S + n * _PEAK_HEADWAY_S) for n in range(count)]
    if line.by_frequency:
        count = each if service == WEEKDAYS else each // 2
        return [(n, _FIRST_S + n * headway_s(service, each)) for n in range(count)]
    apart = 18 * 3600 // each // 60 * 60
    numbers = range(each) if service == WEEKDAYS else range(1, each, 2)
    return [(n, _LAST_S - (each - 1 - n) * apart) for n in numbers]


def _in_blocks(planned: list[tuple[int, Course, int]], service: str) -> list[Trip]:
    """Trips with the vehicle that runs each: whoever has waited longest at that end goes."""
    waiting: dict[int, list[tuple[int, int]]] = {0: [], 1: []}
    found, blocks = [], 0
    for departs, course, number in planned:
        there = waiting[course.direction]
        if there and there[0][0] <= departs:
            _, block = heapq.heappop(there)
        else:
            blocks += 1
            block = blocks
        back = departs + course.offsets_s[-1] + _LAYOVER_S
        heapq.heappush(waiting[1 - course.direction], (back, block))
        line = course.line
        own = f"{line.id}-{course.direction}-{service}"
        trip_id = own if line.by_frequency else f"{own}-{number:02d}"
        block_id = f"{line.id}-{service}-{block:02d}"
        found.append(Trip(trip_id, course, service, number, departs, block_id))
    return found


def _way(seed: int, start: Place, end: Place) -> list[int]:
    """Crossings on the shortest way that can be driven both ways (Dijkstra)."""
    roads = streets.network(seed)
    beside: defaultdict[int, list[tuple[int, float]]] = defaultdict(list)
    for segment in roads.segments:
        if not segment.one_way:
            beside[segment.start].append((segment.end, segment.length_m))
            beside[segment.end].append((segment.start, segment.length_m))
    first, last = _nearest(roads, start), _nearest(roads, end)
    came: dict[int, int] = {}
    known = {first: 0.0}
    queue = [(0.0, first)]
    while queue:
        length, here = heapq.heappop(queue)
        if here == last:
            break
        for there, more in beside[here]:
            if length + more < known.get(there, float("inf")):
                known[there], came[there] = length + more, here
                heapq.heappush(queue, (length + more, there))
    way = [last]
    while way[-1] != first:
        way.append(came[way[-1]])
    return way[::-1]


def _nearest(roads: streets.Network, place: Place) -> int:
    return min(
        range(len(roads.crossings)),
        key=lambda n: streets.distance_m(
            *place, roads.crossings[n].latitude, roads.crossings[n].longitude
        ),
    )


def _course(seed: int, line: Line, direction: int, way: list[int]) -> Course:
    crossings = [streets.network(seed).crossings[n] for n in way]
    shape = tuple((c.latitude, c.longitude) for c in crossings)
    lengths = (streets.distance_m(*a, *b) for a, b in pairwise(shape))
    along_m = tuple(accumulate(lengths, initial=0.0))
    stops = tuple(
        _stop(number, crossing, direction) for number, crossing in zip(way, crossings, strict=True)
    )
    return Course(line, direction, shape, stops, along_m)


def _stop(number: int, crossing: streets.Crossing, direction: int) -> Stop:
    aside = _SIDE if direction == 0 else -_SIDE
    district = places.BY_CODE[crossing.district]
    road = places.road_name(district, number % places.ROADS_PER_DISTRICT)
    return Stop(
        f"S{number + 1:04d}{'AB'[direction]}",
        f"{district.name}{road}口",
        round(crossing.latitude + aside, 6),
        round(crossing.longitude - aside, 6),
    )
