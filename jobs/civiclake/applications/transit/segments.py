"""``transit_segments``: from one stop to the next, by line, direction, day and hour."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from civiclake.applications.transit import calls

_KEYS = ["day", "line_id", "direction_id", "from_stop_id", "to_stop_id", "hours"]
_KMH = 3.6


def build(inputs: Mapping[str, DataFrame], parameters: Mapping[str, Any]) -> DataFrame:
    """One row for each day, segment of a line and hour, and for the whole day.

    A segment is late or bunched as its trips are where it ends.

    Args:
        inputs: ``transit_passages``.
        parameters: those of :func:`civiclake.applications.transit.lines.build`.
    """
    some = calls.with_headways(calls.calls(inputs, parameters))
    before = Window.partitionBy("day", "trip_id", "run").orderBy("stop_sequence")
    observed = F.unix_micros("observed_at") / 1e6
    planned = F.unix_micros("scheduled_at") / 1e6
    parts = some.withColumns(
        {
            "from_stop_id": F.lag("stop_id").over(before),
            "ran_s": observed - F.lag(observed).over(before),
            "planned_s": planned - F.lag(planned).over(before),
            "metres": F.col("along_m") - F.lag("along_m").over(before),
            "added_s": F.col("delay_s") - F.lag("delay_s").over(before),
        }
    ).where(F.col("from_stop_id").isNotNull())
    named = parts.withColumnRenamed("stop_id", "to_stop_id")
    by_hour = calls.twice(named, F.format_string("%02d", "hour"))
    ran = F.when(F.col("ran_s") > 0, F.col("ran_s"))
    moving = F.when(ran.isNotNull(), F.col("metres"))
    return (
        by_hour.groupBy(*_KEYS)
        .agg(
            F.min("stop_sequence").alias("to_stop_sequence"),
            F.avg("metres").alias("length_m"),
            F.count("ran_s").cast("int").alias("runs"),
            F.avg("ran_s").alias("running_mean_s"),
            F.percentile("ran_s", F.lit(0.95)).alias("running_p95_s"),
            F.avg("planned_s").alias("running_planned_s"),
            (
                _KMH
                * F.sum(moving)
                / F.nullif(F.sum(F.when(moving >= 0, F.col("ran_s"))), F.lit(0.0))
            ).alias("speed_kmh"),
            F.avg("added_s").alias("delay_added_s"),
            *calls.delays(parameters),
            *calls.headways(parameters),
        )
        .withColumns(calls.verdicts(parameters))
    )
