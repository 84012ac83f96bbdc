"""``ops.deliveries``: one row for each dataset and due date, whatever became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pyspark.sql import SparkSession

from civiclake.contracts.promise import Promise
from civiclake.io.lake import tables
from civiclake.io.lake.log_bounds import Standing, standing
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
        # Most due dates are news, and what is none stands in a file of its own; to let Spark
        # replace costs ten times as much, whether there is anything to be replaced or not.
        is_there = TABLE.exists(spark, settings)
        known = _standing(settings, rows) if is_there else None
        is_news = not is_there or (known is not None and not known.files)
        if is_there and settings.lake_uri is not None:
            is_news = TABLE.rows(spark, settings).where(same).isEmpty()
        TABLE.append(
            spark, settings, [_values(row) for row in rows],
            replacing=None if is_news else same, standing=known if not is_news else None,
        )  # fmt: skip


def _standing(settings: Settings, rows: Sequence[Promise]) -> Standing | None:
    """The files of these due dates; None where these are not theirs alone, or it can't be told."""
    keys: list[Mapping[str, str | datetime]] = [
        {"dataset": row.dataset, "due_at": row.due_at} for row in rows
    ]
    return standing(settings, tables.OPS, TABLE.name, keys)


def read(spark: SparkSession, settings: Settings) -> list[Promise]:
    """All rows, newest due date last."""
    if not TABLE.exists(spark, settings):
        return []
    rows = TABLE.shown(spark, settings).orderBy("due_at", "dataset").collect()
    return [Promise.model_validate(row.asDict()) for row in rows]


def _values(row: Promise) -> tuple[Any, ...]:
    found = {**row.model_dump(), "state": row.state.value}
    return tuple(found[name] for name, _ in TABLE.columns)
