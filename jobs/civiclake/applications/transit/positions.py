"""Where vehicles were seen, each position with the service day that it belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from civiclake.applications.transit.timetable import parameter, seconds

POSITIONS = "transport.vehicle_positions"
FUTURE_S = 60
"""A position so much later than the snapshot that it came in has a wrong clock (rule E050)."""


def service_day(parameters: Mapping[str, Any]) -> Column:
    """The service day: the one that the feed says, or the local day of some hours earlier.

    A bus at 00:30 mostly ends yesterday's trip: the day turns at ``day_turns_s`` (03:00).
    """
    local = F.from_utc_timestamp("timestamp", parameters["timezone"])
    turns = int(parameter(parameters, "day_turns_s", 3 * 3600))
    turned = F.to_date(local - F.make_dt_interval(secs=F.lit(turns)))
    return F.coalesce(_plain_day(F.col("start_date")), turned)


def _plain_day(text: Column) -> Column:
    """``20160301`` as a day, else null; a pattern's parser takes a microsecond, a cast a tenth."""
    parts = F.concat(
        F.substring(text, 1, 4),
        F.lit("-"),
        F.substring(text, 5, 2),
        F.lit("-"),
        F.substring(text, 7, 2),
    )
    return F.when(F.length(text) == 8, parts.try_cast("date"))


def delivered(inputs: Mapping[str, DataFrame]) -> DataFrame:
    """The positions, with the moment of their snapshot (null where the city does not keep it)."""
    some = inputs[POSITIONS]
    if "feed_timestamp" in some.columns:
        return some
    return some.withColumn("feed_timestamp", F.lit(None).cast("timestamp"))


def is_future() -> Column:
    """Whether a position is later than its snapshot by more than clocks may differ."""
    ahead = F.unix_seconds("timestamp") - F.unix_seconds("feed_timestamp")
    return F.coalesce(ahead > FUTURE_S, F.lit(False))


def seen(inputs: Mapping[str, DataFrame], parameters: Mapping[str, Any]) -> DataFrame:
    """Positions that can be meant.

    Returns:
        ``day``, ``trip_id``, ``start_s`` (of a run by frequency), ``line_id`` (unless a trip of
        the timetable is said to be run), ``direction_id``, ``vehicle_id``, ``at_s`` (seconds since
        1970 in UTC), ``latitude``, ``longitude``.
    """
    # What the feed names is not asked where it is: texts are what a position weighs.
    is_named = F.col("trip_id").isNotNull() & F.col("trip_schedule_relationship").eqNullSafe(
        "SCHEDULED"
    )
    return (
        delivered(inputs)
        .where(~is_future())
        .select(
            service_day(parameters).alias("day"),
            "trip_id",
            seconds(F.col("start_time")).alias("start_s"),
            F.when(~is_named, F.col("route_id")).alias("line_id"),
            F.col("direction_id").cast("int").alias("direction_id"),
            "vehicle_id",
            (F.unix_micros("timestamp") / 1e6).alias("at_s"),
            F.col("latitude").cast("double").alias("latitude"),
            F.col("longitude").cast("double").alias("longitude"),
        )
    )
