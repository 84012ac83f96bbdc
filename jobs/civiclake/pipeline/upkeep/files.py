"""What maintenance does to one table: when it is worth it, and how."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pyspark.sql import SparkSession

from civiclake.contracts.sql import sql_text
from civiclake.io.lake.delta_log import Newest, Partition
from civiclake.io.ops.maintenance import Known, Upkeep
from civiclake.settings import Settings

_DELETED, _LOG = "delta.deletedFileRetentionDuration", "delta.logRetentionDuration"
_LOG_DAYS = 30
"""Delta's own default for its log."""
_BATCH_BYTES = 1 << 30
"""OPTIMIZE commits after so many bytes: what is broken off then was not for nothing."""


@dataclass(frozen=True)
class Task:
    """What there is to do with a table's files."""

    table: str
    """Its identifier."""
    compacts: Sequence[Partition]
    """The partitions whose files are written anew."""
    is_whole: bool
    """Whether the table has no partitions."""
    vacuums: bool

    @property
    def words(self) -> str:
        """For people."""
        said = []
        if self.compacts:
            small = sum(p.small for p in self.compacts)
            share = max(p.worst_share for p in self.compacts)
            where = "" if self.is_whole else f" in {len(self.compacts)} partitions"
            said.append(f"{small} small files{where}")
            said += [f"a file of which {share:.0%} is deleted"] if share else []
        said += ["files that no version needs are looked for"] if self.vacuums else []
        return ", ".join(said) or "nothing to do"


def compact_what(settings: Settings, files: Sequence[Partition]) -> list[Partition]:
    """The partitions with enough small files, or with a big one of which much is deleted."""
    rules = settings.maintenance
    return [p for p in files if p.small >= rules.min_files or p.worst_share > rules.purge_share]


def vacuum_due(settings: Settings, known: Known | None, newest: Newest) -> bool:
    """Whether a file can lie there that has left the table long enough ago.

    Args:
        settings: say how long files are kept, and how often they are looked for.
        known: until when it is known to be clean; None: nothing is known.
        newest: after this commit nothing has left.
    """
    if known is None:
        return False
    ends = datetime.now(UTC) - timedelta(days=settings.maintenance.keep_days)
    often = timedelta(days=settings.maintenance.vacuum_every_days)
    return known.clean_until < newest.at and known.clean_until + often < ends


def compact(spark: SparkSession, settings: Settings, task: Task, row: Upkeep) -> None:
    """Write small files together, and files without their deleted rows."""
    rules = settings.maintenance
    for name, value in {
        "minFileSize": rules.small_mb << 20,
        "maxFileSize": rules.target_mb << 20,
        "maxDeletedRowsRatio": rules.purge_share,
        "batchSize": _BATCH_BYTES,
    }.items():
        spark.conf.set(f"spark.databricks.delta.optimize.{name}", str(value))
    where = "" if task.is_whole else f" WHERE {_any_of(task.compacts)}"
    told = spark.sql(f"OPTIMIZE {task.table}{where}").collect()[0]["metrics"]
    removed, added = told["filesRemoved"], told["filesAdded"]
    row.files_after = (row.files_before or 0) - removed["totalFiles"] + added["totalFiles"]
    row.bytes_after = (row.bytes_before or 0) - removed["totalSize"] + added["totalSize"]


def _any_of(parts: Sequence[Partition]) -> str:
    """The partitions as a predicate; each value is text in the log, and cast by Spark."""
    names = list(parts[0].values)
    if len(names) == 1 and all(p.values[names[0]] is not None for p in parts):
        return f"`{names[0]}` IN ({', '.join(_text(p.values[names[0]]) for p in parts)})"
    alike = [" AND ".join(f"`{n}` <=> {_text(p.values[n])}" for n in names) for p in parts]
    return " OR ".join(f"({one})" for one in alike)


def _text(value: str | None) -> str:
    return "NULL" if value is None else sql_text(value)


def vacuum(spark: SparkSession, settings: Settings, task: Task, row: Upkeep) -> None:
    """Take files off the disk that left the table longer ago than they are kept."""
    days = keep(spark, settings, task.table)
    # Delta lists folders in ten thousand tasks otherwise, which takes half a minute.
    spark.conf.set("spark.sql.sources.parallelPartitionDiscovery.parallelism", "2")
    began = datetime.now(UTC)
    spark.sql(f"VACUUM {task.table}").collect()
    told = spark.sql(f"DESCRIBE HISTORY {task.table} LIMIT 1").collect()[0]
    row.files_vacuumed = int((told["operationMetrics"] or {}).get("numDeletedFiles", 0))
    row.clean_until = (began - timedelta(days=days)).isoformat()


def keep(spark: SparkSession, settings: Settings, table: str) -> int:
    """Let the table itself say for how many days files are kept.

    VACUUM asks nobody else (it passes over RETAIN), and no older version can be read or restored.
    A longer time that stands there already, a swapped backfill's, stays.
    """
    wanted = settings.maintenance.keep_days
    rows = spark.sql(f"SHOW TBLPROPERTIES {table}").collect()
    said = {row["key"]: row["value"] for row in rows}
    found = re.search(r"(\d+) days?", said.get(_DELETED, ""))
    if found and int(found[1]) >= wanted:
        return int(found[1])
    properties = {_DELETED: wanted}
    if wanted > _LOG_DAYS:
        properties[_LOG] = wanted
    pairs = ", ".join(f"'{name}' = 'interval {days} days'" for name, days in properties.items())
    spark.sql(f"ALTER TABLE {table} SET TBLPROPERTIES ({pairs})")
    return wanted
