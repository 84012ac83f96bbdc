"""Whether all engines have made the same of a delivery: content by content, read by one reader."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import (
    DecimalType,
    FractionalType,
    IntegralType,
    StructField,
    TimestampNTZType,
)

from bench.taps.generate import Expected
from bench.taps.shape import COLUMNS
from bench.work import Outcome

_MART = ("day", "line", "taps", "fares", "stops")
_HALF = (1 << 32) - 1
"""Halves of hashes can be added up without overflow."""


@dataclass(frozen=True)
class Content:
    """A table as numbers that do not depend on the order of its rows."""

    rows: int
    digest: int
    """Sum of the 64-bit hashes of all rows."""


@dataclass(frozen=True)
class Found:
    """What an engine has left."""

    taps: Content
    mart: Content | None
    """None of a work that refreshes none."""
    quarantined: int


class DifferentResult(Exception):
    """Two engines have not done the same work, so their times say nothing."""


def look(spark: SparkSession, outcome: Outcome, *, with_mart: bool = True) -> Found:
    """Read all that a work has left."""
    taps = _content(_read(spark, outcome.taps), COLUMNS)
    mart = _content(_read(spark, outcome.mart), _MART) if with_mart else None
    quarantine = outcome.quarantine
    there = (quarantine / "_delta_log").is_dir()
    return Found(taps, mart, _read(spark, quarantine).count() if there else 0)


def compare(found: dict[str, Found], expected: Expected | None, rows: int) -> None:
    """Hold the engines' results against each other and against what the generator says.

    Args:
        found: by engine.
        expected: of a delivery of changes.
        rows: how many the table must hold.

    Raises:
        DifferentResult: naming who has what.
    """
    wanted = expected.quarantined if expected else 0
    for engine, result in found.items():
        if result.taps.rows != rows or result.quarantined != wanted:
            raise DifferentResult(
                f"{engine} holds {result.taps.rows} rows and {result.quarantined} set aside;"
                f" wanted are {rows} and {wanted}"
            )
    if len(set(found.values())) > 1:
        lines = [f"{engine}: {result}" for engine, result in found.items()]
        raise DifferentResult("the results differ:\n" + "\n".join(lines))


def _read(spark: SparkSession, path: Path) -> DataFrame:
    return spark.table(f"delta.`{path}`")


def _content(frame: DataFrame, columns: Sequence[str]) -> Content:
    values = [_widest(frame.schema[name]) for name in columns]
    # A hash passes over what is null, so it is told as well which values are.
    hashed = F.xxhash64(*values, *[value.isNull() for value in values])
    low, high = hashed.bitwiseAND(F.lit(_HALF)), F.shiftrightunsigned(hashed, 32)
    sums = (F.sum(low).alias("low"), F.sum(high).alias("high"))
    row = frame.agg(F.count("*").alias("rows"), *sums).collect()[0]
    return Content(int(row["rows"]), ((row["high"] or 0) << 32) + (row["low"] or 0))


def _widest(field: StructField) -> Column:
    """A value in the widest type of its kind: engines choose their own, none loses by it."""
    column, kind = F.col(f"`{field.name}`"), field.dataType
    if isinstance(kind, DecimalType):
        return column.cast(DecimalType(18, kind.scale))
    if isinstance(kind, IntegralType):
        return column.cast("bigint")
    if isinstance(kind, FractionalType):
        return column.cast("double")
    return column.cast("timestamp") if isinstance(kind, TimestampNTZType) else column
