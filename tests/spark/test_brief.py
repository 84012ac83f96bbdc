"""The brief's pages are what the marts say, beside what they said before, and who delivered."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from mart_town import DAYS, MART, VISITS, Town
from nights import city
from pyspark.sql import SparkSession

from civiclake.contracts.model import Manifest, Page
from civiclake.contracts.page import Chart, Headline, Part
from civiclake.errors import UserError
from civiclake.pipeline.brief.sheet import Brief
from civiclake.pipeline.brief.write import gather, write
from civiclake.settings import Settings


def _city(*more: Part) -> Manifest:
    """The city with the page of its one mart here."""
    made = city()
    query = f"SELECT day, visits, respiratory_visits FROM marts.{MART} ORDER BY day DESC"
    headline = Headline(
        query=f"{query} LIMIT 1",
        says="On {day} there were {visits} outpatient visits, {respiratory_visits} of them for"
        " diseases of the airways",
    )
    lines = Chart(kind="lines", by="day", value="visits", says="Visits")
    by_day = Part(title="Days", query=query.replace("day,", "day, patients,"), chart=lines)
    gone = Part(title="Gone", query="SELECT n FROM marts.gone")
    query = f"SELECT day, visits FROM marts.{MART} ORDER BY day DESC"
    small = Part(title="Few", query=query, persons="visits")
    page = Page(
        application="health", title="Health", purpose="Visits.", headlines=(headline,),
        parts=(by_day, small, gone, *more),
    )  # fmt: skip
    marts = tuple(
        one.model_copy(update={"smallest_group": 11}) for one in made.marts if one.name == MART
    )
    return made.model_copy(update={"pages": (page,), "marts": marts})


@pytest.fixture(scope="module")
def told(settings: Settings, spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Town:
    made = Town(settings, spark, tmp_path_factory.mktemp("brief"), city().dataset(DAYS))
    made.city = _city()
    for dataset_id in (VISITS, DAYS):
        made.make(dataset_id)
    return made


def _brief(town: Town, later: timedelta = timedelta()) -> Brief:
    return gather(town.spark, town.settings, town.city, datetime.now(UTC) + later)


def test_pages_say_what_changed_and_what_is_missing_stale_or_too_small(told: Town) -> None:
    (sheet,) = _brief(told).sheets
    assert (sheet.changed, sheet.parts, sheet.sources) == ((), (), ())
    gone = "marts.gone has no sound contract, and what it tells is missing here"
    assert sheet.stale[0] == gone
    assert sheet.stale[1].startswith(f"marts.{MART} was never made, and what it tells is missing")
    told.weather("2016-01-01", "2016-01-02")
    told.visit(100, 110, "2016-01-01")
    told.visit(200, 212, "2016-01-02")
    told.refresh()
    (sheet,) = _brief(told).sheets
    first = "On 2016-01-02 there were 12 outpatient visits, 12 of them for diseases of the airways"
    assert sheet.changed == (f"{first}. It was published for the first time.",)
    assert sheet.stale == (gone,)
    (by_day, few) = sheet.parts
    assert [(row[0], row[2]) for row in by_day.table.rows] == [
        ("2016-01-02", 12), ("2016-01-01", 10),
    ]  # fmt: skip
    meanings = {head.name: head.meaning for head in by_day.table.heads}
    assert meanings["patients"] == "Number of different persons among them."
    assert (few.table.rows, few.table.withheld) == ((("2016-01-02", 12),), 1)
    # The query is the one to run again: it names the version.
    assert f"FROM marts.{MART} VERSION AS OF 0" in few.query
    (source,) = sheet.sources
    assert {one.id for one in source.inputs} == {VISITS, DAYS}
    assert (source.batch_id, source.method) == ("n1", "query.sql")
    # Another night.
    told.weather("2016-01-03")
    told.visit(300, 305, "2016-01-03", code="S52")
    told.refresh()
    (sheet,) = _brief(told).sheets
    second = "On 2016-01-03 there were 5 outpatient visits, 0 of them for diseases of the airways"
    assert sheet.changed[0].startswith(f"{second}. Published before (")
    assert sheet.changed[0].endswith(f"): {first}.")
    (sheet,) = _brief(told, later=timedelta(days=3)).sheets
    assert sheet.stale[1].startswith(f"marts.{MART} was brought up to date 3 days ago (")


def test_departments_are_told_without_a_value(told: Town) -> None:
    departments = {one.name: one for one in _brief(told).departments}
    visits = next(one for one in departments["health"].deliveries if one.id == VISITS)
    assert (visits.state, visits.is_late, visits.at) == ("never delivered", True, None)
    assert visits.readers == ("links.person", f"marts.{MART}")


def test_the_files_are_written_and_a_broken_query_names_its_place(
    told: Town, tmp_path: Path
) -> None:
    with told.keys():
        files = write(told.settings, told.city)
    assert [f.name for f in files[:2]] == ["index.html", "health.html"]
    assert "department-transport.html" in {f.name for f in files}
    text = files[1].read_text()
    assert text.count("<svg class") == 1
    assert "1 rows of fewer than 11 persons" not in text or "persons are not shown" in text
    needs = json.loads((told.settings.brief_dir / "needs.json").read_text())
    assert needs["health.html"] == [f"mart_{MART}", "mart_gone"]
    assert needs["department-health.html"] == ["health"]
    broken = Part(title="x", query=f"SELECT visits / (visits - visits) AS n FROM marts.{MART}")
    told.city = _city(broken)
    with pytest.raises(UserError, match=r"health/page.yaml: parts\[3\].query: .*DIVIDE_BY_ZERO"):
        _brief(told)
