"""What a timetable amounts to: trips, kilometres, hours, headways, vehicles at the peak.

Source: the definitions of gtfs-kit 13 (``compute_trip_stats``, ``compute_network_stats``,
``compute_route_stats``). A trip runs from its first to its last departure; its length is what of
its shape lies between its first and last stop, and the whole shape where that cannot be told
(the shape crosses itself, or the stops lie the wrong way round). Lengths are those of the plane
that the positions are given on; UTM's differ from the earth's by up to 0.04 %.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely

from civiclake.errors import UserError
from civiclake.statistics.measured import Floats
from civiclake.statistics.waiting import headways_minutes

HOUR_S, KM_M = 3600, 1000
_BEYOND_M = 100
"""By how much a trip may seem longer than its shape."""
FROM_S, TO_S = 7 * HOUR_S, 19 * HOUR_S
"""When headways are measured, unless said otherwise: the day between the ends of service."""


def lengths_m(trips: pd.DataFrame, shapes: pd.DataFrame, stops: pd.DataFrame) -> pd.Series:
    """Metres of each trip along its shape; missing where the shape is.

    Args:
        trips: by ``trip_id``: ``shape_id``, ``first_stop``, ``last_stop``.
        shapes: ``shape_id``, ``sequence``, ``x``, ``y`` in metres.
        stops: by ``stop_id``: ``x``, ``y`` in metres.
    """
    lines = {
        name: shapely.LineString(points[["x", "y"]].to_numpy())
        for name, points in shapes.sort_values("sequence").groupby("shape_id")
        if len(points) > 1
    }
    simple = {name: bool(line.is_simple) for name, line in lines.items()}
    spots = dict(zip(stops.index, shapely.points(stops[["x", "y"]].to_numpy(float)), strict=True))
    known: dict[tuple[object, ...], float] = {}
    for key in trips[["shape_id", "first_stop", "last_stop"]].drop_duplicates().itertuples(False):
        shape, first, last = key
        if shape in lines:
            ends = (spots.get(first), spots.get(last))
            known[(shape, first, last)] = _between(lines[shape], *ends, simple[shape])
    found = [
        known.get(key, np.nan)
        for key in trips[["shape_id", "first_stop", "last_stop"]].itertuples(index=False, name=None)
    ]
    return pd.Series(found, index=trips.index, dtype="float64")


def _between(
    line: shapely.LineString,
    first: shapely.Point | None,
    last: shapely.Point | None,
    is_simple: bool,
) -> float:
    whole = float(line.length)
    if not is_simple or first is None or last is None:
        return whole
    part = float(line.project(last) - line.project(first))
    return part if 0 < part < whole + _BEYOND_M else whole


def trip_figures(
    trips: pd.DataFrame, stop_times: pd.DataFrame, shapes: pd.DataFrame, stops: pd.DataFrame
) -> pd.DataFrame:
    """Each trip's stops, start, end, hours and kilometres; a trip without stops stays, empty.

    Args:
        trips: ``trip_id``, ``route_id``, ``service_id``, ``direction_id``, ``shape_id``.
        stop_times: ``trip_id``, ``stop_sequence``, ``stop_id``, ``departure_s``.
        shapes: as :func:`lengths_m` wants them.
        stops: as :func:`lengths_m` wants them.

    Returns:
        By ``trip_id``: what was given, ``stops``, ``first_stop``, ``last_stop``, ``start_s``,
        ``end_s``, ``duration_h``, ``distance_km``.

    Raises:
        UserError: a trip id is there twice.
    """
    twice = trips["trip_id"].duplicated()
    if twice.any():
        raise UserError(f"trip {trips.loc[twice, 'trip_id'].iloc[0]!r} is there twice")
    ordered = stop_times.sort_values(["trip_id", "stop_sequence"]).groupby("trip_id")
    ends = pd.DataFrame(
        {
            "stops": ordered.size(),
            "first_stop": ordered["stop_id"].first(),
            "last_stop": ordered["stop_id"].last(),
            "start_s": ordered["departure_s"].first(),
            "end_s": ordered["departure_s"].last(),
        }
    )
    found = trips.set_index("trip_id").join(ends)
    found["stops"] = found["stops"].fillna(0).astype(int)
    found["duration_h"] = (found["end_s"] - found["start_s"]).astype("Float64") / HOUR_S
    km = lengths_m(found, shapes, stops) / KM_M
    found["distance_km"] = km.where(found["stops"] > 0)
    return found


@dataclass(frozen=True)
class Peak:
    """Most vehicles in service at once, and when that first was so."""

    vehicles: int
    from_s: float | None = None
    to_s: float | None = None


def peak_in_service(starts_s: Floats, ends_s: Floats) -> Peak:
    """The most trips under way at once; one that ends when another starts makes room for it."""
    starts, ends = np.asarray(starts_s, dtype=float), np.asarray(ends_s, dtype=float)
    runs = np.isfinite(starts) & np.isfinite(ends) & (ends > starts)
    moments = np.unique(np.concatenate([starts[runs], ends[runs]]))
    if not len(moments):
        return Peak(0)
    under_way = np.searchsorted(np.sort(starts[runs]), moments, side="right")
    under_way -= np.searchsorted(np.sort(ends[runs]), moments, side="right")
    first = int(under_way.argmax())
    fewer = np.flatnonzero(under_way[first:] < under_way[first])
    return Peak(int(under_way[first]), float(moments[first]), float(moments[first + fewer[0]]))


@dataclass(frozen=True)
class Service:
    """What runs on a day (or on a line): ``speed_kmh`` is kilometres over hours of all trips."""

    trips: int
    routes: int
    peak: Peak
    distance_km: float
    duration_h: float
    without_distance: int
    """Trips without a shape: their hours are left out of the speed too."""
    speed_kmh: float | None


def service(figures: pd.DataFrame) -> Service:
    """Add up trips (of :func:`trip_figures`) that run on one day."""
    measured = figures["distance_km"].notna() & figures["duration_h"].notna()
    hours = float(figures.loc[measured, "duration_h"].sum())
    km = float(figures["distance_km"].sum())
    return Service(
        trips=len(figures),
        routes=int(figures["route_id"].nunique()),
        peak=peak_in_service(
            figures["start_s"].to_numpy(float, na_value=np.nan),
            figures["end_s"].to_numpy(float, na_value=np.nan),
        ),
        distance_km=km,
        duration_h=float(figures["duration_h"].sum()),
        without_distance=int((~measured).sum()),
        speed_kmh=km / hours if hours > 0 else None,
    )


def line_headways_minutes(
    figures: pd.DataFrame, from_s: float = FROM_S, to_s: float = TO_S
) -> Floats:
    """Minutes between starts of one line's trips, by direction, within a part of the day."""
    start = figures["start_s"].to_numpy(float, na_value=np.nan)
    within = (start >= from_s) & (start <= to_s)
    directions = figures["direction_id"].astype("string").fillna("")
    return headways_minutes(start[within], directions[within])
