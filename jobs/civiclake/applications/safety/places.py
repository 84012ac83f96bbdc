"""``marts.incident_places``: each recorded incident once, on the grid, and nobody with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from civiclake.applications.safety.parameters import whole, words
from civiclake.statistics import grid

_COLUMNS = (
    "incident_id string, day date, week_start_date date, hour int, occurred_at timestamp,"
    " kind string, district_code string, latitude double, longitude double,"
    " is_discovered boolean, is_dated_ahead boolean"
)


def build(inputs: Mapping[str, DataFrame], parameters: Mapping[str, Any]) -> DataFrame:
    """When and where each incident was, local time and cell of the grid.

    Args:
        inputs: ``public_security.incidents``.
        parameters: ``timezone``, ``resolution`` of the cells, and ``discovered_kinds``: which
            patrols find by themselves instead of being told.

    Raises:
        UserError: a parameter is missing or cannot be meant.
    """
    found = words(parameters, "discovered_kinds", "[traffic]")
    local = F.from_utc_timestamp("occurred_at", str(parameters["timezone"]))
    rows = inputs["public_security.incidents"].select(
        "incident_id",
        F.to_date(local).alias("day"),
        F.to_date(F.date_trunc("week", local)).alias("week_start_date"),
        F.hour(local).alias("hour"),
        "occurred_at",
        "kind",
        "district_code",
        F.col("latitude").cast("double").alias("latitude"),
        F.col("longitude").cast("double").alias("longitude"),
        F.col("kind").isin(list(found)).alias("is_discovered"),
        # Written down before it happened: its time is wrong, and it is counted nowhere.
        (F.col("occurred_at") > F.col("updated_at")).alias("is_dated_ahead"),
    )
    size = whole(parameters, "resolution", 8)

    def on_grid(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            north, east = (batch.column(name).to_numpy() for name in ("latitude", "longitude"))
            yield batch.append_column("cell", pa.array(grid.cells(north, east, size).tolist()))

    return rows.mapInArrow(on_grid, f"{_COLUMNS}, cell string")
