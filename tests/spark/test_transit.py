"""Transit's functions of DataFrames: Cairns' timetable, and a made day against it."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import transit_made
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from civiclake.applications.transit import (
    lines,
    offered,
    passages,
    quality,
    segments,
    timetable,
    trips,
)
from civiclake.applications.transit.quality_rules import RULES
from civiclake.statistics import timetable as methods
from civiclake.statistics import waiting

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


@pytest.fixture(scope="module")
def made(spark: SparkSession) -> dict[str, DataFrame]:
    """The made day with passages and trips; each is computed once."""
    found = transit_made.inputs(spark)
    for name, build in (("passages", passages.build), ("trips", trips.build)):
        frame = build(found, transit_made.PARAMETERS)
        found[f"marts.transit_{name}"] = spark.createDataFrame(frame.toPandas(), frame.schema)
    return found


def test_each_trip_is_observed_missed_or_without_stops(made: dict[str, DataFrame]) -> None:
    found = made["marts.transit_trips"].toPandas().set_index("trip_id")
    assert len(found) == 21
    assert set(found.index[found["status"] != "observed"]) == {"late9", "empty"}
    assert found.loc["late9", "status"] == "missed"
    assert found.loc["empty", "status"] == "without_stops"
    assert found.loc["late8", "matched_by"] == "place_and_time"
    assert found.loc["late3", "delay_mean_s"] == pytest.approx(600, abs=1)
    assert found.loc["late3", "near_share"] == 1


def test_lines_are_what_the_methods_say(made: dict[str, DataFrame]) -> None:
    found = lines.build(made, transit_made.PARAMETERS).toPandas().set_index(["line_id", "hours"])
    late, bunched = found.loc[("late", "day")], found.loc[("bunched", "day")]
    assert (late["is_late"], late["is_bunched"]) == (True, False)
    assert (bunched["is_late"], bunched["is_bunched"]) == (False, True)
    assert (late["trips_planned"], late["trips_missed"], late["on_time_share"]) == (10, 1, 0)
    assert (bunched["on_time_share"], bunched["on_time_narrow_share"]) == (1, 25 / 40)
    # Stops 1 and 2 alternate; the first does not, and nobody waits at the last.
    gaps = [360.0] * 9 + ([110.0, 610.0] * 5)[:9] * 2
    plan = [360.0] * 27
    for name, want in (
        ("wait_s", waiting.expected_wait(gaps)),
        ("excess_wait_s", waiting.excess_wait(gaps, plan)),
        ("headway_adherence", waiting.headway_adherence(gaps, plan)),
    ):
        assert bunched[name] == pytest.approx(want.value, rel=1e-3), name
    spacing = waiting.spacing(gaps, plan)
    assert bunched["bunched_share"] == pytest.approx(spacing.bunched_share)
    assert bunched["gapped_share"] == pytest.approx(spacing.gapped_share)


def test_segments_tell_where_it_begins(made: dict[str, DataFrame]) -> None:
    found = segments.build(made, transit_made.PARAMETERS).where("hours = 'day'").toPandas()
    found = found.set_index(["line_id", "from_stop_id"]).sort_index()
    bunched = found.loc["bunched"]
    assert bunched["is_bunched"].tolist() == [True, True, None]  # nobody waits at the last stop
    assert bunched["delay_added_s"].tolist() == pytest.approx([125, 0, 0], abs=1)
    assert found.loc["late", "is_late"].all()
    assert found.loc[("late", "s1"), "speed_kmh"] == pytest.approx(30, rel=1e-3)
    assert found.loc[("late", "s1"), "length_m"] == pytest.approx(1000, rel=1e-4)


BAD = [
    # One that came an hour late, one of next year, one in the sea at 40 m/s, one of no known trip.
    ("old", "late0", "late", 0, "20160301", None, 0, 3600, 0.0, 0.001, 5.0, "SCHEDULED"),
    ("next", "late0", "late", 0, "20160301", None, 400 * 86400, 60, 0.0, 0.001, 5.0, "SCHEDULED"),
    ("sea", "late0", "late", 0, "20160301", None, 60, 60, -0.5, 0.001, 40.0, "SCHEDULED"),
    ("lost", "gone", "gone", 0, "20160301", None, 60, 60, 0.0, 0.001, 5.0, "SCHEDULED"),
]


def test_quality_counts_by_the_validators_rules(
    made: dict[str, DataFrame], spark: SparkSession
) -> None:
    noon = datetime(2016, 3, 1, 12, tzinfo=UTC)
    rows = [
        (*r[:6], noon + timedelta(seconds=r[6]), noon + timedelta(seconds=r[7]), *r[8:])
        for r in BAD
    ]
    given = dict(made)
    seen = made["transport.vehicle_positions"]
    given["transport.vehicle_positions"] = seen.union(spark.createDataFrame(rows, seen.schema))
    often = [("late0", "9:00:00", "9:30:00", 600, 0), ("late0", "9:20:00", "9:10:00", 600, 0)]
    given[timetable.FREQUENCIES] = spark.createDataFrame(often, made[timetable.FREQUENCIES].schema)
    day = passages.build(given, transit_made.PARAMETERS).toPandas()
    given["marts.transit_passages"] = spark.createDataFrame(
        day.replace({np.nan: None}), made["marts.transit_passages"].schema
    )
    found = quality.build(given, transit_made.PARAMETERS).toPandas().set_index("rule_id")
    assert set(found.index) == set(RULES)
    want = {"civiclake_position_too_old": 1, "E050": 1, "W004": 1, "W006": 13, "E003": 1,
            "E004": 1, "E028": 1, "unusable_trip": 1, "overlapping_frequency": 1,
            "civiclake_frequencies_and_trips_mixed": 1, "feed_expiration_date7_days": 1,
            "feed_expiration_date30_days": 1, "stop_too_far_from_shape": 0,
            "civiclake_overlapping_timetables": 0, "civiclake_ids_changed": 0,
            "civiclake_day_without_positions": 0,
            "civiclake_position_without_service": 0}  # fmt: skip
    assert {name: found.loc[name, "found"] for name in want} == want
    assert "2016-03-05" in found.loc["feed_expiration_date7_days", "sentence"]
    assert found.loc["E028", "example"].startswith("vehicle sea (late0) at 2016-03-01 12:01:00")
    assert not found["sentence"].str.contains("{", regex=False).any()
