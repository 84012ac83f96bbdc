"""``transit_timetable``: what the timetable offers on each day, by line and in all.

Kilometres, hours, headways and vehicles at the peak are those of
:mod:`civiclake.statistics.trips`. Days on which the same services run are computed once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from civiclake.applications.transit import paths, timetable
from civiclake.errors import UserError
from civiclake.statistics import coordinates, trips

ALL_LINES = "*"
"""The line of the row that all lines are added up in."""
MOST_TRIPS = 2_000_000
"""Trips and runs of one kind of day that are computed in the memory of one worker."""

_TRIP = (
    "trip_id string, run int, line_id string, direction_id int, service_id string, stops int,"
    " start_s double, end_s double, duration_h double, distance_km double"
)
_DAY = (
    "services string, line_id string, trips int, trips_in_timetable int, trips_without_way int,"
    " lines int,"
    " distance_km double, duration_h double, speed_kmh double, vehicles_at_peak int,"
    " peak_from_s double, peak_to_s double, headway_mean_minutes double, headway_gap string"
)


def build(inputs: Mapping[str, DataFrame], parameters: Mapping[str, Any]) -> DataFrame:
    """One row for each service day and line, and one with line ``*`` for each day.

    Args:
        inputs: the timetable.
        parameters: ``headways_from_s``, ``headways_to_s``: the part of the day that headways are
            measured in (7:00 to 19:00).
    """
    from_s = float(timetable.parameter(parameters, "headways_from_s", trips.FROM_S))
    to_s = float(timetable.parameter(parameters, "headways_to_s", trips.TO_S))

    def of_kind(key: tuple[str, ...], some: pd.DataFrame) -> pd.DataFrame:
        return kind_of_day(key[0], some, from_s, to_s)

    services = F.array_sort(F.collect_set("service_id"))
    days = timetable.service_days(inputs).groupBy("day").agg(F.to_json(services).alias("services"))
    kinds = days.select("services").distinct()
    of_service = kinds.select(
        "services", F.explode(F.from_json("services", "array<string>")).alias("service_id")
    )
    offered = (
        of_trips(inputs)
        .join(F.broadcast(of_service), "service_id")
        .groupBy("services")
        .applyInPandas(of_kind, _DAY)
    )
    return days.join(F.broadcast(offered), "services")


def of_trips(inputs: Mapping[str, DataFrame]) -> DataFrame:
    """Each trip's (and run's) stops, start, end, hours and kilometres; one without stops stays."""
    return timetable.plans(inputs).groupBy("service_id").applyInArrow(figures, _TRIP)


def figures(table: pa.Table) -> pa.Table:
    """Rows of :func:`civiclake.applications.transit.timetable.plans` as figures of trips."""
    plans = table.select(["trip_id", "line_id", "direction_id", "service_id", "shape_id"])
    given = plans.to_pandas().rename(columns={"line_id": "route_id"})
    found = trips.trip_figures(given, *_unpacked(table)).reset_index()
    windows = table["windows"].to_pylist()
    starts = [paths.starts_of(one)[0] for one in windows]
    runs = [[0] if one is None else list(range(1, len(one) + 1)) for one in starts]
    found["run"] = runs
    found["from_s"] = [[np.nan] if one is None else one.tolist() for one in starts]
    found = found.explode(["run", "from_s"]).dropna(subset="run")
    shift = (found["from_s"] - found["start_s"].astype("float64")).fillna(0.0).astype("float64")
    found = found.assign(
        line_id=found["route_id"], start_s=found["start_s"] + shift, end_s=found["end_s"] + shift
    )
    return pa.Table.from_pandas(
        found[[column.split()[0] for column in _TRIP.split(", ")]], preserve_index=False
    ).cast(_arrow(_TRIP))


def _arrow(columns: str) -> pa.Schema:
    kinds = {"string": pa.string(), "int": pa.int32(), "double": pa.float64()}
    return pa.schema([(n, kinds[kind]) for n, kind in (c.split() for c in columns.split(", "))])


def _unpacked(table: pa.Table) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Stop times, shapes and stops, in metres of the zone of UTM that the first stop is in."""
    calls = _items(table, "trip_id", "stops")
    points = _items(table, "shape_id", "shape")
    stops = calls.drop_duplicates("stop_id").set_index("stop_id")[["latitude", "longitude"]]
    plane = coordinates.utm(*stops.iloc[0]) if len(stops) else coordinates.utm(0, 0)
    for some in (points, stops):
        some["x"], some["y"] = coordinates.metres(some["latitude"], some["longitude"], plane)
    calls["departure_s"] = calls["departure_s"].astype("Int64")
    return calls, points, stops


def _items(table: pa.Table, key: str, column: str) -> pd.DataFrame:
    """The items of a column of lists of structs, each with its row's key."""
    some = table.filter(pc.is_valid(table[column]))
    lists = some[column].combine_chunks()
    items = pa.Table.from_struct_array(lists.flatten())
    keys = some[key].take(pc.list_parent_indices(lists))
    found: pd.DataFrame = items.append_column(key, keys).to_pandas()
    return found


def kind_of_day(services: str, some: pd.DataFrame, from_s: float, to_s: float) -> pd.DataFrame:
    """What the trips of one kind of day amount to, by line and in all.

    Raises:
        UserError: they are too many to be computed at once.
    """
    if len(some) > MOST_TRIPS:
        raise UserError(f"{len(some)} trips on one day; at most {MOST_TRIPS} are computed at once")
    given = some.assign(route_id=some["line_id"])
    rows = [(ALL_LINES, given), *((str(n), part) for n, part in given.groupby("line_id"))]
    return pd.DataFrame([_row(services, *row, from_s, to_s) for row in rows])


def _row(
    services: str, line: str, some: pd.DataFrame, from_s: float, to_s: float
) -> dict[str, Any]:
    found = trips.service(some)
    headways = np.empty(0) if line == ALL_LINES else trips.line_headways_minutes(some, from_s, to_s)
    gap = "headways are those of a line" if line == ALL_LINES else "no two trips follow each other"
    return {
        "services": services,
        "line_id": line,
        "trips": found.trips,
        "trips_in_timetable": some["trip_id"].nunique(),
        "trips_without_way": found.without_distance,
        "lines": found.routes,
        "distance_km": found.distance_km,
        "duration_h": found.duration_h,
        "speed_kmh": found.speed_kmh,
        "vehicles_at_peak": found.peak.vehicles,
        "peak_from_s": found.peak.from_s,
        "peak_to_s": found.peak.to_s,
        "headway_mean_minutes": float(headways.mean()) if len(headways) else None,
        "headway_gap": None if len(headways) else gap,
    }
