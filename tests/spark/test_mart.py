"""A refreshed mart is the mart that a full build would give, whatever has changed."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from mart_town import DAYS, FOLDER, MART, VISITS, Town
from nights import age, city
from pyspark.sql import SparkSession

from civiclake.contracts.derived import derived
from civiclake.contracts.load import load_city
from civiclake.contracts.model import Manifest
from civiclake.errors import AccountError, ContractError, FencedError, UserError
from civiclake.io.lake import tables
from civiclake.io.ops import deliveries as promises
from civiclake.pipeline.marts import build as module
from civiclake.pipeline.marts import groups, guard
from civiclake.pipeline.marts.groups import Plan
from civiclake.pipeline.watch import deliveries
from civiclake.settings import Settings, project_root


@pytest.fixture(scope="module")
def town(settings: Settings, spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Town:
    made = Town(settings, spark, tmp_path_factory.mktemp("town"), city().dataset(DAYS))
    made.city = city()
    for dataset_id in (VISITS, DAYS):
        made.make(dataset_id)
    made.weather(*(f"2016-01-0{n}" for n in range(1, 8)))
    for n in range(1, 6):
        made.visit(n * 100, n * 100 + 10, f"2016-01-0{n}")
    made.check("built whole: it is built for the first time")
    return made


@pytest.fixture
def week(town: Town, tmp_path: Path) -> Town:
    return town.copied(tmp_path)


def test_only_the_groups_that_changed_are_computed_and_replaced(week: Town) -> None:
    assert week.refresh().message == "nothing has changed"
    week.visit(900, 903, "2016-01-02")
    assert week.check("1 groups of day").read == 1
    # From one day to another: both are touched.
    week.sql(
        "UPDATE {visits} SET visited_at = TIMESTAMP '2016-01-06 10:00:00' WHERE visit_id = 'V101'"
    )
    assert week.check("2 groups of day").read == 2
    week.sql("DELETE FROM {visits} WHERE to_date(visited_at) = DATE '2016-01-03'")
    week.sql("DELETE FROM {days} WHERE date = DATE '2016-01-04'")
    result = week.check("2 groups of day")
    assert result.read == 1  # the day without weather is gone from the mart
    week.weather("2016-01-04")
    assert week.check("1 groups of day").read == 1
    # A visit of a day of which there is no weather is in no row.
    week.visit(950, 951, "2016-02-01")
    assert week.check("1 groups of day").read == 0
    history = week.sql("DESCRIBE HISTORY {mart}")
    assert [r["operation"] for r in history].count("CREATE OR REPLACE TABLE AS SELECT") == 1
    assert len(history) == 6
    kept = {r["outcome"]: r["rows"] for r in week.spark.table(
        tables.by_path(week.settings, tables.OPS, "outcomes")
    ).collect() if r["step"] == "refresh"}  # fmt: skip
    assert set(kept) == {"groups", "replaced", "whole"}


def test_a_mart_is_a_delivery_with_an_owner_and_says_what_it_waits_for(
    week: Town, own: Path
) -> None:
    def state() -> list[tuple[str, str, str]]:
        rows = promises.read(week.spark, week.settings)
        return [(r.dataset, r.state.value, r.owner) for r in rows if r.dataset.startswith("marts")]

    name, owner = f"marts.{MART}", "City planning office"
    assert state() == [(name, "delivered", owner)]
    own.write_text("SELECT * FROM raw.health_visits")
    with pytest.raises(ContractError):
        week.refresh()
    assert state() == [(name, "held", owner)]
    (made,) = [one for one in derived(week.city) if one.id == name]
    datasets = [week.city.dataset(VISITS), week.city.dataset(DAYS)]
    later = datetime.now(UTC) + timedelta(days=3)
    with week.keys():
        deliveries.check(week.settings, [], datetime.now(UTC) - timedelta(days=2), [made])
        found = deliveries.check(week.settings, datasets, later, [made])
    told = [one for one in found if one.promise.dataset == name][-1]
    assert f"it waits for {VISITS} (not delivered: ask" in told.sentence
    assert f"{DAYS} (" in told.sentence
    assert told.sentence.endswith(f": ask {owner} (data@planning.example.org)")
    assert "`mart_visits_by_weather` makes it by itself" in told.do


def test_inputs_that_have_not_changed_for_long_are_read_all_the_same(week: Town) -> None:
    for dataset_id in (VISITS, DAYS):
        age(Path(week.settings.lake) / "unified" / dataset_id.replace(".", "_"), days=60)
    week.check("built whole: it was asked for", full=True)
    week.visit(900, 903, "2016-01-02")
    week.check("1 groups of day")


def test_tidied_inputs_have_not_changed(week: Town) -> None:
    for table in ("{visits}", "{days}", "{mart}"):
        week.sql(f"OPTIMIZE {table}")
    assert week.refresh().message == "nothing has changed"
    week.visit(900, 903, "2016-01-02")
    week.sql("OPTIMIZE {visits}")
    assert week.check("1 groups of day").read == 1


@pytest.mark.parametrize("seed", [1, 2])
def test_random_nights_give_what_a_full_build_gives(week: Town, seed: int) -> None:
    chance = random.Random(seed)
    done = []
    for night in range(4):
        for _ in range(chance.randint(1, 3)):
            done.append(_change(week, chance, night))
        result = week.refresh()
        assert result.read == result.inserted
        assert week.served() == week.truth(), (done, result.message)
    assert any("groups of day" in r[0] for r in week.spark.sql(
        f"SELECT message FROM {tables.by_path(week.settings, tables.OPS, 'batches')}"
    ).collect())  # fmt: skip


def _change(town: Town, chance: random.Random, night: int) -> str:
    """One change of one of the inputs, by chance."""
    day, other = (f"2016-01-{chance.randint(1, 12):02d}" for _ in range(2))
    some = f"substr(visit_id, -1) = '{chance.randint(0, 9)}'"
    first = 10_000 + town.number * 1000 + chance.randint(0, 99) * 10
    kind = chance.choice(["add", "move", "correct", "delete", "weather", "gone", "back", "merge"])
    if kind == "add":
        town.visit(first, first + chance.randint(1, 5), day, age="NULL" if night % 2 else "7")
    elif kind == "move":
        town.sql(f"UPDATE {{visits}} SET visited_at = TIMESTAMP '{day} 11:00:00' WHERE {some}")
    elif kind == "correct":
        town.sql(f"UPDATE {{visits}} SET age_years = 1, diagnosis_code = NULL WHERE {some}")
    elif kind == "delete":
        town.sql(f"DELETE FROM {{visits}} WHERE {some} AND to_date(visited_at) = '{day}'")
    elif kind == "weather":
        town.sql(f"DELETE FROM {{days}} WHERE date = '{day}'")
        town.weather(day, wind=night + 1.0)
    elif kind == "gone":
        town.sql(
            f"UPDATE {{days}} SET date = DATE '2017-02-{night + 1:02d}' WHERE date = '{other}'"
        )
    elif kind == "back":
        version = town.sql("DESCRIBE HISTORY {visits} LIMIT 1")[0]["version"]
        town.sql(f"RESTORE TABLE {{visits}} TO VERSION AS OF {version - 1}")
    else:
        town.sql(
            "MERGE INTO {visits} t USING (SELECT visit_id, min(visited_at) AS at FROM {visits}"
            f" WHERE {some} GROUP BY visit_id) s ON t.visit_id = s.visit_id"
            f" WHEN MATCHED AND t.age_years < 20 THEN DELETE WHEN MATCHED THEN UPDATE SET"
            f" t.visited_at = s.at + INTERVAL {chance.randint(0, 3)} DAY"
        )
    return kind


def test_what_the_feed_can_not_tell_makes_the_whole_anew(week: Town) -> None:
    before = week.sql("DESCRIBE HISTORY {visits} LIMIT 1")[0]["version"]
    week.visit(900, 903, "2016-01-02")
    week.sql(f"RESTORE TABLE {{visits}} TO VERSION AS OF {before}")
    week.check("built whole: health.visits has a RESTORE in version")
    week.sql("ALTER TABLE {visits} SET TBLPROPERTIES ('delta.enableChangeDataFeed' = 'false')")
    week.visit(900, 903, "2016-01-02")
    week.check("built whole: health.visits can't tell its changes")
    # The next load of the table lets it tell again.
    week.make(VISITS)
    week.visit(910, 913, "2016-01-02")
    week.check("1 groups of day")
    version = week.sql("DESCRIBE HISTORY {mart} LIMIT 1")[0]["version"]
    week.sql(f"RESTORE TABLE {{mart}} TO VERSION AS OF {version - 2}")
    week.check("does not say what it was built by")
    rows = week.spark.table(week.name(VISITS))
    rows.where("visit_id < 'V3'").write.format("delta").mode("overwrite").option(
        "overwriteSchema", "true"
    ).save(tables.location(week.settings, tables.UNIFIED, "health_visits"))
    week.check("built whole: health.visits has a")
    tables.remove(week.settings, tables.UNIFIED, "meteorology_daily")
    week.make(DAYS)
    week.weather("2016-01-01", "2016-01-02")
    week.check("built whole: meteorology.daily was made anew")
    week.check("built whole: it was asked for", full=True)
    few = week.settings.marts.model_copy(update={"max_changed_groups": 1})
    week.settings = week.settings.model_copy(update={"marts": few})
    week.visit(920, 921, "2016-01-01")
    week.visit(921, 922, "2016-01-02")
    week.check("built whole: more than 1 groups have changed")


@pytest.fixture
def own(week: Town, tmp_path: Path) -> Iterator[Path]:
    """The mart's query as a file that a test may change."""
    marts = tmp_path / "marts"
    shutil.copytree(week.settings.marts_dir / FOLDER, marts / FOLDER)
    week.settings = week.settings.model_copy(update={"marts_dir": marts})
    yield marts / FOLDER / "query.sql"


def _compiled(query: Path) -> Manifest:
    root = project_root()
    return load_city(root / "schemas", root / "expectations", query.parents[2])


def test_another_query_makes_the_whole_anew(week: Town, own: Path) -> None:
    own.write_text(own.read_text().replace("  w.temp_min_c,\n", "  w.temp_min_c AS least_c,\n"))
    contract = own.with_name("mart.yaml")
    contract.write_text(contract.read_text().replace("name: temp_min_c", "name: least_c"))
    week.city = _compiled(own)
    week.check("built whole: its contract or its step has changed")
    assert "least_c" in week.spark.table(week.mart).columns


def test_a_wrong_group_is_found_and_writes_nothing(week: Town, own: Path) -> None:
    contract, right = own.with_name("mart.yaml"), "meteorology.daily: date\n"
    text = contract.read_text()
    assert right in text
    contract.write_text(text.replace(right, "meteorology.daily: date_add(date, 1)\n"))
    week.city = _compiled(own)
    week.check("built whole: its contract or its step has changed")
    before = week.served()
    week.weather("2016-01-10")
    with pytest.raises(UserError, match="give rows of other groups of day as well"):
        week.refresh()
    assert week.served() == before


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ("FROM raw.health_visits", r"weather/query\.sql:2: reads raw\.health_visits; allowed"),
        ("FROM unified.health_visits VERSION AS OF 1", "reads unified.health_visits AS OF"),
        ("FROM {mart}", "reads delta.`"),
    ],
)
def test_a_file_that_was_changed_since_the_check_is_judged_again(
    week: Town, own: Path, more: str, told: str
) -> None:
    text = f"SELECT count(*) AS n\n{more.format(mart=week.mart)}"
    own.write_text(text)
    before = week.served()
    with pytest.raises(ContractError, match=told):
        week.refresh()
    assert week.served() == before


def test_spark_itself_says_what_would_be_read(week: Town) -> None:
    """Where a parser of ours were led astray, the plan is not."""
    (mart,) = (one for one in week.city.marts if one.name == MART)
    found = groups.inputs(week.spark, week.settings, mart)
    frames = groups.frames(week.spark, week.settings, mart, found, Plan(whole="all"))
    groups.bind("SELECT 1", found, frames)

    def judge(query: str) -> None:
        guard.judge_plan(week.spark, week.settings, mart, query, found)

    judge(
        "WITH a AS (SELECT day(date) AS d FROM meteorology_daily) SELECT 'x\\n' AS x,"
        " (SELECT count(*) FROM health_visits) AS n, e.* FROM a, LATERAL explode(array(d)) AS e"
    )
    place = tables.location(week.settings, tables.MARTS, MART)
    older = week.name(VISITS) + " VERSION AS OF 1"
    for query, told in {
        f"SELECT * FROM {week.mart}": place,
        f"SELECT * FROM {week.name(VISITS)}": "health_visits",
        f"SELECT * FROM {older}": r"health_visits \(version 1\)",
        f"SELECT * FROM range(2) WHERE EXISTS (SELECT 1 FROM {week.mart})": place,
        f"SELECT * FROM text.`{place}/_delta_log`": "HadoopFsRelation",
        "SELECT reflect('java.lang.Math', 'abs', 1)": "reflect",
        "SELECT TRANSFORM (1) USING 'cat' AS (x)": "ScriptTransformation",
        "SHOW TABLES": "ShowTables",
    }.items():
        with pytest.raises(UserError, match=f"would read or run .*{told}.*; allowed are its"):
            judge(query)


def test_a_writer_that_lost_its_lock_builds_nothing(
    week: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    week.visit(900, 903, "2016-01-02")
    real = module._replace_groups

    def younger(work: Any, *rest: Any) -> Any:
        work.lock.token = 1  # as if others had built since
        return real(work, *rest)

    before = week.served()
    monkeypatch.setattr(module, "_replace_groups", younger)
    with pytest.raises(FencedError, match="younger writer than token 1"):
        week.refresh()
    assert week.served() == before


def test_a_mart_that_does_not_hold_what_its_query_gave_is_as_before(
    week: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = module.own_commit

    def one_more(*given: Any) -> Any:
        commit = real(*given)
        return replace(commit, rows_written=commit.rows_written + 1)

    before = week.served()
    week.visit(900, 903, "2016-01-02")
    with monkeypatch.context() as patch:
        patch.setattr(module, "own_commit", one_more)
        with pytest.raises(AccountError, match="the table is back at version"):
            week.refresh(full=True)
    assert week.served() == before
    week.check("does not say what it was built by")
    told = week.ledger("status", "inserted")
    assert told[-2][0] == "failed"
    assert [row[0] for row in told].count("merged") == 2  # the commit that was taken back is none


def test_what_a_mart_committed_is_in_the_ledger_though_nobody_lived_to_write_it(
    week: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    def power_cut(*_: object) -> None:
        raise RuntimeError("power cut")

    with week.words("as Ana asked on the phone"):  # a commit by hand says nothing, and is read
        week.visit(900, 903, "2016-01-02")
    for full in (False, True):
        week.visit(910, 911, "2016-01-03")
        with monkeypatch.context() as patch:
            patch.setattr("civiclake.io.ops.ledger.record", power_cut)
            with pytest.raises(RuntimeError):
                week.refresh(full=full)
    assert week.refresh().message == "nothing has changed"
    told = [row[1] for row in week.ledger("batch_id", "inserted") if row[0] in ("n2", "n3")]
    assert told == [2, week.sql("SELECT count(*) FROM {mart}")[0][0]]
