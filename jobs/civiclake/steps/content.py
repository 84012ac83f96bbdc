"""What a served row holds, as one number: rows are compared without reading their columns."""

from __future__ import annotations

from civiclake.contracts.model import Dataset
from civiclake.contracts.sql import sql_name, sql_text


def content_hash(dataset: Dataset) -> str:
    """The 64-bit hash of a row's unified values as a SQL expression.

    Values stand in it with the names of their columns, in no order, and a column that is null
    adds nothing: a row written before the contract named a column has the same hash as one in
    which that column is empty, as the two are the same to a reader.
    """
    return " ^ ".join(_part(column.name) for column in dataset.unified_columns)


def _part(name: str) -> str:
    value = sql_name(name)
    return f"CASE WHEN {value} IS NULL THEN 0L ELSE xxhash64({sql_text(name)}, {value}) END"
