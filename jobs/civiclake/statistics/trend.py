"""How a figure goes on from week to week: like days with like days, and by what it changes.

Source: P. Sen, "Estimates of the regression coefficient based on Kendall's tau", Journal of the
American Statistical Association 63 (1968), pp. 1379-1389: the median of the slopes between all
pairs, which one bad day does not turn. scipy's ``theilslopes`` computes it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from scipy.stats import theilslopes

from civiclake.statistics.measured import Measured, nullable, same_length

LEAST = 3
"""Fewer points have a difference and no trend."""


def sen_slope(times: Iterable[Any], values: Iterable[Any]) -> Measured:
    """Change of a value for each unit of time; points without a value are left out.

    Args:
        times: of each value, such as weeks.
        values: may be missing.
    """
    when, found = nullable(times), nullable(values)
    same_length(times=when, values=found)
    known = np.isfinite(found) & np.isfinite(when)
    count, missing = int(known.sum()), int((~known).sum())
    if count < LEAST:
        return Measured(None, f"{count} of the {LEAST} days that a trend takes", count, missing)
    if np.ptp(when[known]) == 0:
        return Measured(None, "all of one time", count, missing)
    return Measured(float(theilslopes(found[known], when[known])[0]), None, count, missing)


def difference(value: Any, before: Any, which: str) -> Measured:
    """What a value is more than one before it.

    Args:
        value: of now; None where there is none.
        before: of then.
        which: what then was, for the gap.
    """
    now, then = nullable([value, before])
    if not np.isfinite(now):
        return Measured(None, "no figure of the day")
    if not np.isfinite(then):
        return Measured(None, f"no figure of {which}")
    return Measured(float(now - then), None, 2)
