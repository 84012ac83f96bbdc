"""``transit_trend``: each line's day beside the day before, the week before, and where it goes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import partial
from typing import Any

import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from civiclake.applications.transit import calls
from civiclake.applications.transit.timetable import parameter
from civiclake.statistics import trend
from civiclake.statistics.measured import Measured

LINES = "marts.transit_lines"
MEASURES = ("on_time_share", "delay_mean_s", "excess_wait_s", "running_mean_s", "missed_share")
_WEEK = timedelta(days=7)
_COLUMNS = (
    "day date, line_id string, direction_id int, measure string, figure double,"
    " day_before double, change_day double, week_before double, change_week double,"
    " weeks int, trend_per_week double, gap string"
)


def build(inputs: Mapping[str, DataFrame], parameters: Mapping[str, Any]) -> DataFrame:
    """One row for each day, line, direction and measure.

    Args:
        inputs: ``transit_lines``.
        parameters: ``weeks``, of which like weekdays make the trend, that of the day among them
            (8).
    """
    weeks = int(parameter(parameters, "weeks", 8))
    missed = F.col("trips_missed") / F.nullif(F.col("trips_planned"), F.lit(0))
    whole = (
        inputs[LINES]
        .where(F.col("hours") == calls.WHOLE_DAY)
        .withColumn("missed_share", missed)
        .select("day", "line_id", "direction_id", *MEASURES)
    )
    compute = partial(of_line, weeks=weeks)
    return whole.groupBy("line_id", "direction_id").applyInPandas(compute, _COLUMNS)


def of_line(some: pd.DataFrame, weeks: int) -> pd.DataFrame:
    """The days of one line and direction, each beside those before it.

    Args:
        some: ``day``, ``line_id``, ``direction_id`` and the measures.
        weeks: how many like weekdays make a trend.
    """
    found = [row for measure in MEASURES for row in _of_measure(some, measure, weeks)]
    return pd.DataFrame(found, columns=[column.split()[0] for column in _COLUMNS.split(", ")])


def _of_measure(some: pd.DataFrame, measure: str, weeks: int) -> Iterator[dict[str, Any]]:
    line, direction = some["line_id"].iloc[0], some["direction_id"].iloc[0]
    by_day = dict(zip(some["day"], some[measure].astype("float64"), strict=True))
    for day, figure in by_day.items():
        like = [by_day.get(day - n * _WEEK) for n in range(weeks)]
        before = by_day.get(day - timedelta(days=1))
        told = {
            "change_day": trend.difference(figure, before, "the day before"),
            "change_week": trend.difference(figure, like[1] if weeks > 1 else None,
                                            "the week before"),
            "trend_per_week": trend.sen_slope(range(0, -weeks, -1), like),
        }  # fmt: skip
        yield {
            "day": day,
            "line_id": line,
            "direction_id": direction,
            "measure": measure,
            "figure": figure,
            "day_before": before,
            "week_before": by_day.get(day - _WEEK),
            "weeks": told["trend_per_week"].count,
            **{name: one.value for name, one in told.items()},
            "gap": _gap(told),
        }


def _gap(told: Mapping[str, Measured]) -> str | None:
    """Why figures are missing, each reason once."""
    gaps = dict.fromkeys(one.gap for one in told.values() if one.gap)
    return "; ".join(gaps) or None
