"""Where much lies together: Getis and Ord's Gi and Gi*, with the rate of false discoveries told.

Sources: J. Ord and A. Getis, "Local spatial autocorrelation statistics", Geographical Analysis 27
(1995), pp. 286-306, equations 5 and 7 (weights of 0 and 1); P. Moran, "Notes on continuous
stochastic phenomena", Biometrika 37 (1950), pp. 17-23, its variance under normality by A. Cliff and
J. Ord, "Spatial Autocorrelation" (1973), with rows of weights that add to 1; Y. Benjamini and Y.
Hochberg, "Controlling the false discovery rate", Journal of the Royal Statistical Society B 57
(1995), pp. 289-300. One place without a value makes a statistic of the whole map undefined, and a
place without neighbours has none: both are taken out first, and are told as not assessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_array
from scipy.spatial import cKDTree
from scipy.special import ndtr
from scipy.stats import false_discovery_control

from civiclake.errors import UserError
from civiclake.statistics.measured import Flags, Floats, floats, nullable, same_length

Neighbours = Sequence[Sequence[int]]
"""Of each place, by number."""
LEAST = 3
"""Places without which there is nothing to compare one with."""
MISSING = "has no value"
ISLAND = "has no neighbour with a value"
FEW = f"fewer than {LEAST} places can be compared"
FLAT = "all places that it is compared with have the same value"
ALL = "all others are its neighbours: there is nothing to compare it with"


@dataclass(frozen=True)
class Local:
    """A statistic of each place."""

    z: Floats
    """Standard deviations above what is expected without any pattern; NaN where not assessed."""
    p: Floats
    """Two-sided, by the normal distribution; NaN where not assessed."""
    gaps: tuple[str | None, ...]
    """Why a place is not assessed."""

    @property
    def is_assessed(self) -> Flags:
        """By place."""
        return np.asarray([gap is None for gap in self.gaps], dtype=np.bool_)


@dataclass(frozen=True)
class Global:
    """One statistic of all places."""

    value: float | None
    expected: float | None
    z: float | None
    p: float | None
    """Two-sided."""
    count: int
    """Places that were assessed."""
    left_out: int
    gap: str | None = None


def near(x_m: Iterable[Any], y_m: Iterable[Any], within_m: float) -> list[list[int]]:
    """The places within a distance of each, itself not among them.

    Raises:
        UserError: a position is not finite, or the distance is not above 0.
    """
    if not within_m > 0:
        raise UserError(f"within {within_m} m: above 0 is allowed")
    spots = np.column_stack([floats("x", x_m), floats("y", y_m)])
    around = cKDTree(spots).query_ball_point(spots, within_m) if len(spots) else []
    return [sorted(int(n) for n in set(there) - {own}) for own, there in enumerate(around)]


def getis_ord(values: Iterable[Any], neighbours: Neighbours, *, with_self: bool) -> Local:
    """How much lies around each place, compared with all others.

    Args:
        values: of each place; missing ones are not assessed.
        neighbours: of each place.
        with_self: whether a place is its own neighbour (Gi*) or not (Gi).

    Raises:
        UserError: there are not as many values as places, or a statistic is not finite.
    """
    own, kept, gaps = _assessed(values, neighbours)
    z = np.full(len(gaps), np.nan)
    if len(kept) < LEAST:
        return Local(z, z.copy(), tuple(gap or FEW for gap in gaps))
    weights = _weights(neighbours, kept)
    found = _scores(own[kept], weights, with_self)
    links = np.asarray(weights.sum(axis=1))
    for place, links_of in zip(kept[np.isnan(found)], links[np.isnan(found)], strict=True):
        gaps[place] = ALL if links_of >= len(kept) - 1 else FLAT
    if not np.isfinite(found[~np.isnan(found)]).all():
        raise UserError("hot spots: a score is not finite; smaller values are wanted")
    z[kept] = found
    return Local(z, 2 * ndtr(-np.abs(z)), tuple(gaps))


def _assessed(
    values: Iterable[Any], neighbours: Neighbours
) -> tuple[Floats, Any, list[str | None]]:
    """All values, the places that can be assessed, and why the others cannot."""
    own = nullable(values)
    same_length(values=own, neighbours=neighbours)
    there = np.isfinite(own)
    gaps = [
        MISSING if not there[place] else None if there[list(around)].any() else ISLAND
        for place, around in enumerate(neighbours)
    ]
    return own, np.flatnonzero([gap is None for gap in gaps]), gaps


def _weights(neighbours: Neighbours, kept: Any) -> Any:
    """1 for a neighbour, by number among the places that are kept."""
    number = np.full(len(neighbours), -1)
    number[kept] = np.arange(len(kept))
    pairs = [(number[one], number[other]) for one in kept for other in set(neighbours[one])]
    rows, columns = (np.asarray(side, dtype=np.int64) for side in zip(*pairs, strict=True))
    some = columns >= 0
    ones = np.ones(int(some.sum()))
    return csr_array((ones, (rows[some], columns[some])), shape=(len(kept), len(kept)))


def _scores(own: Floats, weights: Any, with_self: bool) -> Floats:
    """Equation 5 (Gi), or 7 (Gi*), of Ord and Getis; NaN where it has no variance."""
    around, links = weights @ own, np.asarray(weights.sum(axis=1))
    total, squares, others = own.sum(), (own**2).sum(), len(own) - 1
    if with_self:
        around, links, others = around + own, links + 1, len(own)
        mean = np.full(len(own), total / others)
        spread = np.full(len(own), squares / others) - mean**2
    else:
        mean = (total - own) / others
        spread = (squares - own**2) / others - mean**2
    # What floating point leaves of a variance of none.
    spread = np.where(spread > 1e-12 * np.maximum(mean**2, 1e-300), spread, np.nan)
    free = (others * links - links**2) / (others - 1)
    apart: Floats = around - links * mean
    return np.asarray(apart / np.sqrt(spread * np.where(free > 0, free, np.nan)), dtype=np.float64)


def discoveries(local: Local, rate: float) -> Flags:
    """Places that stand out, of which at most such a share is expected to by chance.

    Raises:
        UserError: the rate is no share between 0 and 1.
    """
    if not 0 < rate < 1:
        raise UserError(f"false discoveries: {rate} is no share; above 0 and below 1 is allowed")
    found = np.zeros(len(local.p), dtype=np.bool_)
    if local.is_assessed.any():
        found[local.is_assessed] = false_discovery_control(local.p[local.is_assessed]) <= rate
    return found


def moran(values: Iterable[Any], neighbours: Neighbours) -> Global:
    """Whether places are like their neighbours (Moran's I, each place's neighbours alike in sum).

    Raises:
        UserError: there are not as many values as places.
    """
    own, kept, gaps = _assessed(values, neighbours)
    count, left_out = len(kept), len(gaps) - len(kept)
    if count < LEAST + 1 or np.ptp(own[kept]) == 0:
        gap = FEW if count < LEAST + 1 else "all places have the same value"
        return Global(None, None, None, None, count, left_out, gap)
    weights = _weights(neighbours, kept)
    weights = weights.multiply(1 / np.asarray(weights.sum(axis=1))[:, None]).tocsr()
    apart = own[kept] - own[kept].mean()
    index = float(apart @ (weights @ apart) / (apart @ apart))
    expected = -1 / (count - 1)
    both = weights + weights.T
    s1 = float((both.multiply(both)).sum() / 2)
    s2 = float((np.asarray(both.sum(axis=1)) ** 2).sum())
    variance = (count**2 * s1 - count * s2 + 3 * count**2) / ((count**2 - 1) * count**2)
    z = (index - expected) / float(np.sqrt(variance - expected**2))
    return Global(index, expected, z, float(2 * ndtr(-abs(z))), count, left_out)
