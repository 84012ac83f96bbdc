"""Survivorship: of what several records say of one thing, which value is served."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from civiclake.settings import SubjectSettings


def survive(
    records: DataFrame, subject: str, attributes: Sequence[tuple[str, str]], rules: SubjectSettings
) -> DataFrame:
    """One row for each thing, each attribute by its own rule.

    Args:
        records: ``entity_id``, ``dataset``, ``record_key``, ``seen_at``, ``is_verified``, and
            every attribute as text.
        subject: names the id column.
        attributes: name and Spark type.
        rules: what survives.
    """
    chosen = [_survivor(name, rules).cast(kind).alias(name) for name, kind in attributes]
    return records.groupBy(F.col("entity_id").alias(f"{subject}_id")).agg(
        *chosen,
        F.bool_or("is_verified").alias("is_verified"),
        F.count("*").alias("record_count"),
        F.countDistinct("dataset").alias("dataset_count"),
        F.min("seen_at").alias("first_seen_at"),
        F.max("seen_at").alias("last_seen_at"),
    )


def _survivor(name: str, rules: SubjectSettings) -> Column:
    value = F.col(name)
    rule = rules.survivorship.get(name, "most_recent")
    if rule == "most_frequent":
        return F.mode(value, deterministic=True)
    # The last two only settle ties, so that the same records always give the same row.
    recent = [F.col("seen_at"), F.col("dataset"), F.col("record_key")]
    first = {
        "most_recent": [],
        "most_recent_verified": [F.col("is_verified")],
        "source_priority": [_rank(rules.source_priority)],
    }[rule]
    # A record that doesn't say competes for nothing: max_by passes over a null order.
    return F.max_by(value, F.when(value.isNotNull(), F.struct(*first, *recent)))


def _rank(priority: Sequence[str]) -> Column:
    """The more trusted, the higher; datasets that are not named come last."""
    ranks: Mapping[str, int] = {name: len(priority) - i for i, name in enumerate(priority)}
    rank = F.lit(0)
    for name, value in ranks.items():
        rank = F.when(F.col("dataset") == name, value).otherwise(rank)
    return rank
