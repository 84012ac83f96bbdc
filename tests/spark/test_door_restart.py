"""The analysts' engine anew: it finds all names again, and says little."""

from __future__ import annotations

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
