"""Rows whose sequence lies in the future: they would outrank every correction to come."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from civiclake.contracts.model import AHEAD_PREFIX, Dataset


def with_ahead(typed: DataFrame, dataset: Dataset, landed_at: datetime) -> DataFrame:
    """Mark a sequence that is further ahead than the contract allows, in an ``_ahead_<column>``.

    Args:
        typed: standardized rows.
        dataset: the compiled contract.
        landed_at: when the batch was landed, as its manifest has it: loaded again, it is judged
            by the same moment.

    Returns:
        ``typed`` with the helper column, or as it is where the sequence is no moment.
    """
    most = dataset.limits.max_ahead_seconds
    kind = dataset.column(dataset.sequence).spark_type if dataset.sequence else None
    if dataset.sequence is None or most is None or kind not in ("date", "timestamp"):
        return typed
    latest = landed_at.astimezone(UTC) + timedelta(seconds=most)
    value = F.col(dataset.sequence)
    ahead = F.when(value > F.lit(latest.date() if kind == "date" else latest), value)
    return typed.withColumn(AHEAD_PREFIX + dataset.sequence, ahead)
