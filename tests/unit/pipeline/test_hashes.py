"""A column that a contract names no more is in the served rows' hashes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from pyspark.sql.types import LongType, StructField, StructType

from civiclake import columns as c
from civiclake.contracts.load import load_city
from civiclake.contracts.model import Dataset, History, Occurrence
from civiclake.errors import UserError
from civiclake.pipeline.night.hashes import rehash
from civiclake.settings import project_root


def told(dataset: Dataset) -> list[str]:
    """The statements by which the hashes follow a contract that lost the column ``former``."""
    said = {"comment": f"{c.hashed(dataset)}, former"}
    schema = StructType([StructField(c.CONTENT, LongType(), metadata=said)])
    served: Any = SimpleNamespace(columns=[c.CONTENT], schema=schema, isEmpty=lambda: False)
    changing, telling = rehash(served, dataset).statements("t")
    return [statement.partition(" t ")[0] for statement in (*changing, *telling)]


def test_only_where_the_hash_tells_rows_apart_they_can_not_be_made_anew() -> None:
    root = project_root()
    daily = load_city(root / "schemas", root / "expectations").dataset("meteorology.daily")
    assert told(daily) == ["UPDATE", "ALTER TABLE"]
    columns = tuple(column.model_copy(update={"key_position": None}) for column in daily.columns)
    unkeyed = daily.model_copy(update={"columns": columns, "occurrence": Occurrence.EQUALS})
    with pytest.raises(UserError, match="names former no more"):
        told(unkeyed)
    events = {"occurrence": Occurrence.ROW, "history": History.APPEND}
    assert told(unkeyed.model_copy(update=events)) == ["UPDATE", "ALTER TABLE"]
