"""Positions of one day as arrays, and the runs of trips that they may be of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from civiclake.applications.transit.paths import Plans
from civiclake.statistics.measured import Floats, Integers


@dataclass(frozen=True)
class Runs:
    """What may have been driven: trips of the timetable, and runs that no timetable has."""

    trip: Integers
    """Number of the plan: of a run that no timetable has, whose line it is on."""
    run: Integers
    """0 for a trip at its own times, from 1 on by frequency."""
    shift_s: Floats
    """Seconds that the run is after its trip's own times; NaN without a timetable."""
    name: list[str | None]
    """Of a run that no timetable has; None for the others."""

    def __len__(self) -> int:
        return len(self.trip)

    def and_also(self, trips: list[int], names: list[str]) -> Runs:
        """The same, and behind them runs that no timetable has."""
        return Runs(
            np.append(self.trip, np.asarray(trips, dtype=np.int64)),
            np.append(self.run, np.zeros(len(trips), dtype=np.int64)),
            np.append(self.shift_s, np.full(len(trips), np.nan)),
            [*self.name, *names],
        )


@dataclass(frozen=True)
class Seen:
    """Positions; a trip, a vehicle and a line are numbers into lists of names."""

    trip: Integers
    """Number of the plan that the feed names; -1 for one that does not run today, or none."""
    trip_name: Integers
    trip_names: list[str | None]
    """What the feed names, also where the timetable has it not."""
    start_s: Floats
    line: Integers
    lines: list[str | None]
    direction: Integers
    """-1 where the feed says none."""
    vehicle: Integers
    vehicles: list[str | None]
    at_s: Floats
    latitude: Floats
    longitude: Floats

    def __len__(self) -> int:
        return len(self.at_s)


def read(table: pa.Table, plans: Plans) -> Seen:
    """Unpack rows of :func:`civiclake.applications.transit.positions.seen`."""
    table = table.combine_chunks()
    numbers: dict[str | None, int] = {
        plan.trip_id: number for number, plan in enumerate(plans.trips)
    }
    trip, trips = _coded(table["trip_id"])
    vehicle, vehicles = _coded(table["vehicle_id"])
    line, lines = _coded(table["line_id"])
    return Seen(
        trip=np.asarray([numbers.get(name, -1) for name in trips], dtype=np.int64)[trip],
        trip_name=trip,
        trip_names=trips,
        start_s=_floats(table["start_s"]),
        line=line,
        lines=lines,
        direction=_integers(pc.fill_null(table["direction_id"], -1)),
        vehicle=vehicle,
        vehicles=vehicles,
        at_s=_floats(table["at_s"]),
        latitude=_floats(table["latitude"]),
        longitude=_floats(table["longitude"]),
    )


def _one(column: pa.ChunkedArray) -> pa.Array:
    found = column.combine_chunks()
    if isinstance(found, pa.ChunkedArray):
        return found.chunk(0) if found.num_chunks else pa.array([], column.type)
    return found


def _coded(column: pa.ChunkedArray) -> tuple[Integers, list[str | None]]:
    """Texts as numbers into their list; a missing one is the list's last, None."""
    found = _one(column)
    if not pa.types.is_dictionary(found.type):
        found = found.dictionary_encode()
    names = found.dictionary.to_pylist()
    return _integers(found.indices.fill_null(len(names))), [*names, None]


def _integers(column: Any) -> Integers:
    return np.asarray(column.to_numpy(zero_copy_only=False), dtype=np.int64)


def _floats(column: Any) -> Floats:
    return np.asarray(_one(column).to_numpy(zero_copy_only=False), dtype=np.float64)


def scheduled(plans: Plans) -> Runs:
    """All runs of the timetable, trip by trip."""
    often = {n: p.starts_s for n, p in enumerate(plans.trips) if p.starts_s is not None}
    counts = np.ones(len(plans.trips), dtype=np.int64)
    first = {}
    for number, starts in often.items():
        first[number] = float(next(iter(plans.trips[number].departure_s), np.nan))
        # Without a first departure nothing says when its runs would be where.
        counts[number] = len(starts) if np.isfinite(first[number]) else 0
    trip = np.repeat(np.arange(len(counts)), counts)
    run, shift_s = np.zeros(len(trip), dtype=np.int64), np.zeros(len(trip))
    ends = np.cumsum(counts)
    for number, starts in often.items():
        if counts[number]:
            mine = slice(ends[number] - counts[number], ends[number])
            run[mine], shift_s[mine] = np.arange(1, len(starts) + 1), starts - first[number]
    return Runs(trip, run, shift_s, [None] * len(trip))


def named(plans: Plans, runs: Runs, seen: Seen) -> Integers:
    """The run that the feed itself names for each position (trip, and start); -1 for none."""
    count = len(plans.trips)
    first = np.full(count + 1, -1, dtype=np.int64)
    first[:count] = np.searchsorted(runs.trip, np.arange(count))
    has = np.bincount(runs.trip, minlength=count) > 0
    found = np.where((seen.trip >= 0) & np.append(has, False)[seen.trip], first[seen.trip], -1)
    for number, plan in enumerate(plans.trips):
        if plan.starts_s is not None and has[number]:
            mine = np.flatnonzero(seen.trip == number)
            run = _run_of(plan.starts_s, seen.start_s[mine])
            found[mine] = np.where(run >= 0, first[number] + run, -1)
    return found


def _run_of(starts: Integers, start_s: Floats) -> Integers:
    """The number of the run, from 0 on; -1 where no run starts then."""
    spot = np.minimum(np.searchsorted(starts, start_s), len(starts) - 1)
    return np.where(starts[spot] == start_s, spot, -1)
