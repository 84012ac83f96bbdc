"""How many cases there will be once all are reported: from how late cases were reported before.

Sources: J. Lawless, "Adjustments for reporting delays and the prediction of occurred but not
reported events", Canadian Journal of Statistics 22 (1994), pp. 15-31 (the share that is reported by
a delay, from the triangle of what is known); T. Mack, "Distribution-free calculation of the
standard error of chain ladder reserve estimates", ASTIN Bulletin 23 (1993), pp. 213-225 (the same
shares, and how far the expected number may be off).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from civiclake.errors import UserError
from civiclake.statistics.measured import Flags, Floats


@dataclass(frozen=True)
class Nowcast:
    """What each period of a triangle comes to when it is complete."""

    reported: Floats
    complete: Floats
    """Expected when all are reported; NaN where nothing was ever reported so early."""
    error: Floats
    """Standard error of it, by Mack; 0 where the period is complete, NaN where it is not told."""
    reported_share: Floats
    """By age of a period (0: the newest delay alone), the share that is reported by then."""


def shares(triangle: Floats) -> Floats:
    """The share of a period's cases that is reported by each delay, the last one 1.

    Args:
        triangle: new cases by period (the oldest first) and delay (0, 1, ...); NaN where that
            delay has not come yet. What comes after the last delay is not known of.

    Raises:
        UserError: it has no period that the last delay has come for, or a case is negative.
    """
    factors, _ = _developed(triangle)
    return _reached(factors)


def _reached(factors: Floats) -> Floats:
    return np.append(1 / np.cumprod(factors[::-1])[::-1], 1.0)


def nowcast(triangle: Floats) -> Nowcast:
    """Complete each period of a triangle; as :func:`shares` wants it."""
    factors, spreads = _developed(triangle)
    reached = _reached(factors)
    known = ~np.isnan(triangle)
    age = known.sum(axis=1) - 1
    reported = np.nansum(triangle, axis=1)
    share = reached[age]
    # Of what is never reported so early, nothing can be told yet.
    complete = np.where(share > 0, reported / np.where(share > 0, share, 1), np.nan)
    totals = np.where(known, np.nancumsum(triangle, axis=1), np.nan)
    return Nowcast(reported, complete, _errors(totals, age, complete, factors, spreads), reached)


def _developed(triangle: Floats) -> tuple[Floats, Floats]:
    """By delay, the factor to the next one, and the variance around it."""
    if triangle.ndim != 2 or not triangle.size or np.nanmin(triangle, initial=0) < 0:
        raise UserError("new cases by period and delay are wanted, at least 0")
    known = ~np.isnan(triangle)
    if not _is_staircase(known):
        raise UserError(
            "the triangle wants every delay that has come, and one period that all have come for"
        )
    totals = np.where(known, np.nancumsum(triangle, axis=1), np.nan)
    delays = triangle.shape[1]
    factors, spreads = np.ones(delays - 1), np.full(delays - 1, np.nan)
    for delay in range(delays - 1):
        both = known[:, delay + 1]
        before, after = totals[both, delay], totals[both, delay + 1]
        if before.sum() > 0:
            factors[delay] = after.sum() / before.sum()
        elif after.sum() > 0:
            factors[delay] = np.inf
        some = before > 0
        if some.sum() > 1:
            off = before[some] * (after[some] / before[some] - factors[delay]) ** 2
            spreads[delay] = off.sum() / (some.sum() - 1)
    if delays > 3 and np.isnan(spreads[-1]):
        # Mack, p. 217: one pair alone tells no variance.
        a, b = spreads[-2], spreads[-3]
        spreads[-1] = min(a**2 / b, a, b) if b > 0 else 0.0
    return factors, spreads


def _is_staircase(known: Flags) -> bool:
    ages = known.sum(axis=1)
    without_holes = (known == (np.arange(known.shape[1]) < ages[:, None])).all()
    return bool(without_holes and (ages > 0).all() and (ages == known.shape[1]).any())


def _errors(
    totals: Floats, age: np.ndarray, complete: Floats, factors: Floats, spreads: Floats
) -> Floats:
    known = ~np.isnan(totals)
    found = np.zeros(len(totals))
    for number, last in enumerate(age):
        expected = totals[number, last]
        share = 0.0
        for delay in range(last, len(factors)):
            behind = np.nansum(totals[known[:, delay + 1], delay])
            if expected > 0 and behind > 0:
                share += spreads[delay] / factors[delay] ** 2 * (1 / expected + 1 / behind)
            expected = expected * factors[delay] if expected else 0.0
        found[number] = complete[number] * np.sqrt(share)
    return found
