"""``ops.maintenance``: what was done to each table's files, and what it saved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict
from pyspark.sql import SparkSession

from civiclake.io.lake import tables
from civiclake.settings import Settings

TABLE = "maintenance"
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


_COLUMNS = [
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
]


def record(spark: SparkSession, settings: Settings, rows: Sequence[Upkeep]) -> None:
    """Write down what was looked at; a table that did not change has no row."""
    now = datetime.now(UTC).isoformat()
    told = [
        tuple({**row.model_dump(), "recorded_at": now}[name] for name, _ in _COLUMNS)
        for row in rows
        if row.done != UNCHANGED
    ]
    if not told:
        return
    tables.create(spark, settings, tables.OPS, TABLE, _COLUMNS, comment="what was done to files")
    schema = ", ".join(f"`{name}` {kind}" for name, kind in _COLUMNS)
    frame = spark.createDataFrame(told, schema).coalesce(1)
    frame.write.format("delta").mode("append").save(tables.location(settings, tables.OPS, TABLE))


def known(spark: SparkSession, settings: Settings) -> dict[str, Known]:
    """How each table stood, by its name with layer."""
    if not tables.exists(spark, settings, tables.OPS, TABLE):
        return {}
    rows = spark.sql(
        "SELECT `table`, max_by(version, recorded_at) AS version,"
        " max_by(clean_until, recorded_at) AS clean_until"
        f" FROM {tables.by_path(settings, tables.OPS, TABLE)}"
        f" WHERE done NOT IN ('{BUSY}', '{GAVE_WAY}', '{FAILED}') GROUP BY `table`"
    ).collect()
    return {
        row["table"]: Known(row["version"], datetime.fromisoformat(row["clean_until"]))
        for row in rows
    }
