"""A table's columns and properties as Delta's log has them, without a question to Spark."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pyspark.sql import SparkSession
from pyspark.sql.types import StructType


@dataclass(frozen=True)
class Metadata:
    """What a table is at its newest version."""

    schema: StructType
    properties: Mapping[str, str]


def metadata(spark: SparkSession, location: str) -> Metadata:
    """The columns and properties of a table.

    Args:
        spark: session on the jobs' engine, which is asked where the log is not on a local disk or
            lacks its newest checksum.
        location: path or URI of a Delta table.
    """
    if "://" not in location:
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            return _of_checksum(Path(location) / "_delta_log")
    identifier = f"delta.`{location}`"
    told = spark.sql(f"SHOW TBLPROPERTIES {identifier}").collect()
    properties = {row["key"]: row["value"] for row in told}
    return Metadata(spark.table(identifier).schema, properties)


def _of_checksum(log: Path) -> Metadata:
    """Delta writes one after every commit, with the table's metadata."""
    version = max(int(p.stem) for p in log.glob("*.json") if p.stem.isdigit())
    text = (log / f"{version:020d}.crc").read_text(encoding="utf-8")
    told = json.loads(text)["metadata"]
    schema = StructType.fromJson(json.loads(told["schemaString"]))
    return Metadata(schema, told.get("configuration") or {})
