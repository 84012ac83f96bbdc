"""The brief's pages are what the marts say, beside what they said before, and who delivered."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import mart_cases
import pytest
from mart_town import DAYS, MART, VISITS, Town
from nights import city
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from civiclake.contracts.model import Manifest, Page
from civiclake.contracts.page import Chart, Headline, Part
from civiclake.contracts.read.query import Query
from civiclake.errors import UserError
from civiclake.pipeline.brief import made_from, render, sheet
from civiclake.pipeline.brief.gather import table_of
from civiclake.pipeline.brief.sheet import Brief, Table
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
    known = made_from.ask(town.spark, town.settings, town.city, datetime.now(UTC) + later)
    return gather(town.spark, town.settings, town.city, known)


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
    told_of = "Number of different persons among them; empty where no visit is on record."
    assert meanings["patients"] == told_of
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


_GOLDEN = {case.mart.id: case for case in reversed(mart_cases.cases())}
_PAGES = mart_cases.city().pages


@pytest.mark.parametrize("page", _PAGES, ids=[page.application for page in _PAGES])
def test_every_declared_page_is_computed_and_drawn(page: Page, spark: SparkSession) -> None:
    """Over the rows that the marts' golden cases want."""
    views, marts = {}, [_GOLDEN[name].mart for name in page.marts]
    for mart in marts:
        rows = [tuple(row[c.name] or None for c in mart.columns) for row in
                _GOLDEN[mart.id].wanted()]  # fmt: skip
        texts = spark.createDataFrame(rows, ", ".join(f"`{c.name}` string" for c in mart.columns))
        view = views[mart.id] = f"golden_{mart.name}"
        typed = [F.col(f"`{c.name}`").cast(c.spark_type).alias(c.name) for c in mart.columns]
        texts.select(*typed).createOrReplaceTempView(view)

    def asked(text: str) -> Table:
        return table_of(spark.sql(Query(text).renamed(views)), marts)

    for headline in page.headlines:
        assert len(asked(headline.query).rows) == 1, headline.query
    parts = tuple(sheet.Part(p.title, asked(p.query), p.query, p.rows, p.chart) for p in page.parts)
    made = sheet.Sheet(page.application, page.title, page.purpose, (), (), (), parts, (), ())
    text = render.pages(Brief(datetime.now(UTC), (made,), ()))[f"{page.application}.html"]
    assert "nan" not in text.lower().split("<style>")[0]
    some = [p for p in parts if p.chart and p.chart.kind == "bars" and p.table.rows]
    assert text.count('class="chart bars"') <= len(some)


def test_departments_are_told_without_a_value(told: Town) -> None:
    departments = {one.name: one for one in _brief(told).departments}
    visits = next(one for one in departments["health"].deliveries if one.id == VISITS)
    assert (visits.state, visits.is_late, visits.at) == ("never delivered", True, None)
    assert visits.readers == ("links.person", f"marts.{MART}")


def test_the_files_are_written_and_a_broken_query_names_its_place(
    told: Town, tmp_path: Path
) -> None:
    with told.keys():
        files = write(told.settings, told.city).files
        written = files[0].stat().st_mtime_ns
        again = write(told.settings, told.city)
        assert (again.files, again.is_new) == (files, False)
        assert files[0].stat().st_mtime_ns == written
        files[1].write_text("by another hand")
        assert write(told.settings, told.city).is_new
    assert [f.name for f in files[:2]] == ["index.html", "health.html"]
    assert "department-transport.html" in {f.name for f in files}
    text = files[1].read_text()
    assert text.count("<svg class") == 1
    assert "2 rows of fewer than 11 persons not shown." in text  # of 10 and 5
    needs = json.loads((told.settings.brief_dir / "needs.json").read_text())
    assert needs["health.html"] == [f"mart_{MART}", "mart_gone"]
    assert needs["department-health.html"] == ["health"]
    broken = Part(title="x", query=f"SELECT visits / (visits - visits) AS n FROM marts.{MART}")
    told.city = _city(broken)
    with told.keys(), pytest.raises(UserError, match=r"parts\[3\].query: .*DIVIDE_BY_ZERO"):
        write(told.settings, told.city)
    # The page says so itself, and the others are there.
    assert "This page could not be made: marts/health/page.yaml: parts[3]" in files[1].read_text()
    assert files[0].exists()
