"""``marts.incident_signals``: weeks with more incidents than a place's own history lets expect."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from pyspark.sql import DataFrame

from civiclake.applications.collected import collected, spread
from civiclake.applications.safety.incidents import ALL, PLACES, incidents
from civiclake.applications.safety.parameters import number, whole
from civiclake.applications.safety.weeks import WEEK_SYSTEM, Weeks, complete_weeks
from civiclake.statistics.ears import ears, first_period
from civiclake.statistics.measured import Floats

DIVISIONS = "geography.divisions"
CITY, DISTRICT, CELL = "city", "district", "cell"
EVERYWHERE = "city"
"""The code of the city's row."""
TYPES: Mapping[str, str] = {
    "kind": "string",
    "area_type": "string",
    "area_code": "string",
    "week_start_date": "date",
    "week_system": "string",
    "method": "string",
    "incidents": "integer",
    "expected_incidents": "number",
    "upper_bound": "number",
    "score": "number",
    "is_signal": "boolean",
    "gap": "string",
}


@dataclass(frozen=True)
class Watch:
    """What is watched, and how."""

    method: str
    """Of :mod:`civiclake.statistics.ears`."""
    alpha: float
    least_sd: float
    least_incidents: int
    """Of a week that may be a signal."""
    least_on_record: int
    """Of a cell and kind that is watched."""
    weeks_shown: int


def build(inputs: Mapping[str, DataFrame], parameters: Mapping[str, Any]) -> DataFrame:
    """The last weeks of the city, each district and each cell with some history, by kind.

    Args:
        inputs: ``marts.incident_places``, ``geography.divisions``.
        parameters: ``method``, ``alpha``, ``least_sd``, ``least_incidents``, ``least_on_record``
            and ``weeks_shown``.

    Raises:
        UserError: a parameter is missing or cannot be meant.
    """
    watch = Watch(
        str(parameters.get("method")),
        number(parameters, "alpha", 0.001, below=1),
        number(parameters, "least_sd", 0.5),
        whole(parameters, "least_incidents", 3),
        whole(parameters, "least_on_record", 26),
        whole(parameters, "weeks_shown", 13),
    )
    first_period(watch.method)
    districts = collected(inputs[DIVISIONS].select("code").orderBy("code"), "divisions")["code"]
    found = signals(incidents(inputs[PLACES]), list(districts), watch)
    return spread(inputs[PLACES], found, TYPES)


def signals(rows: pd.DataFrame, districts: Sequence[str], watch: Watch) -> pd.DataFrame:
    """One row for each kind, area and shown week.

    Args:
        rows: of :func:`civiclake.applications.safety.incidents.incidents`.
        districts: codes of the divisions; they are watched with and without incidents.
        watch: how.

    Returns:
        The columns of :data:`TYPES`.
    """
    weeks = complete_weeks(rows)
    if weeks is None:
        return pd.DataFrame(columns=list(TYPES))
    parts = [
        _judged(series, counts, weeks, watch)
        for series, counts in _series(weeks, districts, watch)
        if len(series)
    ]
    return pd.concat(parts, ignore_index=True)


def _series(
    weeks: Weeks, districts: Sequence[str], watch: Watch
) -> Iterator[tuple[pd.DataFrame, Floats]]:
    """The series of each sort of area, and their counts by series and week."""
    rows = weeks.rows.assign(city=EVERYWHERE)
    reported = rows[~rows["is_discovered"].astype(bool)].assign(kind=ALL)
    every = pd.concat([reported, rows], ignore_index=True)
    kinds = [ALL, *sorted(rows["kind"].unique())]
    known = {CITY: [EVERYWHERE], DISTRICT: sorted({*districts, *rows["district_code"]})}
    for sort, column in ((CITY, "city"), (DISTRICT, "district_code"), (CELL, "cell")):
        table = every.pivot_table(
            index=["kind", column], columns="week", values="hour", aggfunc="count", fill_value=0
        ).reindex(columns=range(weeks.count), fill_value=0)
        if sort == CELL:
            table = table[table.sum(axis=1) >= watch.least_on_record]
        else:
            wanted = pd.MultiIndex.from_product([kinds, known[sort]], names=["kind", column])
            table = table.reindex(wanted, fill_value=0)
        series = table.index.to_frame(index=False).set_axis(["kind", "area_code"], axis=1)
        yield series.assign(area_type=sort), table.to_numpy(np.float64)


def _judged(series: pd.DataFrame, counts: Floats, weeks: Weeks, watch: Watch) -> pd.DataFrame:
    first = first_period(watch.method)
    found = ears(counts, watch.method, watch.alpha, watch.least_sd)
    parts = []
    for week in range(max(0, weeks.count - watch.weeks_shown), weeks.count):
        is_judged = week >= first
        seen = counts[:, week]
        parts.append(
            series.assign(
                week_start_date=weeks.monday(week),
                week_system=WEEK_SYSTEM,
                method=watch.method,
                incidents=seen.astype(np.int64),
                expected_incidents=found.expected[:, week] if is_judged else np.nan,
                upper_bound=found.upper[:, week] if is_judged else np.nan,
                score=found.score[:, week] if is_judged else np.nan,
                is_signal=is_judged & found.is_above[:, week] & (seen >= watch.least_incidents),
                gap=None if is_judged else f"only {week} weeks before it; {first} are wanted",
            )
        )
    return pd.concat(parts, ignore_index=True)
