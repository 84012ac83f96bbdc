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
    near_m = float(parameter(parameters, "stop_near_m", STOP_NEAR_M))
    found = [
        _ending(days, last),
        _of_trips(plans, days, last),
        _of_stops(inputs, passages, last, near_m),
        _windows(inputs),
        _unseen(passages, days),
    ]
    every = reduce(DataFrame.unionByName, found)
    return every.crossJoin(F.broadcast(last))


def _named(word: str, column: str) -> Column:
    return F.concat(F.lit(word), F.col(column).cast("string"))


def _rule(rule_id: str, looked: Column, broken: Column, example: Column) -> Column:
    """What a rule found in rows, of those that it looks at."""
    is_broken = looked & broken
    return F.struct(
        F.lit(rule_id).alias("rule_id"),
        F.count_if(looked).alias("checked"),
        F.count_if(is_broken).alias("found"),
        F.max(F.when(is_broken, example)).alias("example"),
    )


def _told(some: DataFrame, *rules: Column) -> DataFrame:
    """All rules of some rows in one pass over them."""
    return some.agg(F.array(*rules).alias("rules")).select(F.inline("rules"))


def _ending(days: DataFrame, last: DataFrame) -> DataFrame:
    end = days.agg(F.max("day").alias("end")).where("end IS NOT NULL").crossJoin(last)
    left = F.date_diff("end", "day")
    there = F.lit(True)
    rules = [
        F.struct(
            F.lit(f"feed_expiration_date{within}_days").alias("rule_id"),
            F.count_if(there).alias("checked"),
            F.count_if(left <= within).alias("found"),
            F.max(F.col("end").cast("string")).alias("example"),
        )
        for within in (7, 30)
    ]
    return _told(end, *rules)


def _of_trips(plans: DataFrame, days: DataFrame, last: DataFrame) -> DataFrame:
    """Trips by themselves, by line and service, and beside those that leave the same minute."""
    today = (
        days.join(F.broadcast(last), "day", "left_semi")
        .select("service_id", F.lit(True).alias("is_today"))
        .distinct()
    )
    of_line = Window.partitionBy(*_KEY)
    runs = F.coalesce("is_today", F.lit(False)) & (F.col("calls") > 1) & ~F.col("is_frequent")
    minute = F.floor(F.col("first.departure_s") / 60)
    alike = Window.partitionBy("leaves", "line_id", "direction_id", "first.stop_id", minute)
    some = (
        plans.join(F.broadcast(today), "service_id", "left")
        .withColumn("leaves", runs & F.col("first.departure_s").isNotNull())
        .withColumns(
            {
                "alike": F.count("*").over(alike),
                "often": F.bool_or("is_frequent").over(of_line),
                "own": F.bool_or(~F.col("is_frequent")).over(of_line),
                "is_line": F.row_number().over(of_line.orderBy("trip_id")) == 1,
            }
        )
    )
    trip, line = _named("trip ", "trip_id"), _named("line ", "line_id")
    mixed, twice = "civiclake_frequencies_and_trips_mixed", "civiclake_overlapping_timetables"
    return _told(
        some,
        _rule("unusable_trip", F.lit(True), F.col("calls") < 2, trip),
        _rule(mixed, F.col("is_line"), F.col("often") & F.col("own"), line),
        _rule(twice, F.col("leaves"), F.col("alike") > 1, trip),
    )


def _of_stops(
    inputs: Mapping[str, DataFrame], passages: DataFrame, last: DataFrame, near_m: float
) -> DataFrame:
    """Stops of lines far from their line, and stops that the timetable has not any more."""
    now = inputs[timetable.STOPS].select("stop_id", F.lit(True).alias("is_there"))
    of_stop = Window.partitionBy("stop_id")
    some = (
        passages.groupBy("line_id", "direction_id", "stop_id")
        .agg(F.max("beside_m").alias("beside_m"), F.max("day").alias("seen"))
        .crossJoin(F.broadcast(last))
        .join(F.broadcast(now), "stop_id", "left")
        .withColumns(
            {
                "ago": F.date_diff("day", F.max("seen").over(of_stop)),
                "is_stop": F.row_number().over(of_stop.orderBy("line_id", "direction_id")) == 1,
            }
        )
    )
    example = F.concat(
        F.lit("stop "), "stop_id", F.lit(" is "), F.round("beside_m").cast("int").cast("string"),
        F.lit(" m from line "), "line_id",
    )  # fmt: skip
    recent = F.col("is_stop") & (F.col("ago") <= CHANGED_DAYS)
    stop = _named("stop ", "stop_id")
    return _told(
        some,
        _rule("stop_too_far_from_shape", F.lit(True), F.col("beside_m") > near_m, example),
        _rule("civiclake_ids_changed", recent, F.col("is_there").isNull(), stop),
    )


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
    trip = _named("trip ", "trip_id")
    return _told(judged, _rule("overlapping_frequency", F.lit(True), F.col("broken"), trip))


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
    unseen, day = F.col("is_seen").isNull(), F.col("day").cast("string")
    return _told(some, _rule("civiclake_day_without_positions", F.lit(True), unseen, day))
