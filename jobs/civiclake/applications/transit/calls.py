"""Calls at stops with what lines and segments both ask of them: delay, headway, hour.

Definitions are those of :mod:`civiclake.statistics.punctuality` and
:mod:`civiclake.statistics.waiting`, as sums that Spark adds up; a test holds them equal.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any, cast

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from civiclake.applications.transit.timetable import parameter

PASSAGES = "marts.transit_passages"
WHOLE_DAY = "day"
"""The band of hours that holds all of them."""
BANDS = (0, 6, 9, 16, 19, 24)
"""Hours at which another band begins: night, morning peak, midday, evening peak, evening."""

BREAK_S = 7200
"""So long after the last vehicle one without a timetable begins anew."""


def calls(inputs: Mapping[str, DataFrame], parameters: Mapping[str, Any]) -> DataFrame:
    """Passages with ``is_first``, ``is_last``, ``hour`` (local, of the plan if there is one)."""
    of_trip = Window.partitionBy("day", "trip_id", "run")
    when = F.coalesce("scheduled_at", "observed_at")
    local = F.from_utc_timestamp(when, str(parameters["timezone"]))
    return (
        inputs[PASSAGES]
        .withColumn("_least", F.min("stop_sequence").over(of_trip))
        .withColumn("_most", F.max("stop_sequence").over(of_trip))
        .withColumn("is_first", F.col("stop_sequence") == F.col("_least"))
        .withColumn("is_last", F.col("stop_sequence") == F.col("_most"))
        .withColumn("hour", F.hour(local))
        .drop("_least", "_most")
    )


def with_headways(some: DataFrame) -> DataFrame:
    """Calls with ``headway_s`` and ``scheduled_headway_s``: seconds after the one before.

    By line, direction and stop; none at a trip's last stop, where nobody waits, and none for the
    first of the day. The actual one is after the vehicle that came before, planned or not; but
    nobody has waited through a break for a vehicle that no timetable promised.
    """
    waits = F.when(~F.col("is_last"), F.lit(True))
    at_stop = ("day", "line_id", "direction_id", "stop_id", "is_last")

    def since(column: str) -> Column:
        there = Window.partitionBy(*at_stop, F.col(column).isNull()).orderBy(column)
        return F.when(
            waits & F.col(column).isNotNull(),
            _seconds(column) - F.lag(_seconds(column)).over(there),
        )

    mine = since("observed_at")
    is_wait = F.col("scheduled_at").isNotNull() | (mine <= BREAK_S)
    return some.withColumns(
        {"headway_s": F.when(is_wait, mine), "scheduled_headway_s": since("scheduled_at")}
    )


def _seconds(column: str) -> Column:
    return F.unix_micros(column) / 1e6


def band(hour: Column) -> Column:
    """The band of an hour, such as ``06-09``."""
    found: Any = F
    for first, end in itertools.pairwise(BANDS):
        found = found.when(hour < end, F.lit(f"{first:02d}-{end:02d}"))
    return cast(Column, found)


def twice(some: DataFrame, hours: Column) -> DataFrame:
    """Each row for its ``hours`` and again for the whole day."""
    return some.withColumn("hours", F.explode(F.array(hours, F.lit(WHOLE_DAY))))


def delays(parameters: Mapping[str, Any]) -> list[Column]:
    """Being on time, of what has a timetable of its own: ``calls_*``, ``delay_*_s``, shares.

    By two windows: -1 to +5 minutes, or what the contract says, and -1 to +4.
    """
    early = -int(parameter(parameters, "early_seconds", 60))
    late = int(parameter(parameters, "late_seconds", 300))
    narrow = int(parameter(parameters, "late_seconds_narrow", 240))
    delay = F.when(F.col("is_exact"), F.col("delay_s"))
    planned = F.col("is_exact") & F.col("scheduled_at").isNotNull()
    return [
        F.count_if(planned).cast("int").alias("calls_planned"),
        F.count(delay).cast("int").alias("calls_timed"),
        F.count_if(delay < early).cast("int").alias("calls_early"),
        F.count_if(delay > late).cast("int").alias("calls_late"),
        _share(F.count_if(delay.between(early, late)), F.count(delay)).alias("on_time_share"),
        _share(F.count_if(delay.between(early, narrow)), F.count(delay)).alias(
            "on_time_narrow_share"
        ),
        F.avg(delay).alias("delay_mean_s"),
        F.percentile(delay, F.lit(0.95)).alias("delay_p95_s"),
    ]


def headways(parameters: Mapping[str, Any]) -> list[Column]:
    """Following each other on one line: counts, adherence, waits, bunched and gapped shares."""
    frequent = int(parameter(parameters, "frequent_headway_s", 720))
    mine, planned = F.col("headway_s"), F.col("scheduled_headway_s")
    pair = mine.isNotNull() & planned.isNotNull()
    wait, planned_wait = _wait(mine), _wait(planned)
    is_frequent = F.avg(planned) <= frequent
    return [
        F.avg(mine).alias("headway_mean_s"),
        F.avg(planned).alias("headway_planned_s"),
        (F.stddev_pop(mine - planned) / F.nullif(F.avg(F.when(pair, planned)), F.lit(0))).alias(
            "headway_adherence"
        ),
        is_frequent.alias("is_frequent"),
        wait.alias("wait_s"),
        F.when(is_frequent, wait - planned_wait).alias("excess_wait_s"),
        *spacing(parameters),
    ]


def spacing(parameters: Mapping[str, Any]) -> list[Column]:
    """Pairs of vehicles with a plan, and the shares of them that are too near and too far."""
    near = float(parameter(parameters, "bunched_ratio", 0.5))
    far = float(parameter(parameters, "gapped_ratio", 1.5))
    mine, planned = F.col("headway_s"), F.col("scheduled_headway_s")
    both = F.count_if(mine.isNotNull() & planned.isNotNull())
    return [
        both.cast("int").alias("headways"),
        _share(F.count_if(mine < near * planned), both).alias("bunched_share"),
        _share(F.count_if(mine > far * planned), both).alias("gapped_share"),
    ]


def _share(part: Column, whole: Column) -> Column:
    return part / F.nullif(whole, F.lit(0))


def _wait(headway: Column) -> Column:
    """Mean wait of who comes at random: sum(h²) / (2 sum(h))."""
    return F.sum(headway * headway) / F.nullif(2 * F.sum(headway), F.lit(0.0))


def verdicts(parameters: Mapping[str, Any]) -> dict[str, Column]:
    """``is_late`` and ``is_bunched``, by the contract's thresholds; null for too few calls."""
    few = int(parameter(parameters, "least_calls", 5))
    late = float(parameter(parameters, "late_share", 0.25))
    bunched = float(parameter(parameters, "bunched_share", 0.15))
    is_late = F.col("calls_late") / F.col("calls_timed") >= late
    return {
        "is_late": F.when(F.col("calls_timed") >= few, is_late),
        "is_bunched": F.when(
            F.col("headways") >= few, F.col("is_frequent") & (F.col("bunched_share") >= bunched)
        ),
    }
