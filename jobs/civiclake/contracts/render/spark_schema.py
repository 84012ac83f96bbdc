"""Spark's schema as the JSON that ``StructType.fromJson`` reads."""

from __future__ import annotations

from typing import Any

from civiclake.contracts.model import Dataset
from civiclake.contracts.render.layers import Layer, layer_columns

_JSON_NAMES = {"int": "integer", "bigint": "long"}


def spark_schema(dataset: Dataset, layer: Layer = "unified") -> dict[str, Any]:
    """The columns that the contract gives a table of a layer, without CivicLake's own."""
    fields = []
    for name, kind, column in layer_columns(dataset, layer):
        metadata = {"comment": column.description} if column.description else {}
        fields.append(
            {
                "name": name,
                "type": _JSON_NAMES.get(kind, kind),
                "nullable": True,
                "metadata": metadata,
            }
        )
    return {"type": "struct", "fields": fields}
