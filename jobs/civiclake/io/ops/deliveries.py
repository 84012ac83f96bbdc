"""``ops.deliveries``: one row for each dataset and due date, whatever became of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pyspark.sql import SparkSession

from civiclake.contracts.promise import Promise
from civiclake.io.lake import tables
from civiclake.io.lake.log_bounds import may_hold
from civiclake.io.ops.table import OpsTable
from civiclake.settings import Settings
from civiclake.state.held import held

TABLE = OpsTable(
    "deliveries",
    (
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
    ),
    "what was due, and what came",
)
_WAIT_S = 300.0
"""Each load of a night writes here once, a second or two."""


def write(spark: SparkSession, settings: Settings, rows: Sequence[Promise]) -> None:
    """Put rows in the place of what was known of their due dates, in one commit.

    Loads of other datasets write here at the same time, so the file lock lets in one at once.
    """
    if not rows:
        return
    same = " OR ".join(
        f"(dataset = '{row.dataset}' AND due_at = TIMESTAMP '{row.due_at:%Y-%m-%d %H:%M:%S}Z')"
        for row in rows
    )
    lock = settings.locks_dir / f".ops_{TABLE.name}"
    with held(settings, lock, f"writing ops.{TABLE.name}", timeout_s=_WAIT_S):
        # Most due dates are news, and to replace nothing costs three times as much as to append.
        is_there = TABLE.exists(spark, settings)
        is_news = not is_there or not _holds(spark, settings, rows, same)
        replacing = None if is_news else same
        TABLE.append(spark, settings, [_values(row) for row in rows], replacing=replacing)


def _holds(spark: SparkSession, settings: Settings, rows: Sequence[Promise], same: str) -> bool:
    """Whether any of these due dates is written down.

    By the log's bounds it is all but sure, and to replace nothing is dear, not wrong: Spark, to
    which the question is as dear, is asked only where the log can't be.
    """
    if settings.lake_uri is not None:
        return not TABLE.rows(spark, settings).where(same).isEmpty()
    return any(
        may_hold(settings, tables.OPS, TABLE.name, dataset=row.dataset, due_at=row.due_at)
        for row in rows
    )


def read(spark: SparkSession, settings: Settings) -> list[Promise]:
    """All rows, newest due date last."""
    if not TABLE.exists(spark, settings):
        return []
    rows = TABLE.shown(spark, settings).orderBy("due_at", "dataset").collect()
    return [Promise.model_validate(row.asDict()) for row in rows]


def _values(row: Promise) -> tuple[Any, ...]:
    found = {**row.model_dump(), "state": row.state.value}
    return tuple(found[name] for name, _ in TABLE.columns)
