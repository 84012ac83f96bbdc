"""What the way from each place to each site costs, over the roads where there are any.

A way goes straight to the nearest crossing, over the shortest (or fastest) roads, and straight to
the site. Who lives too far from any crossing goes in a straight line, times a factor that is told.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from civiclake.pipeline.plans.kinds import By, Goes
from civiclake.pipeline.plans.reach import Unit
from civiclake.pipeline.plans.town import Town
from civiclake.statistics.roads import (
    EARTH_RADIUS_M,
    Roads,
    snap,
    travel_m,
    travel_minutes,
)

FACTOR = 1.3
"""Metres of way for a metre of straight line, where no roads are known."""
OFF_ROAD_M = 3_000.0
"""Farther than this from any crossing, there are no roads to go by."""
_STOPS_TRIED = 20
M_A_MINUTE = {By.FOOT: 80.0, By.CAR: 20_000 / 60}
"""On foot 4.8 km/h, everywhere; by car 20 km/h, where no road says how fast."""

Costs = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Ways:
    """Costs of place by site, NaN where there is no way."""

    costs: Costs
    told: tuple[str, ...]


def ways(town: Town, sites: pd.DataFrame, unit: Unit, by: By, goes: Goes = Goes.IN) -> Ways:
    """The cost of each way.

    Args:
        town: the city.
        sites: ``latitude``, ``longitude``.
        unit: metres or minutes.
        by: what a minute is.
        goes: whether people come or are come to.

    Raises:
        UserError: minutes by car are asked of roads without speeds.
    """
    pace = 1.0 if unit is Unit.METRES else M_A_MINUTE[by]
    if town.network is None:
        costs = straight_m(town.places, sites) * (FACTOR / pace)
        return Ways(costs, (f"no roads are known: ways are straight lines times {FACTOR:g}",))
    ends = [_Ends.of(town.network, spots) for spots in (town.places, sites)]
    costs = _over_roads(town.network, ends, unit, by, goes)
    return _beside_roads(town, sites, ends, costs, pace)


@dataclass(frozen=True)
class _Ends:
    node: npt.NDArray[np.int64]
    off_m: npt.NDArray[np.float64]

    @classmethod
    def of(cls, network: Roads, spots: pd.DataFrame) -> _Ends:
        found = snap(network, spots["latitude"], spots["longitude"])
        return cls(found.node, found.off_m)


def _over_roads(network: Roads, ends: list[_Ends], unit: Unit, by: By, goes: Goes) -> Costs:
    here, there = ends
    from_, to = (here.node, there.node) if goes is Goes.IN else (there.node, here.node)
    if unit is Unit.MINUTES and by is By.CAR:
        table, off = travel_minutes(network, from_, to), M_A_MINUTE[by]
    else:
        off = 1.0 if unit is Unit.METRES else M_A_MINUTE[by]
        table = travel_m(network, from_, to) / off
    table = table if goes is Goes.IN else table.T
    return np.asarray(table + here.off_m[:, None] / off + there.off_m[None, :] / off)


def _beside_roads(
    town: Town, sites: pd.DataFrame, ends: list[_Ends], costs: Costs, pace: float
) -> Ways:
    """Straight lines for whoever lives beside all roads; the others' ways stay."""
    far = ends[0].off_m > OFF_ROAD_M
    if not far.any():
        return Ways(costs, ())
    costs = costs.copy()
    costs[far] = straight_m(town.places[far], sites) * (FACTOR / pace)
    lost = town.places[far]
    where = ", ".join(sorted(map(str, lost["district"].unique())))
    return Ways(
        costs,
        (
            f"{len(lost):,} places with {lost['people'].sum():,.0f} people have no road within"
            f" {OFF_ROAD_M:,.0f} m (district {where}): their ways are straight lines times"
            f" {FACTOR:g}",
        ),
    )


def to_nearest_stop(town: Town, sites: pd.DataFrame) -> npt.NDArray[np.float64]:
    """Metres on foot from each site to the nearest stop; NaN where no stop is known.

    Args:
        town: the city; its stops.
        sites: ``latitude``, ``longitude``.
    """
    if town.stops.empty or sites.empty:
        return np.full(len(sites), np.nan)
    # Only the nearest few in a straight line can be the nearest on foot: nobody walks ten times.
    straight = straight_m(sites, town.stops)
    near = np.unique(np.argsort(straight, axis=1)[:, :_STOPS_TRIED])
    spots = sites[["latitude", "longitude"]].assign(people=0.0, district="")
    found = ways(replace(town, places=spots), town.stops.iloc[near], Unit.METRES, By.FOOT)
    table = np.where(np.isnan(found.costs), np.inf, found.costs).min(axis=1)
    return np.where(np.isfinite(table), table, np.nan)


def straight_m(one: pd.DataFrame, other: pd.DataFrame) -> Costs:
    """Metres of the great circle between all positions of one and of the other."""
    here, beside = _radians(one)
    there, along = _radians(other)
    half: Any = np.sin((here[:, None] - there[None, :]) / 2) ** 2
    half = half + np.cos(here)[:, None] * np.cos(there)[None, :] * (
        np.sin((beside[:, None] - along[None, :]) / 2) ** 2
    )
    return np.asarray(2 * EARTH_RADIUS_M * np.arcsin(np.sqrt(np.clip(half, 0, 1))))


def _radians(spots: pd.DataFrame) -> tuple[Any, Any]:
    north, east = (np.radians(spots[name].to_numpy(float)) for name in ("latitude", "longitude"))
    return north, east
