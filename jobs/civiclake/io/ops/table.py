"""How every ``ops.*`` table is made, added to and read, whichever version of ours made it.

A table may lack columns that its rows have by now, and a former version may still read and write
beside this one: columns are only ever added, and are null in the rows before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_random

from civiclake.contracts.sql import sql_name
from civiclake.io.lake import tables
from civiclake.io.lake.append import append
from civiclake.io.lake.log_bounds import Standing
from civiclake.io.lake.log_metadata import metadata
from civiclake.settings import Settings

_GREW_MEANWHILE = "DELTA_METADATA_CHANGED"
"""Another writer has added the same columns in the same moment: they are there now."""


@dataclass(frozen=True)
class OpsTable:
    """One of the tables that tell what was done."""

    name: str
    columns: tuple[tuple[str, str], ...]
    """Name and Spark type, in order; what is added later stands last."""
    comment: str = ""
    layer: str = tables.OPS

    def path(self, settings: Settings) -> str:
        """The table as an identifier that needs no catalogue."""
        return tables.by_path(settings, self.layer, self.name)

    def exists(self, spark: SparkSession, settings: Settings) -> bool:
        """Whether anything was ever written down in it."""
        return tables.exists(spark, settings, self.layer, self.name)

    def create(self, spark: SparkSession, settings: Settings) -> None:
        """Make it where there is none."""
        tables.create(spark, settings, self.layer, self.name, self.columns, comment=self.comment)

    def append(
        self,
        spark: SparkSession,
        settings: Settings,
        rows: Sequence[tuple[Any, ...]],
        *,
        replacing: str | None = None,
        standing: Standing | None = None,
    ) -> None:
        """Add rows in one commit; the table is made where there is none, and gets the columns
        that it lacks.

        Args:
            spark: session on the jobs' engine.
            settings: says where the lake is.
            rows: values in the order of :attr:`columns`.
            replacing: predicate of the rows whose place they take; None: of none.
            standing: the files of those rows, where these hold no others.
        """
        if not rows:
            return
        self.create(spark, settings)
        tries = Retrying(
            retry=retry_if_exception(_grew_meanwhile),
            stop=stop_after_attempt(5),
            wait=wait_random(0, 0.5),
            reraise=True,
        )
        place = (spark, settings, self.layer, self.name)
        is_plain = replacing is None or standing is not None
        if is_plain and tries(append, *place, self.columns, rows, standing):
            return
        schema = ", ".join(f"{sql_name(name)} {kind}" for name, kind in self.columns)
        frame = spark.createDataFrame(list(rows), schema).coalesce(1)
        writer = frame.write.format("delta").mode("append").option("mergeSchema", "true")
        if replacing is not None:
            writer = writer.mode("overwrite").option("replaceWhere", replacing)
        tries(writer.save, tables.location(settings, self.layer, self.name))

    def shown(self, spark: SparkSession, settings: Settings) -> DataFrame:
        """The rows with moments as text: Spark's client would hand them out in this machine's
        zone."""
        columns = [
            F.expr(_shown(name)).alias(name) if kind == "timestamp" else F.col(sql_name(name))
            for name, kind in self.columns
        ]
        return self.rows(spark, settings).select(*columns)

    def rows(self, spark: SparkSession, settings: Settings) -> DataFrame:
        """The rows with all of :attr:`columns`: null what the table lacks as yet.

        The table must exist.
        """
        table = spark.table(self.path(settings))
        place = tables.location(settings, self.layer, self.name)
        have = set(metadata(spark, place).schema.names)
        return table.select(
            *[
                F.col(sql_name(name)) if name in have else F.lit(None).cast(kind).alias(name)
                for name, kind in self.columns
            ]
        )


def _shown(name: str) -> str:
    moment = f"to_utc_timestamp({name}, current_timezone())"
    return f"date_format({moment}, \"yyyy-MM-dd'T'HH:mm:ss.SSSSSS'Z'\")"


def _grew_meanwhile(error: BaseException) -> bool:
    return isinstance(error, PySparkException) and _GREW_MEANWHILE in str(error)
