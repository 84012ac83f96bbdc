"""The served table: as a batch finds it, and as the contract wants it.

A batch is judged and compared before it may change anything, so what the table lacks of the
contract is thought of where it is read, and done only when the batch is to be merged: a batch
that is held leaves the table at its version.
"""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from civiclake import columns as c
from civiclake.contracts.model import Dataset
from civiclake.contracts.render.layers import layer_columns
from civiclake.contracts.sql import sql_name
from civiclake.io.lake import tables
from civiclake.io.lake.fence import fenced, own_commit
from civiclake.io.lake.lock import TableLock
from civiclake.pipeline.night.hashes import Rehash, rehash
from civiclake.settings import Settings


@dataclass(frozen=True)
class Served:
    """A dataset's unified table at the beginning of a batch."""

    table: str
    """Its identifier."""
    frame: DataFrame | None
    """Its rows under the contract as it is now; None where there is no table yet."""
    statements: tuple[str, ...]
    """What makes the table, or gives it what it lacks; none of them changes a row."""
    rehash: Rehash


def look(spark: SparkSession, settings: Settings, dataset: Dataset, layer: str) -> Served:
    """Look at the table without changing it.

    Raises:
        UserError: the table stands, and can't become what the contract now says.
    """
    table, statements = tables.plan_unified(spark, settings, dataset, layer)
    if not tables.exists(spark, settings, layer, dataset.table):
        return Served(table, None, tuple(statements), Rehash())
    frame = spark.table(table)
    have = set(frame.columns)
    lacking = {name: F.lit(None).cast(kind) for name, kind in _columns(dataset) if name not in have}
    frame = frame.withColumns(lacking) if lacking else frame
    anew = rehash(frame, dataset)
    if anew.expression is not None:
        frame = frame.withColumn(c.CONTENT, F.expr(anew.expression))
    return Served(table, frame, tuple(statements), anew)


def schema(dataset: Dataset) -> str:
    """The columns of the table as a DDL text, for one that is not made yet."""
    return ", ".join(f"{sql_name(name)} {kind}" for name, kind in _columns(dataset))


def _columns(dataset: Dataset) -> list[tuple[str, str]]:
    contract = [(name, kind) for name, kind, _ in layer_columns(dataset, tables.UNIFIED)]
    return [*contract, *c.unified_extra(dataset)]


def follow(
    spark: SparkSession,
    settings: Settings,
    dataset: Dataset,
    layer: str,
    found: Served,
    lock: TableLock,
) -> bool:
    """Let the table be what the contract says; the batch is to be merged.

    Args:
        spark: session of the batch.
        settings: of this installation.
        dataset: the compiled contract.
        layer: of the table.
        found: from :func:`look`.
        lock: the right to write the table; renewed if rows were written.

    Returns:
        Whether the rows stand elsewhere since.

    Raises:
        FencedError: a younger writer has taken over.
    """
    lock.check()
    if found.frame is None:
        tables.clear_unmade(settings, layer, dataset.table)
    for statement in found.statements:
        spark.sql(statement)
    changing, telling = found.rehash.statements(found.table)
    for statement in changing:
        with fenced(spark, lock, {"hashed": found.rehash.comment}) as signed:
            spark.sql(statement).collect()
        own_commit(spark, settings, layer, dataset.table, signed)
        lock.renew()
    for statement in telling:
        spark.sql(statement)
    return bool(changing)
