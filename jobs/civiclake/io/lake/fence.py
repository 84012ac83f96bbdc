"""A commit that only the holder of a table's lock can make, and what it leaves to be read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pyspark.sql import SparkSession

from civiclake.io.lake.lock import TableLock

_APP = "civiclake"


@contextmanager
def fenced(
    spark: SparkSession, lock: TableLock, said: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    """Commits of this block carry the lock's token, and what is to be read in the history.

    Delta refuses a commit whose version of this application is not above the last one's: a
    writer that lost its lock while Spark worked can't commit any more.
    """
    signed = {**said, "token": lock.token}
    settings = {
        "spark.databricks.delta.commit.idempotencyCheck.enabled": "true",
        "spark.databricks.delta.write.txnAppId": _APP,
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
