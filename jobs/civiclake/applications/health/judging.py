"""Each period of all series against its own history: by day, by week, and seven days by night."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from civiclake.applications.health.counted import Counted
from civiclake.applications.health.watching import Watching
from civiclake.statistics import ears
from civiclake.statistics.farrington import Rule, judge
from civiclake.statistics.measured import Flags, Floats, Integers
from civiclake.statistics.weeks import weeks

DAY, WEEK, SEVEN_DAYS = "day", "week", "seven_days"
ORIGINAL, FLEXIBLE = "farrington", "farrington_flexible"
_LEAST_SD = 0.5
"""Of EARS' baselines, cases: or the first case after a quiet week would stand infinitely high."""


@dataclass(frozen=True)
class Figures:
    """Of one period, by series; NaN where there is nothing to compare with."""

    observed: Floats
    expected: Floats
    upper: Floats
    score: Floats
    is_signal: Flags
    gaps: Sequence[str | None]


@dataclass(frozen=True)
class Judged:
    """One period of all series by one method."""

    period: str
    method: str
    first: int
    """Number of its first day."""
    last: int
    figures: Figures


def days(counted: Counted, watch: Watching) -> Iterator[Judged]:
    """The last days by EARS C1, C2 and C3."""
    counts, size = counted.counts, counted.counts.shape[1]
    padded = np.pad(counts, ((0, 0), (6, 0)))
    of_seven = np.lib.stride_tricks.sliding_window_view(padded, 7, axis=1).sum(axis=2)
    enough = of_seven >= watch.least_cases_in_seven_days
    for method in ears.METHODS:
        first = ears.first_period(method)
        found = ears.ears(counts, method, least_sd=_LEAST_SD)
        for day in range(max(0, size - watch.days_shown), size):
            gap = f"{day} days of history; {first} are wanted" if day < first else None
            figures = Figures(
                counts[:, day],
                found.expected[:, day],
                found.upper[:, day],
                found.score[:, day],
                found.is_above[:, day] & enough[:, day],
                [gap] * len(counts),
            )
            yield Judged(DAY, method, day, day, figures)


def by_week(counted: Counted, watch: Watching) -> Iterator[Judged]:
    """The last weeks, the running one among them, by both algorithms of Farrington's."""
    named = weeks(counted.first_day, counted.last_day, watch.by)
    starts = [(one.first_day - counted.first_day).days for one in named]
    counts = np.add.reduceat(counted.counts, np.maximum(starts, 0), axis=1)
    # The first week may lack days, so it is no baseline.
    skipped = 1 if starts[0] < 0 and len(named) > 1 else 0
    counts, firsts = counts[:, skipped:], [one.first_day for one in named[skipped:]]
    begins = np.maximum(-(-counted.begins // 7) - skipped, 0)
    last = counted.counts.shape[1] - 1
    for at in range(max(0, len(firsts) - watch.weeks_shown), len(firsts)):
        first, upto = starts[skipped + at], slice(at + 1)
        for method, rule in ((ORIGINAL, watch.original), (FLEXIBLE, watch.flexible)):
            figures = _by_history(counts[:, upto], begins, rule, firsts[upto], by_c2=False)
            yield Judged(WEEK, method, max(first, 0), min(first + 6, last), figures)


def nights(counted: Counted, watch: Watching) -> Iterator[Judged]:
    """The seven days that end with each of the last days."""
    size = counted.counts.shape[1]
    for day in range(max(6, size - watch.days_shown), size):
        yield seven_days(counted, watch, day)


def seven_days(counted: Counted, watch: Watching, day: int) -> Judged:
    """The seven days that end with a day, against blocks of seven days before.

    What has too little history for Farrington's flexible algorithm is judged by EARS C2 over the
    same blocks, and says so.
    """
    blocks = (day + 1) // 7
    start = day + 1 - 7 * blocks
    counts = counted.counts[:, start : day + 1].reshape(len(counted.counts), blocks, 7).sum(axis=2)
    firsts = [counted.starts(start + 7 * n) for n in range(blocks)]
    begins = np.maximum(-(-(counted.begins - start) // 7), 0)
    figures = _by_history(counts, begins, watch.alarm, firsts, by_c2=True)
    return Judged(SEVEN_DAYS, FLEXIBLE, day - 6, day, figures)


def _by_history(
    counts: Floats, begins: Integers, rule: Rule, firsts: Sequence[date], *, by_c2: bool
) -> Figures:
    """The last period of series that need not begin together."""
    at = counts.shape[1] - 1
    size = len(counts)
    values = np.full((4, size), np.nan)
    signal, gaps = np.zeros(size, dtype=bool), np.full(size, None, dtype=object)
    for begin in np.unique(np.minimum(begins, at)):
        rows = np.flatnonzero(np.minimum(begins, at) == begin)
        found = _of_some(counts[rows][:, begin:], rule, firsts[begin:], by_c2)
        values[:, rows] = found.observed, found.expected, found.upper, found.score
        signal[rows], gaps[rows] = found.is_signal, list(found.gaps)
    observed, expected, upper, score = values
    return Figures(observed, expected, upper, score, signal, list(gaps))


def _of_some(counts: Floats, rule: Rule, firsts: Sequence[date], by_c2: bool) -> Figures:
    found = judge(counts, counts.shape[1] - 1, rule, firsts)
    if found.years or not by_c2 or counts.shape[1] <= ears.first_period("C2"):
        return Figures(
            found.observed, found.expected, found.upper, found.score, found.is_above, found.gaps
        )
    short = ears.ears(counts, "C2", least_sd=_LEAST_SD)
    enough = counts[:, -rule.of_weeks :].sum(axis=1) >= rule.least_cases
    return Figures(
        found.observed,
        short.expected[:, -1],
        short.upper[:, -1],
        short.score[:, -1],
        short.is_above[:, -1] & enough,
        [f"{gap}: judged by C2 over blocks of seven days" for gap in found.gaps],
    )
