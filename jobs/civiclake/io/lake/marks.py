"""What is remembered of keys beside the rows that are served.

A change log may delete a key before an older version of it has come, and a delivery may
confirm what is served without changing it. Both must be known when something older comes
late, or it would pass for news. A mark is a fact about the source: it is written once, and
stays true whatever becomes of the batch that brought it.
"""

from __future__ import annotations

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from civiclake import columns as c
from civiclake.contracts.model import Dataset
from civiclake.contracts.render.layers import unified_type
from civiclake.io.lake import tables
from civiclake.settings import Settings


def read(spark: SparkSession, settings: Settings, dataset: Dataset) -> DataFrame:
    """The dataset's marks: the key, ``_sequence``, ``_batch_id``, ``_record_id`` and ``_mark``."""
    return spark.table(_create(spark, settings, dataset))


def add(
    spark: SparkSession, settings: Settings, dataset: Dataset, marks: DataFrame, mark: str
) -> None:
    """Remember what is not remembered yet.

    Args:
        spark: session on the jobs' engine.
        settings: says where the lake is.
        dataset: the compiled contract.
        marks: the key, ``_sequence``, ``_batch_id`` and ``_record_id``.
        mark: what it is that is remembered.
    """
    names = [name for name, _ in _columns(dataset)]
    marks.withColumn(c.MARK, F.lit(mark)).select(*names).createOrReplaceTempView("_marks")
    on = [f"m.`{name}` = s.`{name}`" for name in (*dataset.key, c.SEQUENCE, c.MARK)]
    columns = ", ".join(f"`{name}`" for name in names)
    values = ", ".join(f"s.`{name}`" for name in names)
    spark.sql(
        f"MERGE INTO {_create(spark, settings, dataset)} AS m USING _marks AS s"
        f" ON {' AND '.join(on)} WHEN NOT MATCHED THEN INSERT ({columns}) VALUES ({values})"
    )


def copy(spark: SparkSession, settings: Settings, dataset: Dataset, other: Dataset) -> None:
    """Let another table, which is built beside or was, remember the same and nothing else."""
    if tables.exists(spark, settings, tables.MARKS, dataset.table):
        frame = spark.table(tables.by_path(settings, tables.MARKS, dataset.table))
        frame.write.format("delta").mode("overwrite").option("overwriteSchema", "true").save(
            tables.location(settings, tables.MARKS, other.table)
        )


def _create(spark: SparkSession, settings: Settings, dataset: Dataset) -> str:
    return tables.create(
        spark,
        settings,
        tables.MARKS,
        dataset.table,
        _columns(dataset),
        comment=f"when keys of {dataset.id} were deleted, or confirmed without a change",
    )


def _columns(dataset: Dataset) -> list[tuple[str, str]]:
    key = [(name, unified_type(dataset.column(name))) for name in dataset.key]
    own = [(c.SEQUENCE, c.sequence_type(dataset)), (c.BATCH, "string"), (c.RECORD, "string")]
    return [*key, *own, (c.MARK, "string")]
