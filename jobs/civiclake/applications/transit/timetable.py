"""The timetable as one row for each trip: its stops, its line on the map, its days and runs.

Times are seconds of the service day, which is counted from noon minus twelve hours (GTFS Schedule
Reference), so that neither midnight nor a change of the clocks cuts a trip.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

ROUTES, TRIPS, STOPS = "transport.routes", "transport.trips", "transport.stops"
STOP_TIMES, SHAPES = "transport.stop_times", "transport.shapes"
CALENDAR, CALENDAR_DATES = "transport.calendar", "transport.calendar_dates"
FREQUENCIES = "transport.frequencies"

NO_DIRECTION = -1
"""Direction of trips whose timetable gives none."""
_ADDED = 1
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def seconds(text: Column) -> Column:
    """Seconds of the service day of a time such as ``25:10:00``; missing where it is none."""
    parts = F.split(F.trim(text), ":")
    hour, minute, second = (F.try_element_at(parts, F.lit(n)).try_cast("int") for n in (1, 2, 3))
    return hour * 3600 + minute * 60 + second


def service_days(inputs: Mapping[str, DataFrame]) -> DataFrame:
    """Every day of every service: ``service_id``, ``day``; from week days and exceptions."""
    exceptions = inputs[CALENDAR_DATES].select(
        "service_id", F.col("date").alias("day"), F.col("exception_type").alias("kind")
    )
    week = F.array(*(F.col(name) == 1 for name in _WEEKDAYS))
    regular = (
        inputs[CALENDAR]
        .where("start_date <= end_date")
        .select(
            "service_id",
            week.alias("week"),
            F.explode(F.sequence("start_date", "end_date")).alias("day"),
        )
        .where(F.element_at("week", F.weekday("day") + 1))
        .select("service_id", "day", F.lit(0).alias("kind"))
    )
    # Of a day's kinds the greatest decides: 2 takes away what 0 (the week) or 1 has put there.
    return (
        regular.unionByName(exceptions)
        .groupBy("service_id", "day")
        .agg(F.max("kind").alias("kind"))
        .where(F.col("kind") <= _ADDED)
        .select("service_id", "day")
    )


def plans(inputs: Mapping[str, DataFrame]) -> DataFrame:
    """One row for each trip, also for one without stops.

    Returns:
        ``trip_id``, ``line_id``, ``service_id``, ``direction_id`` (:data:`NO_DIRECTION` where none
        is given), ``block_id``, ``shape_id``, ``stops`` (in order: ``stop_sequence``, ``stop_id``,
        ``latitude``, ``longitude``, ``arrival_s``, ``departure_s``), ``shape`` (in order:
        ``latitude``, ``longitude``; for one trip of each line and service, else null) and
        ``windows`` (null for a trip that runs at its own times: ``start_s``, ``end_s``,
        ``headway_s``, ``is_exact``).
    """
    trips = inputs[TRIPS].select(
        "trip_id",
        F.col("route_id").alias("line_id"),
        "service_id",
        F.coalesce("direction_id", F.lit(NO_DIRECTION)).cast("int").alias("direction_id"),
        "block_id",
        "shape_id",
    )
    return (
        trips.join(_calls(inputs), "trip_id", "left")
        .join(F.broadcast(_lines(inputs)), "trip_id", "left")
        .join(F.broadcast(_windows(inputs)), "trip_id", "left")
    )


def _calls(inputs: Mapping[str, DataFrame]) -> DataFrame:
    spots = inputs[STOPS].select(
        "stop_id", F.col("stop_lat").alias("latitude"), F.col("stop_lon").alias("longitude")
    )
    call = F.struct(
        F.col("stop_sequence").cast("int").alias("stop_sequence"),
        "stop_id",
        F.col("latitude").cast("double").alias("latitude"),
        F.col("longitude").cast("double").alias("longitude"),
        seconds(F.coalesce("arrival_time", "departure_time")).alias("arrival_s"),
        seconds(F.coalesce("departure_time", "arrival_time")).alias("departure_s"),
    )
    return (
        inputs[STOP_TIMES]
        .join(F.broadcast(spots), "stop_id")
        .groupBy("trip_id")
        .agg(F.sort_array(F.collect_list(call)).alias("stops"))
    )


def _lines(inputs: Mapping[str, DataFrame]) -> DataFrame:
    """Each shape for one trip of each line and service: a thousand trips need it once."""
    point = F.struct(
        F.col("shape_pt_sequence").cast("int").alias("sequence"),
        F.col("shape_pt_lat").cast("double").alias("latitude"),
        F.col("shape_pt_lon").cast("double").alias("longitude"),
    )
    shapes = (
        inputs[SHAPES].groupBy("shape_id").agg(F.sort_array(F.collect_list(point)).alias("shape"))
    )
    each = inputs[TRIPS].groupBy("route_id", "service_id", "shape_id")
    one = each.agg(F.min("trip_id").alias("trip_id"))
    return one.join(shapes, "shape_id").select("trip_id", "shape")


def _windows(inputs: Mapping[str, DataFrame]) -> DataFrame:
    window = F.struct(
        seconds(F.col("start_time")).alias("start_s"),
        seconds(F.col("end_time")).alias("end_s"),
        F.col("headway_secs").cast("int").alias("headway_s"),
        (F.coalesce("exact_times", F.lit(0)) == 1).alias("is_exact"),
    )
    return (
        inputs[FREQUENCIES]
        .groupBy("trip_id")
        .agg(F.sort_array(F.collect_list(window)).alias("windows"))
    )


def running(inputs: Mapping[str, DataFrame], days: Iterable[date]) -> DataFrame:
    """The services of each of these days: ``service_id``, ``day``."""
    return service_days(inputs).where(F.col("day").isin(list(days)))


def parameter(parameters: Mapping[str, Any], name: str, usual: Any) -> Any:
    """A parameter of the contract, or what is usual where it names none."""
    return parameters.get(name, usual)
