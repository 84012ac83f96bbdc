"""What a Delta table's own log says of its commits and files, without looking at one of them.

On a local disk the log is read here: a question to Spark costs a quarter of a second, and as much
as its work when a batch is small.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from civiclake.io.lake import tables
from civiclake.settings import Settings

_ACTIONS = (
    "add struct<path:string, size:bigint, partitionValues:map<string,string>, stats:string,"
    " deletionVector:struct<cardinality:bigint>>, remove struct<path:string>"
)
_MANY_COMMITS = 500
"""So many commits after a checkpoint are more than Delta leaves."""


@dataclass(frozen=True)
class Partition:
    """The files of one partition, or of a table that has none."""

    values: Mapping[str, str | None]
    files: int
    size: int
    small: int
    """How many of the files are small."""
    worst_share: float
    """The greatest share of deleted rows in a file that is not small."""


@dataclass(frozen=True)
class Newest:
    """The newest version of a table, and when it was made."""

    version: int
    at: datetime


@dataclass(frozen=True)
class Commit:
    """What a table's history says of one commit."""

    version: int
    operation: str
    parameters: Mapping[str, Any]
    rows_written: int
    """Rows that were there before and stand in other files now are not among them."""
    rows_deleted: int
    said: Mapping[str, Any]
    """What its writer left to be read; see ``io.lake.fence.fenced``."""


@dataclass(frozen=True)
class Summary:
    """A table at its newest version."""

    version: int
    made: str
    """Delta's id of the table: another one, if it was made anew."""
    size_bytes: int


def newest(spark: SparkSession, settings: Settings, layer: str, table: str) -> Newest:
    """The newest version; on a local disk Spark is not asked."""
    log = _local(settings, layer, table)
    if log is not None:
        last = max(p for p in log.glob("*.json") if p.stem.isdigit())
        return Newest(int(last.stem), datetime.fromtimestamp(last.stat().st_mtime, UTC))
    name = tables.by_path(settings, layer, table)
    told = spark.sql(f"DESCRIBE HISTORY {name} LIMIT 1")
    row = told.selectExpr("version", "unix_millis(timestamp) AS at").collect()[0]
    return Newest(int(row["version"]), datetime.fromtimestamp(row["at"] / 1000, UTC))


def summary(spark: SparkSession, settings: Settings, layer: str, table: str) -> Summary:
    """The newest version, the table's id and its size."""
    version = newest(spark, settings, layer, table).version
    log = _local(settings, layer, table)
    # Delta writes a checksum after every commit, and reads on without it where it is missing.
    with contextlib.suppress(OSError, ValueError, KeyError):
        if log is not None:
            told = json.loads((log / f"{version:020d}.crc").read_text(encoding="utf-8"))
            return Summary(version, told["metadata"]["id"], int(told["tableSizeBytes"]))
    detail = spark.sql(f"DESCRIBE DETAIL {tables.by_path(settings, layer, table)}")
    row = detail.select("id", "sizeInBytes").collect()[0]
    return Summary(version, row["id"], int(row["sizeInBytes"]))


def commits(
    spark: SparkSession, settings: Settings, layer: str, table: str, limit: int
) -> list[Commit]:
    """The newest commits that the log still holds, newest first."""
    log = _local(settings, layer, table)
    if log is not None:
        return list(_local_commits(log, newest(spark, settings, layer, table).version, limit))
    told = spark.sql(f"DESCRIBE HISTORY {tables.by_path(settings, layer, table)} LIMIT {limit}")
    return [_commit(int(row["version"]), row.asDict()) for row in told.collect()]


def newest_commit(spark: SparkSession, settings: Settings, layer: str, table: str) -> Commit:
    """The newest commit of a table."""
    return commits(spark, settings, layer, table, 1)[0]


def just_added(
    spark: SparkSession, settings: Settings, layer: str, table: str, at: Mapping[str, str]
) -> list[str]:
    """Paths of the files that the newest commit has added to a partition.

    None where the lake is not on a local disk. Nor where nothing was written: Delta makes no
    commit then, and the newest one is of something else.
    """
    log = _local(settings, layer, table)
    if log is None:
        return []
    version = newest(spark, settings, layer, table).version
    with (log / f"{version:020d}.json").open(encoding="utf-8") as lines:
        files = [action["add"] for action in map(json.loads, lines) if "add" in action]
    # The log holds them relative to the table and as parts of a URL.
    mine = (file for file in files if file["partitionValues"] == at)
    return [f"{log.parent}/{unquote(file['path'])}" for file in mine]


def _local(settings: Settings, layer: str, table: str) -> Path | None:
    """The log's folder, where the lake is on a local disk."""
    if settings.lake_uri is not None:
        return None
    return Path(tables.location(settings, layer, table)) / "_delta_log"


def _local_commits(log: Path, version: int, limit: int) -> Iterator[Commit]:
    for number in range(version, max(version - limit, -1), -1):
        path = log / f"{number:020d}.json"
        if not path.exists():  # older ones were cleaned away
            return
        with path.open(encoding="utf-8") as lines:
            actions = (json.loads(line) for line in lines)
            info: dict[str, Any] = next((a["commitInfo"] for a in actions if "commitInfo" in a), {})
        yield _commit(number, info)


def _commit(version: int, info: Mapping[str, Any]) -> Commit:
    counted = info.get("operationMetrics") or {}
    written, copied, deleted = (
        int(counted.get(f"num{word}Rows", 0)) for word in ("Output", "Copied", "Deleted")
    )
    said = read_said(info.get("userMetadata"))
    parameters = info.get("operationParameters") or {}
    return Commit(version, info.get("operation", ""), parameters, written - copied, deleted, said)


def read_said(text: str | None) -> Mapping[str, Any]:
    """What a commit's writer left to be read; empty where a person wrote words of their own."""
    try:
        said = json.loads(text or "{}")
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def partitions(
    spark: SparkSession, location: str, version: int, small_bytes: int
) -> list[Partition]:
    """The files of a version, by partition.

    Args:
        spark: session on the jobs' engine.
        location: path or URI of the table.
        version: its newest version.
        small_bytes: a file below this is small.
    """
    actions = _read(spark, f"{location}/_delta_log", version)
    is_add = F.col("add").isNotNull()
    last = F.max_by(F.col("add"), F.struct("version", is_add)).alias("add")
    path = F.coalesce("add.path", "remove.path")
    # A changed deletion vector removes and adds the same file in one commit.
    files = actions.groupBy(path.alias("path")).agg(last, F.max_by(is_add, "order").alias("there"))
    deleted = F.coalesce(F.col("add.deletionVector.cardinality"), F.lit(0))
    rows = F.get_json_object("add.stats", "$.numRecords").cast("double")
    is_small = F.col("add.size") < small_bytes
    share = F.coalesce(F.when(~is_small, F.try_divide(deleted, rows)), F.lit(0.0))
    found = (
        files.where("there")
        .groupBy(F.to_json("add.partitionValues").alias("at"))
        .agg(
            F.count("*"),
            F.sum("add.size"),
            F.count_if(is_small),
            F.max(share),
        )
    )
    return [Partition(json.loads(r[0] or "{}"), r[1], r[2], r[3], r[4]) for r in found.collect()]


def _read(spark: SparkSession, log: str, version: int) -> DataFrame:
    """Every action of the log that still counts, with the version that did it."""
    since = _checkpoint(spark, log)
    first = 0 if since is None else since + 1
    if since is None and version > _MANY_COMMITS:
        raise ValueError(f"{log} has {version} commits and no checkpoint")
    commits = [f"{log}/{n:020d}.json" for n in range(first, version + 1)]
    parts = [spark.read.schema(_ACTIONS).json(commits)] if commits else []
    if since is not None:
        parts.append(spark.read.schema(_ACTIONS).parquet(f"{log}/{since:020d}.checkpoint*.parquet"))
    return _together(parts)


def _together(parts: Iterable[DataFrame]) -> DataFrame:
    name = F.col("_metadata.file_name")
    number = F.left(name, F.lit(20)).cast("bigint").alias("version")
    first, *others = [
        part.select("add", "remove", number).where("add IS NOT NULL OR remove IS NOT NULL")
        for part in parts
    ]
    for other in others:
        first = first.unionByName(other)
    return first.withColumn("order", F.struct("version", F.col("add").isNotNull()))


def _checkpoint(spark: SparkSession, log: str) -> int | None:
    """The version that the last checkpoint sums up."""
    try:
        rows = spark.read.text(f"{log}/_last_checkpoint").collect()
    except PySparkException:  # there is none yet
        return None
    return int(json.loads(rows[0][0])["version"])
