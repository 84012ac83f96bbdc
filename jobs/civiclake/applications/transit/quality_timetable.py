"""Rules of the timetable, as of the last day that anything was seen."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from typing import Any

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from civiclake.applications.transit import timetable
from civiclake.applications.transit.calls import PASSAGES
from civiclake.applications.transit.timetable import parameter

STOP_NEAR_M = 100.0
"""Farther from its line a stop is on none, as the GTFS validator has it."""
CHANGED_DAYS = 30
_KEY = ["line_id", "direction_id", "service_id"]


def build(inputs: Mapping[str, DataFrame], parameters: Mapping[str, Any]) -> DataFrame:
    """``day``, ``rule_id``, ``checked``, ``found``, ``example``: one row for each rule."""
    passages = inputs[PASSAGES]
    last = passages.agg(F.max("day").alias("day")).where("day IS NOT NULL")
    plans = timetable.plans(inputs).select(
        "trip_id",
        *_KEY,
        F.coalesce(F.size("stops"), F.lit(0)).alias("calls"),
        F.get("stops", F.lit(0)).alias("first"),
        F.col("windows").isNotNull().alias("is_frequent"),
    )
    days = timetable.service_days(inputs)
    found = [
        _ending(days, last, 7),
        _ending(days, last, 30),
        _told("unusable_trip", plans, F.col("calls") < 2, _named("trip ", "trip_id")),
        _far_stops(passages, float(parameter(parameters, "stop_near_m", STOP_NEAR_M))),
        _windows(inputs),
        _mixed(plans),
        _twice(plans, days, last),
        _changed(inputs, passages, last),
        _unseen(passages, days),
    ]
    every = reduce(DataFrame.unionByName, (one for one in found))
    return every.crossJoin(F.broadcast(last))


def _named(word: str, column: str) -> Column:
    return F.concat(F.lit(word), F.col(column).cast("string"))


def _told(rule_id: str, some: DataFrame, broken: Column, example: Column) -> DataFrame:
    return some.agg(
        F.lit(rule_id).alias("rule_id"),
        F.count("*").alias("checked"),
        F.count_if(broken).alias("found"),
        F.max(F.when(broken, example)).alias("example"),
    )


def _ending(days: DataFrame, last: DataFrame, within: int) -> DataFrame:
    end = days.agg(F.max("day").alias("end")).where("end IS NOT NULL").crossJoin(last)
    soon = F.date_diff("end", "day") <= within
    found = _told(f"feed_expiration_date{within}_days", end, soon, F.lit(""))
    ends = end.select(F.col("end").cast("string").alias("example"))
    return found.drop("example").crossJoin(ends.agg(F.max("example").alias("example")))


def _far_stops(passages: DataFrame, near_m: float) -> DataFrame:
    stops = passages.groupBy("line_id", "direction_id", "stop_id").agg(
        F.max("beside_m").alias("beside_m")
    )
    example = F.concat(
        F.lit("stop "), "stop_id", F.lit(" is "), F.round("beside_m").cast("int").cast("string"),
        F.lit(" m from line "), "line_id",
    )  # fmt: skip
    return _told("stop_too_far_from_shape", stops, F.col("beside_m") > near_m, example)


def _windows(inputs: Mapping[str, DataFrame]) -> DataFrame:
    some = inputs[timetable.FREQUENCIES].select(
        "trip_id",
        "headway_secs",
        timetable.seconds(F.col("start_time")).alias("start_s"),
        timetable.seconds(F.col("end_time")).alias("end_s"),
    )
    before = Window.partitionBy("trip_id").orderBy("start_s")
    broken = (
        (F.col("start_s") < F.lag("end_s").over(before))
        | (F.col("end_s") <= F.col("start_s"))
        | (F.col("headway_secs") <= 0)
    )
    judged = some.withColumn("broken", F.coalesce(broken, F.lit(False)))
    return _told("overlapping_frequency", judged, F.col("broken"), _named("trip ", "trip_id"))


def _mixed(plans: DataFrame) -> DataFrame:
    lines = plans.groupBy(*_KEY).agg(
        F.bool_or("is_frequent").alias("often"), F.bool_or(~F.col("is_frequent")).alias("own")
    )
    mixed = F.col("often") & F.col("own")
    return _told("civiclake_frequencies_and_trips_mixed", lines, mixed, _named("line ", "line_id"))


def _twice(plans: DataFrame, days: DataFrame, last: DataFrame) -> DataFrame:
    """Trips of the last day that leave the same stop on the same line in the same minute."""
    today = days.join(F.broadcast(last), "day", "left_semi").select("service_id")
    minute = F.floor(F.col("first.departure_s") / 60)
    alike = Window.partitionBy("line_id", "direction_id", F.col("first.stop_id"), minute)
    some = (
        plans.join(F.broadcast(today), "service_id", "left_semi")
        .where("calls > 1 AND NOT is_frequent AND first.departure_s IS NOT NULL")
        .withColumn("alike", F.count("*").over(alike))
    )
    return _told(
        "civiclake_overlapping_timetables", some, F.col("alike") > 1, _named("trip ", "trip_id")
    )


def _changed(inputs: Mapping[str, DataFrame], passages: DataFrame, last: DataFrame) -> DataFrame:
    since = F.date_diff("end", "day") <= CHANGED_DAYS
    before = passages.crossJoin(F.broadcast(last.select(F.col("day").alias("end")))).where(since)
    now = inputs[timetable.STOPS].select("stop_id", F.lit(True).alias("is_there"))
    some = before.select("stop_id").distinct().join(F.broadcast(now), "stop_id", "left")
    gone = F.col("is_there").isNull()
    return _told("civiclake_ids_changed", some, gone, _named("stop ", "stop_id"))


def _unseen(passages: DataFrame, days: DataFrame) -> DataFrame:
    seen = passages.select("day").distinct().withColumn("is_seen", F.lit(True))
    bounds = passages.agg(F.min("day").alias("first"), F.max("day").alias("last"))
    some = (
        days.select("day")
        .distinct()
        .crossJoin(F.broadcast(bounds))
        .where("day BETWEEN first AND last")
        .join(F.broadcast(seen), "day", "left")
    )
    unseen = F.col("is_seen").isNull()
    return _told("civiclake_day_without_positions", some, unseen, F.col("day").cast("string"))
