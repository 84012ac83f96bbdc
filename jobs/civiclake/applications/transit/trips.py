"""``transit_trips``: what became of each planned trip, and what ran without a plan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from civiclake.applications.transit import positions, timetable
from civiclake.applications.transit.calls import PASSAGES

OBSERVED, MISSED, UNSCHEDULED = "observed", "missed", "unscheduled"
CANCELLED, WITHOUT_STOPS = "cancelled", "without_stops"
_KEYS = ("day", "trip_id", "run")


def build(inputs: Mapping[str, DataFrame], parameters: Mapping[str, Any]) -> DataFrame:
    """One row for each day, trip and run.

    Args:
        inputs: the timetable, the positions (who was cancelled) and ``transit_passages``.
        parameters: ``timezone``; ``day_turns_s``.
    """
    passages = inputs[PASSAGES]
    driven = _driven(passages)
    stopless = _without_stops(inputs, passages)
    cancelled = (
        inputs[positions.POSITIONS]
        .where("trip_schedule_relationship = 'CANCELED' AND trip_id IS NOT NULL")
        .select(positions.service_day(parameters).alias("day"), "trip_id")
        .distinct()
        .withColumn("is_cancelled", F.lit(True))
    )
    return (
        driven.unionByName(stopless, allowMissingColumns=True)
        .join(F.broadcast(cancelled), ["day", "trip_id"], "left")
        .withColumn("status", _status())
        .drop("is_cancelled")
    )


def _status() -> Column:
    return (
        F.when(F.col("is_cancelled"), CANCELLED)
        .when(F.col("stops") == 0, WITHOUT_STOPS)
        .when(F.col("scheduled_start").isNull(), UNSCHEDULED)
        .when(F.col("positions_near") > 0, OBSERVED)
        .otherwise(MISSED)
    )


def _driven(passages: DataFrame) -> DataFrame:
    def at(column: str, end: str) -> Column:
        return (F.min_by if end == "first" else F.max_by)(column, "stop_sequence")

    seen = F.struct("stop_sequence", "observed_at", "delay_s")
    timed = F.when(F.col("observed_at").isNotNull(), seen)
    first, last = F.min(timed), F.max(timed)
    metres = F.max("along_m") - F.min("along_m")
    planned_s = F.unix_seconds(at("scheduled_at", "last")) - F.unix_seconds(
        at("scheduled_at", "first")
    )
    return passages.groupBy(*_KEYS).agg(
        F.first("line_id").alias("line_id"),
        F.first("direction_id").alias("direction_id"),
        F.first("is_exact").alias("is_exact"),
        F.first("vehicle_id").alias("vehicle_id"),
        F.first("matched_by").alias("matched_by"),
        F.count("*").cast("int").alias("stops"),
        F.count("observed_at").cast("int").alias("stops_observed"),
        F.first("positions").alias("positions"),
        F.first("positions_near").alias("positions_near"),
        (F.first("positions_near") / F.nullif(F.first("positions"), F.lit(0))).alias("near_share"),
        at("scheduled_at", "first").alias("scheduled_start"),
        at("scheduled_at", "last").alias("scheduled_end"),
        first["observed_at"].alias("observed_start"),
        last["observed_at"].alias("observed_end"),
        planned_s.cast("double").alias("planned_s"),
        F.avg("delay_s").alias("delay_mean_s"),
        first["delay_s"].alias("delay_first_s"),
        last["delay_s"].alias("delay_last_s"),
        metres.alias("distance_m"),
    )


def _without_stops(inputs: Mapping[str, DataFrame], passages: DataFrame) -> DataFrame:
    """Trips of the same days that the timetable names and gives no way: they stay, empty."""
    days = passages.select("day").distinct()
    running = timetable.service_days(inputs).join(F.broadcast(days), "day")
    return (
        inputs[timetable.TRIPS]
        .join(F.broadcast(running), "service_id")
        .join(passages.select("day", "trip_id").distinct(), ["day", "trip_id"], "left_anti")
        .select(
            "day",
            "trip_id",
            F.lit(0).alias("run"),
            F.col("route_id").alias("line_id"),
            F.coalesce("direction_id", F.lit(timetable.NO_DIRECTION))
            .cast("int")
            .alias("direction_id"),
            F.lit(True).alias("is_exact"),
            *(F.lit(0).alias(n) for n in ("stops", "stops_observed", "positions")),
            F.lit(0).alias("positions_near"),
        )
    )
