"""How many incidents a cell will have next week, and whether that is better than its history.

Sources: S. Chainey, L. Tompson and S. Uhlig, "The utility of hotspot mapping for predicting spatial
patterns of crime", Security Journal 21 (2008), pp. 4-28 (PAI); J. Hunt, "Do crime hot spots move?"
(2016), with PEI, here against the best that so many cells could have had (PEI*); G. Mohler and M.
Porter, "Rotational grid, PAI-maximizing crime forecasts", Statistical Analysis and Data Mining 11
(2018), pp. 227-236. The forecast is an exponentially weighted mean of a cell's weeks, of which a
part is spread over its neighbours (J. Ratcliffe's near repeats), and drawn towards the mean of all
cells as far as few incidents tell little (S. Efron and C. Morris, 1973: gamma and Poisson).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln

from civiclake.errors import UserError
from civiclake.statistics.measured import Floats, floats, same_length

Table = npt.NDArray[np.float64]
"""Incidents by cell (row) and week (column), the oldest first."""
BEYOND_CHANCE = 1.645
"""Standard errors that a forecast must be ahead of another by."""
LEAST_TIMES, LEAST_COUNT = 8, 30
"""Times, and incidents in them, without which two forecasts can't be compared."""
NOTHING = "nothing happened in the time that it is scored by"


@dataclass(frozen=True)
class Recipe:
    """How the past is weighed."""

    half_life_weeks: float
    """After so many weeks an incident counts half."""
    spread: float = 0.0
    """Share of a cell's incidents that counts for its neighbours, in equal parts."""

    def __post_init__(self) -> None:
        if not 0 < self.half_life_weeks < math.inf:
            raise UserError(f"half_life_weeks: {self.half_life_weeks}; above 0 is allowed")
        if not 0 <= self.spread < 1:
            raise UserError(f"spread: {self.spread}; from 0 to below 1 is allowed")


def history(counts: Table) -> Floats:
    """The mean of each cell's weeks: what a forecast has to beat.

    Raises:
        UserError: there is no week, or a count is no number from 0 on.
    """
    return np.asarray(_table(counts).mean(axis=1), dtype=np.float64)


def forecast(counts: Table, neighbours: Sequence[Sequence[int]], recipe: Recipe) -> Floats:
    """Incidents that each cell is expected to have in the week after the last.

    Args:
        counts: by cell and week.
        neighbours: of each cell, by number.
        recipe: how the past is weighed.

    Raises:
        UserError: there is no week, a count is no number from 0 on, or cells differ in number.
    """
    table = _table(counts)
    same_length(counts=table, neighbours=neighbours)
    age = np.arange(table.shape[1] - 1, -1, -1)
    weights = 0.5 ** (age / recipe.half_life_weeks)
    seen, time = _spread(table @ weights, neighbours, recipe.spread), float(weights.sum())
    mean = float(seen.mean()) / time
    # Method of moments: what cells differ by beyond what chance alone would make them.
    chance = mean * float((weights**2).sum()) / time**2
    beyond = float(np.var(seen / time)) - chance
    if mean == 0 or beyond <= 0:
        return np.full(len(seen), mean)
    prior = mean / beyond
    return np.asarray((seen + mean * prior) / (time + prior), dtype=np.float64)


def _spread(seen: Floats, neighbours: Sequence[Sequence[int]], share: float) -> Floats:
    """What each cell keeps, and is given by its neighbours; the sum stays what it was."""
    if not share:
        return seen
    found = np.array(seen, dtype=np.float64)
    for cell, around in enumerate(neighbours):
        if len(around) and seen[cell]:
            found[cell] -= seen[cell] * share
            found[list(around)] += seen[cell] * share / len(around)
    return found


@dataclass(frozen=True)
class Score:
    """How well a forecast of one time went."""

    cells: int
    flagged: int
    """Cells that were."""
    hits: float
    """Incidents in them; where cells with the same forecast compete for the last places, what is
    expected of drawing among them."""
    most: float
    """The most incidents that so many cells had."""
    count: int
    """Incidents in all cells."""
    expected: float
    """Incidents in all cells by the forecast."""
    pai: float | None
    """Share of the incidents over share of the cells: 1 is blind chance."""
    pei: float | None
    """Hits over the most that so many cells had (PEI*)."""
    log_score: float | None
    """Mean log probability of what happened in a cell (Poisson); the higher the better."""
    calibration: float | None
    """Incidents over incidents expected: 1 is right."""
    gap: str | None = None


def score(expected: Iterable[Any], seen: Iterable[Any], share: float) -> Score:
    """Hold a forecast against what happened.

    Args:
        expected: incidents by cell.
        seen: the same, as it happened.
        share: of the cells that are flagged; at least one is.

    Raises:
        UserError: columns differ in length, there is no cell, a value is below 0, or the share is
            none.
    """
    told, came = floats("expected", expected, lowest=0), floats("seen", seen, lowest=0)
    same_length(expected=told, seen=came)
    if not len(told):
        raise UserError("forecast: there is no cell")
    if not 0 < share <= 1:
        raise UserError(f"share of cells: {share}; above 0 up to 1 is allowed")
    flagged = max(1, math.floor(share * len(told) + 1e-9))
    return _scored(
        (len(told), flagged),
        _hits(told, came, flagged),
        float(np.sort(came)[::-1][:flagged].sum()),
        (int(came.sum()), float(told.sum())),
        _log_score(told, came),
    )


def together(scores: Sequence[Score]) -> Score:
    """Several times as one: sums of hits, incidents and what was expected, not means of ratios.

    Raises:
        UserError: there is none.
    """
    if not scores:
        raise UserError("forecast: there is no time that it could be scored by")
    logs = [one.log_score for one in scores]
    return _scored(
        (sum(one.cells for one in scores), sum(one.flagged for one in scores)),
        sum(one.hits for one in scores),
        sum(one.most for one in scores),
        (sum(one.count for one in scores), sum(one.expected for one in scores)),
        None if None in logs else float(np.mean([log for log in logs if log is not None])),
    )


def _scored(
    cells: tuple[int, int],
    hits: float,
    most: float,
    counts: tuple[int, float],
    log_score: float | None,
) -> Score:
    (of_all, flagged), (total, expected) = cells, counts
    return Score(
        cells=of_all,
        flagged=flagged,
        hits=hits,
        most=most,
        count=total,
        expected=expected,
        pai=(hits / total) / (flagged / of_all) if total else None,
        pei=hits / most if most else None,
        log_score=log_score,
        calibration=total / expected if expected > 0 else None,
        gap=None if total else NOTHING,
    )


def _hits(told: Floats, came: Floats, cells: int) -> float:
    """Incidents in the cells with the highest forecasts."""
    least = np.sort(told)[::-1][cells - 1]
    sure, tied = told > least, told == least
    left = cells - int(sure.sum())
    return float(came[sure].sum() + came[tied].sum() * left / int(tied.sum()))


def _log_score(told: Floats, came: Floats) -> float | None:
    """None where something happened that the forecast called impossible."""
    if (came[told == 0] > 0).any():
        return None
    some = told > 0
    logs = came[some] * np.log(told[some]) - told[some] - gammaln(came[some] + 1)
    return float(logs.sum() / len(told))


def beats(mine: Sequence[Score], theirs: Sequence[Score]) -> bool:
    """Whether a forecast had more hits than another over the same times, and was no less likely.

    More than chance gives: what it has more in the mean is held against what the times differ by
    (a paired test, one-sided, at 5 %).

    Raises:
        UserError: they are not of as many times.
    """
    same_length(mine=mine, theirs=theirs)
    more = np.asarray([one.hits - other.hits for one, other in zip(mine, theirs, strict=True)])
    if len(more) < LEAST_TIMES or sum(one.count for one in mine) < LEAST_COUNT:
        return False
    error = float(more.std(ddof=1)) / math.sqrt(len(more))
    is_ahead = float(more.mean()) > max(BEYOND_CHANCE * error, 1e-9)
    return is_ahead and _likely(mine) >= _likely(theirs)


def _likely(scores: Sequence[Score]) -> float:
    return sum(-math.inf if one.log_score is None else one.log_score for one in scores)


def _table(counts: Table) -> Table:
    table = np.asarray(counts, dtype=np.float64)
    if table.ndim != 2 or 0 in table.shape:
        raise UserError(f"counts of shape {table.shape}: cells by weeks are wanted, one at least")
    if not np.isfinite(table).all() or (table < 0).any():
        raise UserError("counts: finite numbers from 0 on are allowed")
    return table
