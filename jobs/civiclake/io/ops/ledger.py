"""account: what every step of every batch did, kept in ``ops.*``, and the sum that must hold."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from civiclake import __version__
from civiclake.io.ops.account import BatchResult
from civiclake.io.ops.table import OpsTable
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


BATCHES = OpsTable(
    "batches",
    (
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
        ("token", "bigint"),
    ),
    "what became of the rows of every batch, try by try",
)
OUTCOMES = OpsTable(
    "outcomes",
    (
        ("dataset", "string"),
        ("batch_id", "string"),
        ("attempt", "int"),
        ("step", "string"),
        ("outcome", "string"),
        ("rows", "bigint"),
        ("seconds", "double"),
        ("recorded_at", "timestamp"),
        ("token", "bigint"),
    ),
    "what each step of a batch did, and how long it took",
)


@dataclass(frozen=True)
class Circumstances:
    """By what a batch was judged and written."""

    contract_version: str = ""
    rules_version: str = ""
    watermark_from: str | None = None
    watermark_to: str | None = None
    token: int | None = None
    """Of the lock under which it was written; none where no table could be."""
    code_version: str = __version__


@dataclass
class Entry:
    """One try of a batch, as the ledger keeps it."""

    result: BatchResult
    recorder: Recorder
    by: Circumstances = Circumstances()


def record(spark: SparkSession, settings: Settings, entry: Entry) -> None:
    """Write a try into ``ops.batches`` and its steps into ``ops.outcomes``."""
    # Two tables, two commits: side by side they cost as much as one.
    with ThreadPoolExecutor(max_workers=2) as both:
        written = [
            both.submit(write_account, spark, settings, entry),
            both.submit(write_outcomes, spark, settings, entry),
        ]
    for one in written:
        one.result()


def write_account(spark: SparkSession, settings: Settings, entry: Entry) -> None:
    """Write the row of ``ops.batches`` alone."""
    started = {"started_at": entry.recorder.started_at}
    facts = {**entry.result.model_dump(), **asdict(entry.by), **started}
    BATCHES.append(spark, settings, [tuple(facts[name] for name, _ in BATCHES.columns)])


def write_outcomes(spark: SparkSession, settings: Settings, entry: Entry) -> None:
    """Write the rows of ``ops.outcomes`` alone."""
    now = datetime.now(UTC)
    head = (entry.result.dataset, entry.result.batch_id, entry.result.attempt)
    rows = [
        (*head, step, outcome, None if count < 0 else count, seconds, now, entry.by.token)
        for step, outcome, count, seconds in entry.recorder.outcomes
    ]
    OUTCOMES.append(spark, settings, rows)


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
_SHOWN = (
    "dataset", "batch_id", "attempt", "status", "read", "inserted", "updated", "unchanged",
    "superseded", "late", "quarantined", "deleted", "seconds", "message",
)  # fmt: skip


def newest(spark: SparkSession, settings: Settings, limit: int) -> list[tuple[Any, ...]]:
    """The accounts of the newest batches, newest first."""
    if not BATCHES.exists(spark, settings):
        return []
    rows = BATCHES.rows(spark, settings).orderBy(F.col("started_at").desc(), "dataset")
    return [tuple(row) for row in rows.select(*_SHOWN).limit(limit).collect()]


def merged(spark: SparkSession, settings: Settings, dataset_id: str) -> list[Merged]:
    """The batches of a dataset that were merged, replays among them, in the order of that."""
    if not BATCHES.exists(spark, settings):
        return []
    mine = (F.col("dataset") == dataset_id) & (F.col("status") == "merged")
    found = (
        BATCHES.rows(spark, settings)
        .where(mine)
        .groupBy("batch_id")
        .agg(
            F.min("started_at").alias("first"),
            F.max(F.expr("inserted + updated + deleted")).alias("changed"),
            F.max_by("contract_version", "started_at").alias("contract"),
        )
        .orderBy("first", "batch_id")
    )
    return [
        Merged(row["batch_id"], bool(row["changed"]), row["contract"]) for row in found.collect()
    ]
