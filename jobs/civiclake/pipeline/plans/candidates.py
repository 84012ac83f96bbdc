"""Where the new ones may stand: what is handed in, or crossings near who lives there."""

from __future__ import annotations

import pandas as pd
import shapely

from civiclake.contracts.read.faults import did_you_mean
from civiclake.errors import UserError
from civiclake.pipeline.plans.asked import Asked
from civiclake.pipeline.plans.given import COLUMNS, Forbidden
from civiclake.pipeline.plans.town import Town, check_inside
from civiclake.statistics import grid
from civiclake.statistics.plans import MOST_PAIRS
from civiclake.statistics.roads import snap

_PART = 2
"""Sizes of cells by which a part of the city is coarser than who lives there is known."""


def candidates(town: Town, asked: Asked) -> tuple[pd.DataFrame, list[str]]:
    """Sites that may be chosen, and what was done to get them.

    Raises:
        UserError: none is left, one lies outside the city, or a forbidden id is none of them.
    """
    told: list[str] = []
    if asked.candidates is not None:
        check_inside(town, asked.candidates, "candidates")
        found = asked.candidates[list(COLUMNS)].reset_index(drop=True)
    else:
        found, told = _near_people(town, MOST_PAIRS // len(town.places) - 1)
    allowed = found if asked.forbidden is None else _allowed(found, asked.forbidden)
    if allowed.empty:
        raise UserError(
            f"no candidate: all {len(found)} are forbidden; hand in others, or forbid less"
        )
    if len(allowed) < len(found):
        told.append(f"{len(found) - len(allowed)} of {len(found)} candidates are forbidden")
    return allowed.reset_index(drop=True), told


def _near_people(town: Town, most: int) -> tuple[pd.DataFrame, list[str]]:
    """The crossing nearest to each inhabited cell, or its centre where there are no roads."""
    found = _beside(town, town.places)
    if len(found) <= most:
        return found, []
    some = _beside(town, _spread(town.places)).head(max(most, 1))
    return some, [
        f"{len(found):,} candidates are too many for {len(town.places):,} places: {len(some):,} are"
        " taken, at least one in each part of the city, the others near the most people"
    ]


def _beside(town: Town, chosen: pd.DataFrame) -> pd.DataFrame:
    if town.network is None:
        sites, what = chosen[["latitude", "longitude"]].reset_index(names="id"), "cell"
    else:
        near = pd.unique(snap(town.network, chosen["latitude"], chosen["longitude"]).node)
        sites, what = town.network.nodes.iloc[near].reset_index(names="id"), "crossing"
    sites["id"] = sites["id"].astype(str)
    return sites.assign(name=f"{what} " + sites["id"])[list(COLUMNS)]


def _spread(places: pd.DataFrame) -> pd.DataFrame:
    """First the fullest place of each coarser cell, then all others, each by people."""
    finest = max(grid.size(cell) for cell in places.index)
    size = max(finest - _PART, grid.COARSEST)
    parents = [
        cell if grid.size(cell) <= size else str(grid.climb([cell], size)[0])
        for cell in places.index
    ]
    order = places.assign(parent=parents).sort_values("people", ascending=False, kind="stable")
    is_more = order.duplicated("parent")
    return pd.concat([order[~is_more], order[is_more]]).drop(columns="parent")


def _allowed(found: pd.DataFrame, forbidden: Forbidden) -> pd.DataFrame:
    known = set(found["id"])
    for own in forbidden.ids:
        if own not in known:
            hint = did_you_mean(own, known)
            raise UserError(
                f"{forbidden.path}: {own!r} is none of the {len(known)} candidates{hint}"
            )
    is_out = found["id"].isin(forbidden.ids).to_numpy()
    for area in forbidden.areas:
        is_out |= shapely.intersects_xy(
            area, found["longitude"].to_numpy(float), found["latitude"].to_numpy(float)
        )
    return found[~is_out]
