"""The analysts' engine anew: it finds all names again, and says little."""

from __future__ import annotations

import shutil
from pathlib import Path

from door import V, add_visits, ask
from pyspark.sql import SparkSession

from civiclake.engine import sql_server
from civiclake.settings import Settings


def test_names_survive_a_restart(spark: SparkSession, lake: Settings) -> None:
    before = ask(lake, "SHOW TABLES IN unified")
    service = sql_server.service(lake)
    assert service.stop()
    sql_server.start(lake)
    service.wait(120)
    assert ask(lake, "SHOW TABLES IN unified") == before
    add_visits(spark, lake, 200, 201)
    assert ask(lake, f"SELECT max(id) FROM {V}") == [(200,)]
    spark.sql(f"DELETE FROM delta.`{lake.lake}/unified/visits` WHERE id = 200")


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
