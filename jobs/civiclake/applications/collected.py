"""From Spark to a method and back: a table whose bound is checked, and rows with stated types."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import pyarrow as pa
from pyspark.sql import DataFrame

from civiclake.errors import UserError

MOST_ROWS = 2_000_000
"""Rows that a method takes at once."""
_TYPES: Mapping[str, pa.DataType] = {
    "string": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
}


def collected(frame: DataFrame, what: str, most: int = MOST_ROWS) -> pd.DataFrame:
    """The rows of a frame, which grow with places and not with people.

    Args:
        frame: what is wanted of it, aggregated.
        what: what its rows are, for the error.
        most: rows that are allowed.

    Raises:
        UserError: there are more.
    """
    found = frame.limit(most + 1).toPandas()
    if len(found) > most:
        raise UserError(
            f"more than {most} {what}: that is the bound of the method; fewer are wanted"
        )
    return found


def spread(like: DataFrame, rows: pd.DataFrame, types: Mapping[str, str]) -> DataFrame:
    """Rows of a method as a frame of the same session; what is missing is null, never NaN.

    Args:
        like: a frame of the session.
        rows: with these columns, and perhaps others.
        types: of each column that is wanted: string, integer, number, boolean or date.
    """
    schema = pa.schema([(name, _TYPES[kind]) for name, kind in types.items()])
    table = pa.Table.from_pandas(rows[list(types)], schema=schema, preserve_index=False)
    return like.sparkSession.createDataFrame(table)
