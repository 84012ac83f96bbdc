"""``ops.deliveries``: one row for each dataset and due date, whatever became of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pyspark.sql import SparkSession

from civiclake.contracts.promise import Promise
from civiclake.io.lake import tables
from civiclake.local.held import held
from civiclake.settings import Settings

TABLE = "deliveries"
_WAIT_S = 300.0
"""Each load of a night writes here once, a second or two."""
_COLUMNS = [
    ("dataset", "string"),
    ("due_at", "timestamp"),
    ("deadline_at", "timestamp"),
    ("state", "string"),
    ("batch_id", "string"),
    ("delivered_at", "timestamp"),
    ("age_seconds", "double"),
    ("owner", "string"),
    ("contact", "string"),
    ("told_at", "timestamp"),
    ("recorded_at", "timestamp"),
]


def write(spark: SparkSession, settings: Settings, rows: Sequence[Promise]) -> None:
    """Put rows in the place of what was known of their due dates, in one commit.

    Loads of other datasets write here at the same time, so the file lock lets in one at once.
    """
    if not rows:
        return
    tables.create(
        spark, settings, tables.OPS, TABLE, _COLUMNS, comment="what was due, and what came"
    )
    schema = ", ".join(f"{name} {kind}" for name, kind in _COLUMNS)
    values = [_values(row) for row in rows]
    frame = spark.createDataFrame(values, schema).coalesce(1)
    same = " OR ".join(
        f"(dataset = '{row.dataset}' AND due_at = TIMESTAMP '{row.due_at:%Y-%m-%d %H:%M:%S}Z')"
        for row in rows
    )
    lock = settings.locks_dir / f".ops_{TABLE}"
    with held(lock, f"writing {tables.OPS}.{TABLE}", timeout_s=_WAIT_S):
        writer = frame.write.format("delta").mode("append")
        # Most due dates are news, and to replace nothing costs three times as much as to append.
        if not spark.table(tables.by_path(settings, tables.OPS, TABLE)).where(same).isEmpty():
            writer = writer.mode("overwrite").option("replaceWhere", same)
        writer.save(tables.location(settings, tables.OPS, TABLE))


def read(spark: SparkSession, settings: Settings) -> list[Promise]:
    """All rows, newest due date last."""
    if not tables.exists(spark, settings, tables.OPS, TABLE):
        return []
    names = ", ".join(_shown(name) if kind == "timestamp" else name for name, kind in _COLUMNS)
    table = tables.by_path(settings, tables.OPS, TABLE)
    rows = spark.sql(f"SELECT {names} FROM {table} ORDER BY due_at, dataset").collect()
    return [Promise.model_validate(row.asDict()) for row in rows]


def _values(row: Promise) -> tuple[Any, ...]:
    found = {**row.model_dump(), "state": row.state.value}
    return tuple(found[name] for name, _ in _COLUMNS)


def _shown(name: str) -> str:
    """A moment as text with its zone: Spark's client would hand it out in this machine's."""
    moment = f"to_utc_timestamp({name}, current_timezone())"
    return f"date_format({moment}, \"yyyy-MM-dd'T'HH:mm:ss.SSSSSS'Z'\") AS {name}"
