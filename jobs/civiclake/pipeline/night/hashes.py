"""The served rows' content hashes, kept true when a contract's columns change."""

from __future__ import annotations

import logging
import operator

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from civiclake import columns as c
from civiclake.contracts.model import Dataset
from civiclake.contracts.sql import sql_text
from civiclake.errors import UserError
from civiclake.steps.content import content_hash
from civiclake.steps.fold import fold

log = logging.getLogger(__name__)


def keep_hashes(spark: SparkSession, table: str, dataset: Dataset) -> None:
    """Hash the served rows anew where their hashes are of other values than the contract's.

    A column that the contract has named since is null in all rows and so in no hash: the hashes
    are right as they are. One that it names no more is still in them.

    Args:
        spark: session on the jobs' engine.
        table: identifier of the unified table, which has the contract's columns already.
        dataset: the compiled contract.

    Raises:
        UserError: the hashes are what tells the rows apart.
    """
    frame = spark.table(table)
    if c.CONTENT not in frame.columns:
        return  # with history, versions are compared by their values
    said = str(frame.schema[c.CONTENT].metadata.get("comment", ""))
    wanted = c.hashed(dataset)
    if said == wanted:
        return
    before, now = c.read_hashed(said), c.read_hashed(wanted)
    added = [F.col(f"`{name}`").isNotNull() for name in now - before]
    is_stale = not before <= now or not before
    if is_stale and before and c.CONTENT in c.identity(dataset):
        raise UserError(
            f"{dataset.path} names {', '.join(sorted(before - now))} no more: rows of a list"
            " without a key are told apart by all their values; rebuild the table from landing:"
            f" `civiclake backfill {dataset.id} --swap`"
        )
    if is_stale or not frame.where(fold(operator.or_, added)).isEmpty():
        log.info("%s: the rows' content hashes are made anew for %s", table, wanted)
        spark.sql(f"UPDATE {table} SET {c.CONTENT} = {content_hash(dataset)}")
    spark.sql(f"ALTER TABLE {table} ALTER COLUMN {c.CONTENT} COMMENT {sql_text(wanted)}")
