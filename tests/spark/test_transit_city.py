"""What was made wrong with the sample city's buses is found, all of it, and nothing else."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest
import tides_package
import transit_city
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from civiclake.applications.transit import (
    connections,
    lines,
    parts,
    passages,
    positions,
    quality,
    segments,
    trips,
)
from civiclake.errors import UserError
from civiclake.statistics.transfers import connections as connections_of
from demo.city import runs
from demo.city.residents import City
from demo.city.tables import transport

CITY = City(20160101, 2000)
SUNDAY, MONDAY = 1, 2
DAYS = {day: runs.FIRST_DAY + timedelta(days=day) for day in (SUNDAY, MONDAY)}


@pytest.fixture(scope="module")
def city(spark: SparkSession) -> dict[str, DataFrame]:
    found = transit_city.inputs(spark, CITY, list(DAYS))
    for name, build in (("passages", passages.build), ("trips", trips.build)):
        made = build(found, transit_city.PARAMETERS)
        found[f"marts.transit_{name}"] = spark.createDataFrame(made.toArrow(), made.schema)
    return found


@pytest.fixture(scope="module")
def found(city: dict[str, DataFrame]) -> pd.DataFrame:
    return city["marts.transit_trips"].toPandas()


def test_missed_and_added_trips_are_told(found: pd.DataFrame) -> None:
    for day in DAYS.values():
        mine = found[found["day"] == day].set_index("trip_id")["status"]
        ran = runs.runs(CITY, day)
        assert set(mine.index[mine == "missed"]) == {t.id for t in runs.missed(CITY, day)}
        assert set(mine.index[mine == "unscheduled"]) == {
            r.trip_id for r in ran if not r.is_planned
        }
        assert set(mine) == {"observed", "missed", "unscheduled"}


def test_buses_that_do_not_say_their_trip_are_given_the_right_one(found: pd.DataFrame) -> None:
    for day in DAYS.values():
        unnamed = {r.trip_id: r.vehicle for r in runs.runs(CITY, day) if not r.is_named}
        mine = found[(found["day"] == day) & (found["matched_by"] == "place_and_time")]
        mine = mine[mine["status"] == "observed"]
        assert dict(zip(mine["trip_id"], mine["vehicle_id"], strict=True)) == unnamed


def test_times_at_stops_are_those_that_were_driven(city: dict[str, DataFrame]) -> None:
    seen = city["marts.transit_passages"].where("is_exact AND observed_at IS NOT NULL").toPandas()
    for day in DAYS.values():
        for run in (r for r in runs.runs(CITY, day) if r.is_planned and not r.start_time):
            mine = seen[(seen["day"] == day) & (seen["trip_id"] == run.trip_id)]
            mine = mine.sort_values("stop_sequence")
            assert len(mine) == len(run.times_s)
            told = mine["observed_at"].dt.tz_localize("UTC")
            off = [
                abs((a - pd.Timestamp(run.moment(b))).total_seconds())
                for a, b in zip(told, run.times_s, strict=True)
            ]
            assert all(one <= sure + 1 for one, sure in zip(off, mine["within_s"], strict=True))
            assert max(off) < 45


def test_late_lines_and_bunched_segments_are_found_and_no_others(
    city: dict[str, DataFrame],
) -> None:
    whole = F.col("hours") == "day"
    of_lines = lines.build(city, transit_city.PARAMETERS).where(whole).toPandas()
    late = of_lines[of_lines["is_late"].eq(True)]  # null is neither
    bunched = of_lines[of_lines["is_bunched"].eq(True)]
    for day in DAYS.values():
        assert set(late.loc[late["day"] == day, "line_id"]) == {runs.LATE, runs.SLOWED}
        assert set(bunched.loc[bunched["day"] == day, "line_id"]) == {runs.BUNCHED}
    parts = segments.build(city, transit_city.PARAMETERS).where(whole).toPandas()
    first = {runs.LATE: 1, **runs.SPOILT_FROM}
    stops = parts["to_stop_sequence"] - 1  # counted from 0
    for line, some in parts.groupby("line_id"):
        is_spoilt = stops[some.index] >= first.get(str(line), 99)
        assert (some["is_late"].eq(True) == (is_spoilt & (line != runs.BUNCHED))).all(), line
        is_last = stops[some.index] == stops[some.index].max()
        bunches = is_spoilt & ~is_last & (line == runs.BUNCHED)
        assert (some["is_bunched"].eq(True) == bunches).all(), line


def test_connections_are_what_the_method_says(city: dict[str, DataFrame]) -> None:
    found = connections.build(city, transit_city.PARAMETERS).toPandas()
    seen = city["marts.transit_passages"].where("is_exact AND scheduled_at IS NOT NULL").toPandas()
    for name in ("scheduled_at", "observed_at"):
        seen[name] = (seen[name] - pd.Timestamp(0)).dt.total_seconds()
    places = seen.groupby(["day", "trip_id"])["stop_sequence"].transform
    comes = seen[seen["stop_sequence"] > places("min")].groupby(BY_LINE)
    goes = seen[seen["stop_sequence"] < places("max")].groupby(BY_LINE)
    assert len(found) > 50
    for row in found.itertuples(index=False):
        arrivals = comes.get_group((row.day, row.stop_id, row.from_line_id, row.from_direction_id))
        departures = goes.get_group((row.day, row.stop_id, row.to_line_id, row.to_direction_id))
        want = connections_of(*([some["scheduled_at"], some["observed_at"]]
                                for some in (arrivals, departures)), 60, 900)  # fmt: skip
        told = (row.connections_planned, row.connections_kept, row.connections_missed)
        assert told == (want.planned, want.kept, want.missed), row
        assert row.arrivals_planned == len(arrivals)
    # Who comes by the two late lines misses what the timetable promises, and nobody else does.
    kept = found.groupby("from_line_id")[["connections_kept", "connections_missed"]].sum()
    shares = kept["connections_kept"] / kept.sum(axis=1)
    assert set(shares.index[shares < 0.5]) == {runs.LATE, runs.SLOWED}
    assert shares.drop([runs.LATE, runs.SLOWED]).min() > 0.8


BY_LINE = ["day", "stop_id", "line_id", "direction_id"]


def _with_snapshots(city: dict[str, DataFrame]) -> DataFrame:
    """Positions as a city has them that keeps when each was published."""
    line = F.col("route_id")
    ahead = F.when(line == runs.LATE, 91).when(line == runs.SLOWED, -61).otherwise(0)
    published = F.timestamp_micros(F.unix_micros("timestamp") + ahead * 1_000_000)
    return city["transport.vehicle_positions"].withColumn("feed_timestamp", published)


def test_positions_beside_the_street_are_counted(city: dict[str, DataFrame]) -> None:
    given = {**city, "transport.vehicle_positions": _with_snapshots(city)}
    found = quality.build(given, transit_city.PARAMETERS).toPandas().set_index(["rule_id", "day"])
    for number, day in DAYS.items():
        astray = sum(one.is_astray for one in transport.seen(CITY, number))
        assert found.loc[("E029", day), "found"] == astray > 0
        assert found.loc[("E028", day), "found"] == 0
        assert found.loc[("E003", day), "found"] == 0
        # One line is published a minute and a half late, another before it was driven.
        assert found.loc[("civiclake_position_too_old", day), "found"] > 10
        assert found.loc[("E050", day), "found"] > 10
        checked = found.loc[("E050", day), "checked"]
        assert checked == transport.per_day(CITY, number)
    assert found.loc["unusable_trip", "found"].tolist() == [0]


def test_the_package_of_tides_holds_what_its_schemas_say(
    city: dict[str, DataFrame], spark: SparkSession, tmp_path: Path
) -> None:
    rows = tides_package.write(spark, city, tmp_path)
    assert rows["stop_visits"] > 5000
    assert rows["vehicle_locations"] == sum(transport.per_day(CITY, day) for day in DAYS)
    assert tides_package.faults(tmp_path) == []


def test_a_day_that_is_cut_by_line_gives_the_same(city: dict[str, DataFrame]) -> None:
    # Who says neither trip nor line is left out: with them a day is not cut, or is refused.
    seen = positions.seen(city, transit_city.PARAMETERS)
    bare = seen.where("trip_id IS NULL AND line_id IS NULL").count()
    whole = parts.of_days(city, seen, part=100)
    assert bool(whole.cut) == (bare == 0)
    told = seen.where("trip_id IS NOT NULL OR line_id IS NOT NULL")
    cut = parts.of_days(city, told, part=told.count() // 6)
    assert (cut.days, cut.cut) == (tuple(DAYS.values()), tuple(DAYS.values()))
    assert cut.count >= 3
    one, many = (
        passages.in_parts(city, transit_city.PARAMETERS, told, how).toPandas()
        for how in (parts.Parts(cut.days, (), 1), cut)
    )
    keys = ["day", "trip_id", "run", "stop_sequence"]
    pd.testing.assert_frame_equal(*(f.sort_values(keys, ignore_index=True) for f in (one, many)))
    nameless = dict.fromkeys(("trip_id", "line_id"), F.lit(None).cast("string"))
    with pytest.raises(UserError, match="name neither a trip that runs on that day nor a line"):
        parts.of_days(city, seen.withColumns(nameless), part=100, whole=100)
