"""The rows of ``marts.posts`` and ``marts.post_coverage``: a maximal covering over the roads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from civiclake.statistics import coverage, grid, plans, siting
from civiclake.statistics.measured import Integers
from civiclake.statistics.roads import Roads, snap, travel_minutes

HOURS = 24
ALL_DAY = -1
"""The hour of the row that all hours are added up in."""
POSTS: Mapping[str, str] = {
    "service": "string",
    "post": "integer",
    "cell": "string",
    "latitude": "number",
    "longitude": "number",
    "within_minutes": "number",
    "demand_of": "string",
    "from_day": "date",
    "to_day": "date",
    "demand": "number",
    "reached": "number",
    "reached_share": "number",
    "nearest_of": "number",
    "bound_gap_share": "number",
    "gap": "string",
}
COVERAGE: Mapping[str, str] = {
    "service": "string",
    "hour": "integer",
    "within_minutes": "number",
    "demand_of": "string",
    "posts": "integer",
    "demand": "number",
    "reached": "number",
    "reached_share": "number",
    "mean_minutes": "number",
    "gap": "string",
}
NOTHING = "there is nothing to be near to: no demand or no road is on record"
NO_HOURS = "people are counted where they live, and not by hour: the day stands as a whole"


@dataclass(frozen=True)
class Service:
    """Who stands by."""

    name: str
    demand: str
    """``incidents`` or ``people``."""
    posts: int
    within_minutes: float


@dataclass(frozen=True)
class Demand:
    """What should be near to a post."""

    table: pd.DataFrame
    """By cell (index) and hour (columns), or in one column."""
    from_day: date | None
    to_day: date | None
    is_by_hour: bool


@dataclass(frozen=True)
class Placed:
    """A service's posts, and what they reach."""

    service: Service
    demand: Demand
    minutes: coverage.Table
    """From each post (column) to each cell of the demand (row)."""
    spots: pd.DataFrame
    """``latitude`` and ``longitude`` of the posts."""
    bound_gap: float
    gap: str | None


def placed(
    service: Service, demand: Demand, network: Roads | None, most: int, off_road_kmh: float
) -> Placed:
    """Choose posts that have the most demand within reach.

    Candidates are the crossings nearest to the cells with the most demand.

    Args:
        service: whose posts.
        demand: what should be near to one.
        network: the roads; None where there are none.
        most: candidates.
        off_road_kmh: speed between a cell's centre and its crossing.
    """
    weights = demand.table.sum(axis=1).to_numpy(float)
    if network is None or not weights.any():
        none = pd.DataFrame({"latitude": [], "longitude": []})
        return Placed(service, demand, np.empty((len(weights), 0)), none, 0.0, NOTHING)
    centres = grid.centres(demand.table.index)
    near = snap(network, centres["latitude"], centres["longitude"])
    busiest = np.argsort(-weights, kind="stable")[:most]
    sites = pd.unique(near.node[busiest])
    minutes = _minutes(network, sites, near.node)
    minutes = minutes + near.off_m[:, None] * 60 / (off_road_kmh * 1000)
    number = min(service.posts, len(sites))
    asked = plans.question(minutes, weights)
    plan = siting.maximal_covering(asked, number, service.within_minutes)
    # The post that reaches the most is the first.
    reached = weights @ (minutes[:, plan.sites] <= service.within_minutes)
    chosen = [plan.sites[n] for n in np.argsort(-reached, kind="stable")]
    fewer = f"only {number} crossings are near to any demand" if number < service.posts else None
    return Placed(
        service,
        demand,
        minutes[:, chosen],
        network.nodes.iloc[sites[chosen]][["latitude", "longitude"]],
        plan.bound_gap,
        "; ".join(filter(None, (fewer, plan.gap))) or None,
    )


def _minutes(network: Roads, sites: Integers, nodes: Integers) -> coverage.Table:
    """From each site (column) to each node (row): along the roads turned round, sites are few."""
    turned = replace(network, minutes=network.minutes.T.tocsr())
    return travel_minutes(turned, nodes, sites)


def posts_of(found: list[Placed]) -> pd.DataFrame:
    """One row for each service and post, with the columns of :data:`POSTS`."""
    rows = [row for one in found for row in _posts(one)]
    return pd.DataFrame(rows, columns=list(POSTS))


def _posts(one: Placed) -> list[dict[str, Any]]:
    weights = one.demand.table.sum(axis=1).to_numpy(float)
    whole = {
        "service": one.service.name,
        "within_minutes": one.service.within_minutes,
        "demand_of": one.service.demand,
        "from_day": one.demand.from_day,
        "to_day": one.demand.to_day,
        "bound_gap_share": one.bound_gap,
        "gap": one.gap,
    }
    far = np.where(np.isnan(one.minutes), np.inf, one.minutes)
    nearest = far.argmin(axis=1) if far.shape[1] else np.empty(len(far))
    spots = one.spots.to_numpy(float)
    cells = grid.cells(spots[:, 0], spots[:, 1], _size(one.demand)) if len(spots) else ()
    rows = []
    for post, (cell, spot) in enumerate(zip(cells, spots, strict=True)):
        reached = float(weights[far[:, post] <= one.service.within_minutes].sum())
        mine = (nearest == post) & np.isfinite(far.min(axis=1))
        rows.append(
            {
                **whole,
                "post": post + 1,
                "cell": str(cell),
                "latitude": spot[0],
                "longitude": spot[1],
                "demand": float(weights.sum()),
                "reached": reached,
                "reached_share": reached / float(weights.sum()),
                "nearest_of": float(weights[mine].sum()),
            }
        )
    return rows


def _size(demand: Demand) -> int:
    """Of the finest cells of the demand."""
    return max(map(grid.size, demand.table.index))


def coverage_of(found: list[Placed]) -> pd.DataFrame:
    """One row for each service and hour, and one for all hours; columns of :data:`COVERAGE`."""
    rows = [row for one in found for row in _hours(one)]
    return pd.DataFrame(rows, columns=list(COVERAGE))


def _hours(one: Placed) -> list[dict[str, Any]]:
    table = one.demand.table.to_numpy(float)
    whole = table.sum(axis=1)[:, None]
    by_hour = table if one.demand.is_by_hour else whole[:, :0]
    told = coverage.by_hour(one.minutes, np.hstack([whole, by_hour]), one.service.within_minutes)
    rows = [
        {
            "service": one.service.name,
            "hour": hour,
            "within_minutes": one.service.within_minutes,
            "demand_of": one.service.demand,
            "posts": one.minutes.shape[1],
            "demand": at.demand,
            "reached": at.covered,
            "reached_share": at.share,
            "mean_minutes": at.mean_minutes,
            "gap": at.gap,
        }
        for hour, at in zip(range(ALL_DAY, HOURS), told, strict=False)
    ]
    if not one.demand.is_by_hour:
        rows[0]["gap"] = "; ".join(filter(None, (rows[0]["gap"], NO_HOURS)))
    return rows
