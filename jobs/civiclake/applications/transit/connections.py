"""``transit_connections``: whether who changes lines at a stop gets the bus of the timetable.

The definition is that of :mod:`civiclake.statistics.transfers`, as a join that Spark adds up; a
test holds them equal.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from civiclake.applications.transit import calls
from civiclake.applications.transit.timetable import parameter

_FROM = ["from_line_id", "from_direction_id"]
_TO = ["to_line_id", "to_direction_id"]
_STOP = ["day", "stop_id"]


def build(inputs: Mapping[str, DataFrame], parameters: Mapping[str, Any]) -> DataFrame:
    """One row for each day, stop and pair of lines between which the timetable has a connection.

    Args:
        inputs: ``transit_passages``.
        parameters: ``timezone``; ``change_least_s``, what changing takes (60); ``change_most_s``,
            the longest planned wait, counted from the arrival (900).
    """
    least = float(parameter(parameters, "change_least_s", 60))
    most = float(parameter(parameters, "change_most_s", 900))
    some = calls.calls(inputs, parameters).where("is_exact AND scheduled_at IS NOT NULL")
    some = some.withColumns(
        {"planned_s": _second("scheduled_at"), "real_s": _second("observed_at")}
    )
    arrivals, departures = _arrivals(some), _departures(some, most)
    every = arrivals.groupBy(*_STOP, *_FROM).agg(F.count("*").cast("int").alias("arrivals_planned"))
    counted = _counted(_followed(arrivals, departures, least, most), least)
    return counted.join(every, [*_STOP, *_FROM])


def _second(column: str) -> Column:
    return F.unix_micros(column) / 1e6


def _arrivals(some: DataFrame) -> DataFrame:
    """Calls at which passengers get off."""
    return some.where(~F.col("is_first")).select(
        *_STOP,
        F.col("line_id").alias(_FROM[0]),
        F.col("direction_id").alias(_FROM[1]),
        "trip_id",
        "run",
        "stop_sequence",
        F.col("planned_s").alias("comes_s"),
        F.col("real_s").alias("came_s"),
    )


def _departures(some: DataFrame, most: float) -> DataFrame:
    return some.where(~F.col("is_last")).select(
        *_STOP,
        F.col("line_id").alias(_TO[0]),
        F.col("direction_id").alias(_TO[1]),
        F.col("planned_s").alias("goes_s"),
        F.col("real_s").alias("went_s"),
        F.floor(F.col("planned_s") / most).alias("slice"),
    )


def _followed(arrivals: DataFrame, departures: DataFrame, least: float, most: float) -> DataFrame:
    """Each arrival with the first departure of each other line that it can reach."""
    # Only departures of the slices of time that it may go on in are looked at.
    slices = [F.floor((F.col("comes_s") + wait) / most) for wait in (least, most)]
    arrivals = arrivals.withColumn("slice", F.explode(F.array_distinct(F.array(*slices))))
    wait = F.col("goes_s") - F.col("comes_s")
    first = F.min(F.struct("goes_s", "went_s"))
    return (
        arrivals.join(departures, [*_STOP, "slice"])
        .where((F.col(_FROM[0]) != F.col(_TO[0])) & wait.between(least, most))
        .groupBy(*_STOP, *_FROM, *_TO, "trip_id", "run", "stop_sequence")
        .agg(
            F.first("comes_s").alias("comes_s"),
            F.first("came_s").alias("came_s"),
            first.alias("first"),
        )
        .select("*", "first.*")
    )


def _counted(followed: DataFrame, least: float) -> DataFrame:
    left = F.col("went_s") - F.col("came_s")
    is_kept, is_missed = F.count_if(left >= least), F.count_if(left < least)
    return followed.groupBy(*_STOP, *_FROM, *_TO).agg(
        F.count("*").cast("int").alias("connections_planned"),
        is_kept.cast("int").alias("connections_kept"),
        is_missed.cast("int").alias("connections_missed"),
        (F.count("*") - is_kept - is_missed).cast("int").alias("connections_untold"),
        (is_kept / F.nullif(is_kept + is_missed, F.lit(0))).alias("kept_share"),
        F.avg(F.col("goes_s") - F.col("comes_s")).alias("wait_planned_s"),
        F.avg(F.when(left >= least, left)).alias("wait_kept_s"),
    )
