"""``transit_lines``: each line and direction by day and hours: on time, waits, bunching, trips."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from civiclake.applications.transit import calls
from civiclake.applications.transit.trips import MISSED, OBSERVED, UNSCHEDULED

TRIPS = "marts.transit_trips"
_KEYS = ["day", "line_id", "direction_id", "hours"]


def build(inputs: Mapping[str, DataFrame], parameters: Mapping[str, Any]) -> DataFrame:
    """One row for each day, line, direction and band of hours, and for the whole day.

    Args:
        inputs: ``transit_passages`` and ``transit_trips``.
        parameters: ``timezone``; ``early_seconds``, ``late_seconds``, ``late_seconds_narrow``;
            ``frequent_headway_s``, ``bunched_ratio``, ``gapped_ratio``; ``late_share``,
            ``bunched_share``, ``least_calls``.
    """
    some = calls.with_headways(calls.calls(inputs, parameters))
    by_hours = calls.twice(some, calls.band(F.col("hour")))
    at_stops = by_hours.groupBy(*_KEYS).agg(*calls.delays(parameters), *calls.headways(parameters))
    return (
        _of_trips(inputs[TRIPS], str(parameters["timezone"]))
        .join(at_stops, _KEYS, "full")
        .withColumns(calls.verdicts(parameters))
    )


def _of_trips(trips: DataFrame, timezone: str) -> DataFrame:
    begins = F.coalesce("scheduled_start", "observed_start")
    hour = F.hour(F.from_utc_timestamp(begins, timezone))
    whole = F.col("stops_observed") == F.col("stops")
    took = F.unix_micros("observed_end") / 1e6 - F.unix_micros("observed_start") / 1e6
    ran = F.when(whole, took)
    mean, high = F.avg(ran), F.percentile(ran, F.lit(0.95))
    status = F.col("status")
    some = calls.twice(trips.where(begins.isNotNull()), calls.band(hour))
    return some.groupBy(*_KEYS).agg(
        F.count_if(status != UNSCHEDULED).cast("int").alias("trips_planned"),
        F.count_if(status == OBSERVED).cast("int").alias("trips_observed"),
        F.count_if(status == MISSED).cast("int").alias("trips_missed"),
        F.count_if(status == "cancelled").cast("int").alias("trips_cancelled"),
        F.count_if(status == UNSCHEDULED).cast("int").alias("trips_unscheduled"),
        mean.alias("running_mean_s"),
        high.alias("running_p95_s"),
        ((high - mean) / F.nullif(mean, F.lit(0.0))).alias("buffer_index"),
    )
