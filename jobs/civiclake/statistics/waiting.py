"""What passengers wait for: headways, expected and excess waiting time, bunching, buffer.

Sources: E. Osuna and G. Newell, "Control strategies for an idealized public transportation
system", Transportation Science 6 (1972), pp. 52-72 (the mean wait of passengers who come at
random); excess wait as Transport for London reports it for frequent buses (actual less scheduled
wait); headway adherence: TCRP Report 165, "Transit Capacity and Quality of Service Manual", 3rd
edition (2013), chapter 5; buffer index: Federal Highway Administration, "Travel Time Reliability:
Making It There On Time, All The Time" (2006).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from civiclake.errors import UserError
from civiclake.statistics.measured import Floats, Measured, floats, known, nullable, same_length

MINUTE_S = 60


def headways_minutes(
    times_s: Iterable[Any], streams: Iterable[Any] | None = None, *, zero_too: bool = True
) -> Floats:
    """Minutes from each departure to the next one of its stream.

    Args:
        times_s: departures of one stop, in any order; what is missing is left out.
        streams: of each departure, what a passenger would tell apart (line, direction).
        zero_too: whether two at the same second count, as a headway of 0.
    """
    times = nullable(times_s)
    names = np.zeros(len(times)) if streams is None else np.asarray([str(s) for s in streams])
    same_length(times_s=times, streams=names)
    parts = [np.diff(np.sort(times[(names == n) & np.isfinite(times)])) for n in np.unique(names)]
    found = np.concatenate([*parts, np.empty(0)]) / MINUTE_S
    return found if zero_too else found[found > 0]


def expected_wait(headways: Iterable[Any]) -> Measured:
    """Mean wait of a passenger who comes at random: 0.5 h (1 + cv²), in the headways' unit.

    That is sum(h²) / (2 sum(h)): long headways meet more passengers than short ones.
    """
    found, missing = known(headways)
    if not len(found) or not found.sum() > 0:
        return Measured(None, "no headway to wait in", len(found), missing)
    return Measured(float((found**2).sum() / (2 * found.sum())), None, len(found), missing)


def excess_wait(actual: Iterable[Any], scheduled: Iterable[Any]) -> Measured:
    """How much longer passengers wait than the timetable would let them: below 0 if less."""
    mine, planned = expected_wait(actual), expected_wait(scheduled)
    if mine.value is None or planned.value is None:
        which = "observed" if mine.value is None else "scheduled"
        return Measured(None, f"no {which} headway", mine.count, mine.left_out)
    return Measured(mine.value - planned.value, None, mine.count, mine.left_out)


def variation(values: Iterable[Any]) -> Measured:
    """Coefficient of variation: the population's standard deviation over the mean."""
    found, missing = known(values)
    if not len(found) or not found.mean() > 0:
        return Measured(None, "no value above 0", len(found), missing)
    return Measured(float(found.std() / found.mean()), None, len(found), missing)


def headway_adherence(actual: Iterable[Any], scheduled: Iterable[Any]) -> Measured:
    """Standard deviation of (actual - scheduled headway) over the mean scheduled headway.

    Args:
        actual: headways as observed.
        scheduled: for each of them, the one that was planned.
    """
    mine, planned = floats("actual", actual, lowest=0), floats("scheduled", scheduled, lowest=0)
    same_length(actual=mine, scheduled=planned)
    if not len(planned) or not planned.mean() > 0:
        return Measured(None, "no scheduled headway", len(mine))
    return Measured(float((mine - planned).std() / planned.mean()), None, len(mine))


def buffer_index(durations: Iterable[Any], percentile: float = 95) -> Measured:
    """The time to add so as to be late once in twenty, as a share: (P95 - mean) / mean."""
    found, missing = known(durations)
    if not len(found) or not found.mean() > 0:
        return Measured(None, "no duration above 0", len(found), missing)
    high = float(np.percentile(found, percentile))
    return Measured(float((high - found.mean()) / found.mean()), None, len(found), missing)


@dataclass(frozen=True)
class Spacing:
    """How a line's vehicles follow each other."""

    headways: int
    bunched: int
    """So close to the one before that it comes almost empty."""
    gapped: int

    @property
    def bunched_share(self) -> float | None:
        """None without a headway."""
        return self.bunched / self.headways if self.headways else None

    @property
    def gapped_share(self) -> float | None:
        """None without a headway."""
        return self.gapped / self.headways if self.headways else None


def spacing(
    actual: Iterable[Any], scheduled: Iterable[Any], bunched: float = 0.5, gapped: float = 1.5
) -> Spacing:
    """Count headways under ``bunched`` and over ``gapped`` times the scheduled ones.

    Raises:
        UserError: a headway is missing or negative, or the bounds are not in order.
    """
    if not 0 <= bunched < gapped:
        raise UserError(f"bounds {bunched} and {gapped}: 0 <= bunched < gapped is allowed")
    mine, planned = floats("actual", actual, lowest=0), floats("scheduled", scheduled, lowest=0)
    same_length(actual=mine, scheduled=planned)
    return Spacing(
        len(mine), int((mine < bunched * planned).sum()), int((mine > gapped * planned).sum())
    )
