"""What of a service day is computed at once, so that it fits a worker's memory.

A day is one part until it has more than :data:`PART` positions. Then it is cut by line: a vehicle
that says its trip or its line competes with vehicles of that line alone. A day on which any
position says neither can only be told when all of its trips and vehicles are in sight.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from civiclake.applications.transit import timetable
from civiclake.errors import UserError

PART = 500_000
"""Positions of a day that are computed at once, more or less: lines are not cut."""
WHOLE = 4_000_000
"""Positions that a worker takes at most, at :data:`BYTES` each."""
BYTES = 500
"""Of a worker's memory for a position while its passages are computed, at most."""


@dataclass(frozen=True)
class Parts:
    """How days are cut."""

    days: tuple[date, ...]
    """All that anything was seen on."""
    cut: tuple[date, ...]
    """Those that are cut by line."""
    count: int
    """Into how many parts; 1 where none is cut."""

    def of(self, line: Column) -> Column:
        """The part that a line's positions and trips of a row's ``day`` belong to."""
        if not self.cut:
            return F.lit(0)
        number = F.pmod(F.xxhash64(line), F.lit(self.count)).cast("int")
        return F.when(F.col("day").isin(list(self.cut)), number).otherwise(0)


def of_days(
    inputs: Mapping[str, DataFrame], seen: DataFrame, part: int = PART, whole: int = WHOLE
) -> Parts:
    """Count what was seen, and cut what is too much for one worker.

    Args:
        inputs: the timetable.
        seen: positions, each with its ``day``.
        part: positions that are computed at once.
        whole: positions that a worker takes at most.

    Raises:
        UserError: too many positions on a day that can't be cut.
    """
    counts = {row["day"]: row["count"] for row in seen.groupBy("day").count().collect()}
    counts.pop(None, None)
    large = [day for day, count in counts.items() if count > part]
    if not large:
        return Parts(tuple(sorted(counts)), (), 1)
    told = with_line(inputs, seen.where(F.col("day").isin(large)), large)
    lost = {
        row["day"]: row["count"]
        for row in told.where("of_line IS NULL").groupBy("day").count().collect()
    }
    for day, some in lost.items():
        if counts[day] > whole:
            raise UserError(_refusal(day, counts[day], some, whole))
    cut = tuple(sorted(day for day in large if day not in lost))
    most = max((counts[day] for day in cut), default=0)
    return Parts(tuple(sorted(counts)), cut, max(math.ceil(most / part), 1))


def _refusal(day: date, count: int, lost: int, whole: int) -> str:
    return (
        f"transport.vehicle_positions, {day}: {lost:,} of {count:,} positions name neither a trip"
        f" that runs on that day nor a line (route_id). Such a day is computed in one piece, and"
        f" at most {whole:,} positions are ({whole * BYTES / 1e9:.1f} GB): have the feed name"
        " lines, or deliver fewer snapshots"
    )


def with_line(inputs: Mapping[str, DataFrame], seen: DataFrame, days: Iterable[date]) -> DataFrame:
    """Positions with ``of_line``: of the trip, if it runs that day, else what the feed says."""
    runs = timetable.running(inputs, days).select("day", "service_id", F.lit(True).alias("runs"))
    trips = inputs[timetable.TRIPS].select(
        "trip_id", "service_id", F.col("route_id").alias("trip_line")
    )
    of_line = F.coalesce(F.when(F.col("runs"), F.col("trip_line")), F.col("line_id"))
    return (
        seen.join(F.broadcast(trips), "trip_id", "left")
        .join(F.broadcast(runs), ["day", "service_id"], "left")
        .select(*(seen[name] for name in seen.columns), of_line.alias("of_line"))
    )


def cut(
    inputs: Mapping[str, DataFrame], seen: DataFrame, planned: DataFrame, parts: Parts
) -> tuple[DataFrame, DataFrame]:
    """Both with the ``part`` of their row."""
    told = (
        with_line(inputs, seen, parts.cut) if parts.cut else seen.withColumn("of_line", F.lit(""))
    )
    return (
        told.withColumn("part", parts.of(F.col("of_line"))).drop("of_line"),
        planned.withColumn("part", parts.of(F.col("line_id"))),
    )


def check(rows: int, day: Any, whole: int = WHOLE) -> None:
    """Refuse what a worker's memory is not meant for.

    Raises:
        UserError: more than ``whole`` positions.
    """
    if rows > whole:
        raise UserError(
            f"transport.vehicle_positions, {day}: lines that are computed together have {rows:,}"
            f" positions; at most {whole:,} are ({whole * BYTES / 1e9:.1f} GB of memory)"
        )
