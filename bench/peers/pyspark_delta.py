"""The nightly work with PySpark and Delta, written by hand and tuned as its users would."""

from __future__ import annotations

import os
import shutil
import tempfile
from functools import cache, reduce
from operator import or_
from pathlib import Path

from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from bench.peers.task import Task, main
from bench.taps.shape import CARD_KINDS, COLUMNS, DIRECTIONS, KEY, SEQUENCE

_JARS = Path(__file__).resolve().parents[2] / "var" / "jars"
_CORES = str(os.cpu_count() or 2)
_MOMENTS = ("updated_at", "tapped_at")
_TYPES = {
    **dict.fromkeys(_MOMENTS, "timestamp"),
    "fare": "decimal(8,2)",
    "discount_percent": "int",
    "distance_km": "double",
}
_REQUIRED = ("tap_id", *_MOMENTS, "stop_code", "device")
_SETTINGS = {
    "spark.master": "local[*]",
    "spark.driver.memory": "4g",
    "spark.driver.extraJavaOptions": "-XX:+UseParallelGC -Duser.timezone=UTC",
    "spark.driver.extraClassPath": os.pathsep.join(map(str, sorted(_JARS.glob("delta-*.jar")))),
    "spark.ui.enabled": "false",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.shuffle.partitions": _CORES,
    "spark.default.parallelism": _CORES,
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.databricks.delta.snapshotPartitions": _CORES,
    "spark.databricks.delta.properties.defaults.enableDeletionVectors": "true",
    # The source of the MERGE is staged Parquet.
    "spark.databricks.delta.merge.materializeSource": "none",
}


@cache
def _spark() -> SparkSession:
    builder = SparkSession.builder.appName("taps")
    for name, value in _SETTINGS.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


def load(task: Task) -> None:
    """Read, judge, set aside, merge, refresh the mart."""
    staging = tempfile.mkdtemp(prefix="taps-")
    try:
        raw = _read(task)
        stops = _spark().read.option("header", True).csv(task.stops)
        judged = _staged(judge(raw, stops), f"{staging}/judged")
        bad = judged.where(F.size("reasons") > 0)
        if bad.head(1):
            came = [F.col(f"raw_{n}" if n in _TYPES else n).alias(n) for n in COLUMNS]
            rows = bad.select(*came, "reasons")
            rows.write.format("delta").mode("append").save(task.quarantine)
        _merge(_newest(judged.where(F.size("reasons") == 0)), task, staging)
        _refresh_mart(task)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def load_plain(task: Task) -> None:
    """Cast and write; nothing is judged, and there is no mart."""
    raw = _read(task)
    typed = [F.col(n).try_cast(_TYPES[n]).alias(n) if n in _TYPES else F.col(n) for n in COLUMNS]
    raw.select(*typed).write.format("delta").save(task.taps)


def _read(task: Task) -> DataFrame:
    schema = ", ".join(f"{name} string" for name in COLUMNS)
    return _spark().read.schema(schema).option("header", True).csv(task.files)


def judge(raw: DataFrame, stops: DataFrame) -> DataFrame:
    """The records as they came, typed, with the rules that they break, in one pass."""
    others = [F.col(name) for name in COLUMNS if name not in _TYPES]
    typed = [F.col(name).try_cast(kind).alias(name) for name, kind in _TYPES.items()]
    came = [F.col(name).alias(f"raw_{name}") for name in _TYPES]
    rows = raw.select(*others, *typed, *came)
    known = F.broadcast(stops.select(F.col("stop_code").alias("known_stop")))
    rows = rows.join(known, F.col("stop_code") == F.col("known_stop"), "left")
    found = _rules()
    reasons = F.array_compact(F.array(*[F.when(rule, F.lit(n)) for n, rule in found.items()]))
    # A record in a thousand is broken: the others need no array to be made and searched.
    is_broken = reduce(or_, [F.coalesce(rule, F.lit(False)) for rule in found.values()])
    none = F.array().cast("array<string>")
    return rows.select("*", F.when(is_broken, reasons).otherwise(none).alias("reasons"))


def _rules() -> dict[str, Column]:
    """What is true of a row that breaks the rule."""
    col = F.col
    types = {f"type:{n}": col(f"raw_{n}").isNotNull() & col(n).isNull() for n in _TYPES}
    given = {n: col(f"raw_{n}" if n in _TYPES else n) for n in _REQUIRED}
    required = {f"required:{n}": value.isNull() for n, value in given.items()}
    return {
        **types,
        **required,
        "pattern:tap_id": ~col("tap_id").rlike("^T[0-9]{11}$"),
        "range:updated_at": col("updated_at") < F.lit("1900-01-01").cast("timestamp"),
        "range:tapped_at": col("tapped_at") < F.lit("2020-01-01").cast("timestamp"),
        "reference:stop_code": col("stop_code").isNotNull() & col("known_stop").isNull(),
        "enum:direction": ~col("direction").isin(*DIRECTIONS),
        "enum:card_kind": ~col("card_kind").isin(*CARD_KINDS),
        "range:fare": ~col("fare").between(0, 200),
        "range:discount_percent": ~col("discount_percent").between(0, 100),
        "changed_after_tapped": col("updated_at") < col("tapped_at"),
        "vehicle_number": ~col("vehicle").rlike("^V[0-9]{5}$"),
    }


def _staged(frame: DataFrame, path: str) -> DataFrame:
    """Computed once, for it is read more than once."""
    frame.write.parquet(path)
    return _spark().read.schema(frame.schema).parquet(path)


def _newest(good: DataFrame) -> DataFrame:
    """Of a key that came twice the version with the highest sequence."""
    newest_first = Window.partitionBy(KEY).orderBy(F.col(SEQUENCE).desc())
    ranked = good.withColumn("rank", F.row_number().over(newest_first))
    return ranked.where("rank = 1").select(*COLUMNS)


def _merge(rows: DataFrame, task: Task, staging: str) -> None:
    if task.is_first:
        rows.write.format("delta").save(task.taps)
        return
    _staged(rows, f"{staging}/newest").createOrReplaceTempView("newest")
    _spark().sql(
        f"MERGE INTO delta.`{task.taps}` AS t USING newest AS s ON s.{KEY} = t.{KEY}"
        f" WHEN MATCHED AND s.{SEQUENCE} > t.{SEQUENCE} THEN UPDATE SET *"
        " WHEN NOT MATCHED THEN INSERT *"
    ).collect()


def _refresh_mart(task: Task) -> None:
    _spark().sql(
        f"CREATE OR REPLACE TABLE delta.`{task.mart}` USING DELTA AS"
        " SELECT to_date(tapped_at) AS day, line, count(*) AS taps, sum(fare) AS fares,"
        f" count(DISTINCT stop_code) AS stops FROM delta.`{task.taps}`"
        " GROUP BY to_date(tapped_at), line"
    ).collect()


if __name__ == "__main__":
    main({"initial": load, "initial_plain": load_plain, "changes": load})
