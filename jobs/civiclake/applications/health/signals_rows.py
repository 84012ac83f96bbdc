"""The rows of ``marts.outbreak_signals``: what was counted, what was expected, what is a signal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from civiclake.applications.health import judging
from civiclake.applications.health.counted import Counted
from civiclake.applications.health.judging import Judged
from civiclake.applications.health.watching import Watching
from civiclake.statistics.measured import Flags, Floats
from civiclake.statistics.weeks import week

TYPES: Mapping[str, str] = {
    "disease_code": "string",
    "district_code": "string",
    "period": "string",
    "starts_on": "date",
    "method": "string",
    "ends_on": "date",
    "week": "string",
    "is_citywide": "boolean",
    "former_code": "string",
    "observed": "integer",
    "reported_share": "number",
    "expected_when_complete": "number",
    "is_complete": "boolean",
    "expected": "number",
    "upper_bound": "number",
    "score": "number",
    "is_signal": "boolean",
    "is_alarm": "boolean",
    "alarm_since": "date",
    "gap": "string",
}
_SERIES = ["disease_code", "district_code"]


def signals(counted: Counted, watch: Watching) -> pd.DataFrame:
    """All rows: the last days by EARS, the last weeks by Farrington, seven days by each night.

    Returns:
        The columns of :data:`TYPES` but ``former_code``.
    """
    nights = list(judging.nights(counted, watch))
    rows = [*judging.days(counted, watch), *judging.by_week(counted, watch), *nights]
    found = pd.concat([_frame(counted, watch, one) for one in rows], ignore_index=True)
    found = found.merge(_alarms(counted, watch, nights), "left", on=[*_SERIES, "ends_on"])
    # Where no night was judged any more, a signal is all that is known.
    alarm = found["is_alarm"].astype("boolean").fillna(found["is_signal"])
    return found.assign(is_alarm=alarm.fillna(value=False))


def standing(signal: Flags, stands_nights: int) -> tuple[Flags, Floats]:
    """Where an alarm stands, by series and night, and since which night (NaN where none does).

    An alarm stands on the night of a signal and some nights after the last.
    """
    stands, since = np.zeros_like(signal), np.full(signal.shape, np.nan)
    for night in range(signal.shape[1]):
        begins = max(0, night - stands_nights)
        stands[:, night] = signal[:, begins : night + 1].any(axis=1)
        before = since[:, night - 1] if night else since[:, night]
        now = np.where(np.isnan(before), float(night), before)
        since[:, night] = np.where(stands[:, night], now, np.nan)
    return stands, since


def _alarms(counted: Counted, watch: Watching, nights: Sequence[Judged]) -> pd.DataFrame:
    names = ["ends_on", "is_alarm", "alarm_since"]
    if not nights:
        return pd.DataFrame(columns=[*_SERIES, *names])
    signal = np.column_stack([one.figures.is_signal for one in nights])
    stands, since = standing(signal, watch.alarm_stands_days)
    ends = [counted.starts(one.last) for one in nights]
    parts = [
        counted.series[_SERIES].assign(
            ends_on=ends[night],
            is_alarm=stands[:, night],
            alarm_since=pd.Series(
                [None if np.isnan(n) else ends[int(n)] for n in since[:, night]], dtype=object
            ),
        )
        for night in range(len(nights))
    ]
    return pd.concat(parts, ignore_index=True)


def _frame(counted: Counted, watch: Watching, one: Judged) -> pd.DataFrame:
    starts, ends = counted.starts(one.first), counted.starts(one.last)
    figures, share = one.figures, _share(counted, one)
    running = one.period == judging.WEEK and one.last - one.first < 6
    complete = pd.array(share >= watch.complete_from_share, dtype="boolean")
    complete[np.isnan(share)] = None
    gaps = [
        "; ".join(filter(None, (gap, *more))) or None
        for gap, more in zip(figures.gaps, _more(counted, one, share, running), strict=True)
    ]
    return counted.series.assign(
        period=one.period,
        starts_on=starts,
        method=one.method,
        ends_on=ends,
        week=week(starts, watch.by).name,
        observed=figures.observed.astype(int),
        reported_share=_finite(share),
        expected_when_complete=_finite(figures.observed / np.where(share > 0, share, np.nan)),
        is_complete=False if running else complete,
        expected=_finite(figures.expected),
        upper_bound=_finite(figures.upper),
        score=_finite(figures.score),
        is_signal=pd.arrays.BooleanArray(figures.is_signal.copy(), np.isnan(figures.upper)),
        gap=pd.Series(gaps, dtype=object),
    )


def _share(counted: Counted, one: Judged) -> Floats:
    """The share of the period's cases that is reported; ages beyond the longest delay have all."""
    newest = counted.counts.shape[1] - 1
    most = counted.reported_share.shape[1] - 1
    ages = np.minimum(newest - np.arange(one.first, one.last + 1), most)
    return np.asarray(counted.reported_share[:, ages].mean(axis=1))


def _more(
    counted: Counted, one: Judged, share: Floats, running: bool
) -> Iterator[tuple[str | None, ...]]:
    so_far = "the week is not over: its cases so far" if running else None
    future = None
    if counted.left_out and one.last == counted.counts.shape[1] - 1:
        future = f"cases left out for an onset after {counted.last_day}: {counted.left_out}"
    citywide = counted.series["is_citywide"].to_numpy()
    for number, reported in enumerate(share):
        late = None
        if np.isnan(reported):
            late = "no day of report: how many cases are still to come is not known"
        elif not reported:
            late = "no case was ever reported so early: how many will come is not known"
        yield so_far, future if citywide[number] else None, late


def _finite(values: Floats) -> Floats:
    """What is not finite is missing."""
    return np.where(np.isfinite(values), values, np.nan)
