"""EARS C1, C2 and C3: today against the days just before it, without years of history.

Source: L. Hutwagner et al., "The bioterrorism preparedness and response Early Aberration
Reporting System (EARS)", Journal of Urban Health 80 (2003), pp. i89-i96; the bound of C3 as
M. Salmon, D. Schumacher and M. Hoehle, "Monitoring count time series in R", Journal of
Statistical Software 70 (2016), 10, section 2.2. A period (a day, a week) is judged by the seven
before it (C1), by the seven that end two earlier (C2), or with C2's excess of the two before (C3).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import stats

from civiclake.errors import UserError
from civiclake.statistics.measured import Flags, Floats

BASELINE = 7
_LAG: Mapping[str, int] = {"C1": 0, "C2": 2, "C3": 2}
_ALPHA: Mapping[str, float] = {"C1": 0.001, "C2": 0.001, "C3": 0.025}
METHODS = tuple(_LAG)


@dataclass(frozen=True)
class Judged:
    """What was expected of each series and period; NaN in periods before :attr:`first`."""

    first: int
    """The first period that has its whole baseline."""
    expected: Floats
    """The baseline's mean."""
    room: Floats
    """What the bound lets above the expected; below 0 where C3 has had too much already."""
    upper: Floats
    """The largest count that is no signal: expected and room, but not below 0."""
    score: Floats
    """Standard deviations above what was expected (of C3, those of three periods, less one each);
    infinite where the baseline does not vary and is exceeded."""
    is_above: Flags


def first_period(method: str) -> int:
    """Periods that a series must have before the first one that the method judges.

    Raises:
        UserError: there is no such method.
    """
    if method not in _LAG:
        raise UserError(f"method {method!r}; one of {', '.join(METHODS)} is allowed")
    return BASELINE + _LAG[method] + (2 if method == "C3" else 0)


def ears(counts: Floats, method: str, alpha: float | None = None, least_sd: float = 0) -> Judged:
    """Judge every period of many series.

    Args:
        counts: by series and period (of equal length), finite and at least 0.
        method: C1, C2 or C3.
        alpha: chance of a signal where nothing is wrong, one-sided; the method's own if None
            (.001, and .025 of C3).
        least_sd: the least standard deviation that a baseline is taken to have, cases; above 0,
            the first case after a quiet week does not stand infinitely high.

    Raises:
        UserError: an unknown method, an alpha out of (0, 1), a negative ``least_sd``, or counts
            that are not finite and at least 0.
    """
    first = first_period(method)
    alpha = _ALPHA[method] if alpha is None else alpha
    if not 0 < alpha < 1 or least_sd < 0:
        raise UserError(f"alpha {alpha}, least_sd {least_sd}: between 0 and 1, and 0 or more")
    if counts.ndim != 2 or not (np.isfinite(counts).all() and (counts >= 0).all()):
        raise UserError("counts by series and period are wanted, finite and at least 0")
    mean, sd = _baselines(counts, _LAG[method])
    sd = np.maximum(sd, least_sd)
    z = float(stats.norm.isf(alpha))
    with np.errstate(divide="ignore", invalid="ignore"):
        score = np.where(counts == mean, 0.0, (counts - mean) / sd)
    score[np.isnan(mean)] = np.nan
    if method != "C3":
        room = z * sd
    else:
        # A baseline that does not vary makes its excess infinite: then every case is above.
        excess = np.maximum(score - 1, 0)
        before = np.full_like(excess, np.nan)
        before[:, 2:] = excess[:, 1:-1] + excess[:, :-2]
        with np.errstate(invalid="ignore"):
            room = np.where(sd > 0, sd * (z - before), np.where(np.isnan(before), np.nan, 0.0))
        score = excess + before
    room[:, :first] = np.nan
    upper = np.maximum(mean + room, 0)
    return Judged(first, mean, room, upper, score, counts > upper)


def _baselines(counts: Floats, lag: int) -> tuple[Floats, Floats]:
    """Mean and standard deviation of the baseline of each period; NaN where there is none."""
    mean, sd = np.full_like(counts, np.nan), np.full_like(counts, np.nan)
    periods = counts.shape[1]
    if periods > BASELINE + lag:
        windows = np.lib.stride_tricks.sliding_window_view(counts, BASELINE, axis=1)
        used = windows[:, : periods - BASELINE - lag]
        mean[:, BASELINE + lag :] = used.mean(axis=2)
        sd[:, BASELINE + lag :] = used.std(axis=2, ddof=1)
    return mean, sd
