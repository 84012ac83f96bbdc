"""``ops.maintenance``: what was done to each table's files, and what it saved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from civiclake.io.ops.table import OpsTable
from civiclake.settings import Settings

SEEN, COMPACTED, VACUUMED = "seen", "compacted", "vacuumed"
UNCHANGED, BUSY, GAVE_WAY, FAILED = "unchanged", "busy", "gave way", "failed"


class Upkeep(BaseModel):
    """What a run did to one table."""

    model_config = ConfigDict(extra="forbid")

    table: str
    """With its layer, such as ``unified.health_visits``."""
    done: str = UNCHANGED
    why: str = ""
    """In words: what there was to do, or why nothing was done."""
    version: int = -1
    """The newest version after it."""
    files_before: int | None = None
    files_after: int | None = None
    bytes_before: int | None = None
    bytes_after: int | None = None
    files_vacuumed: int | None = None
    """Files that were taken off the disk."""
    clean_until: str | None = None
    """What left the table before this moment is off the disk (UTC, ISO 8601)."""
    seconds: float = 0.0
    recorded_at: str = ""


@dataclass(frozen=True)
class Known:
    """How a table stood after the last run that looked at it."""

    version: int
    clean_until: datetime


TABLE = OpsTable(
    "maintenance",
    (
        ("table", "string"),
        ("done", "string"),
        ("why", "string"),
        ("version", "bigint"),
        ("files_before", "bigint"),
        ("files_after", "bigint"),
        ("bytes_before", "bigint"),
        ("bytes_after", "bigint"),
        ("files_vacuumed", "bigint"),
        ("clean_until", "string"),
        ("seconds", "double"),
        ("recorded_at", "string"),
    ),
    "what was done to files",
)


def record(spark: SparkSession, settings: Settings, rows: Sequence[Upkeep]) -> None:
    """Write down what was looked at; a table that did not change has no row."""
    now = datetime.now(UTC).isoformat()
    told = [
        tuple({**row.model_dump(), "recorded_at": now}[name] for name, _ in TABLE.columns)
        for row in rows
        if row.done != UNCHANGED
    ]
    TABLE.append(spark, settings, told)


def known(spark: SparkSession, settings: Settings) -> dict[str, Known]:
    """How each table stood, by its name with layer."""
    if not TABLE.exists(spark, settings):
        return {}
    looked_at = TABLE.rows(spark, settings).where(~F.col("done").isin(BUSY, GAVE_WAY, FAILED))
    newest = [F.max_by(name, "recorded_at").alias(name) for name in ("version", "clean_until")]
    return {
        row["table"]: Known(row["version"], datetime.fromisoformat(row["clean_until"]))
        for row in looked_at.groupBy("table").agg(*newest).collect()
    }
