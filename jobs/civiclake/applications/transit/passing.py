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
    " is_exact boolean, scheduled_at timestamp, observed_at timestamp, within_s double,"
    " delay_s double, along_m double, beside_m double, positions int, positions_near int"
)
"""What a day gives, as Spark writes a schema."""
BY_TRIP, BY_PLACE = "trip_id", "place_and_time"
"""How positions came to their run: the feed names it, or only it can have been."""
_TYPES = {"date": pa.date32(), "string": pa.string(), "int": pa.int32(), "double": pa.float64(),
          "boolean": pa.bool_(), "timestamp": pa.timestamp("us", tz="UTC")}  # fmt: skip
SCHEMA = pa.schema([(n, _TYPES[t]) for n, t in (c.split() for c in COLUMNS.split(", "))])


def passages(
    positions: pa.Table, planned: pa.Table, day: date, timezone: str, near_m: float = NEAR_M
) -> pa.Table:
    """Passages of one service day.

    Args:
        positions: rows of :func:`civiclake.applications.transit.positions.seen` of the day.
        planned: rows of :func:`civiclake.applications.transit.timetable.plans` that run on it.
        day: the service day.
        timezone: of the agency.
        near_m: how far beside its line a position still counts.

    Returns:
        :data:`SCHEMA`: one row for each planned call, and for each call of a run that no timetable
        has; a stop that no vehicle was seen on both sides of has no ``observed_at``.
    """
    if not planned.num_rows:
        return SCHEMA.empty_table()
    plans = paths.read(planned)
    seen, zero_s = runs.read(positions, plans), _zero_s(day, timezone)
    timetabled = runs.scheduled(plans)
    by_feed = runs.named(plans, timetabled, seen)
    driven, run = matching.match(plans, timetabled, seen, by_feed, zero_s, near_m)
    order, at_m, off_m = _placed(plans, driven, seen, run)
    counted = np.bincount(run[order], minlength=len(driven))
    is_near = off_m <= near_m
    near, at_m = order[is_near], at_m[is_near]
    near_of = np.bincount(run[near], minlength=len(driven))
    is_one = _is_of_one_vehicle(run[near], seen.vehicle[near], len(driven))
    near, at_m = near[is_one], at_m[is_one]
    calls = _calls(plans, driven)
    at_s, within_s = _times(calls, len(driven), run[near], at_m, seen.at_s[near])
    one = _any_of(run[near], len(driven))
    vehicle = np.where(one >= 0, np.append(seen.vehicle[near], -1)[one], -1)
    told = np.where(one >= 0, np.append(by_feed[near], -1)[one], -1) >= 0
    way = np.where(one < 0, 2, np.where(told, 0, 1))
    return _table(plans, driven, calls, day, zero_s, {
        "vehicle_id": np.asarray([*seen.vehicles, None], dtype=object)[vehicle],
        "matched_by": np.asarray([BY_TRIP, BY_PLACE, None], dtype=object)[way],
        "observed_s": at_s,
        "within_s": within_s,
        "positions": counted,
        "positions_near": near_of,
    })  # fmt: skip


def _zero_s(day: date, timezone: str) -> float:
    """When the service day begins, in seconds since 1970."""
    zero = timetable.instants(pd.Series([pd.Timestamp(day)]), pd.Series([0.0]), timezone)
    return float(zero.iloc[0].timestamp())


def _placed(
    plans: Plans, driven: Runs, seen: Seen, run: Integers
) -> tuple[Integers, Floats, Floats]:
    """Positions that are of a run, pattern by pattern, run by run and by time.

    Returns:
        Their numbers; metres along and beside.
    """
    order = _by_run(np.append(plans.pattern[driven.trip], -1), run, seen.at_s)
    pattern = plans.pattern[driven.trip][run[order]]
    at, off = np.full(len(order), np.nan), np.full(len(order), np.nan)
    bounds = np.searchsorted(pattern, np.arange(len(plans.patterns) + 1))
    for number, (first, last) in enumerate(itertools.pairwise(bounds)):
        mine = order[first:last]
        if len(mine):
            placed = plans.patterns[number].place(
                run[mine], seen.latitude[mine], seen.longitude[mine]
            )
            at[first:last], off[first:last] = placed.at_m, placed.off_m
    return order, at, off


def _by_run(pattern: Integers, run: Integers, at_s: Floats) -> Integers:
    """Positions that are of a run, sorted by pattern, run and time.

    Args:
        pattern: of each run, and -1 behind them.
        run: of each position; -1 for none.
        at_s: of each position.
    """
    place = np.empty(len(pattern), dtype=np.int64)
    place[np.argsort(pattern, kind="stable")] = np.arange(len(pattern))
    order = np.lexsort((at_s, place[run]))
    return order[np.searchsorted(place[run[order]], (pattern < 0).sum()) :]


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


def _is_of_one_vehicle(run: Integers, vehicle: Integers, count: int) -> Flags:
    """Positions of the vehicle that a run has most of; two may claim to be on one trip."""
    one = np.full(count, -1, dtype=np.int64)
    one[run] = vehicle
    found: Flags = one[run] == vehicle
    if not found.all():
        counts = pd.DataFrame({"run": run, "vehicle": vehicle}).value_counts().reset_index()
        best = counts.drop_duplicates("run")
        one[best["run"]] = best["vehicle"]
        found = one[run] == vehicle
    return found


@dataclass(frozen=True)
class _Calls:
    run: Integers
    planned: Integers
    """Number of the call among those of :class:`Plans`."""
    of_pattern: Integers
    """Number of the stop among those of all patterns, one after the other."""
    at_m: Floats
    beside_m: Floats
    first: Flags
    first_m: Floats
    """Of each run: where its first stop is; NaN for one without a way."""
    last_m: Floats


def _calls(plans: Plans, driven: Runs) -> _Calls:
    """All calls of runs that have a way, run by run."""
    counts = np.asarray([len(way.at_m) for way in plans.patterns], dtype=np.int64)
    ends = np.cumsum(counts)
    at_m, off_m = (_joined(getattr(way, name) for way in plans.patterns) for name in _PLACES)
    pattern = plans.pattern[driven.trip]
    mine = np.flatnonzero(pattern >= 0)
    way = pattern[mine]
    number, run = _counted(counts[way])
    of_pattern = (ends - counts)[way][run] + number
    first_m, last_m = np.full(len(driven), np.nan), np.full(len(driven), np.nan)
    first_m[mine], last_m[mine] = at_m[(ends - counts)[way]], at_m[ends[way] - 1]
    return _Calls(
        run=mine[run],
        planned=plans.begins[driven.trip[mine]][run] + number,
        of_pattern=of_pattern,
        at_m=at_m[of_pattern],
        beside_m=off_m[of_pattern],
        first=number == 0,
        first_m=first_m,
        last_m=last_m,
    )


_PLACES = ("at_m", "off_m")


def _counted(counts: Integers) -> tuple[Integers, Integers]:
    """0 to n - 1 for each n, one after the other; and which n each is of."""
    of = np.repeat(np.arange(len(counts)), counts)
    return np.arange(len(of)) - (np.cumsum(counts) - counts)[of], of


def _any_of(run: Integers, count: int) -> Integers:
    """One position of each run; -1 for a run without any."""
    found = np.full(count, -1, dtype=np.int64)
    found[run] = np.arange(len(run))
    return found


def _table(
    plans: Plans, driven: Runs, calls: _Calls, day: date, zero_s: float, seen: dict[str, Any]
) -> pa.Table:
    of_run = [plans.trips[trip] for trip in driven.trip]
    scheduled = zero_s + plans.second[calls.planned] + driven.shift_s[calls.run]
    stops = [stop for way in plans.patterns for stop in way.stop_ids]
    by_run = {
        "trip_id": [n or plan.trip_id for n, plan in zip(driven.name, of_run, strict=True)],
        "run": driven.run,
        "line_id": [plan.line_id for plan in of_run],
        "direction_id": [plan.direction_id for plan in of_run],
        "is_exact": [n is None and p.is_exact for n, p in zip(driven.name, of_run, strict=True)],
        **{n: seen[n] for n in ("vehicle_id", "matched_by", "positions", "positions_near")},
    }
    stop_ids = pa.array(stops, pa.string())
    found = {
        **{n: pa.array(v, SCHEMA.field(n).type).take(calls.run) for n, v in by_run.items()},
        "day": np.full(len(calls.run), day, dtype="datetime64[D]"),
        "stop_sequence": plans.sequences[calls.planned],
        "stop_id": stop_ids.take(calls.of_pattern),
        "previous_stop_id": stop_ids.take(pa.array(calls.of_pattern - 1, mask=calls.first)),
        "scheduled_at": _micros(scheduled),
        "observed_at": _micros(seen["observed_s"]),
        "delay_s": _nullable(seen["observed_s"] - scheduled),
        "along_m": calls.at_m,
        "beside_m": calls.beside_m,
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
