"""Where a stop or a vehicle is along its route, and when the vehicle passed the stop.

Source: linear referencing (ISO 19148:2021). A stop is not simply put on the nearest point: routes
pass streets twice and cross themselves. All stops of a trip are placed together, in their order,
so that the sum of their squared distances from the route is the least; found stop by stop as the
shortest path through the possible places (R. Bellman, "Dynamic Programming", 1957).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from civiclake.errors import UserError
from civiclake.statistics.measured import Flags, Floats, Integers, floats, nullable, same_length

MANY, CELL_M = 300, 50.0
"""From so many spots on they are looked up by cells of so many metres."""


@dataclass(frozen=True)
class Path:
    """A route's line on a plane in metres."""

    x: Floats
    y: Floats
    at_m: Floats
    """Metres from the start to each of its points."""

    @property
    def length_m(self) -> float:
        """Metres from the first point to the last."""
        return float(self.at_m[-1])


def path(x: Iterable[Any], y: Iterable[Any]) -> Path:
    """A path through points, in order.

    Raises:
        UserError: fewer than two points, or all are one spot.
    """
    east, north = floats("x", x), floats("y", y)
    same_length(x=east, y=north)
    if len(east) < 2:
        raise UserError(f"a path of {len(east)} points; two or more are wanted")
    at = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(east), np.diff(north)))])
    if not at[-1] > 0:
        raise UserError("a path whose points are all one spot has no length")
    return Path(east, north, at)


@dataclass(frozen=True)
class Placed:
    """Spots along a path."""

    at_m: Floats
    """Metres from the path's start."""
    off_m: Floats
    """Metres beside the path."""


def _on(line: Path, segment: Integers, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Metres along and beside, of spots on the segments given (arrays that broadcast)."""
    x0, y0 = line.x[segment], line.y[segment]
    dx, dy = line.x[segment + 1] - x0, line.y[segment + 1] - y0
    squared = dx * dx + dy * dy
    east, north = x - x0, y - y0
    with np.errstate(invalid="ignore", divide="ignore"):
        part = np.where(squared > 0, (east * dx + north * dy) / squared, 0.0)
    part = np.clip(part, 0.0, 1.0)
    return line.at_m[segment] + part * np.sqrt(squared), np.hypot(
        east - part * dx, north - part * dy
    )


def place(line: Path, x: Iterable[Any], y: Iterable[Any]) -> Placed:
    """The nearest point of the path for each spot by itself (vehicle positions)."""
    east, north = floats("x", x), floats("y", y)
    same_length(x=east, y=north)
    points = np.column_stack([line.x, line.y])
    tree = shapely.STRtree(shapely.linestrings(np.stack([points[:-1], points[1:]], axis=1)))
    if len(east) > MANY:
        return _place_by_cells(line, tree, east, north)
    _, segment = tree.query_nearest(shapely.points(east, north), all_matches=False)
    return Placed(*_on(line, segment, east, north))


def _place_by_cells(line: Path, tree: Any, east: Floats, north: Floats) -> Placed:
    """The same for many spots: segments are looked up for each cell that they lie in.

    A segment that is nearest to any spot of a cell is at most a cell's diagonal farther from its
    middle than the nearest one there: only those are compared, spot by spot.
    """
    column, row = np.floor(east / CELL_M), np.floor(north / CELL_M)
    low_column, low_row = column.min(), row.min()
    rows = int(row.max() - low_row) + 1
    code = ((column - low_column) * rows + (row - low_row)).astype(np.int64)
    cells, cell = np.unique(code, return_inverse=True)
    middle = shapely.points(
        (cells // rows + low_column + 0.5) * CELL_M, (cells % rows + low_row + 0.5) * CELL_M
    )
    _, nearest = tree.query_nearest(middle, return_distance=True, all_matches=False)
    of_cell, segments = tree.query(
        middle, predicate="dwithin", distance=nearest + CELL_M * np.sqrt(2) * (1 + 1e-9)
    )
    segments = segments[np.argsort(of_cell, kind="stable")]
    counts = np.bincount(of_cell, minlength=len(cells))
    many = counts[cell]
    ends = np.cumsum(many)
    spot = np.repeat(np.arange(len(east)), many)
    candidate = np.arange(len(spot)) + np.repeat(
        (np.cumsum(counts) - counts)[cell] - ends + many, many
    )
    along, beside = _on(line, segments[candidate], east[spot], north[spot])
    least = np.minimum.reduceat(beside, ends - many)
    best = np.flatnonzero(beside == least[spot])[::-1]  # of equal ones the first is written last
    at = np.empty(len(east))
    at[spot[best]] = along[best]
    return Placed(at, least)


def place_in_order(line: Path, x: Iterable[Any], y: Iterable[Any]) -> Placed:
    """Places for spots that the path passes one after the other (the stops of a trip)."""
    east, north = floats("x", x), floats("y", y)
    same_length(x=east, y=north)
    every = np.arange(len(line.x) - 1)
    along, beside = _on(line, every, east[:, None], north[:, None])
    count, segments = along.shape
    if not count:
        return Placed(np.empty(0), np.empty(0))
    came_from = np.zeros((count, segments), dtype=np.int64)
    cost = beside[0] ** 2
    numbers = np.arange(segments)
    for row in range(1, count):
        least = np.minimum.accumulate(cost)
        where = np.maximum.accumulate(np.where(cost == least, numbers, 0))
        before = np.concatenate([[np.inf], least[:-1]])
        # Back along one segment costs as much as being so far beside it: two stops may be
        # written down a few metres the wrong way round, but a vehicle does not go back.
        same = cost + np.maximum(along[row - 1] - along[row], 0.0) ** 2
        came_from[row] = np.where(same <= before, numbers, np.concatenate([[0], where[:-1]]))
        cost = np.minimum(same, before) + beside[row] ** 2
    chosen = np.zeros(count, dtype=np.int64)
    chosen[-1] = int(cost.argmin())
    for row in range(count - 1, 0, -1):
        chosen[row - 1] = came_from[row, chosen[row]]
    rows = np.arange(count)
    return Placed(np.maximum.accumulate(along[rows, chosen]), beside[rows, chosen])


def meets_itself(line: Path, within_m: float) -> bool:
    """Whether two parts of the path come so near that a spot may belong to either.

    Parts count as two where the way between them is over four times as long.
    """
    spots = shapely.points(_points_every(line, within_m))
    tree = shapely.STRtree(spots)
    one, other = tree.query(spots, predicate="dwithin", distance=within_m)
    at = np.append(np.arange(0, line.length_m, within_m), line.length_m)
    return bool((np.abs(at[one] - at[other]) > 4 * within_m).any())


def _points_every(line: Path, metres: float) -> Floats:
    at = np.append(np.arange(0, line.length_m, metres), line.length_m)
    return np.column_stack([np.interp(at, line.at_m, line.x), np.interp(at, line.at_m, line.y)])


def is_near(off_m: Iterable[Any], within_m: float) -> Flags:
    """Which positions are near their path; one without a distance is not near."""
    return np.asarray(nullable(off_m) <= within_m)


@dataclass(frozen=True)
class Passages:
    """When a vehicle passed each stop; NaN marks a stop that it was not seen on both sides of."""

    at_s: Floats
    within_s: Floats
    """The passage is sure to lie so many seconds around: the time to the farther of the two
    positions that it lies between; 0 where a position is the stop itself."""
    backward: int
    """Positions behind one that came earlier (jitter): held at the farthest point reached."""

    @property
    def seen(self) -> Flags:
        """Which stops have a time."""
        return np.isfinite(self.at_s)


def passages(
    stops_m: Iterable[Any], positions_m: Iterable[Any], times_s: Iterable[Any]
) -> Passages:
    """Interpolate when a vehicle reached each stop, at even speed between two positions.

    Never beyond the first or the last position: a stop that was not passed has no time.

    Args:
        stops_m: stops along the path.
        positions_m: positions along the path.
        times_s: of the positions, in any order.
    """
    stops, spots = floats("stops_m", stops_m), floats("positions_m", positions_m)
    alone = np.zeros(len(stops), dtype=np.int64), np.zeros(len(spots), dtype=np.int64)
    return passages_by_trip(alone[0], stops, alone[1], spots, times_s)


def passages_by_trip(
    stop_trips: Integers,
    stops_m: Iterable[Any],
    position_trips: Integers,
    positions_m: Iterable[Any],
    times_s: Iterable[Any],
) -> Passages:
    """:func:`passages` of many trips at once.

    The trips are laid one after the other on a single line, so that one search serves all.

    Args:
        stop_trips: a number from 0 on for each stop: its trip.
        stops_m: stops along their trip's path.
        position_trips: likewise for each position.
        positions_m: positions along their trip's path.
        times_s: of the positions, in any order.
    """
    stops = floats("stops_m", stops_m)
    spots, times = floats("positions_m", positions_m), floats("times_s", times_s)
    same_length(positions_m=spots, times_s=times, position_trips=position_trips)
    same_length(stops_m=stops, stop_trips=stop_trips)
    nothing = np.full(len(stops), np.nan)
    if not len(spots) or not len(stops):
        return Passages(nothing, nothing.copy(), 0)
    low = min(float(stops.min()), float(spots.min()))
    room = np.ceil(max(float(stops.max()), float(spots.max())) - low) + 1
    order = np.lexsort((times, position_trips))
    trips, times = position_trips[order], times[order]
    spots = trips * room + (spots[order] - low)
    wanted = stop_trips * room + (stops - low)
    reached = np.maximum.accumulate(spots)
    after = np.searchsorted(reached, wanted, side="left")
    last = np.minimum(after, len(reached) - 1)
    begin = np.minimum(np.searchsorted(trips, stop_trips, side="left"), len(reached) - 1)
    inside = (after < len(reached)) & (trips[last] == stop_trips) & (wanted >= reached[begin])
    first = np.maximum(last - 1, begin)
    span = reached[last] - reached[first]
    part = np.where(span > 0, (wanted - reached[first]) / np.where(span > 0, span, 1), 1.0)
    exact = reached[last] == wanted
    at = np.where(exact, times[last], times[first] + part * (times[last] - times[first]))
    sure = np.where(exact, 0.0, np.maximum(times[last] - at, at - times[first]))
    return Passages(
        np.where(inside, at, np.nan),
        np.where(inside, sure, np.nan),
        int((spots < reached).sum()),
    )
