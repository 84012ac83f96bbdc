"""A mart's alarming rows become alerts: raised once, told once, closed by data or by a person."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from mart_town import DAYS, MART, VISITS, Town
from nights import city
from pyspark.sql import SparkSession
from typer.testing import CliRunner

from civiclake.cli import app
from civiclake.contracts.model import Alert, Manifest
from civiclake.errors import FencedError, UserError
from civiclake.io.lake import tables
from civiclake.io.lake.lock import TableLock, table_lock
from civiclake.io.ops import alerts
from civiclake.io.ops.alerts import AlertRow
from civiclake.pipeline.alerts import people
from civiclake.pipeline.alerts.take import take
from civiclake.settings import Settings

CROWD = Alert(
    name="crowd",
    where="visits >= 15",
    of=("weather",),
    since="day",
    newest_by="day",
    sure="mean_age_years",
    says="{visits} visits on {day} ({weather}), of {mean_age_years} years",
    owner="health",
)


def _city(*rules: Alert) -> Manifest:
    """The city with a detector: too many visits on the newest day of a weather."""
    made = city()
    (mart,) = (one for one in made.marts if one.name == MART)
    with_alerts = mart.model_copy(update={"alerts": rules})
    marts = tuple(with_alerts if one.name == MART else one for one in made.marts)
    return made.model_copy(update={"marts": marts})


@pytest.fixture(scope="module")
def quiet(
    settings: Settings, spark: SparkSession, tmp_path_factory: pytest.TempPathFactory
) -> Town:
    made = Town(settings, spark, tmp_path_factory.mktemp("quiet"), city().dataset(DAYS))
    made.city = _city(CROWD)
    for dataset_id in (VISITS, DAYS):
        made.make(dataset_id)
    made.weather("2016-01-01", "2016-01-02")
    made.visit(100, 110, "2016-01-01")
    made.visit(200, 210, "2016-01-02")
    made.refresh()
    return made


@pytest.fixture
def town(quiet: Town, tmp_path: Path) -> Town:
    assert _rows(quiet) == []
    return quiet.copied(tmp_path)


def _rows(town: Town) -> list[AlertRow]:
    return alerts.read(town.spark, town.settings)


def _lines(town: Town) -> list[dict[str, Any]]:
    path = town.settings.run_dir / "alerts.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def _query(town: Town, row: AlertRow) -> list[Any]:
    """What the alert's own query returns; the names of the lake are places here."""
    text = row.query
    for layer, table in ((tables.UNIFIED, "health_visits"), (tables.MARTS, MART)):
        text = text.replace(f"{layer}.{table}", tables.by_path(town.settings, layer, table))
    return town.spark.sql(text).collect()


def _night(town: Town, *days: tuple[str, int]) -> list[AlertRow]:
    """The mart has days of so many visits, by hand, and its alerts follow; what has changed."""
    for day, visits in days:
        town.sql(f"DELETE FROM {{mart}} WHERE day = DATE '{day}'")
        town.sql(
            "INSERT INTO {mart} (day, weather, visits, patients, respiratory_visits,"
            f" mean_age_years) VALUES (DATE '{day}', 'sun', {visits}, 5, {visits}, 40.0)"
        )
    (mart,) = (one for one in town.city.marts if one.name == MART)
    with town.keys(), table_lock(town.settings, f"mart_{MART}", holder="by hand") as lock:
        return take(town.spark, town.settings, lock, town.city, mart)


def _version(town: Town) -> int:
    path = tables.by_path(town.settings, tables.MARTS, "alerts")
    return int(town.spark.sql(f"DESCRIBE HISTORY {path} LIMIT 1").collect()[0]["version"])


def test_a_build_raises_an_alert_once_with_its_owner_and_the_rows_behind_it(town: Town) -> None:
    town.visit(210, 216, "2016-01-02")
    town.refresh()
    (row,) = _rows(town)
    assert (row.state, row.mart, row.name, row.of) == (
        "open", f"marts.{MART}", "crowd", "weather=sun",
    )  # fmt: skip
    assert row.sentence == "16 visits on 2016-01-02 (sun), of 40 years"
    assert (str(row.since), str(row.last), row.sure) == ("2016-01-02", "2016-01-02", 40.0)
    assert "query.sql (digest " in row.method
    assert set(json.loads(row.inputs)) == {VISITS, DAYS}
    # Its query returns exactly its count: the visits themselves, at the version that was read.
    assert row.rows == len(_query(town, row)) == 16
    health = next(d.owner for d in town.city.datasets if d.department == "health")
    assert (row.owner, row.contact) == (health.name, health.contact)
    (line,) = _lines(town)
    assert (line["alert"], line["contact"]) == (row.sentence, health.contact)
    assert line["key"] == f"alert {row.alert_id}"
    # The same night again.
    before = _version(town)
    town.refresh()
    assert (_rows(town), _version(town), len(_lines(town))) == ([row], before, 1)
    # A late batch: most of those visits were of another day.
    town.sql(
        "UPDATE {visits} SET visited_at = TIMESTAMP '2016-01-01 10:00:00'"
        " WHERE visit_id BETWEEN 'V210' AND 'V215'"
    )
    town.refresh()
    (gone,) = _rows(town)
    assert (gone.alert_id, gone.state, gone.closed_by) == (row.alert_id, "closed", "data")
    assert gone.reason == (
        "it was corrected: 2016-01-02 is no alarm any more (the newest is 2016-01-02)"
    )
    assert gone.closed_at is not None


def test_it_grows_ends_and_comes_again_as_another_one(town: Town) -> None:
    (row,) = _night(town, ("2016-01-02", 16))
    (grown,) = _night(town, ("2016-01-03", 20))
    assert (grown.alert_id, str(grown.since), str(grown.last)) == (
        row.alert_id, "2016-01-02", "2016-01-03",
    )  # fmt: skip
    assert grown.rows == len(_query(town, grown)) == 2
    assert grown.raised_at == row.raised_at < grown.updated_at
    (ended,) = _night(town, ("2016-01-04", 3))
    assert ended.reason == "it has ended: 2016-01-04, the newest period, is no alarm"
    (second,) = _night(town, ("2016-01-05", 15))
    assert (second.state, str(second.since)) == ("open", "2016-01-05")
    assert [line["key"] for line in _lines(town)] == [
        f"alert {row.alert_id}", f"alert {second.alert_id}",
    ]  # fmt: skip


def test_a_person_takes_and_closes_it_and_only_another_run_is_news(town: Town) -> None:
    (row,) = _night(town, ("2016-01-02", 16))
    with town.keys():
        taken = people.acknowledge(town.settings, row.alert_id[:6], "ann")
        assert (taken.state, taken.acknowledged_by) == ("acknowledged", "ann")
        before = _version(town)
        assert people.acknowledge(town.settings, row.alert_id, "bob") == taken
        assert _version(town) == before
        (more,) = _night(town, ("2016-01-02", 17))
        assert more.sentence.startswith("17 visits")
        assert [r.state for r in people.every(town.settings)] == ["acknowledged"]
        with pytest.raises(UserError, match="--reason is empty"):
            people.close(town.settings, row.alert_id, "ann", " ")
        done = people.close(town.settings, row.alert_id, "ann", "a fair", "refuted")
        assert (done.state, done.closed_by, done.verdict) == ("closed", "ann", "refuted")
        with pytest.raises(UserError, match="was closed by ann: a fair"):
            people.acknowledge(town.settings, row.alert_id, "bob")
        with pytest.raises(UserError, match=f"there is no alert 'x'; allowed are '{row.alert_id}'"):
            people.acknowledge(town.settings, "x", "bob")
    # The same run goes on: it was looked at.
    assert _night(town, ("2016-01-03", 20)) == []
    assert len(_lines(town)) == 1
    # A quiet day, then another run.
    (news,) = _night(town, ("2016-01-04", 0), ("2016-01-05", 20))
    assert (news.state, str(news.since)) == ("open", "2016-01-05")
    assert len(_rows(town)) == 2


def test_the_command_lists_shows_and_closes(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    (row,) = _night(town, ("2016-01-02", 16))
    monkeypatch.setattr("civiclake.cli.alerts.load_settings", lambda: town.settings)

    def run(*said: str) -> str:
        with town.keys():
            done = CliRunner().invoke(app, ["alerts", *said], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.stdout

    (listed,) = json.loads(run("list", "--json", "--mart", MART))
    assert listed == row.model_dump(mode="json")
    assert row.sentence in " ".join(run("list").split())
    assert row.query in run("show", row.alert_id[:5])
    said = run("close", row.alert_id, "--reason", "a fair", "--refuted", "--by", "ann")
    assert said == f"alert {row.alert_id} is closed by ann: a fair\n"
    assert run("list") == "no alert\n"
    assert [one["verdict"] for one in json.loads(run("list", "--all", "--json"))] == ["refuted"]


def test_rules_that_can_not_be_computed_say_so_and_those_taken_out_close_theirs(
    town: Town,
) -> None:
    own = CROWD.model_copy(update={"rows": None, "where": "visits >= 5"})
    (mart,) = (one for one in town.city.marts if one.name == MART)

    def ruled(*rules: Alert) -> None:
        bare = mart.model_copy(update={"alerts": rules, "behind": {}})
        town.city = town.city.model_copy(update={"marts": (bare,)})

    ruled(own)
    (row,) = _night(town)
    # Nothing tells the rows behind: they are the mart's own.
    assert f"FROM marts.{MART} VERSION AS OF" in row.query
    assert row.rows == len(_query(town, row)) == 2
    ruled(own.model_copy(update={"where": "visits / (visits - visits) > 1"}))
    with pytest.raises(UserError, match=r"mart\.yaml: alert 'crowd', where .*DIVIDE_BY_ZERO"):
        _night(town)
    ruled()
    (row,) = _night(town)
    assert (row.state, row.closed_by) == ("closed", "contract")
    assert row.reason == "the mart's contract has no alert 'crowd' any more"


def test_a_writer_that_lost_its_lock_raises_nothing(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    def younger(self: TableLock) -> None:
        raise FencedError("lock of mart_x: this writer holds token 1")

    monkeypatch.setattr(TableLock, "check", younger)
    with pytest.raises(FencedError):
        _night(town, ("2016-01-02", 16))
    assert (_rows(town), _lines(town)) == ([], [])
    monkeypatch.undo()
    # The mart itself was made; the next try raises what that one has not come to.
    assert [r.state for r in _night(town)] == ["open"]
