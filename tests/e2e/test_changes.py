"""What happens between nights: a new dataset, a killed task, a delivery that is held."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest
from e2e_city import City

DATASET = "tourism.events"
FIRST_RUN = datetime(2016, 3, 1, 2, tzinfo=UTC)
ROWS = 400_000
CONTRACT = """\
apiVersion: v3.2.0
kind: DataContract
id: tourism.events
version: 1.0.0
status: active
domain: tourism
description: {purpose: Events of the city's theatres and museums.}
servers:
  - {server: source, type: local, path: "${CIVICLAKE_DROPS}/tourism/*.csv", format: csv}
schema:
  - name: events
    physicalType: file
    properties:
      - name: event_id
        logicalType: string
        primaryKey: true
        primaryKeyPosition: 1
        required: true
      - {name: held_on, logicalType: date, required: true, logicalTypeOptions: {format: yyyy-MM-dd}}
      - {name: visitors, logicalType: integer, logicalTypeOptions: {minimum: 0}}
team:
  name: Tourism office
  members: [{username: wu.yan@tourism.example.org, role: owner}]
slaProperties:
  - {property: latency, value: 0.02, unit: min}
customProperties:
  - property: civiclake
    value: {load: files, history: latest}
"""


def drop(city: City, name: str, text: str) -> None:
    folder = city.settings.state_dir / "drops" / "tourism"
    folder.mkdir(parents=True, exist_ok=True)
    fresh = folder / f".{name}.tmp"
    fresh.write_text(text)
    fresh.rename(folder / name)


def run(city: City, day: int) -> tuple[str, str]:
    """Run one night of the new department: the run's id and its end."""
    run_id = city.start("tourism", FIRST_RUN + timedelta(days=day))
    return run_id, city.api.wait_runs({"tourism": run_id}, timeout_s=300)["tourism"]


@pytest.fixture(scope="module")
def events(city: City) -> str:
    """A department that was not there at start: one contract file and one dropped file."""
    began = datetime.now(UTC)
    contract = city.settings.schemas_dir / "tourism" / "events.yaml"
    contract.parent.mkdir()
    contract.write_text(CONTRACT)
    drop(city, "1.csv", "event_id,held_on,visitors\nE1,2016-02-27,120\nE2,2016-02-28,80\n")
    city.api.wait_parsed(["tourism"], began)
    run_id, state = run(city, 0)
    assert state == "success", city.complaints({"tourism": run_id})
    return run_id


def test_a_new_contract_alone_is_scheduled_loaded_and_queried(city: City, events: str) -> None:
    tasks = {task.task_id for task in city.api.tasks("tourism", events)}
    assert tasks == {"events.extract", "events.load"}
    found = city.query("SELECT event_id, visitors FROM unified.tourism_events ORDER BY event_id")
    assert found == [("E1", 120), ("E2", 80)]
    assert city.api.pools()["table_tourism_events"] == 1


def test_a_missed_deadline_is_told_to_the_owner(city: City, events: str) -> None:
    def told() -> list[str]:
        return [a["alert"] for a in city.alerts() if a.get("department") == "tourism"]

    city.wait(told, "the deadline's alert")
    assert told()[0].startswith("tourism did not finish its night within 0.017 minutes")
    assert "ask Tourism office <wu.yan@tourism.example.org>" in told()[0]


def test_a_backfill_from_the_ui_is_built_compared_and_swapped(city: City, events: str) -> None:
    """A person starts the run with its parameters; the table is served anew, and the same."""
    before = city.query("SELECT event_id, visitors FROM unified.tourism_events ORDER BY event_id")
    city.api.unpause("backfill")
    wanted = {"dataset": DATASET, "first": "", "last": "", "source": "landing", "swap": True}
    body = {"dag_run_id": "test__backfill", "logical_date": None, "conf": wanted}
    city.api.call("POST", "/dags/backfill/dagRuns", body)
    state = city.api.wait_runs({"backfill": "test__backfill"}, timeout_s=300)["backfill"]
    assert state == "success", city.complaints({"backfill": "test__backfill"})
    built = city.api.xcom("backfill", "test__backfill", "build")
    assert (built["same"], built["changed"]) == (2, 0)
    swapped = city.api.xcom("backfill", "test__backfill", "swap")
    assert swapped["state"] == "swapped"
    assert swapped["swapped_version"] > swapped["evidence_version"]
    after = city.query("SELECT event_id, visitors FROM unified.tourism_events ORDER BY event_id")
    assert after == before


def test_a_killed_load_leaves_no_spark_work_and_can_be_run_again(city: City, events: str) -> None:
    rows = "\n".join(f"K{n},2016-02-29,{n % 500}" for n in range(ROWS))
    drop(city, "2.csv", f"event_id,held_on,visitors\n{rows}\n")
    run_id = city.start("tourism", FIRST_RUN + timedelta(days=1))
    load = f"load {DATASET}"
    city.wait(lambda: city.commands(load) and city.spark_tasks(), "the load's Spark work", 120)
    path = f"/dags/tourism/dagRuns/{run_id}/taskInstances/events.load"
    city.api.call("PATCH", path, {"new_state": "failed"})
    city.wait(lambda: not city.commands(load), "the end of the load")
    still = []
    for _ in range(4):
        still.append(city.spark_tasks())
        time.sleep(0.5)
    assert still == [0, 0, 0, 0]
    log = city.api.log("tourism", run_id, "events.load")
    assert "cancelling Spark work" in log
    assert '"status": "merged"' not in log
    assert city.query("SELECT count(*) FROM unified.tourism_events") == [(2,)]

    _, state = run(city, 1)
    assert state == "success", city.complaints({"tourism": run_id})
    assert city.api.xcom("tourism", run_id, "events.load")["inserted"] == ROWS
    assert city.query("SELECT count(*) FROM unified.tourism_events") == [(ROWS + 2,)]


def test_a_delivery_that_is_held_is_told_to_the_owner_at_once(city: City, events: str) -> None:
    drop(city, "3.csv", "event_id,held_on,visitors,mood\nE9,2016-03-03,1,good\n")
    before = city.query("SELECT count(*) FROM unified.tourism_events")
    run_id, state = run(city, 2)
    assert state == "failed"
    failed = [t for t in city.api.tasks("tourism", run_id) if t.state == "failed"]
    assert [task.tries for task in failed] == [1]
    told = [a for a in city.alerts() if a.get("dataset") == DATASET]
    assert told[-1]["owner"] == "Tourism office"
    assert "mood" in told[-1]["alert"]
    assert city.query("SELECT count(*) FROM unified.tourism_events") == before
