"""Plans of trips as arrays: stops in their places along the line, and runs.

What :func:`civiclake.applications.transit.timetable.plans` gives, unpacked from Arrow. Trips
that stop at the same stops of the same line share one :class:`Pattern`, which is computed once.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa

from civiclake.statistics import along, coordinates
from civiclake.statistics.along import Path
from civiclake.statistics.measured import Floats, Integers

MEETS_M = 60.0
"""Parts of a line that are so near to each other can't be told apart by a position."""


@dataclass(frozen=True)
class Pattern:
    """Stops in their order, and where each is along the line."""

    line: Path
    latitude: float
    longitude: float
    """Of the spot that the line's plane touches."""
    stop_ids: tuple[str, ...]
    at_m: Floats
    off_m: Floats

    meets_itself: bool
    """Whether the line passes a place twice, so that the nearest point may be of another time."""

    def place(self, visit: Integers, latitudes: Floats, longitudes: Floats) -> along.Placed:
        """Where positions are along the line; sorted by their run, then by time."""
        x, y = coordinates.metres_around(latitudes, longitudes, self.latitude, self.longitude)
        if not self.meets_itself or not len(visit):
            return along.place(self.line, x, y)
        cuts = np.flatnonzero(np.diff(visit)) + 1
        parts = [
            along.place_in_order(self.line, one_x, one_y)
            for one_x, one_y in zip(np.split(x, cuts), np.split(y, cuts), strict=True)
        ]
        return along.Placed(
            np.concatenate([p.at_m for p in parts]), np.concatenate([p.off_m for p in parts])
        )


@dataclass(frozen=True)
class Plan:
    """One trip of the timetable."""

    trip_id: str
    line_id: str
    direction_id: int
    block_id: str | None
    shape_id: str | None
    pattern: int
    """Number of its pattern; -1 where it has no two stops, so that it has no way."""
    sequences: Integers
    arrival_s: Floats
    """Scheduled arrivals in seconds of the service day; between timed stops by the way."""
    departure_s: Floats
    starts_s: Integers | None
    """Starts of its runs by frequency; None for a trip that runs at its own times."""
    is_exact: bool
    """Whether its times are a timetable, or only how often it comes."""


@dataclass(frozen=True)
class Plans:
    """Trips with their patterns, and their calls one after the other."""

    trips: list[Plan]
    patterns: list[Pattern]
    pattern: Integers
    """Of each trip, as :attr:`Plan.pattern`."""
    begins: Integers
    """Where each trip's calls begin in the columns below."""
    sequences: Integers
    second: Floats
    """When each call is planned: departure from the first stop, arrival at the others."""


def read(table: pa.Table) -> Plans:
    """Unpack rows of ``plans``."""
    trips = {name: table[name].to_pylist() for name in _PLAIN}
    first, last, stops = _lists(table["stops"])
    ways = _Ways(table, trips["shape_id"], (first, last, stops))
    pattern = np.asarray([ways.number(row) for row in range(len(table))], dtype=np.int64)
    times = {name: _floats(stops[name]) for name in ("arrival_s", "departure_s")}
    for row in _untimed(first, last, times):
        at_m = ways.at_m(row)
        for column in times.values():
            column[first[row] : last[row]] = _filled(column[first[row] : last[row]], at_m)
    begins = first[last > first]
    second = times["arrival_s"].copy()
    second[begins] = times["departure_s"][begins]
    sequences = np.asarray(stops["stop_sequence"])
    found = []
    for row, (low, high) in enumerate(zip(first.tolist(), last.tolist(), strict=True)):
        starts, exact = starts_of(trips["windows"][row])
        found.append(
            Plan(
                trip_id=trips["trip_id"][row],
                line_id=trips["line_id"][row],
                direction_id=trips["direction_id"][row],
                block_id=trips["block_id"][row],
                shape_id=trips["shape_id"][row],
                pattern=int(pattern[row]),
                sequences=sequences[low:high],
                arrival_s=times["arrival_s"][low:high],
                departure_s=times["departure_s"][low:high],
                starts_s=starts,
                is_exact=exact,
            )
        )
    return Plans(found, ways.patterns, pattern, first, sequences, second)


_PLAIN = ("trip_id", "line_id", "direction_id", "block_id", "shape_id", "windows")


class _Ways:
    """The patterns of a day's trips, each computed once."""

    def __init__(self, table: pa.Table, shape_ids: list[str | None], stops: _Lists) -> None:
        self.patterns: list[Pattern] = []
        self._numbers: dict[Any, int] = {}
        self._shape_ids, self._stops = shape_ids, stops
        shapes = _lists(table["shape"])
        there = np.flatnonzero(shapes[1] > shapes[0])
        self._shapes = {shape_ids[row]: _cut(shapes, row) for row in there.tolist()}
        # Stops are told by numbers: texts of a million calls would be compared one by one.
        names = table["stops"].combine_chunks().flatten().field("stop_id")
        self._code = names.dictionary_encode().indices.to_numpy(zero_copy_only=False)

    def number(self, row: int) -> int:
        """The pattern of a trip; -1 where it has no two stops, or a line of no length."""
        first, last, _ = self._stops
        key = (self._shape_ids[row], self._code[first[row] : last[row]].tobytes())
        if key not in self._numbers:
            made = _pattern(_cut(self._stops, row), self._shapes.get(self._shape_ids[row]))
            self._numbers[key] = -1 if made is None else len(self.patterns)
            self.patterns += [] if made is None else [made]
        return self._numbers[key]

    def at_m(self, row: int) -> Floats:
        """Where a trip's stops are along its line; zeros without a line."""
        number, (first, last, _) = self.number(row), self._stops
        return self.patterns[number].at_m if number >= 0 else np.zeros(last[row] - first[row])


def _untimed(first: Integers, last: Integers, times: dict[str, Floats]) -> Integers:
    """Trips with a call that has no time."""
    missing = np.isnan(times["arrival_s"]) | np.isnan(times["departure_s"])
    so_far = np.concatenate([[0], np.cumsum(missing)])
    return np.flatnonzero(so_far[last] > so_far[first])


def _floats(values: Any) -> Floats:
    return np.array(values, dtype=np.float64)


_Lists = tuple[Integers, Integers, dict[str, Any]]


def _lists(column: pa.ChunkedArray) -> _Lists:
    """Where each row's list begins and ends, and the fields of all lists' items."""
    lists = column.combine_chunks()
    items = lists.flatten()  # those of the lists that are there, one after the other
    lengths = lists.value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
    ends = np.cumsum(lengths)
    fields = {
        field.name: items.field(number).to_numpy(zero_copy_only=False)
        for number, field in enumerate(items.type)
    }
    return ends - lengths, ends, fields


def _cut(lists: _Lists, number: int) -> dict[str, Any]:
    first, last, fields = lists
    return {name: values[first[number] : last[number]] for name, values in fields.items()}


def _pattern(stops: dict[str, Any], shape: dict[str, Any] | None) -> Pattern | None:
    """None for fewer than two stops, or a line of no length."""
    if len(stops["stop_id"]) < 2:
        return None
    points = stops if shape is None or len(shape["latitude"]) < 2 else shape
    if np.ptp(points["latitude"]) == 0 and np.ptp(points["longitude"]) == 0:
        return None
    return _laid(tuple(stops["stop_id"]), _spots(points), _spots(stops))


def _spots(some: dict[str, Any]) -> bytes:
    both = np.stack([some["latitude"], some["longitude"]])
    return np.asarray(both, dtype=np.float64).tobytes()


@lru_cache(maxsize=10_000)
def _laid(stop_ids: tuple[str, ...], points: bytes, stops: bytes) -> Pattern:
    """Stops along a line through points; a worker meets the same ones on each of its days."""
    ways = [np.frombuffer(some).reshape(2, -1) for some in (points, stops)]
    latitude, longitude = float(ways[0][0][0]), float(ways[0][1][0])
    on_plane = [coordinates.metres_around(way[0], way[1], latitude, longitude) for way in ways]
    line = along.path(*on_plane[0])
    placed = along.place_in_order(line, *on_plane[1])
    return Pattern(
        line,
        latitude,
        longitude,
        stop_ids,
        placed.at_m,
        placed.off_m,
        along.meets_itself(line, MEETS_M),
    )


def _filled(times: Any, at_m: Floats) -> Floats:
    """Times between two timed stops, at even speed; missing before the first and after the last."""
    found = np.asarray(times, dtype=np.float64)
    timed = np.isfinite(found)
    if timed.all() or not timed.any():
        return found
    return np.interp(at_m, at_m[timed], found[timed], left=np.nan, right=np.nan)


def starts_of(windows: list[dict[str, Any]] | None) -> tuple[Integers | None, bool]:
    """Starts of runs; a window that can't run (feed quality tells it) gives none."""
    if windows is None:
        return None, True
    found: set[int] = set()
    for one in windows:
        start, end, headway = one["start_s"], one["end_s"], one["headway_s"]
        if None not in (start, end, headway) and headway > 0:
            found.update(range(start, end, headway))
    return np.asarray(sorted(found), dtype=np.int64), all(one["is_exact"] for one in windows)
