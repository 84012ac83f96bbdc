"""Which trip a vehicle ran, told by where it was and when: for positions without a trip.

A vehicle's positions are put on every line that they may be of. A stretch is what goes forward
along one line without leaving it; the stretches that cover most are kept, none at the same time
as another of its vehicle. Stretches and trips that nobody has been seen on are then paired so
that the sum of their deviations is the least, measured from how late their line usually was
(H. Kuhn, "The Hungarian Method for the assignment problem", 1955; scipy's solver). A stretch
that fits no trip is a run that no timetable has.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from civiclake.applications.transit.paths import Plans
from civiclake.applications.transit.runs import Runs, Seen
from civiclake.statistics import timetable
from civiclake.statistics.measured import Floats, Integers

PAUSE_S = 1200
"""After so long without a position another run begins."""
BACK_M = 100
"""Receivers err; a vehicle that goes back farther has turned."""
COVERED = 0.3
"""The share of its line that a stretch must cover to be a run of it."""
DEVIATION_S = 2700
"""A run farther from a trip's times, and from how late its line was, is not that trip."""


SAMPLE = 2000
"""Positions that tell how late a line usually was."""


@dataclass(frozen=True)
class Stretch:
    """A vehicle going forward along a line."""

    positions: Integers
    pattern: int
    trips: Integers
    """Plans that it may be of."""
    at_m: Floats
    covered_m: float
    name: str | None
    """The trip that the feed names, where no timetable has it."""


def match(
    plans: Plans, runs: Runs, seen: Seen, run: Integers, zero_s: float, near_m: float
) -> tuple[Runs, Integers]:
    """Give runs to positions that have none.

    Args:
        plans: the day's trips.
        runs: what the timetable has.
        seen: all positions of the day.
        run: the run that the feed names for each, -1 for none.
        zero_s: when the service day begins, seconds since 1970.
        near_m: how far beside its line a position may be.

    Returns:
        The runs, with those behind them that no timetable has, and the run of each position; -1
        stays where a position lies on no line.
    """
    open_ones = np.flatnonzero(run < 0)
    if not len(open_ones):
        return runs, run
    stretches = list(_kept(_stretches(plans, seen, open_ones, near_m)))
    free = np.setdiff1d(np.arange(len(runs)), run[run >= 0])
    lines = {(s.pattern, plans.trips[t].line_id) for s in stretches for t in s.trips}
    usual = {one: _usual_s(plans, runs, seen, run, zero_s, *one) for one in lines}
    found, pairs = run.copy(), _paired(plans, runs, seen, stretches, free, zero_s, usual)
    trips: list[int] = []
    names: list[str] = []
    for number, stretch in enumerate(stretches):
        if number in pairs:
            found[stretch.positions] = pairs[number]
        else:
            found[stretch.positions] = len(runs) + len(trips)
            trips.append(int(stretch.trips[0]))
            names.append(stretch.name or _name(seen, stretch, zero_s))
    return runs.and_also(trips, _distinct(names)), found


def _name(seen: Seen, stretch: Stretch, zero_s: float) -> str:
    first = stretch.positions[0]
    clock = timetable.clock(int(max(seen.at_s[first] - zero_s, 0)))
    return f"unscheduled {seen.vehicles[seen.vehicle[first]]} {clock}"


def _distinct(names: list[str]) -> list[str]:
    counts: dict[str, int] = {}
    found = []
    for name in names:
        counts[name] = counts.get(name, 0) + 1
        found.append(name if counts[name] == 1 else f"{name} ({counts[name]})")
    return found


def _stretches(
    plans: Plans, seen: Seen, open_ones: Integers, near_m: float
) -> Iterator[list[Stretch]]:
    """All stretches of each sequence of one vehicle without a pause."""
    named, line = seen.trip_name[open_ones], seen.line[open_ones]
    order = np.lexsort((seen.at_s[open_ones], line, named, seen.vehicle[open_ones]))
    mine, named = open_ones[order], named[order]
    breaks = (
        (np.diff(seen.vehicle[mine]) != 0)
        | (np.diff(named) != 0)
        | (np.diff(line[order]) != 0)
        | (np.diff(seen.at_s[mine]) > PAUSE_S)
    )
    by_pattern = _trips_by_pattern(plans)
    for part in np.split(np.arange(len(mine)), np.flatnonzero(breaks) + 1):
        given = seen.trip_names[named[part[0]]]
        known = seen.trip[mine[part[0]]]
        name = given if known < 0 else None
        found: list[Stretch] = []
        for pattern, trips in by_pattern.items():
            allowed = _allowed(plans, seen, mine[part[0]], trips)
            if len(allowed):
                found += _on(plans, seen, mine[part], pattern, allowed, near_m, name)
        yield found


def _trips_by_pattern(plans: Plans) -> dict[int, Integers]:
    pattern = np.asarray([plan.pattern for plan in plans.trips], dtype=np.int64)
    return {int(n): np.flatnonzero(pattern == n) for n in np.unique(pattern[pattern >= 0])}


def _allowed(plans: Plans, seen: Seen, position: int, trips: Integers) -> Integers:
    """Trips that agree with what the feed says of trip, line and direction."""
    if (known := int(seen.trip[position])) >= 0:
        return np.intersect1d(trips, [known])
    line, direction = seen.lines[seen.line[position]], seen.direction[position]
    return np.asarray(
        [
            t
            for t in trips
            if line in (None, plans.trips[t].line_id)
            and direction in (-1, plans.trips[t].direction_id)
        ],
        dtype=np.int64,
    )


def _on(
    plans: Plans,
    seen: Seen,
    mine: Integers,
    pattern: int,
    trips: Integers,
    near_m: float,
    name: str | None,
) -> list[Stretch]:
    way = plans.patterns[pattern]
    alone = np.zeros(len(mine), dtype=np.int64)
    placed = way.place(alone, seen.latitude[mine], seen.longitude[mine])
    near = placed.off_m <= near_m
    goes_on = near[1:] & near[:-1] & (np.diff(placed.at_m) >= -BACK_M)
    found = []
    for part in np.split(np.arange(len(mine)), np.flatnonzero(~goes_on) + 1):
        at = placed.at_m[part]
        covered = float(at[-1] - at[0])
        if covered >= COVERED * way.line.length_m:
            found.append(Stretch(mine[part], pattern, trips, at, covered, name))
    return found


def _kept(sequences: Iterator[list[Stretch]]) -> Iterator[Stretch]:
    """Of stretches that share positions those that cover most."""
    for stretches in sequences:
        taken: set[int] = set()
        for one in sorted(stretches, key=lambda s: -s.covered_m):
            mine = set(one.positions.tolist())
            if not mine & taken:
                taken |= mine
                yield one


def _usual_s(
    plans: Plans, runs: Runs, seen: Seen, run: Integers, zero_s: float, pattern: int, line: str
) -> float:
    """The median delay of a line's vehicles that the feed names; 0 where it names none."""
    of_trip = np.asarray([(p.pattern, p.line_id) == (pattern, line) for p in plans.trips])
    named = np.flatnonzero(run >= 0)
    mine = named[of_trip[runs.trip[run[named]]]]
    mine = mine[:: max(len(mine) // SAMPLE, 1)]
    if not len(mine):
        return 0.0
    order = mine[np.lexsort((seen.at_s[mine], run[mine]))]
    way = plans.patterns[pattern]
    at_m = way.place(run[order], seen.latitude[order], seen.longitude[order]).at_m
    behind = [
        _behind(plans, runs, one, way.at_m, at_m[run[order] == one], at) - zero_s
        for one in np.unique(run[order])
        for at in [seen.at_s[order[run[order] == one]]]
    ]
    return float(np.nanmedian(np.concatenate(behind)))


def _behind(
    plans: Plans, runs: Runs, run: int, stops_m: Floats, at_m: Floats, at_s: Floats
) -> Floats:
    """Seconds that positions are after the run's times, but for the day's own beginning."""
    expected = np.interp(at_m, stops_m, plans.trips[runs.trip[run]].arrival_s)
    found: Floats = at_s - runs.shift_s[run] - expected
    return found


def _paired(
    plans: Plans,
    runs: Runs,
    seen: Seen,
    stretches: list[Stretch],
    free: Integers,
    zero_s: float,
    usual: dict[tuple[int, str], float],
) -> dict[int, int]:
    """Runs by the number of their stretch."""
    waiting = [n for n, stretch in enumerate(stretches) if stretch.name is None]
    if not waiting or not len(free):
        return {}
    cost = np.full((len(waiting), len(free)), np.inf)
    for (row, number), (column, run) in itertools.product(enumerate(waiting), enumerate(free)):
        if runs.trip[run] in stretches[number].trips:
            one = stretches[number]
            behind = _behind(
                plans, runs, run, plans.patterns[one.pattern].at_m, one.at_m,
                seen.at_s[one.positions],
            )  # fmt: skip
            late = usual[one.pattern, plans.trips[runs.trip[run]].line_id]
            cost[row, column] = abs(float(np.median(behind)) - zero_s - late)
    # A pair that can't be costs more than all that can, so that it is only taken last.
    dear = np.where(cost <= DEVIATION_S, cost, DEVIATION_S * (len(waiting) + 1.0))
    pairs = zip(*linear_sum_assignment(dear), strict=True)
    return {waiting[r]: int(free[c]) for r, c in pairs if cost[r, c] <= DEVIATION_S}
