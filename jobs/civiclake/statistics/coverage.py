"""How much of what happens is within reach of the posts, hour by hour.

Source: R. Church and C. ReVelle, "The maximal covering location problem", Papers in Regional
Science 32 (1974), pp. 101-118, for which places count as covered; the places of posts themselves
are :mod:`civiclake.statistics.siting`'s.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from civiclake.errors import UserError
from civiclake.statistics.measured import Flags, Floats

Table = npt.NDArray[np.float64]
EMPTY = "nothing happened at this time"
NO_POST = "there is no post"


@dataclass(frozen=True)
class Hour:
    """What is within reach at one time."""

    demand: float
    covered: float
    share: float | None
    mean_minutes: float | None
    """From the nearest post, of what has a way to any."""
    gap: str | None = None


def covered(minutes: Table, within: float) -> Flags:
    """Places that some post reaches in time.

    Args:
        minutes: from each post (column) to each place (row); NaN where there is no way.
        within: the time.

    Raises:
        UserError: it is not above 0.
    """
    if not within > 0:
        raise UserError(f"within {within} minutes: above 0 is allowed")
    return np.asarray(_nearest(minutes) <= within, dtype=np.bool_)


def by_hour(minutes: Table, demand: Table, within: float) -> list[Hour]:
    """The share of each hour's demand that is covered.

    Args:
        minutes: from each post (column) to each place (row); NaN where there is no way.
        demand: of each place (row) at each hour (column).
        within: the time in which a post should reach it.

    Raises:
        UserError: places differ in number, or the time is not above 0.
    """
    if len(minutes) != len(demand):
        raise UserError(f"{len(minutes)} places with minutes, {len(demand)} with demand")
    reached, nearest = covered(minutes, within), _nearest(minutes)
    return [
        _hour(demand[:, hour], reached, nearest, minutes.shape[1] > 0)
        for hour in range(demand.shape[1])
    ]


def _hour(demand: Floats, reached: Flags, nearest: Floats, has_posts: bool) -> Hour:
    total, held = float(demand.sum()), float(demand[reached].sum())
    if total == 0:
        return Hour(0.0, 0.0, None, None, EMPTY)
    if not has_posts:
        return Hour(total, 0.0, 0.0, None, NO_POST)
    ways = np.isfinite(nearest) & (demand > 0)
    lost = total - float(demand[ways].sum())
    mean = float(demand[ways] @ nearest[ways] / demand[ways].sum()) if ways.any() else None
    gap = f"no post has a way to {lost:g} of it" if lost > 0 else None
    return Hour(total, held, held / total, mean, gap)


def _nearest(minutes: Table) -> Floats:
    if not minutes.shape[1]:
        return np.full(len(minutes), np.inf)
    return np.asarray(np.where(np.isnan(minutes), np.inf, minutes).min(axis=1), dtype=np.float64)
