"""Plans of trips as arrays: stops in their places along the line, and runs.

What :func:`civiclake.applications.transit.timetable.planned` gives, unpacked from Arrow. Trips
that stop at the same stops of the same line share one :class:`Pattern`, which is computed once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
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
    """Trips with their patterns."""

    trips: list[Plan]
    patterns: list[Pattern]


def read(table: pa.Table) -> Plans:
    """Unpack rows of ``planned``."""
    patterns: list[Pattern] = []
    numbers: dict[Any, int] = {}
    found = []
    rows = list(_rows(table))
    shapes = {row["shape_id"]: row["shape"] for row in rows if len(row["shape"]["latitude"])}
    for row in rows:
        stops = row["stops"]
        key = (row["shape_id"], tuple(stops["stop_id"]))
        if key not in numbers:
            made = _pattern(stops, shapes.get(row["shape_id"]))
            numbers[key] = -1 if made is None else len(patterns)
            patterns += [] if made is None else [made]
        number = numbers[key]
        at = patterns[number].at_m if number >= 0 else np.zeros(len(stops["stop_id"]))
        starts, exact = starts_of(row["windows"])
        found.append(
            Plan(
                trip_id=row["trip_id"],
                line_id=row["line_id"],
                direction_id=row["direction_id"],
                block_id=row["block_id"],
                shape_id=row["shape_id"],
                pattern=number,
                sequences=stops["stop_sequence"],
                arrival_s=_filled(stops["arrival_s"], at),
                departure_s=_filled(stops["departure_s"], at),
                starts_s=starts,
                is_exact=exact,
            )
        )
    return Plans(found, patterns)


def _rows(table: pa.Table) -> Iterator[dict[str, Any]]:
    """Plain columns as Python has them, lists of structs as arrays by field."""
    plain = ("trip_id", "line_id", "direction_id", "block_id", "shape_id", "windows")
    columns = {name: table[name].to_pylist() for name in plain}
    stops, shapes = _lists(table["stops"]), _lists(table["shape"])
    for number in range(len(table)):
        row = {name: column[number] for name, column in columns.items()}
        row["stops"] = _cut(stops, number)
        row["shape"] = _cut(shapes, number)
        yield row


def _lists(column: pa.ChunkedArray) -> tuple[Integers, Integers, dict[str, Any]]:
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


def _cut(lists: tuple[Integers, Integers, dict[str, Any]], number: int) -> dict[str, Any]:
    first, last, fields = lists
    return {name: values[first[number] : last[number]] for name, values in fields.items()}


def _pattern(stops: dict[str, Any], shape: dict[str, Any] | None) -> Pattern | None:
    """None for fewer than two stops, or a line of no length."""
    if len(stops["stop_id"]) < 2:
        return None
    points = stops if shape is None or len(shape["latitude"]) < 2 else shape
    latitude, longitude = float(points["latitude"][0]), float(points["longitude"][0])
    if np.ptp(points["latitude"]) == 0 and np.ptp(points["longitude"]) == 0:
        return None
    ways = (
        coordinates.metres_around(some["latitude"], some["longitude"], latitude, longitude)
        for some in (points, stops)
    )
    line = along.path(*next(ways))
    placed = along.place_in_order(line, *next(ways))
    return Pattern(
        line,
        latitude,
        longitude,
        tuple(stops["stop_id"]),
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
