"""Delta tables: where they stand, how they are made, and how the lake's names come to be."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from filelock import FileLock
from pyspark.sql import SparkSession

from civiclake import columns as c
from civiclake.contracts.model import Dataset
from civiclake.contracts.render import table_ddl
from civiclake.contracts.render.layers import Layer
from civiclake.settings import Settings

RAW, QUARANTINE, MARTS, OPS = "raw", "quarantine", "marts", "ops"
UNIFIED: Layer = "unified"
STAGING = "staging"
"""Short-lived Parquet between two passes over a batch; as protected as raw."""


def location(settings: Settings, layer: str, table: str) -> str:
    """Path or URI of a table."""
    return f"{settings.lake}/{layer}/{table}"


def by_path(settings: Settings, layer: str, table: str) -> str:
    """The table as an identifier that needs no catalogue."""
    return f"delta.`{location(settings, layer, table)}`"


def exists(spark: SparkSession, settings: Settings, layer: str, table: str) -> bool:
    """Whether the Delta table was made."""
    if settings.lake_uri is None:
        # The folder of the log is there before the first commit is.
        return any((Path(location(settings, layer, table)) / "_delta_log").glob("*.json"))
    found = spark.sql(f"SHOW TABLES IN {layer} LIKE '{table}'") if _has(spark, layer) else None
    return found is not None and bool(found.head(1))


def _has(spark: SparkSession, schema: str) -> bool:
    return bool(spark.sql(f"SHOW SCHEMAS LIKE '{schema}'").head(1))


def create(
    spark: SparkSession,
    settings: Settings,
    layer: str,
    table: str,
    columns: Sequence[tuple[str, str]],
    *,
    partition: str | None = None,
    comment: str = "",
) -> str:
    """Make a Delta table where there is none.

    Args:
        spark: session on the jobs' engine.
        settings: says where the lake is.
        layer: raw, unified, quarantine, marts or ops.
        table: name without layer.
        columns: name and Spark type, in order.
        partition: column to partition by.
        comment: what the table holds.

    Returns:
        The table's identifier by path.
    """
    identifier = by_path(settings, layer, table)
    if exists(spark, settings, layer, table):
        return identifier
    fields = ", ".join(f"`{name}` {kind}" for name, kind in columns)
    by = f" PARTITIONED BY (`{partition}`)" if partition else ""
    text = comment.replace("\\", "\\\\").replace("'", "\\'")
    # Two first batches that make the same table at once (the ledger's) would fail each other.
    with FileLock(_creation_lock(settings)):
        spark.sql(
            f"CREATE TABLE IF NOT EXISTS {identifier} ({fields}) USING DELTA{by} COMMENT '{text}'"
        )
    return identifier


def _creation_lock(settings: Settings) -> Path:
    settings.locks_dir.mkdir(parents=True, exist_ok=True)
    return settings.locks_dir / ".create"


def register(spark: SparkSession, settings: Settings, layer: str, table: str) -> str:
    """Give a table its name in the engine's catalogue; returns ``<layer>.<table>``."""
    name = f"{layer}.{table}"
    spark.sql(f"CREATE SCHEMA IF NOT EXISTS {layer}")
    spark.sql(
        f"CREATE TABLE IF NOT EXISTS {name} USING DELTA"
        f" LOCATION '{location(settings, layer, table)}'"
    )
    return name


def create_unified(spark: SparkSession, settings: Settings, dataset: Dataset) -> str:
    """Make a dataset's unified table as its contract says, where there is none."""
    identifier = by_path(settings, UNIFIED, dataset.table)
    if not exists(spark, settings, UNIFIED, dataset.table):
        place = location(settings, UNIFIED, dataset.table)
        extra = c.unified_extra(dataset)
        spark.sql(table_ddl(dataset, place, UNIFIED, extra, by_path=True))
    return identifier


RAW_LINEAGE: Sequence[tuple[str, str]] = (
    (c.BATCH, "string"),
    (c.RECORD, "string"),
    (c.FILE, "string"),
    (c.ROW, "bigint"),
    (c.DELIVERED, "timestamp"),
    (c.CORRUPT, "string"),
)


def create_raw(spark: SparkSession, settings: Settings, dataset: Dataset) -> str:
    """Make a dataset's raw table where there is none; returns its identifier."""
    texts = [(col.source_name, "string") for col in dataset.columns]
    return create(
        spark,
        settings,
        RAW,
        dataset.table,
        [*texts, *RAW_LINEAGE],
        partition=c.BATCH,
        comment=f"{dataset.id} as it came, every value text",
    )
