"""Whether all engines have made the same of a delivery: content by content, read by one reader."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from bench.taps.generate import Expected
from bench.taps.shape import COLUMNS
from bench.work import Outcome

_MART = ("day", "line", "taps", "fares", "stops")


@dataclass(frozen=True)
class Content:
    """A table as numbers that do not depend on the order of its rows."""

    rows: int
    digest: int
    """Sum of the hashes of all rows, each as its columns' text."""


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
    # A separator that is in no value, and a word for null that is none.
    texts = [F.coalesce(F.col(name).cast("string"), F.lit("\x00")) for name in columns]
    digest = F.xxhash64(F.concat_ws("\x01", *texts)).cast("decimal(38,0)")
    row = frame.agg(F.count("*").alias("rows"), F.sum(digest).alias("digest")).collect()[0]
    return Content(int(row["rows"]), int(row["digest"] or 0))
