"""Transit's functions of DataFrames on Cairns' timetable; golden cases hold those of positions."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from civiclake.applications.transit import offered, timetable
from civiclake.statistics import timetable as methods

CAIRNS = Path(__file__).parents[1] / "reference" / "cairns" / "cairns_gtfs.zip"
DAYS = ("start_date", "end_date", "date")
NUMBERS = {"stop_sequence": "int", "shape_pt_sequence": "int", "direction_id": "int",
           "exception_type": "int", "stop_lat": "double", "stop_lon": "double",
           "shape_pt_lat": "double", "shape_pt_lon": "double",
           **dict.fromkeys(methods.WEEKDAYS, "int")}  # fmt: skip


def _table(name: str) -> pd.DataFrame:
    with zipfile.ZipFile(CAIRNS) as feed, feed.open(f"{name}.txt") as file:
        return pd.read_csv(file, dtype=str)


@pytest.fixture(scope="module")
def cairns(spark: SparkSession) -> Iterator[dict[str, DataFrame]]:
    found = {}
    for name in ("routes", "trips", "stops", "stop_times", "shapes", "calendar", "calendar_dates"):
        frame = spark.createDataFrame(_table(name).replace({np.nan: None}))
        for column in frame.columns:
            if column in DAYS:
                frame = frame.withColumn(column, F.to_date(column, "yyyyMMdd"))
            elif column in NUMBERS:
                frame = frame.withColumn(column, F.col(column).cast(NUMBERS[column]))
        found[f"transport.{name}"] = frame.cache()
    found[timetable.FREQUENCIES] = spark.createDataFrame(
        [], "trip_id string, start_time string, end_time string, headway_secs int, exact_times int"
    )
    yield found
    for frame in found.values():
        frame.unpersist()


def test_days_of_cairns_are_those_of_the_method(cairns: dict[str, DataFrame]) -> None:
    mine = timetable.service_days(cairns).toPandas().rename(columns={"day": "date"})
    mine["date"] = pd.to_datetime(mine["date"])
    want = methods.service_days(_table("calendar"), _table("calendar_dates"))
    pd.testing.assert_frame_equal(
        mine.sort_values(["service_id", "date"], ignore_index=True), want, check_dtype=False
    )


def test_what_cairns_offers_is_what_gtfs_kit_finds(cairns: dict[str, DataFrame]) -> None:
    each = offered.of_trips(cairns).toPandas()
    assert len(each) == 1339
    assert each["distance_km"].sum() == pytest.approx(30592.796, abs=5e-4)
    assert each["duration_h"].sum() == pytest.approx(991.1, abs=1e-9)
    day = offered.build(cairns, {}).where("day = '2014-05-26'").toPandas().set_index("line_id")
    whole = day.loc["*"]
    assert (whole["trips"], whole["lines"], whole["vehicles_at_peak"]) == (622, 20, 39)
    assert whole["speed_kmh"] == pytest.approx(29.1452, abs=5e-5)
    assert day.loc["110-423", "headway_mean_minutes"] == pytest.approx(29.9556, abs=5e-5)
