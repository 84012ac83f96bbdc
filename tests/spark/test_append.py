"""Rows that the client writes and the engine commits are what Spark would have written."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from civiclake.io.lake import tables
from civiclake.io.lake.append import append
from civiclake.io.lake.log_bounds import standing
from civiclake.settings import Settings

COLUMNS = (
    ("dataset", "string"), ("rows", "bigint"), ("attempt", "int"), ("seconds", "double"),
    ("at", "timestamp"), ("message", "string"),
)  # fmt: skip
AT = datetime(2026, 3, 1, 6, 0, 0, 1_999, tzinfo=UTC)
ROWS: Sequence[tuple[Any, ...]] = (
    ("a.a", 2**60, 1, 0.5, AT, 'it\'s ${env:HOME} \\ "市"\n'),
    ("b.b", None, 2, -0.25, AT.replace(year=1990), None),
    ("c.c", -1, None, None, None, "x" * 40),
)


@pytest.fixture
def lake(settings: Settings, tmp_path: Path) -> Settings:
    made = settings.model_copy(update={"state_dir": tmp_path})
    made.locks_dir.mkdir(parents=True)
    return made


def make(spark: SparkSession, lake: Settings, table: str) -> str:
    return tables.create(spark, lake, tables.OPS, table, COLUMNS)


def log_of(lake: Settings, table: str) -> list[dict[str, Any]]:
    path = Path(tables.location(lake, tables.OPS, table), "_delta_log", f"{1:020d}.json")
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_it_is_what_spark_would_have_written(spark: SparkSession, lake: Settings) -> None:
    ours, sparks = make(spark, lake, "ours"), make(spark, lake, "sparks")
    assert append(spark, lake, tables.OPS, "ours", COLUMNS, ROWS)
    ddl = ", ".join(f"{name} {kind}" for name, kind in COLUMNS)
    frame = spark.createDataFrame(list(ROWS), ddl).coalesce(1)
    frame.write.format("delta").mode("append").save(tables.location(lake, tables.OPS, "sparks"))
    shown = [spark.table(name).orderBy("dataset").collect() for name in (ours, sparks)]
    assert shown[0] == shown[1]
    assert spark.table(ours).where("at = '2026-03-01 06:00:00.001999'").count() == 1
    assert spark.table(ours).where("message = repeat('x', 40)").count() == 1
    adds = [[a["add"] for a in log_of(lake, name) if "add" in a] for name in ("ours", "sparks")]
    mine, its = (json.loads(files[0]["stats"]) for files in adds)
    assert (mine["numRecords"], mine["nullCount"]) == (its["numRecords"], its["nullCount"])
    for name in ("dataset", "rows", "attempt", "seconds"):
        assert mine["minValues"][name] == its["minValues"][name]
        assert mine["maxValues"][name] == its["maxValues"][name]
    said = next(a["commitInfo"] for a in log_of(lake, "ours") if "commitInfo" in a)
    assert (said["operation"], said["isBlindAppend"]) == ("WRITE", True)
    assert said["operationMetrics"]["numOutputRows"] == "3"


@pytest.mark.parametrize(
    "special", ["DROP COLUMN message", "ADD CONSTRAINT few CHECK (attempt < 9)"]
)
def test_a_table_that_needs_more_is_left_to_spark(
    special: str, spark: SparkSession, lake: Settings
) -> None:
    name = make(spark, lake, "t")
    if special.startswith("DROP"):
        spark.sql(f"ALTER TABLE {name} SET TBLPROPERTIES ('delta.columnMapping.mode' = 'name')")
    spark.sql(f"ALTER TABLE {name} {special}")
    version = spark.sql(f"DESCRIBE HISTORY {name} LIMIT 1").collect()[0]["version"]
    assert not append(spark, lake, tables.OPS, "t", COLUMNS, ROWS)
    assert spark.sql(f"DESCRIBE HISTORY {name} LIMIT 1").collect()[0]["version"] == version
    assert not list(Path(tables.location(lake, tables.OPS, "t")).glob("*.parquet"))


def test_moments_without_a_zone_are_left_to_spark(spark: SparkSession, lake: Settings) -> None:
    make(spark, lake, "t")
    assert not append(
        spark, lake, tables.OPS, "t", (("at", "timestamp"),), [(AT.replace(tzinfo=None),)]
    )


def test_rows_take_the_place_of_a_file(spark: SparkSession, lake: Settings) -> None:
    """In one commit; of a table that has changed since it was looked at, nothing is replaced."""
    name = make(spark, lake, "replaced")
    place = (spark, lake, tables.OPS, "replaced", COLUMNS)
    for row in ROWS:
        assert append(*place, [row])
    old = standing(lake, tables.OPS, "replaced", [{"dataset": "a.a"}])
    assert old is not None and (old.version, len(old.files)) == (3, 1)
    newer = ("a.a", 7, 2, 0.5, AT, None)
    assert append(*place, [newer], old)
    assert not append(*place, [newer], old), "it is gone"
    found = spark.table(name).orderBy("dataset").collect()
    assert [(row.dataset, row.rows) for row in found] == [("a.a", 7), ("b.b", None), ("c.c", -1)]
    folder = Path(tables.location(lake, tables.OPS, "replaced"))
    assert len(list(folder.glob("*.parquet"))) == 4, "what was refused leaves no file"
    told = spark.sql(f"DESCRIBE HISTORY {name} LIMIT 1").collect()[0]
    assert told.version == 4
    # What Delta sums up of the table must count the file that went.
    spark.sql(f"DELETE FROM {name} WHERE dataset = 'b.b'")
    assert spark.table(name).count() == 2
    assert spark.sql(f"DESCRIBE DETAIL {name}").collect()[0].numFiles == 2
