"""One service day: every call that was planned, and when a vehicle passed the stop.

Arrow in, Arrow out; the method is :func:`civiclake.statistics.along.passages_by_trip`. All trips
of the day are computed at once.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from civiclake.applications.transit import matching, paths, runs
from civiclake.applications.transit.paths import Plans
from civiclake.applications.transit.runs import Runs, Seen
from civiclake.statistics import along, timetable
from civiclake.statistics.measured import Flags, Floats, Integers

NEAR_M = 200.0
"""Farther from its line a position says nothing of where the vehicle is (rule E029)."""
AT_STOP_M = 30.0
"""So near to its first or last stop a vehicle is at it: lines and receivers miss it by metres."""

COLUMNS = (
    "day date, trip_id string, run int, stop_sequence int, line_id string, direction_id int,"
    " stop_id string, previous_stop_id string, vehicle_id string, matched_by string,"
    " is_exact boolean, scheduled_at timestamp, observed_at timestamp, within_s double, delay_s double,"
    " along_m double, beside_m double, positions int, positions_near int"
)
"""What a day gives, as Spark writes a schema."""
BY_TRIP, BY_PLACE = "trip_id", "place_and_time"
"""How positions came to their run: the feed names it, or only it can have been."""
_TYPES = {"date": pa.date32(), "string": pa.string(), "int": pa.int32(), "double": pa.float64(),
          "boolean": pa.bool_(), "timestamp": pa.timestamp("us", tz="UTC")}  # fmt: skip
SCHEMA = pa.schema([(n, _TYPES[t]) for n, t in (c.split() for c in COLUMNS.split(", "))])


def passages(
    positions: pa.Table, planned: pa.Table, timezone: str, near_m: float = NEAR_M
) -> pa.Table:
    """Passages of one service day.

    Args:
        positions: rows of :func:`civiclake.applications.transit.positions.seen` of the day.
        planned: rows of :func:`civiclake.applications.transit.timetable.planned` of the day.
        timezone: of the agency.
        near_m: how far beside its line a position still counts.

    Returns:
        :data:`SCHEMA`: one row for each planned call, and for each call of a run that no timetable
        has; a stop that no vehicle was seen on both sides of has no ``observed_at``.
    """
    if not planned.num_rows:
        return SCHEMA.empty_table()
    plans, day = paths.read(planned), planned["day"][0].as_py()
    seen, zero_s = runs.read(positions, plans), _zero_s(day, timezone)
    timetabled = runs.scheduled(plans)
    by_feed = runs.named(plans, timetabled, seen)
    driven, run = matching.match(plans, timetabled, seen, by_feed, zero_s, near_m)
    at_m, off_m = _placed(plans, driven, seen, run)
    counted = np.bincount(run[run >= 0], minlength=len(driven))
    near = np.flatnonzero(off_m <= near_m)
    near_of = np.bincount(run[near], minlength=len(driven))
    near = near[_of_one_vehicle(run[near], seen.vehicle[near])]
    calls = _calls(plans, driven)
    at_s, within_s = _times(calls, len(driven), run[near], at_m[near], seen.at_s[near])
    one = _any_of(run[near], len(driven))
    vehicle = np.where(one >= 0, np.append(seen.vehicle[near], -1)[one], -1)
    told = np.where(one >= 0, np.append(by_feed[near], -1)[one], -1) >= 0
    way = np.where(one < 0, 2, np.where(told, 0, 1))
    return _table(plans, driven, calls, day, zero_s, {
        "vehicle_id": np.asarray([*seen.vehicles, None], dtype=object)[vehicle][calls.run],
        "matched_by": np.asarray([BY_TRIP, BY_PLACE, None], dtype=object)[way][calls.run],
        "observed_s": at_s,
        "within_s": within_s,
        "positions": counted[calls.run],
        "positions_near": near_of[calls.run],
    })  # fmt: skip


def _zero_s(day: date, timezone: str) -> float:
    """When the service day begins, in seconds since 1970."""
    zero = timetable.instants(pd.Series([pd.Timestamp(day)]), pd.Series([0.0]), timezone)
    return float(zero.iloc[0].timestamp())


def _placed(plans: Plans, driven: Runs, seen: Seen, run: Integers) -> tuple[Floats, Floats]:
    """Metres along and beside; beside is NaN for a position that is of no run."""
    at, off = np.full(len(run), np.nan), np.full(len(run), np.nan)
    pattern_of = np.asarray([plan.pattern for plan in plans.trips], dtype=np.int64)
    pattern = np.append(pattern_of[driven.trip], -1)[run]
    order = np.lexsort((seen.at_s, run, pattern))
    bounds = np.searchsorted(pattern[order], np.arange(len(plans.patterns) + 1))
    for number, (first, last) in enumerate(itertools.pairwise(bounds)):
        mine = order[first:last]
        if len(mine):
            placed = plans.patterns[number].place(
                run[mine], seen.latitude[mine], seen.longitude[mine]
            )
            at[mine], off[mine] = placed.at_m, placed.off_m
    return at, off


def _times(
    calls: _Calls, count: int, run: Integers, at_m: Floats, at_s: Floats
) -> tuple[Floats, Floats]:
    """When each call was: departure from the first stop, arrival at the others; how sure."""
    farthest = np.full(count, -np.inf)
    np.maximum.at(farthest, run, at_m)
    short = calls.last_m - farthest
    ends_m = np.where((short > 0) & (short <= AT_STOP_M), farthest, calls.last_m)
    stops_m = np.minimum(calls.at_m, ends_m[calls.run])
    found = along.passages_by_trip(calls.run, stops_m, run, at_m, at_s)
    left, after = _departures(calls, count, run, at_m, at_s)
    observed = np.where(calls.first, left[calls.run], found.at_s)
    within = np.where(calls.first, (after - left)[calls.run], found.within_s)
    return observed, within


def _departures(
    calls: _Calls, count: int, run: Integers, at_m: Floats, at_s: Floats
) -> tuple[Floats, Floats]:
    """When each run was last seen at its first stop, and when it was next seen elsewhere."""
    is_there = np.abs(at_m - calls.first_m[run]) <= AT_STOP_M
    left, after = np.full(count, np.nan), np.full(count, np.nan)
    np.fmax.at(left, run[is_there], at_s[is_there])
    later = at_s > left[run]
    np.fmin.at(after, run[later], at_s[later])
    return np.where(np.isfinite(after), left, np.nan), after


def _of_one_vehicle(run: Integers, vehicle: Integers) -> Integers:
    """Positions of the vehicle that a run has most of; two may claim to be on one trip."""
    pairs = pd.DataFrame({"run": run, "vehicle": vehicle})
    first = pairs.groupby("run")["vehicle"].transform("first")
    if (first == pairs["vehicle"]).all():
        return np.arange(len(run))
    counts = pairs.value_counts(sort=True).reset_index()
    best = counts.drop_duplicates("run").set_index("run")["vehicle"]
    return np.flatnonzero(pairs["run"].map(best) == pairs["vehicle"])


@dataclass(frozen=True)
class _Calls:
    run: Integers
    at_m: Floats
    beside_m: Floats
    first: Flags
    first_m: Floats
    """Of each run: where its first stop is; NaN for one without a way."""
    last_m: Floats


def _calls(plans: Plans, driven: Runs) -> _Calls:
    ways = [None if p.pattern < 0 else plans.patterns[p.pattern] for p in plans.trips]
    mine = [(i, way) for i, way in enumerate(ways[t] for t in driven.trip) if way is not None]
    counts = np.asarray([len(way.at_m) for _, way in mine], dtype=np.int64)
    number = np.concatenate([np.empty(0, dtype=np.int64), *(np.arange(n) for n in counts)])
    first_m, last_m = np.full(len(driven), np.nan), np.full(len(driven), np.nan)
    for i, way in mine:
        first_m[i], last_m[i] = way.at_m[0], way.at_m[-1]
    return _Calls(
        run=np.repeat(np.asarray([i for i, _ in mine], dtype=np.int64), counts),
        at_m=np.concatenate([np.empty(0), *(way.at_m for _, way in mine)]),
        beside_m=np.concatenate([np.empty(0), *(way.off_m for _, way in mine)]),
        first=number == 0,
        first_m=first_m,
        last_m=last_m,
    )


def _any_of(run: Integers, count: int) -> Integers:
    """One position of each run; -1 for a run without any."""
    found = np.full(count, -1, dtype=np.int64)
    found[run] = np.arange(len(run))
    return found


def _table(
    plans: Plans, driven: Runs, calls: _Calls, day: date, zero_s: float, seen: dict[str, Any]
) -> pa.Table:
    all_plans = plans.trips
    of_run = [all_plans[trip] for trip in driven.trip]
    moving = [plan for plan in of_run if plan.pattern >= 0]
    second = _joined(np.append(p.departure_s[:1], p.arrival_s[1:]) for p in moving)
    scheduled = zero_s + second + driven.shift_s[calls.run]
    names = [name or plan.trip_id for name, plan in zip(driven.name, of_run, strict=True)]
    exact = [n is None and p.is_exact for n, p in zip(driven.name, of_run, strict=True)]
    found = {
        "day": np.full(len(calls.run), day, dtype="datetime64[D]"),
        "trip_id": np.asarray(names, dtype=object)[calls.run],
        "run": driven.run[calls.run],
        "stop_sequence": _joined(plan.sequences for plan in moving),
        "line_id": np.asarray([plan.line_id for plan in of_run], dtype=object)[calls.run],
        "direction_id": np.asarray([plan.direction_id for plan in of_run], dtype=int)[calls.run],
        "stop_id": [s for plan in moving for s in plans.patterns[plan.pattern].stop_ids],
        "previous_stop_id": [
            stop for p in moving for stop in (None, *plans.patterns[p.pattern].stop_ids[:-1])
        ],
        "is_exact": np.asarray(exact, dtype=bool)[calls.run],
        "scheduled_at": _micros(scheduled),
        "observed_at": _micros(seen["observed_s"]),
        "delay_s": _nullable(seen["observed_s"] - scheduled),
        "along_m": calls.at_m,
        "beside_m": calls.beside_m,
        **{n: seen[n] for n in ("vehicle_id", "matched_by", "positions", "positions_near")},
        "within_s": _nullable(seen["within_s"]),
    }
    arrays = [pa.array(found[f.name], from_pandas=True).cast(f.type) for f in SCHEMA]
    return pa.table(arrays, schema=SCHEMA)


def _joined(parts: Iterable[Any]) -> Floats:
    return np.concatenate([np.empty(0), *parts])


def _micros(seconds: Floats) -> pa.Array:
    known = np.isfinite(seconds)
    micros = np.where(known, np.round(np.where(known, seconds, 0) * 1e6), 0).astype(np.int64)
    return pa.array(micros, mask=~known).cast(pa.timestamp("us", tz="UTC"))


def _nullable(values: Floats) -> pa.Array:
    return pa.array(values, mask=~np.isfinite(values))
