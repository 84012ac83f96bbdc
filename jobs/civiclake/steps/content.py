"""What a served row holds, as one number: rows are compared without reading their columns."""

from __future__ import annotations

from civiclake.contracts.model import Dataset
from civiclake.contracts.sql import sql_name, sql_text

_AT_ONCE = 50


def content_hash(dataset: Dataset) -> str:
    """The 64-bit hash of a row's unified values as a SQL expression.

    Values stand in it with the names of their columns, in no order, and a column that is null
    adds nothing: a row written before the contract named a column has the same hash as one in
    which that column is empty, as the two are the same to a reader.
    """
    return _joined([_part(column.name) for column in dataset.unified_columns])


def _joined(parts: list[str]) -> str:
    """All parts, in pairs of pairs: the parser goes as deep as a chain of operators is long."""
    if len(parts) <= _AT_ONCE:
        return " ^ ".join(parts)
    middle = len(parts) // 2
    return f"({_joined(parts[:middle])}) ^ ({_joined(parts[middle:])})"


def _part(name: str) -> str:
    value = sql_name(name)
    return f"CASE WHEN {value} IS NULL THEN 0L ELSE xxhash64({sql_text(name)}, {value}) END"
