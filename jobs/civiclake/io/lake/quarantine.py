"""The rows that were set aside: kept whole, with reasons, until they are put right.

A record has one place in quarantine for ever, by its ``_record_id``. It is ``open`` until
a later judgement lets it pass; then it is ``released`` and says by which batch. Delivered again
as it was, it is the same record, seen once more (:mod:`civiclake.io.lake.recognise`); when a newer
snapshot holds it no longer, it is ``gone``. A replay
first claims the open records, so that a crash half-way leaves them claimed by that
replay, and running it again takes exactly those.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from civiclake import columns as c
from civiclake.contracts.model import Dataset
from civiclake.contracts.sql import sql_name
from civiclake.io.lake import tables
from civiclake.io.lake.fingerprint import FINGERPRINT
from civiclake.io.lake.log_metadata import metadata
from civiclake.settings import Settings

OPEN, RELEASED, GONE = "open", "released", "gone"

COLUMNS: Sequence[tuple[str, str]] = (
    (c.RECORD, "string"),
    (c.BATCH, "string"),
    (c.FILE, "string"),
    (c.ROW, "bigint"),
    (c.DELIVERED, "timestamp"),
    ("status", "string"),
    ("reasons", "array<string>"),
    ("raw", "map<string,string>"),
    ("malformed_text", "string"),
    ("contract_version", "string"),
    ("rules_version", "string"),
    ("judged_by_batch", "string"),
    ("judged_at", "timestamp"),
    ("claimed_by_batch", "string"),
    ("released_by_batch", "string"),
    (FINGERPRINT, "string"),
    ("last_seen_batch", "string"),
    ("last_seen_record", "string"),
    ("last_seen_at", "timestamp"),
    ("times_seen", "bigint"),
    ("gone_by_batch", "string"),
)
"""The lineage is that of the first sighting. A table from before a column was added gets it with
its next batch (:func:`create`)."""


def create(spark: SparkSession, settings: Settings, dataset: Dataset) -> str:
    """Make a dataset's quarantine where there is none, or give it the columns that it lacks.

    Returns:
        Its identifier.
    """
    identifier = tables.create(
        spark,
        settings,
        tables.QUARANTINE,
        dataset.table,
        COLUMNS,
        comment=f"records of {dataset.id} that were set aside; as restricted as raw",
    )
    place = tables.location(settings, tables.QUARANTINE, dataset.table)
    have = set(metadata(spark, place).schema.names)
    lacking = [f"{name} {kind}" for name, kind in COLUMNS if name not in have]
    if lacking:
        spark.sql(f"ALTER TABLE {identifier} ADD COLUMNS ({', '.join(lacking)})")
    return identifier


def exists(spark: SparkSession, settings: Settings, dataset: Dataset) -> bool:
    """Whether anything of this dataset was ever set aside."""
    return tables.exists(spark, settings, tables.QUARANTINE, dataset.table)


def rows_from(bad: DataFrame, dataset: Dataset, batch_id: str, rules_version: str) -> DataFrame:
    """Shape set-aside rows for the quarantine table.

    Args:
        bad: rows with lineage, ``_raw``, ``_malformed``, ``reasons`` and ``fingerprint``.
        dataset: the compiled contract.
        batch_id: the batch that judged them (a replay's own id, for replays).
        rules_version: fingerprint of the rules that judged.
    """
    return bad.select(
        *[F.col(name) for name in (c.RECORD, c.BATCH, c.FILE, c.ROW, c.DELIVERED)],
        F.lit(OPEN).alias("status"),
        F.col("reasons"),
        F.col(c.RAW).alias("raw"),
        F.col(c.CORRUPT).alias("malformed_text"),
        F.lit(dataset.version).alias("contract_version"),
        F.lit(rules_version).alias("rules_version"),
        F.lit(batch_id).alias("judged_by_batch"),
        F.lit(datetime.now(UTC)).alias("judged_at"),
        F.lit(None).cast("string").alias("claimed_by_batch"),
        F.lit(None).cast("string").alias("released_by_batch"),
        F.col(FINGERPRINT),
        F.col(c.BATCH).alias("last_seen_batch"),
        F.col(c.RECORD).alias("last_seen_record"),
        F.col(c.DELIVERED).alias("last_seen_at"),
        F.lit(1).cast("bigint").alias("times_seen"),
        F.lit(None).cast("string").alias("gone_by_batch"),
    )


def append(spark: SparkSession, settings: Settings, dataset: Dataset, rows: DataFrame) -> None:
    """Set rows aside that no earlier try can have set aside."""
    create(spark, settings, dataset)
    add(settings, dataset, rows)


def add(settings: Settings, dataset: Dataset, rows: DataFrame) -> None:
    """The same, where the table stands with all of :data:`COLUMNS`."""
    location = tables.location(settings, tables.QUARANTINE, dataset.table)
    rows.write.format("delta").mode("append").save(location)


def claim(spark: SparkSession, settings: Settings, dataset: Dataset, batch_id: str) -> int:
    """Take all open records for a replay; returns how many it holds, earlier claims included."""
    table = tables.by_path(settings, tables.QUARANTINE, dataset.table)
    spark.sql(
        f"UPDATE {table} SET claimed_by_batch = '{batch_id}'"
        f" WHERE status = '{OPEN}' AND claimed_by_batch IS NULL"
    )
    return claimed(spark, settings, dataset, batch_id).count()


def unfinished(spark: SparkSession, settings: Settings, dataset: Dataset) -> str | None:
    """The replay that claimed records and broke off before it was through, if there is one."""
    table = spark.table(tables.by_path(settings, tables.QUARANTINE, dataset.table))
    open_claims = table.where((F.col("status") == OPEN) & F.col("claimed_by_batch").isNotNull())
    row = open_claims.select("claimed_by_batch").first()
    return row[0] if row else None


def has_unclaimed(spark: SparkSession, settings: Settings, dataset: Dataset) -> bool:
    """Whether a record is open that no replay holds."""
    table = spark.table(tables.by_path(settings, tables.QUARANTINE, dataset.table))
    free = (F.col("status") == OPEN) & F.col("claimed_by_batch").isNull()
    return not table.where(free).isEmpty()


def claimed(spark: SparkSession, settings: Settings, dataset: Dataset, batch_id: str) -> DataFrame:
    """The records that a replay holds."""
    table = spark.table(tables.by_path(settings, tables.QUARANTINE, dataset.table))
    return table.where((F.col("claimed_by_batch") == batch_id) & (F.col("status") == OPEN))


def as_raw(
    records: DataFrame, dataset: Dataset, batch_id: str, corrections: DataFrame | None
) -> DataFrame:
    """Turn set-aside records back into raw rows of a replay batch.

    A record keeps the id and the time of delivery under which it was seen last, so that a replay
    changes when it was judged and nothing else.

    Args:
        records: from :func:`claimed`.
        dataset: the compiled contract.
        batch_id: the replay's batch.
        corrections: optional frame of ``_record_id`` and some source columns (text): a
            record that stands here is judged with these values.
    """
    values = {
        col.source_name: F.try_element_at(F.col("raw"), F.lit(col.source_name))
        for col in dataset.columns
    }
    malformed = F.col("malformed_text")
    if corrections is not None:
        # Suffixed, because a source column may have the name of one of quarantine's own.
        fixed = corrections.toDF(*[f"{name}_fixed" for name in corrections.columns])
        is_fixed = F.col(f"{c.RECORD}_fixed").isNotNull()
        records = records.join(fixed, F.col(c.RECORD) == F.col(f"{c.RECORD}_fixed"), "left")
        for name in values.keys() & set(corrections.columns):
            value = F.col(sql_name(f"{name}_fixed"))
            values[name] = F.when(is_fixed, value).otherwise(values[name])
        malformed = F.when(~is_fixed, malformed)
    texts = [values[col.source_name].alias(col.source_name) for col in dataset.columns]
    return records.select(
        *texts,
        F.lit(batch_id).alias(c.BATCH),
        _last_seen(records, "last_seen_record", c.RECORD),
        F.col(c.FILE),
        F.col(c.ROW),
        _last_seen(records, "last_seen_at", c.DELIVERED),
        malformed.alias(c.CORRUPT),
    )


def _last_seen(records: DataFrame, last: str, first: str) -> Column:
    """Of the last sighting, for what was delivered since would be newer than the first one."""
    found = F.col(first)
    if last in records.columns:  # a table from before known faults were recognised lacks it
        found = F.coalesce(F.col(last), found)
    return found.alias(first)


def summary(
    spark: SparkSession, settings: Settings, dataset: Dataset
) -> list[tuple[str, str, int]]:
    """Rows by status and reason: (status, reason, rows), most first."""
    table = spark.table(tables.by_path(settings, tables.QUARANTINE, dataset.table))
    found = (
        table.select("status", F.explode("reasons").alias("reason"))
        .groupBy("status", "reason")
        .count()
        .orderBy(F.col("count").desc(), "reason")
        .collect()
    )
    return [(row["status"], row["reason"], row["count"]) for row in found]


@dataclass(frozen=True)
class SetAside:
    """One open record, for a person who puts it right."""

    record_id: str
    reasons: list[str]
    raw: dict[str, str | None]
    """Source column to its text, as it came."""
    first_seen_batch: str
    last_seen_batch: str
    times_seen: int
    """In how many deliveries."""


def show(
    spark: SparkSession, settings: Settings, dataset: Dataset, *, reason: str | None, limit: int
) -> list[SetAside]:
    """Open records with their reasons and their values as they came."""
    table = spark.table(tables.by_path(settings, tables.QUARANTINE, dataset.table))
    chosen = table.where(F.col("status") == OPEN)
    if reason is not None:
        chosen = chosen.where(F.array_contains("reasons", reason))
    is_old = "times_seen" not in table.columns  # no batch has come since it has such columns
    last = F.col(c.BATCH) if is_old else F.coalesce("last_seen_batch", c.BATCH)
    times = F.lit(1) if is_old else F.coalesce("times_seen", F.lit(1))
    named = (c.RECORD, "reasons", "raw", c.BATCH)
    shown = chosen.orderBy(c.RECORD).limit(limit)
    rows = shown.select(*named, last.alias("_last"), times.alias("_times")).collect()
    return [
        SetAside(r[c.RECORD], r["reasons"], r["raw"], r[c.BATCH], r["_last"], r["_times"])
        for r in rows
    ]
