"""Where the new ones may stand: what is handed in, or crossings near who lives there."""

from __future__ import annotations

import numpy as np
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
        most = MOST_PAIRS // max(len(town.places), 1) - 1
        found, told = _near_people(town, most)
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
    chosen = town.places
    size = max(grid_size(chosen), grid.COARSEST)
    while len(chosen) > most and size > grid.COARSEST:
        size -= 1
        chosen = _fullest(town.places, size)
    told = (
        [f"{len(town.places):,} inhabited cells are too many candidates: {len(chosen):,} are"
         f" taken, the fullest of each cell of size {size}"]
        if len(chosen) < len(town.places)
        else []
    )  # fmt: skip
    if town.network is None:
        sites = chosen[["latitude", "longitude"]].reset_index(names="id")
    else:
        near = np.unique(snap(town.network, chosen["latitude"], chosen["longitude"]).node)
        sites = town.network.nodes.iloc[near].reset_index(names="id")
    sites["id"] = sites["id"].astype(str)
    return sites.assign(name=sites["id"])[list(COLUMNS)], told


def grid_size(places: pd.DataFrame) -> int:
    """The finest size of the places' cells."""
    sizes = {grid.size(cell) for cell in places.index}
    return max(sizes)


def _fullest(places: pd.DataFrame, size: int) -> pd.DataFrame:
    """Of the places in each coarser cell the one with the most people."""
    parents = [
        cell if grid.size(cell) <= size else str(grid.climb([cell], size)[0])
        for cell in places.index
    ]
    order = places.assign(parent=parents).sort_values("people", ascending=False, kind="stable")
    return order.drop_duplicates("parent").sort_index().drop(columns="parent")


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
