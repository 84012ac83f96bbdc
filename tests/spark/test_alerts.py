"""A mart's alarming rows become alerts: raised once, told once, closed by data or by a person."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from mart_town import DAYS, MART, VISITS, Town
from nights import city
from pyspark.sql import SparkSession

from civiclake.contracts.model import Alert, Manifest
from civiclake.errors import FencedError, UserError
from civiclake.io.lake import tables
from civiclake.io.lake.lock import TableLock
from civiclake.io.ops import alerts
from civiclake.io.ops.alerts import AlertRow
from civiclake.pipeline.alerts import people
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


def _version(town: Town) -> int:
    path = tables.by_path(town.settings, tables.MARTS, "alerts")
    return int(town.spark.sql(f"DESCRIBE HISTORY {path} LIMIT 1").collect()[0]["version"])


def test_an_alert_is_raised_once_told_once_and_corrected_away(town: Town) -> None:
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
    assert row.rows == 16
    assert len(_query(town, row)) == 16
    health = next(d.owner for d in town.city.datasets if d.department == "health")
    assert (row.owner, row.contact) == (health.name, health.contact)
    (line,) = _lines(town)
    assert line["alert"] == row.sentence
    assert line["contact"] == health.contact
    assert line["key"] == f"alert {row.alert_id}"

    # The same night again.
    before = _version(town)
    town.refresh()
    town.refresh(full=True)
    assert [r.alert_id for r in _rows(town)] == [row.alert_id]
    assert len(_lines(town)) == 1
    # Another day of it: the same alert, brought up to date.
    town.weather("2016-01-03")
    town.visit(300, 320, "2016-01-03")
    town.refresh()
    (grown,) = _rows(town)
    assert (grown.alert_id, str(grown.since), str(grown.last)) == (
        row.alert_id, "2016-01-02", "2016-01-03",
    )  # fmt: skip
    assert grown.rows == len(_query(town, grown)) == 36
    assert grown.raised_at == row.raised_at < grown.updated_at
    assert _version(town) > before
    # A late batch: most of those visits were of another day.
    town.sql(
        "UPDATE {visits} SET visited_at = TIMESTAMP '2016-01-01 10:00:00' WHERE visit_id > 'V305'"
        " AND visit_id < 'V4'"
    )
    town.refresh()
    (gone,) = _rows(town)
    assert (gone.alert_id, gone.state, gone.closed_by) == (row.alert_id, "closed", "data")
    assert gone.reason == (
        "it was corrected: 2016-01-03 is no alarm any more (the newest is 2016-01-03)"
    )
    assert gone.closed_at is not None
    # What alarms again after it was quiet is another one, and is told.
    town.weather("2016-01-04")
    town.visit(400, 415, "2016-01-04")
    town.refresh()
    second = _rows(town)[-1]
    assert (second.state, str(second.since)) == ("open", "2016-01-04")
    assert [line["key"] for line in _lines(town)] == [
        f"alert {row.alert_id}", f"alert {second.alert_id}",
    ]  # fmt: skip
    # A quiet day ends it.
    town.weather("2016-01-05")
    town.refresh()
    assert _rows(town)[-1].reason == "it has ended: 2016-01-05, the newest period, is no alarm"


def test_a_person_takes_and_closes_it_and_only_another_run_is_news(town: Town) -> None:
    town.visit(210, 216, "2016-01-02")
    town.refresh()
    (row,) = _rows(town)
    with town.keys():
        taken = people.acknowledge(town.settings, row.alert_id[:6], "ann")
        assert (taken.state, taken.acknowledged_by) == ("acknowledged", "ann")
        before = _version(town)
        assert people.acknowledge(town.settings, row.alert_id, "bob") == taken
        assert _version(town) == before
        town.visit(216, 217, "2016-01-02")
        town.refresh()
        assert [(r.state, r.rows) for r in people.every(town.settings)] == [("acknowledged", 17)]
        with pytest.raises(UserError, match="--reason is empty"):
            people.close(town.settings, row.alert_id, "ann", " ")
        done = people.close(town.settings, row.alert_id, "ann", "a fair", "refuted")
        assert (done.state, done.closed_by, done.verdict) == ("closed", "ann", "refuted")
        with pytest.raises(UserError, match="was closed by ann: a fair"):
            people.acknowledge(town.settings, row.alert_id, "bob")
        with pytest.raises(UserError, match=f"there is no alert 'x'; allowed are '{row.alert_id}'"):
            people.acknowledge(town.settings, "x", "bob")
    # The same run goes on: it was looked at.
    town.weather("2016-01-03")
    town.visit(300, 320, "2016-01-03")
    town.refresh()
    assert [r.state for r in _rows(town)] == ["closed"]
    assert len(_lines(town)) == 1
    # A quiet day, then another run.
    town.weather("2016-01-04", "2016-01-05")
    town.visit(500, 520, "2016-01-05")
    town.refresh()
    assert [(r.state, str(r.since)) for r in _rows(town)] == [
        ("closed", "2016-01-02"), ("open", "2016-01-05"),
    ]  # fmt: skip


def test_rules_that_can_not_be_computed_say_so_and_those_taken_out_close_theirs(
    town: Town,
) -> None:
    own = CROWD.model_copy(update={"rows": None, "where": "visits >= 5"})
    (mart,) = (one for one in town.city.marts if one.name == MART)
    bare = mart.model_copy(update={"alerts": (own,), "behind": {}})
    town.city = town.city.model_copy(update={"marts": (bare,)})
    town.refresh()
    (row,) = _rows(town)
    # Nothing tells the rows behind: they are the mart's own.
    assert f"FROM marts.{MART} VERSION AS OF" in row.query
    assert row.rows == len(_query(town, row)) == 2
    broken = own.model_copy(update={"where": "visits / (visits - visits) > 1"})
    town.city = town.city.model_copy(
        update={"marts": (bare.model_copy(update={"alerts": (broken,)}),)}
    )
    with pytest.raises(UserError, match=r"mart\.yaml: alert 'crowd', where .*DIVIDE_BY_ZERO"):
        town.refresh()
    town.city = town.city.model_copy(update={"marts": (bare.model_copy(update={"alerts": ()}),)})
    town.refresh()
    (row,) = _rows(town)
    assert (row.state, row.closed_by) == ("closed", "contract")
    assert row.reason == "the mart's contract has no alert 'crowd' any more"


def test_a_writer_that_lost_its_lock_raises_nothing(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    town.visit(210, 216, "2016-01-02")

    def younger(self: TableLock) -> None:
        raise FencedError("lock of mart_x: this writer holds token 1")

    monkeypatch.setattr(TableLock, "check", younger)
    with pytest.raises(FencedError):
        town.refresh()
    assert (_rows(town), _lines(town)) == ([], [])
    monkeypatch.undo()
    # The mart itself was made; the next try raises what that one has not come to.
    assert town.refresh().message == "nothing has changed"
    assert [r.state for r in _rows(town)] == ["open"]
