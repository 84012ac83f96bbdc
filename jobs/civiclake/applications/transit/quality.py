"""``transit_feed_quality``: what is wrong with timetable and positions, by rule and day."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from civiclake.applications.transit import positions, quality_timetable, timetable
from civiclake.applications.transit.calls import PASSAGES
from civiclake.applications.transit.quality_rules import RULES
from civiclake.applications.transit.timetable import parameter

OLDEST_S = 90
"""GTFS-Realtime's best practices: a position is at most so old when it is published."""
FASTEST_M_PER_S = 26.0
"""60 miles an hour, as the validator has it (W004)."""
AROUND_DEGREES = 0.0018
"""An eighth of a mile, by which the validator widens the area of the stops (E028)."""
KEYS = ("day", "rule_id", "checked", "found", "example")


def build(inputs: Mapping[str, DataFrame], parameters: Mapping[str, Any]) -> DataFrame:
    """One row for each service day of positions and rule, also for rules that held.

    Args:
        inputs: the positions, ``transit_passages`` and the timetable.
        parameters: ``timezone``, ``day_turns_s``; ``near_m``, ``stop_near_m``;
            ``oldest_position_s``, ``fastest_m_per_s``.
    """
    found = [
        _positions(inputs, parameters),
        _beside(inputs),
        quality_timetable.build(inputs, parameters),
    ]
    every = reduce(DataFrame.unionByName, (one.select(*KEYS) for one in found))
    told = {"found": F.col("found").cast("string"), "checked": F.col("checked").cast("string"),
            "example": F.coalesce("example", F.lit("none"))}  # fmt: skip
    sentence = _of_rule("sentence")
    for name, value in told.items():
        sentence = F.replace(sentence, F.lit(f"{{{name}}}"), value)
    return every.select(
        *KEYS,
        _of_rule("feed").alias("feed"),
        _of_rule("severity").alias("severity"),
        (F.col("found") / F.nullif("checked", F.lit(0))).alias("found_share"),
        sentence.alias("sentence"),
    )


def _of_rule(what: str) -> Column:
    pairs = [F.lit(text) for rule_id, rule in RULES.items() for text in (rule_id, rule[what])]
    return F.create_map(*pairs)[F.col("rule_id")]


def _positions(inputs: Mapping[str, DataFrame], parameters: Mapping[str, Any]) -> DataFrame:
    oldest = int(parameter(parameters, "oldest_position_s", OLDEST_S))
    fastest = float(parameter(parameters, "fastest_m_per_s", FASTEST_M_PER_S))
    age = F.unix_seconds("feed_timestamp") - F.unix_seconds("timestamp")
    named, line = F.col("trip_id").isNotNull(), F.col("route_id").isNotNull()
    is_added = F.coalesce(F.col("trip_schedule_relationship") == "ADDED", F.lit(False))
    rules = {
        "civiclake_position_too_old": (age.isNotNull(), age > oldest),
        "E050": (age.isNotNull(), positions.is_future()),
        "W004": (F.col("speed_m_per_s").isNotNull(), F.col("speed_m_per_s") > fastest),
        "W006": (F.lit(True), ~named),
        "E003": (named, F.col("known_trip").isNull() & ~is_added),
        "E004": (line, F.col("known_line").isNull()),
        "E028": (F.lit(True), ~_inside()),
        "civiclake_position_without_service": (F.lit(True), F.col("has_service").isNull()),
    }
    rows = [
        F.struct(
            F.lit(rule_id).alias("rule_id"),
            F.count_if(looked).alias("checked"),
            F.count_if(looked & broken).alias("found"),
            F.max(F.when(looked & broken, _example())).alias("example"),
        )
        for rule_id, (looked, broken) in rules.items()
    ]
    return (
        _with_known(inputs, parameters)
        .groupBy("day")
        .agg(F.array(*rows).alias("rows"))
        .select("day", F.inline("rows"))
    )


def _with_known(inputs: Mapping[str, DataFrame], parameters: Mapping[str, Any]) -> DataFrame:
    """Positions with their trip and line, if the timetable has them, and the area of its stops."""
    trips = inputs[timetable.TRIPS]
    days = timetable.service_days(inputs).select("day", F.lit(True).alias("has_service")).distinct()
    lines = trips.select("route_id").distinct().withColumn("known_line", F.lit(True))
    area = inputs[timetable.STOPS].agg(
        F.min("stop_lat").alias("south"),
        F.max("stop_lat").alias("north"),
        F.min("stop_lon").alias("west"),
        F.max("stop_lon").alias("east"),
    )
    return (
        positions.delivered(inputs)
        .withColumn("day", positions.service_day(parameters))
        .join(F.broadcast(days), "day", "left")
        .join(
            F.broadcast(trips.select("trip_id", F.lit(True).alias("known_trip"))), "trip_id", "left"
        )
        .join(F.broadcast(lines), "route_id", "left")
        .crossJoin(F.broadcast(area))
    )


def _inside() -> Column:
    around = F.lit(AROUND_DEGREES)
    return F.col("latitude").between(F.col("south") - around, F.col("north") + around) & F.col(
        "longitude"
    ).between(F.col("west") - around, F.col("east") + around)


def _example() -> Column:
    when = F.date_format("timestamp", "yyyy-MM-dd HH:mm:ss")
    trip = F.coalesce("trip_id", F.lit("no trip"))
    return F.concat(F.lit("vehicle "), "vehicle_id", F.lit(" ("), trip, F.lit(") at "), when)


def _beside(inputs: Mapping[str, DataFrame]) -> DataFrame:
    """Positions far from their trip's line: those that are near are counted, never assumed."""
    of_trip = inputs[PASSAGES].groupBy("day", "trip_id", "run").agg(
        F.max("positions").alias("positions"), F.max("positions_near").alias("near")
    )  # fmt: skip
    far = F.col("positions") - F.col("near")
    return of_trip.groupBy("day").agg(
        F.lit("E029").alias("rule_id"),
        F.sum("positions").alias("checked"),
        F.sum(far).alias("found"),
        F.max(F.when(far > 0, F.concat(F.lit("trip "), "trip_id"))).alias("example"),
    )
