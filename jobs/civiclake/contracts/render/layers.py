"""The columns of a dataset's table in each layer."""

from __future__ import annotations

from typing import Literal

from civiclake.contracts.model import Column, Dataset

Layer = Literal["raw", "unified", "quarantine"]


def layer_columns(dataset: Dataset, layer: Layer) -> list[tuple[str, str, Column]]:
    """Name, Spark type and contract column, in order.

    Raw and quarantine keep the record as it came: the source's names, every value text.
    """
    if layer == "unified":
        return [(c.name, unified_type(c), c) for c in dataset.unified_columns]
    return [(c.source_name, "string", c) for c in dataset.columns]


def unified_type(column: Column) -> str:
    """A pseudonym is text, whatever it stands for."""
    return "string" if column.protection else column.spark_type
