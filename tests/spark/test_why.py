"""A figure leads to the rows and batches behind it, now and as it was published."""

from __future__ import annotations

import json

import pytest
from nights import city
from pyspark.sql import SparkSession
from test_mart import DAYS, MART, VISITS, Town

from civiclake.errors import UserError
from civiclake.io.lake import tables
from civiclake.pipeline.marts.why import Change, Pedigree, why
from civiclake.settings import Settings

SECOND = "day = '2016-01-02'"
CORRECTED = """date,precipitation,temp_max,temp_min,wind,weather
2016/01/02,7.5,5,1,1,rain
"""
"""What the weather service delivers again, a week later."""


@pytest.fixture(scope="module")
def told(settings: Settings, spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Town:
    """Three days were published; two visits and a correction of the second came late."""
    made = Town(settings, spark, tmp_path_factory.mktemp("told"), city().dataset(DAYS))
    made.city = city()
    for dataset_id in (VISITS, DAYS):
        made.make(dataset_id)
    made.weather("2016-01-01", "2016-01-02", "2016-01-03")
    made.visit(100, 110, "2016-01-01")
    made.visit(200, 210, "2016-01-02")
    made.refresh()
    made.visit(210, 212, "2016-01-02", code="S52")
    made.sql("UPDATE {visits} SET _batch_id = 'late' WHERE visit_id >= 'V210'")
    made.deliver(CORRECTED, at=1_452_500_000)
    corrected = made.run("corrected")
    assert (corrected.read, corrected.updated) == (1, 1)
    made.refresh()
    return made


def _why(told: Town, where: str | None = None, **asked: str) -> Pedigree:
    return why(told.spark, told.settings, told.city, MART, where, **asked)


def test_a_figure_leads_to_its_rows_and_batches(told: Town) -> None:
    found = _why(told, SECOND)
    figures = {one.column: one for one in found.figures}
    assert all(one.is_equal for one in found.figures), found.figures
    visits = figures["visits"]
    assert (visits.value, visits.rows, visits.batches) == ("12", 12, {"b": 10, "late": 2})
    assert figures["respiratory_visits"].rows == 10
    assert figures["patients"].gives == "nullif(count(DISTINCT citizen_id), 0)"
    assert figures["patients"].value == "5"
    read = {one.id: one for one in found.inputs}
    assert set(read) == {VISITS, DAYS}
    assert (read[VISITS].batches_since, read[VISITS].version) == (0, read[VISITS].newest_version)
    assert read[VISITS].at is not None
    # The query that is told is the one that an analyst runs: its rows are as many.
    place = tables.by_path(told.settings, tables.UNIFIED, "health_visits")
    again = visits.query.replace("unified.health_visits", place)
    assert told.spark.sql(again).count() == 12


def test_a_day_without_a_visit_on_record_has_gaps_and_no_zeros(told: Town) -> None:
    counted = "SELECT visits, patients, respiratory_visits FROM {mart} WHERE day = '2016-01-03'"
    assert [tuple(row) for row in told.sql(counted)] == [(None, None, None)]
    figures = {one.column: one for one in _why(told, "day = '2016-01-03'").figures}
    assert set(figures) == {"visits", "patients", "weather", "mean_age_years"}
    assert all(one.is_equal for one in figures.values())
    assert (figures["visits"].value, figures["visits"].rows) == (None, 0)


def test_what_was_published_is_told_with_what_has_changed_since(told: Town) -> None:
    first = told.sql("DESCRIBE HISTORY {mart}")[-1]
    at = str(first["timestamp"])
    for as_of in ("0", at):
        found = _why(told, SECOND, as_of=as_of)
        assert found.version.batch_id == "n1"
        assert found.newest is not None
        assert found.newest.batch_id == "n2"
        (visits,) = [one for one in found.figures if one.column == "visits"]
        assert (visits.value, visits.computed, visits.batches) == ("10", "10", {"b": 10})
        assert found.changes == [
            Change("weather", "sun", "rain"),
            Change("precipitation_mm", "0.0", "7.5"),
            Change("visits", "10", "12"),
        ]
        (read,) = [one for one in found.inputs if one.id == VISITS]
        assert read.batches_since == 2
    assert _why(told, "day = '2016-01-01'", as_of="0").changes == []


def test_without_a_row_the_whole_mart_is_told(told: Town) -> None:
    found = _why(told)
    assert (found.rows_in_all, found.figures) == (3, [])
    named = why(told.spark, told.settings, told.city, f"marts.{MART}")
    assert named.rows == found.rows
    assert found.columns[0] == "day"
    assert json.dumps(found.rows)


@pytest.mark.parametrize(
    ("where", "asked", "said"),
    [
        ("dya = '2016-01-02'", {}, "the mart's columns are"),
        ("day = '2019-01-01'", {}, "has no row where day = '2019-01-01'"),
        (SECOND, {"column": "visitz"}, "did you mean 'visits'"),
        (SECOND, {"as_of": "soon"}, "allowed are such as 12, 2016-01-02"),
        (SECOND, {"as_of": "1999-01-01"}, "is kept from version 0"),
    ],
)
def test_what_there_is_not_is_a_sentence(
    told: Town, where: str, asked: dict[str, str], said: str
) -> None:
    with pytest.raises(UserError, match=said):
        _why(told, where, **asked)


def test_a_mart_is_kept_as_long_as_its_contract_says(told: Town) -> None:
    rows = told.sql("SHOW TBLPROPERTIES {mart}")
    kept = {row["key"]: row["value"] for row in rows}
    assert kept["delta.deletedFileRetentionDuration"] == "interval 90 days"
    assert kept["delta.logRetentionDuration"] == "interval 90 days"
