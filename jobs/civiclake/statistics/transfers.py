"""Whether passengers who change lines get the vehicle that the timetable promises them.

Source: P. Knoppers and T. Muller, "Optimized transfer opportunities in public transport",
Transportation Science 29 (1995), pp. 101-105: a connection is the first departure of the other
line that can be reached after an arrival, and it is missed where the vehicle has gone before the
passenger is there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from civiclake.errors import UserError
from civiclake.statistics.measured import Floats, nullable, same_length


@dataclass(frozen=True)
class Connections:
    """Connections from one line to another at a stop."""

    planned: int
    kept: int
    missed: int
    planned_wait_s: Floats
    """Of each, from the planned arrival to the planned departure."""

    @property
    def untold(self) -> int:
        """Those of which one of the two vehicles was not seen at the stop."""
        return self.planned - self.kept - self.missed

    @property
    def kept_share(self) -> float | None:
        """Of those that are told; None where none is."""
        told = self.kept + self.missed
        return self.kept / told if told else None


def connections(
    arrivals: tuple[Iterable[Any], Iterable[Any]],
    departures: tuple[Iterable[Any], Iterable[Any]],
    least_s: float,
    most_s: float,
) -> Connections:
    """Follow each arrival to the first departure that the timetable lets it reach.

    Args:
        arrivals: planned and observed seconds of one line at a stop; observed ones may be missing.
        departures: likewise of the other line.
        least_s: what changing takes; both in the plan and as it ran.
        most_s: a longer planned wait, counted from the arrival, is no connection.

    Raises:
        UserError: the bounds are not in order.
    """
    if not 0 <= least_s <= most_s:
        raise UserError(f"bounds {least_s} and {most_s} s: 0 <= least <= most is allowed")
    came, really = (nullable(one) for one in arrivals)
    goes, gone = (nullable(one) for one in departures)
    same_length(planned=came, observed=really)
    same_length(planned=goes, observed=gone)
    came, really = came[np.isfinite(came)], really[np.isfinite(came)]
    goes, gone = goes[np.isfinite(goes)], gone[np.isfinite(goes)]
    order = np.argsort(goes, kind="stable")
    goes, gone = goes[order], gone[order]
    first = np.searchsorted(goes, came + least_s)
    has = first < len(goes)
    has[has] = goes[first[has]] <= came[has] + most_s
    left_s = gone[first[has]] - really[has]
    told = np.isfinite(left_s)
    kept = int((left_s[told] >= least_s).sum())
    return Connections(int(has.sum()), kept, int(told.sum()) - kept, goes[first[has]] - came[has])
