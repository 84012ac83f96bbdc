"""account: what every step of every batch did, kept in ``ops.*``, and the sum that must hold."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pyspark.sql import SparkSession

from civiclake import __version__
from civiclake.io.lake import tables
from civiclake.io.ops.account import BatchResult
from civiclake.settings import Settings

log = logging.getLogger(__name__)


@dataclass
class Recorder:
    """Collects a batch's steps while it runs; written once at the end."""

    outcomes: list[tuple[str, str, int, float]] = field(default_factory=list)
    """Step, outcome, rows, seconds."""
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time a step and say so in the log."""
        began = time.perf_counter()
        yield
        seconds = time.perf_counter() - began
        self.outcomes.append((name, "done", -1, seconds))
        log.info("%-12s %6.2f s", name, seconds)

    def count(self, step: str, outcome: str, rows: int) -> None:
        """Note how many rows took a way."""
        self.outcomes.append((step, outcome, rows, 0.0))

    @property
    def seconds(self) -> float:
        """Wall time since the recorder was made."""
        return (datetime.now(UTC) - self.started_at).total_seconds()


_BATCHES = [
    ("dataset", "string"),
    ("batch_id", "string"),
    ("attempt", "int"),
    ("status", "string"),
    ("message", "string"),
    ("read", "bigint"),
    ("inserted", "bigint"),
    ("updated", "bigint"),
    ("unchanged", "bigint"),
    ("superseded", "bigint"),
    ("late", "bigint"),
    ("quarantined", "bigint"),
    ("deleted", "bigint"),
    ("watermark_from", "string"),
    ("watermark_to", "string"),
    ("contract_version", "string"),
    ("rules_version", "string"),
    ("code_version", "string"),
    ("started_at", "timestamp"),
    ("seconds", "double"),
    ("data_docs", "string"),
]
_OUTCOMES = [
    ("dataset", "string"),
    ("batch_id", "string"),
    ("attempt", "int"),
    ("step", "string"),
    ("outcome", "string"),
    ("rows", "bigint"),
    ("seconds", "double"),
    ("recorded_at", "timestamp"),
]


def record(
    spark: SparkSession,
    settings: Settings,
    result: BatchResult,
    recorder: Recorder,
    *,
    contract_version: str,
    watermark: tuple[str | None, str | None] = (None, None),
    rules_version: str = "",
) -> None:
    """Write a batch into ``ops.batches`` and its steps into ``ops.outcomes``."""
    facts: dict[str, Any] = {
        **result.model_dump(),
        "watermark_from": watermark[0],
        "watermark_to": watermark[1],
        "contract_version": contract_version,
        "rules_version": rules_version,
        "code_version": __version__,
        "started_at": recorder.started_at,
        "seconds": recorder.seconds,
    }
    account = [tuple(facts[name] for name, _ in _BATCHES)]
    now = datetime.now(UTC)
    head = (result.dataset, result.batch_id, result.attempt)
    rows = [(*head, s, o, None if n < 0 else n, sec, now) for s, o, n, sec in recorder.outcomes]
    # Two tables, two commits: side by side they cost as much as one.
    with ThreadPoolExecutor(max_workers=2) as both:
        written = [
            both.submit(_append, spark, settings, "batches", _BATCHES, account),
            both.submit(_append, spark, settings, "outcomes", _OUTCOMES, rows),
        ]
    for one in written:
        one.result()


@dataclass(frozen=True)
class Merged:
    """A batch that was merged, once or again."""

    batch_id: str
    changed: bool
    """Whether it changed the served table."""
    contract_version: str
    """By which it was loaded last."""


SHOWN = (
    "dataset", "batch", "try", "status", "read", "inserted", "updated", "unchanged",
    "superseded", "late", "set aside", "deleted", "seconds", "message",
)  # fmt: skip
"""Heads of what :func:`newest` returns."""


def newest(spark: SparkSession, settings: Settings, limit: int) -> list[tuple[Any, ...]]:
    """The accounts of the newest batches, newest first."""
    if not tables.exists(spark, settings, tables.OPS, "batches"):
        return []
    rows = spark.sql(
        "SELECT dataset, batch_id, attempt, status, read, inserted, updated, unchanged,"
        " superseded, late, quarantined, deleted, seconds, message"
        f" FROM {tables.by_path(settings, tables.OPS, 'batches')}"
        f" ORDER BY started_at DESC, dataset LIMIT {int(limit)}"
    ).collect()
    return [tuple(row) for row in rows]


def merged(spark: SparkSession, settings: Settings, dataset_id: str) -> list[Merged]:
    """The batches of a dataset that were merged, replays among them, in the order of that."""
    if not tables.exists(spark, settings, tables.OPS, "batches"):
        return []
    rows = spark.sql(
        "SELECT batch_id, min(started_at) AS first, max(inserted + updated + deleted) AS changed,"
        " max_by(contract_version, started_at) AS contract"
        f" FROM {tables.by_path(settings, tables.OPS, 'batches')}"
        f" WHERE dataset = '{dataset_id}' AND status = 'merged' GROUP BY batch_id"
        " ORDER BY first, batch_id"
    ).collect()
    return [Merged(row["batch_id"], bool(row["changed"]), row["contract"]) for row in rows]


def _append(
    spark: SparkSession,
    settings: Settings,
    table: str,
    columns: list[tuple[str, str]],
    rows: list[tuple[Any, ...]],
) -> None:
    if not rows:
        return
    tables.create(spark, settings, tables.OPS, table, columns)
    schema = ", ".join(f"{name} {kind}" for name, kind in columns)
    frame = spark.createDataFrame(rows, schema).coalesce(1)
    frame.write.format("delta").mode("append").save(tables.location(settings, tables.OPS, table))
