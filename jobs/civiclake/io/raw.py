"""stage: landed files -> raw Delta table, every value text with the place it came from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from functools import reduce
from pathlib import Path

from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from civiclake import columns as c
from civiclake.contracts.model import Dataset, Load
from civiclake.contracts.sql import sql_name
from civiclake.io import delta_log, lake
from civiclake.io.drift import kept_in_raw
from civiclake.io.landing import BatchManifest, LandedFile
from civiclake.settings import Settings

_ONE_FILE_PER_TASK = 64
"""Up to here every file gets a task of its own, and a row's number is its place in the task."""
_OPEN_COST, _BIG = "spark.sql.files.openCostInBytes", str(1 << 40)
_NAME, _PLACE, _BEGINS = "_civiclake_name", "_civiclake_place", "_civiclake_record"
"""While landed files are read: a file's name, the row's place, what its record's id begins with."""


def stage(
    spark: SparkSession,
    settings: Settings,
    dataset: Dataset,
    manifest: BatchManifest,
    batch_dir: Path,
) -> DataFrame:
    """Copy a landed batch into ``raw.<table>``, in place of an earlier try of the same batch.

    Returns:
        The batch's rows, read back from the raw table.
    """
    table = lake.create_raw(spark, settings, dataset)
    frame = read_landed(spark, dataset, manifest, batch_dir)
    write_batch(frame, settings, dataset, manifest.batch_id)
    spark.conf.unset(_OPEN_COST)
    here = {c.BATCH: manifest.batch_id}
    files = delta_log.just_added(spark, settings, lake.RAW, dataset.table, here)
    if not files:
        return read_batch(spark, table, manifest.batch_id)
    # Which files they are is known: to ask Delta costs a small batch a third of its time.
    names = [*(col.source_name for col in dataset.columns), *new_columns(dataset, manifest)]
    columns = [*((name, "string") for name in names), *lake.RAW_LINEAGE]
    schema = ", ".join(f"{sql_name(name)} {kind}" for name, kind in columns)
    where = lake.location(settings, lake.RAW, dataset.table)
    return spark.read.schema(schema).option("basePath", where).parquet(*files)


def write_batch(frame: DataFrame, settings: Settings, dataset: Dataset, batch_id: str) -> None:
    """Write one batch's rows; an earlier try of the same batch is replaced."""
    where = lake.location(settings, lake.RAW, dataset.table)
    # A column that is new, by the delivery or by the contract, is null in the batches before it.
    writer = frame.write.format("delta").partitionBy(c.BATCH).option("mergeSchema", "true")
    if settings.lake_uri is None and not Path(where, f"{c.BATCH}={batch_id}").exists():
        writer.mode("append").save(where)  # nothing has to be looked for
    else:
        writer.mode("overwrite").option("replaceWhere", f"{c.BATCH} = '{batch_id}'").save(where)


def read_batch(spark: SparkSession, table: str, batch_id: str) -> DataFrame:
    """One batch's rows of a raw table."""
    return spark.table(table).where(F.col(c.BATCH) == batch_id)


def read_landed(
    spark: SparkSession, dataset: Dataset, manifest: BatchManifest, batch_dir: Path
) -> DataFrame:
    """Read landed CSV files as text with lineage; files may order their columns differently."""
    if not manifest.files:  # nothing new, which the contract allows
        names = [col.source_name for col in dataset.columns]
        columns = [*((name, "string") for name in names), *lake.RAW_LINEAGE]
        schema = ", ".join(f"{sql_name(name)} {kind}" for name, kind in columns)
        return spark.createDataFrame([], schema)
    single = len(manifest.files) <= _ONE_FILE_PER_TASK
    # A file that "costs" more to open than a task may hold is never packed with another.
    spark.conf.set(_OPEN_COST, _BIG if single else "65536")
    groups: dict[tuple[tuple[str, ...], str, str], list[LandedFile]] = defaultdict(list)
    for file in manifest.files:
        groups[(tuple(file.header), file.delimiter, file.encoding)].append(file)
    names = [*(col.source_name for col in dataset.columns), *new_columns(dataset, manifest)]
    own = [F.col(name) for name in (_NAME, _PLACE, c.CORRUPT)]
    chosen = [
        _read_alike(spark, files, batch_dir).select(*texts(header, names), *own)
        for (header, _, _), files in groups.items()
    ]
    together = reduce(DataFrame.unionByName, chosen)
    return _with_lineage(spark, together, names, manifest, single=single)


def new_columns(dataset: Dataset, manifest: BatchManifest) -> list[str]:
    """Delivered columns that the contract does not name and raw keeps all the same."""
    found = [name for file in manifest.files for name in kept_in_raw(dataset, file.header)]
    return list(dict.fromkeys(found))


def texts(header: Sequence[str], names: Sequence[str]) -> list[Column]:
    """The columns by name; one that the contract named only after the delivery is null."""
    return [
        F.col(f"`{name}`") if name in header else F.lit(None).cast("string").alias(name)
        for name in names
    ]


def source_texts(frame: DataFrame, dataset: Dataset) -> list[Column]:
    """The source's columns as text; one that came into the contract later has no value."""
    known = set(frame.columns)
    return [
        F.col(f"`{name}`") if name in known else F.lit(None).cast("string").alias(name)
        for name in (col.source_name for col in dataset.columns)
    ]


def _read_alike(spark: SparkSession, files: list[LandedFile], batch_dir: Path) -> DataFrame:
    """Files with the same header, read by position under that header's names."""
    first = files[0]
    names = [name.replace("`", "``") for name in (*first.header, c.CORRUPT)]
    schema = ", ".join(f"`{name}` string" for name in names)
    reader = (
        spark.read.schema(schema)
        .option("header", True)
        .option("multiLine", True)
        .option("sep", first.delimiter)
        .option("encoding", first.encoding)
        .option("quote", '"')
        .option("escape", '"')
        .option("mode", "PERMISSIVE")
        .option("columnNameOfCorruptRecord", c.CORRUPT)
    )
    frame = reader.csv([str(batch_dir / file.path) for file in files])
    # Landing numbers its files, so that their names tell them apart, and hold nothing that would
    # stand encoded here.
    name = F.col("_metadata.file_name").alias(_NAME)
    return frame.select("*", name, F.monotonically_increasing_id().alias(_PLACE))


def _with_lineage(
    spark: SparkSession,
    frame: DataFrame,
    names: list[str],
    manifest: BatchManifest,
    *,
    single: bool,
) -> DataFrame:
    """Add batch, file, row number (from 1, without the header) and time of delivery."""
    # The files of a snapshot are one state, and that has one time.
    taken = manifest.taken_at if manifest.load is Load.SNAPSHOT else None
    facts = [
        (Path(f.path).name, f.path, f"{manifest.batch_id}/{index}/", taken or f.modified_at)
        for index, f in enumerate(manifest.files)
    ]
    joined = _with_facts(spark, frame.withColumn(c.ROW, _row_number(single=single)), facts)
    lineage = [
        F.lit(manifest.batch_id).alias(c.BATCH),
        F.concat(F.col(_BEGINS), F.col(c.ROW)).alias(c.RECORD),
        F.col(c.FILE),
        F.col(c.ROW),
        F.col(c.DELIVERED),
        F.col(c.CORRUPT),
    ]
    return joined.select(*[F.col(f"`{name}`") for name in names], *lineage)


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


def _row_number(*, single: bool) -> Column:
    if single:
        # The id counts from zero within a task, in its lower 33 bits; a task reads one file.
        return F.col(_PLACE).bitwiseAND(F.lit((1 << 33) - 1).cast("bigint")) + 1
    in_file = Window.partitionBy(_NAME).orderBy(_PLACE)
    return F.row_number().over(in_file).cast("bigint")
