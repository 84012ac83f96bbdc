"""``transit_stops``: how buses keep their time at each stop, and the district that it lies in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from civiclake.applications.transit import calls, timetable
from civiclake.errors import UserError
from civiclake.statistics import areas

DIVISIONS = "geography.divisions"
MOST_STOPS, MOST_DISTRICTS = 1_000_000, 10_000
"""Rows of which all are looked at in the memory of one worker."""
_KEYS = ["day", "stop_id", "hours"]
_LYING = "stop_id string, district_code string"


def build(inputs: Mapping[str, DataFrame], parameters: Mapping[str, Any]) -> DataFrame:
    """One row for each day, stop and band of hours, and for the whole day.

    Args:
        inputs: ``transit_passages``, the stops, and the districts with their boundaries.
        parameters: those of :func:`civiclake.applications.transit.lines.build`.
    """
    some = calls.with_headways(calls.calls(inputs, parameters))
    by_hours = calls.twice(some, calls.band(F.col("hour")))
    found = by_hours.groupBy(*_KEYS).agg(
        F.count_distinct("line_id").cast("int").alias("lines"),
        *calls.delays(parameters),
        *calls.spacing(parameters),
    )
    return found.join(F.broadcast(_lying(inputs)), "stop_id", "left")


def _lying(inputs: Mapping[str, DataFrame]) -> DataFrame:
    """The district that each stop lies in."""
    stops = inputs[timetable.STOPS].select("stop_id", "stop_lat", "stop_lon")
    districts = inputs[DIVISIONS].select("code", "boundary")
    everything = F.lit(0).alias("all")
    return (
        stops.groupBy(everything)
        .cogroup(districts.groupBy(everything))
        .applyInPandas(lying, _LYING)
    )


def lying(stops: pd.DataFrame, districts: pd.DataFrame) -> pd.DataFrame:
    """Stops with the code of their district; of two on whose border it lies the lower one.

    Raises:
        UserError: they are too many to be looked at at once, or a boundary is no polygon.
    """
    for some, most, what in (
        (stops, MOST_STOPS, "stops"),
        (districts, MOST_DISTRICTS, "districts"),
    ):
        if len(some) > most:
            raise UserError(f"{len(some)} {what}; at most {most} are looked at at once")
    ordered = districts.sort_values("code")
    boundaries = [text if isinstance(text, str) else None for text in ordered["boundary"]]
    number = areas.area_of(stops["stop_lat"], stops["stop_lon"], boundaries)
    codes = [*ordered["code"], None]
    return pd.DataFrame({"stop_id": stops["stop_id"], "district_code": [codes[n] for n in number]})
