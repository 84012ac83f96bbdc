"""stage: landed files -> raw Delta table, every value text with the place it came from."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from civiclake import columns as c
from civiclake.contracts.model import Dataset
from civiclake.contracts.sql import sql_name
from civiclake.io.lake import delta_log, objects, tables, take
from civiclake.io.landing.drift import kept_in_raw
from civiclake.io.landing.manifest import BatchManifest
from civiclake.io.landing.rendered import rendition
from civiclake.io.reading.raw_names import as_named, as_stored, stored
from civiclake.settings import Settings

_NAME, _BEGINS = "_civiclake_name", "_civiclake_record"
"""While renditions are read: a file's name, and what its records' ids begin with."""


def stage(
    spark: SparkSession,
    settings: Settings,
    dataset: Dataset,
    manifest: BatchManifest,
    batch_dir: Path,
) -> DataFrame:
    """Bring a landed batch into ``raw.<table>``, in place of an earlier try of the same batch.

    Landing's files become the table's where they are what it would write, else Spark copies them.

    Returns:
        The batch's rows, read back from the raw table.
    """
    table = tables.create_raw(spark, settings, dataset)
    names = list(map(stored, _names(dataset, manifest)))
    if not take.take(spark, settings, dataset.table, manifest, batch_dir, names):
        frame = read_landed(spark, settings, dataset, manifest, batch_dir)
        write_batch(frame, settings, dataset, manifest.batch_id)
    here = {c.BATCH: manifest.batch_id}
    files = delta_log.just_added(spark, settings, tables.RAW, dataset.table, here)
    if not files:
        return read_batch(spark, table, manifest.batch_id)
    # Which files they are is known: to ask Delta costs a small batch a third of its time.
    columns = [(name, "string") for name in names]
    where = tables.location(settings, tables.RAW, dataset.table)
    reader = spark.read.schema(_schema([*columns, *tables.RAW_LINEAGE])).option("basePath", where)
    return as_named(reader.parquet(*files))


def write_batch(frame: DataFrame, settings: Settings, dataset: Dataset, batch_id: str) -> None:
    """Write one batch's rows; an earlier try of the same batch is replaced."""
    where = tables.location(settings, tables.RAW, dataset.table)
    # A column that is new, by the delivery or by the contract, is null in the batches before it.
    writer = (
        as_stored(frame).write.format("delta").partitionBy(c.BATCH).option("mergeSchema", "true")
    )
    if not tables.is_there(settings, f"{where}/{c.BATCH}={batch_id}"):
        writer.mode("append").save(where)  # nothing has to be looked for
    else:
        writer.mode("overwrite").option("replaceWhere", f"{c.BATCH} = '{batch_id}'").save(where)


def read_batch(spark: SparkSession, table: str, batch_id: str) -> DataFrame:
    """One batch's rows of a raw table."""
    return as_named(spark.table(table).where(F.col(c.BATCH) == batch_id))


def holds(spark: SparkSession, settings: Settings, dataset: Dataset, batch_id: str) -> bool:
    """Whether a batch's rows were written; they are in one commit, all of them or none."""
    if not tables.exists(spark, settings, tables.RAW, dataset.table):
        return False
    table = tables.by_path(settings, tables.RAW, dataset.table)
    return not read_batch(spark, table, batch_id).isEmpty()


def read_landed(
    spark: SparkSession,
    settings: Settings,
    dataset: Dataset,
    manifest: BatchManifest,
    batch_dir: Path,
) -> DataFrame:
    """Read what landing's reader made of the delivery, with lineage.

    Columns are found by name: files may order them differently, and a column that a file lacks
    is null.
    """
    names = _names(dataset, manifest)
    if not manifest.files:  # nothing new, which the contract allows
        columns = [*((name, "string") for name in names), *tables.RAW_LINEAGE]
        return spark.createDataFrame([], _schema(columns))
    paths = [rendition(batch_dir, file) for file in manifest.files]
    texts = [(stored(name), "string") for name in names]
    schema = _schema([*texts, (c.ROW, "bigint"), (c.CORRUPT, "string")])
    reached = [_reached(settings, dataset, manifest, path) for path in paths]
    frame = spark.read.schema(schema).parquet(*reached)
    # Landing numbers its files, so that their names tell them apart, and hold nothing that would
    # stand encoded here.
    named = frame.select("*", F.col("_metadata.file_name").alias(_NAME))
    return as_named(_with_lineage(spark, named, paths, manifest))


def _reached(settings: Settings, dataset: Dataset, manifest: BatchManifest, path: Path) -> str:
    """Where every executor finds a file of landing: of a lake in S3, among what is staged."""
    if settings.lake_uri is None:
        return str(path)
    staging = tables.location(settings, tables.STAGING, dataset.table)
    place = f"{staging}/{manifest.batch_id}/landed/{path.name}"
    objects.put(settings, place, path)
    return place


def _names(dataset: Dataset, manifest: BatchManifest) -> list[str]:
    return [*(col.source_name for col in dataset.columns), *new_columns(dataset, manifest)]


def _schema(columns: Sequence[tuple[str, str]]) -> str:
    return ", ".join(f"{sql_name(name)} {kind}" for name, kind in columns)


def new_columns(dataset: Dataset, manifest: BatchManifest) -> list[str]:
    """Delivered columns that the contract does not name and raw keeps all the same."""
    found = [name for file in manifest.files for name in kept_in_raw(dataset, file.header)]
    return list(dict.fromkeys(found))


def texts(header: Sequence[str], names: Sequence[str]) -> list[Column]:
    """The columns by name; one that the contract named only after the delivery is null."""
    return [
        F.col(sql_name(name)) if name in header else F.lit(None).cast("string").alias(name)
        for name in names
    ]


def _with_lineage(
    spark: SparkSession, frame: DataFrame, paths: Sequence[Path], manifest: BatchManifest
) -> DataFrame:
    """Add batch, delivered file, record and time of delivery."""
    facts = [
        (path.name, known.file, known.begins, known.delivered_at)
        for path, known in zip(paths, take.lineages(manifest), strict=True)
    ]
    joined = _with_facts(spark, frame, facts)
    lineage = [
        F.lit(manifest.batch_id).alias(c.BATCH),
        F.concat(F.col(_BEGINS), F.col(c.ROW)).alias(c.RECORD),
        F.col(c.FILE),
        F.col(c.ROW),
        F.col(c.DELIVERED),
        F.col(c.CORRUPT),
    ]
    own = {_NAME, _BEGINS, *(name for name, _ in tables.RAW_LINEAGE)}
    source = [F.col(sql_name(name)) for name in frame.columns if name not in own]
    return joined.select(*source, *lineage)


def _with_facts(
    spark: SparkSession, frame: DataFrame, facts: Sequence[tuple[str, str, str, datetime]]
) -> DataFrame:
    """Add each file's path, what its records' ids begin with, and its time; of one file they
    need no join."""
    if len(facts) == 1:
        _, path, begins, moment = facts[0]
        return frame.withColumns(
            {c.FILE: F.lit(path), _BEGINS: F.lit(begins), c.DELIVERED: F.lit(moment)}
        )
    schema = f"{_NAME} string, {c.FILE} string, {_BEGINS} string, {c.DELIVERED} timestamp"
    return frame.join(F.broadcast(spark.createDataFrame(facts, schema)), _NAME)
