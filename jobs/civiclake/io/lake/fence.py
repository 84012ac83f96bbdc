"""A commit that only the holder of a table's lock can make, and what it leaves to be read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pyspark.sql import SparkSession

from civiclake.errors import FencedError
from civiclake.io.lake import delta_log
from civiclake.io.lake.lock import TableLock
from civiclake.settings import Settings

_APP = "civiclake"


@contextmanager
def fenced(
    spark: SparkSession, lock: TableLock, said: Mapping[str, Any], *, is_shared: bool = False
) -> Iterator[dict[str, Any]]:
    """Commits of this block carry the lock's token, and what is to be read in the history.

    Delta refuses a commit whose version of this application is not above the last one's: a
    writer that lost its lock while Spark worked can't commit any more. It takes a token for one
    commit of a table; for a second one the lock is renewed.

    Args:
        spark: session whose commits are meant.
        lock: the right to write.
        said: what the commit leaves to be read.
        is_shared: holders of several locks write the table, each with tokens of its own.
    """
    signed = {**said, "token": lock.token}
    settings = {
        "spark.databricks.delta.commit.idempotencyCheck.enabled": "true",
        "spark.databricks.delta.write.txnAppId": f"{_APP}-{lock.table}" if is_shared else _APP,
        "spark.databricks.delta.write.txnVersion": str(lock.token),
        "spark.databricks.delta.commitInfo.userMetadata": json.dumps(signed),
    }
    for name, value in settings.items():
        spark.conf.set(name, value)
    try:
        yield signed
    finally:
        for name in settings:
            spark.conf.unset(name)


def own_commit(
    spark: SparkSession, settings: Settings, layer: str, table: str, signed: Mapping[str, Any]
) -> delta_log.Commit:
    """The commit that a fenced block has made.

    Delta passes over a writer with an old token without a word: where the newest commit is not
    its own, it has written nothing.

    Args:
        spark: session on the jobs' engine.
        settings: says where the lake is.
        layer: of the table.
        table: name without layer.
        signed: what the block yielded.

    Raises:
        FencedError: the newest commit is another one's.
    """
    commit = delta_log.newest_commit(spark, settings, layer, table)
    if commit.said != signed:
        raise FencedError(
            f"{layer}.{table}: Delta has a commit by a younger writer than token"
            f" {signed['token']}; nothing was written, start it again"
        )
    return commit
