"""What the tests of the analysts' door share: some tables, a connection, and what is said."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pyhive import hive
from pyspark.sql import SparkSession

from civiclake.engine import analysts, client
from civiclake.settings import Settings

V = "unified.visits"
SECRET = "not-for-analysts"
VISITS = """SELECT id, concat('f', id % 3) AS facility,
    date'2026-01-01' + CAST(id % 10 AS INT) AS day, CAST(id * 1.5 AS DECIMAL(10, 2)) AS cost,
    timestamp'2026-01-01 08:00:00' + make_interval(0, 0, 0, 0, CAST(id AS INT)) AS seen,
    'b1' AS _batch_id FROM range({start}, {end})"""
RAIN = "Rain of the day, millimetres."
WEATHER = """SELECT date'2026-01-01' + CAST(id AS INT) AS day, id / 2 AS rain_mm FROM range(10)"""


def make_tables(spark: SparkSession, settings: Settings) -> None:
    """Open tables as jobs leave them, and closed ones with something in them to be found."""
    lake = settings.lake
    # A checkpoint at every other commit: with one, a query reads the log by a query of its own.
    make_table(
        spark, f"{lake}/unified/visits", VISITS.format(start=0, end=100), "delta.checkpointInterval"
    )
    add_visits(spark, settings, 100, 112)
    spark.sql(f"DELETE FROM delta.`{lake}/unified/visits` WHERE id = 111")
    make_table(spark, f"{lake}/unified/weather", WEATHER)
    spark.sql(f"ALTER TABLE delta.`{lake}/unified/weather` ALTER COLUMN rain_mm COMMENT '{RAIN}'")
    make_table(spark, f"{lake}/marts/costs", "SELECT 'f0' AS facility, 1.5D AS cost")
    # "elsewhere" is no layer and every user may read it: there, only the guard stands.
    for layer in ("raw", "quarantine", "ops", "staging", "elsewhere"):
        make_table(spark, f"{lake}/{layer}/visits", f"SELECT '{SECRET}' AS secret")


def make_table(spark: SparkSession, path: str, query: str, *every_other: str) -> None:
    properties = "".join(f" TBLPROPERTIES ('{name}' = '2')" for name in every_other)
    spark.sql(f"CREATE TABLE delta.`{path}` USING delta{properties} AS {query}")


def add_visits(spark: SparkSession, settings: Settings, start: int, end: int) -> None:
    target = f"delta.`{settings.lake}/unified/visits`"
    spark.sql(f"INSERT INTO {target} {VISITS.format(start=start, end=end)}")


def connect(
    settings: Settings, user: str = analysts.DEFAULT, configuration: Mapping[str, str] | None = None
) -> hive.Connection:
    return hive.connect(
        host=settings.engine.host,
        port=settings.engine.sql_port,
        username=user,
        password=analysts.default_password(settings),
        auth="CUSTOM",
        configuration=dict(configuration or {}),
    )


def ask(settings: Settings, sql: str) -> list[tuple[Any, ...]]:
    """The rows of one query of the first analyst, through the project's own client."""
    _, rows = client.query(
        settings, sql, analysts.DEFAULT, analysts.default_password(settings)
    )  # fmt: skip
    return list(rows)


def said_of(connection: hive.Connection, sql: str) -> str:
    """The sentence that a statement gets; of EXPLAIN, what it prints."""
    cursor = connection.cursor()
    try:
        cursor.execute(sql)
        rows = cursor.fetchall() if cursor.description else []
    except Exception as error:  # noqa: BLE001 - whatever the driver makes of a refusal
        return client.sentence(error)
    if sql.startswith("EXPLAIN"):
        return "\n".join(str(row[0]) for row in rows)
    return f"went through: {rows}"


def fingerprint(folder: Path) -> str:
    """Hash of the names and bytes of every file below."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        digest.update(str(path).encode())
        digest.update(path.read_bytes() if path.is_file() else b"/")
    return digest.hexdigest()
