"""Being on time, and being told the truth about it.

Sources: the windows -1/+5 and -1/+4 minutes are those of most agencies (TCRP Report 165, 2013,
chapter 5); predictions: Cal-ITP's bounds, accurate when
-60 ln(t + 1.3) < error < 60 ln(t + 1.5), with t minutes ahead and the error in seconds.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from civiclake.errors import UserError
from civiclake.statistics.measured import Flags, Measured, floats, known, same_length

EARLIEST_S, LATEST_S = -60, 300
_EARLY_SHIFT_MIN, _LATE_SHIFT_MIN = 1.3, 1.5


@dataclass(frozen=True)
class Punctuality:
    """Events by how they kept their time; the shares are of what was observed."""

    early: int
    on_time: int
    late: int
    unobserved: int
    """Without a time: cancelled, or not seen."""

    @property
    def observed(self) -> int:
        """Events that have a time."""
        return self.early + self.on_time + self.late

    @property
    def on_time_share(self) -> float | None:
        """None where nothing was observed."""
        return self.on_time / self.observed if self.observed else None

    @property
    def on_time_share_of_planned(self) -> float | None:
        """With what never came counted as not on time; None where nothing was planned."""
        planned = self.observed + self.unobserved
        return self.on_time / planned if planned else None


def punctuality(
    delays_s: Iterable[Any], earliest_s: float = EARLIEST_S, latest_s: float = LATEST_S
) -> Punctuality:
    """Sort events into early, on time (both bounds belong to it), late and unobserved.

    Args:
        delays_s: actual less scheduled; missing where there is no actual time.
        earliest_s: the least delay that is on time, below 0 for early.
        latest_s: the greatest delay that is on time.

    Raises:
        UserError: the bounds are not in order.
    """
    if earliest_s > latest_s:
        raise UserError(f"on time from {earliest_s} to {latest_s} s: the first must be smaller")
    found, missing = known(delays_s)
    early, late = int((found < earliest_s).sum()), int((found > latest_s).sum())
    return Punctuality(early, len(found) - early - late, late, missing)


def mean_delay(delays: Iterable[Any]) -> Measured:
    """Mean of what was observed, in the unit given; what has no time is told, not averaged."""
    found, missing = known(delays)
    if not len(found):
        return Measured(None, "nothing was observed", 0, missing)
    return Measured(float(found.mean()), None, len(found), missing)


def is_accurate(ahead_minutes: Iterable[Any], errors_s: Iterable[Any]) -> Flags:
    """Which predictions were accurate by Cal-ITP's bounds.

    Args:
        ahead_minutes: from the moment of the prediction to the actual arrival.
        errors_s: actual less predicted arrival; below 0 the vehicle came before its prediction,
            which is the worse case (passengers miss it) and has the tighter bound.

    Raises:
        UserError: a number is missing, or a prediction came after the arrival.
    """
    ahead = floats("ahead_minutes", ahead_minutes, lowest=0)
    errors = floats("errors_s", errors_s)
    same_length(ahead_minutes=ahead, errors_s=errors)
    low = -60 * np.log(ahead + _EARLY_SHIFT_MIN)
    high = 60 * np.log(ahead + _LATE_SHIFT_MIN)
    return np.asarray((low < errors) & (errors < high))


def accuracy(ahead_minutes: Iterable[Any], errors_s: Iterable[Any]) -> Measured:
    """The share of predictions that were accurate, by :func:`is_accurate`."""
    found = is_accurate(ahead_minutes, errors_s)
    if not len(found):
        return Measured(None, "no prediction")
    return Measured(float(found.mean()), None, len(found))
