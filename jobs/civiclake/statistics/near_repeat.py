"""Whether what is near in space is near in time: Knox's test, by distance and time in bands.

Sources: E. Knox, "The detection of space-time interactions", Applied Statistics 13 (1964), pp.
25-29; its Monte Carlo form by J. Besag and P. Diggle, "Simple Monte Carlo tests for spatial
pattern", Applied Statistics 26 (1977), pp. 327-333; bands as J. Ratcliffe's calculator has them.
Times are dealt out among the places where something did happen, so that nothing is simulated
outside of the study area; the seed is kept, and times that come in are left as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from civiclake.errors import UserError
from civiclake.statistics.measured import Floats, Integers, floats, same_length

MOST_PAIRS = 5_000_000
"""Pairs within the widest distance."""
RUNS = 999
SEED = 1964


@dataclass(frozen=True)
class Bands:
    """Pairs by how far and how long they are apart."""

    rows: pd.DataFrame
    """``from_m``, ``to_m``, ``from_days``, ``to_days``, ``pairs``, ``expected`` (mean of the runs),
    ``ratio`` (missing where nothing is expected) and ``p`` (one-sided)."""
    count: int
    """Incidents."""
    runs: int
    gap: str | None = None


def near_repeats(
    x_m: Iterable[Any],
    y_m: Iterable[Any],
    at_days: Iterable[Any],
    to_m: Sequence[float],
    to_days: Sequence[float],
    *,
    runs: int = RUNS,
    seed: int = SEED,
) -> Bands:
    """Pairs of incidents in each band of distance and of time, against times dealt out anew.

    Args:
        x_m: east, on a plane, metres.
        y_m: north.
        at_days: when, in days from any day on.
        to_m: upper bounds of the bands of distance, inclusive; the first begins with 0.
        to_days: upper bounds of the bands of time, likewise.
        runs: how often times are dealt out anew.
        seed: of the dealing.

    Raises:
        UserError: columns differ in length, a value is not finite, bounds do not rise, or there
            are more pairs than the method takes.
    """
    x, y, at = floats("x", x_m), floats("y", y_m), floats("days", at_days)
    same_length(x=x, y=y, days=at)
    far, long = _bounds("metres", to_m), _bounds("days", to_days)
    if runs < 1:
        raise UserError(f"{runs} runs: at least 1 is allowed")
    pairs, metres = _pairs(np.column_stack([x, y]), float(far[-1]))
    band = np.searchsorted(far, metres, side="left")
    seen = _counted(band, at, pairs, far, long)
    dealt, as_many = np.zeros_like(seen, dtype=float), np.zeros_like(seen)
    chance = np.random.default_rng(seed)
    for _ in range(runs):
        now = _counted(band, chance.permutation(at), pairs, far, long)
        dealt += now
        as_many += now >= seen
    expected, p = dealt / runs, (as_many + 1) / (runs + 1)
    gap = None if len(pairs) else "no two incidents lie within the widest distance"
    return Bands(_table(far, long, seen, expected, p), len(at), runs, gap)


def _bounds(what: str, given: Sequence[float]) -> Floats:
    found = floats(what, given, lowest=0)
    if not len(found) or (np.diff(found) <= 0).any():
        raise UserError(f"{what}: {list(given)} should be bounds that rise, such as [100, 200]")
    return found


def _pairs(spots: Floats, within: float) -> tuple[Integers, Floats]:
    tree = cKDTree(spots) if len(spots) else None
    close = 0 if tree is None else (int(tree.count_neighbors(tree, within)) - len(spots)) // 2
    if close > MOST_PAIRS:
        raise UserError(
            f"{close} pairs of incidents within {within:g} m: up to {MOST_PAIRS} are allowed; take"
            " a shorter time or distance"
        )
    if tree is None or not close:
        return np.empty((0, 2), dtype=np.int64), np.empty(0)
    pairs = tree.query_pairs(within, output_type="ndarray").astype(np.int64)
    return pairs, np.hypot(*(spots[pairs[:, 0]] - spots[pairs[:, 1]]).T)


def _counted(band: Any, at: Floats, pairs: Integers, far: Floats, long: Floats) -> Integers:
    """Pairs by band of distance (rows) and of time."""
    apart = np.abs(at[pairs[:, 0]] - at[pairs[:, 1]])
    time = np.searchsorted(long, apart, side="left")
    some = time < len(long)
    cells = np.bincount(band[some] * len(long) + time[some], minlength=len(far) * len(long))
    return np.asarray(cells.reshape(len(far), len(long)), dtype=np.int64)


def _table(far: Floats, long: Floats, seen: Integers, expected: Floats, p: Floats) -> pd.DataFrame:
    rows, columns = (side.ravel() for side in np.indices(seen.shape))
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.where(expected > 0, seen / expected, np.nan)
    return pd.DataFrame(
        {
            "from_m": np.append(0, far[:-1])[rows],
            "to_m": far[rows],
            "from_days": np.append(0, long[:-1])[columns],
            "to_days": long[columns],
            "pairs": seen.ravel(),
            "expected": expected.ravel(),
            "ratio": ratio.ravel(),
            "p": p.ravel(),
        }
    )
