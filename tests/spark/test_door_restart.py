"""The analysts' engine anew: it finds all names again, and says little."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from pathlib import Path

import pytest
from door import V, add_visits, ask, connect
from pyspark.sql import SparkSession

from civiclake import engine
from civiclake.engine import sql_server
from civiclake.engine.service import Service
from civiclake.errors import EngineError
from civiclake.settings import Settings


def test_a_killed_door_comes_back_with_all_names_and_tells_why(
    spark: SparkSession, lake: Settings
) -> None:
    before = ask(lake, "SHOW TABLES IN unified")
    service = sql_server.service(lake)
    killed = service.running()
    assert killed is not None
    connect(lake).cursor().execute(f"SELECT * FROM {V}")  # it is not fetched
    os.kill(killed.pid, signal.SIGKILL)
    _until_another_answers(service, killed.pid)
    with pytest.raises(EngineError, match="was started again while it worked for a statement of"):
        ask(lake, "SELECT 1")
    assert ask(lake, "SHOW TABLES IN unified") == before
    add_visits(spark, lake, 200, 201)
    assert ask(lake, f"SELECT max(id) FROM {V}") == [(200,)]
    spark.sql(f"DELETE FROM delta.`{lake.lake}/unified/visits` WHERE id = 200")


def _until_another_answers(service: Service, pid: int) -> None:
    end = time.monotonic() + 120
    while time.monotonic() < end:
        record = service.running()
        if record and record.pid != pid and service.is_open():
            return
        time.sleep(0.2)
    raise AssertionError(f"nobody started the {service.name} engine again")


def test_the_restart_is_told(lake: Settings) -> None:
    lines = (lake.run_dir / "alerts.jsonl").read_text().splitlines()
    told = [line for line in map(json.loads, lines) if line.get("engine") == "sql"]
    assert "it was killed" in told[-1]["alert"]
    assert "1 of 5 times an hour" in told[-1]["alert"]
    note = next(s.note for s in engine.status(lake) if s.name == "sql")
    assert "was started again once within the hour" in note


def test_a_healthy_start_says_little(lake: Settings) -> None:
    lines = sql_server.service(lake).log_path.read_text().splitlines()
    loud = [line for line in lines if " WARN " in line or " ERROR " in line or "\tat " in line]
    assert loud == []


def test_a_table_that_cannot_be_shown_is_said_once_and_harms_no_other(lake: Settings) -> None:
    log = Path(lake.lake) / "unified" / "door_broken" / "_delta_log"
    log.mkdir(parents=True)
    (log / f"{0:020d}.json").write_text("no JSON")
    for _ in range(3):
        assert ask(lake, "SELECT count(*) FROM unified.weather") == [(10,)]
    said = sql_server.service(lake).log_path.read_text()
    assert said.count("could not show unified.`door_broken`") == 1
    shutil.rmtree(log.parent)
