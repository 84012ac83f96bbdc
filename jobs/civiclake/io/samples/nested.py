"""Which columns of records are objects whose parts should be columns of their own."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from itertools import islice

from civiclake.contracts.model import Column

_LOOKED_AT = 100
"""Values of a column that show what it holds."""


def columns_of_objects(
    header: Sequence[str], rows: Sequence[Sequence[str | None]]
) -> tuple[str, ...]:
    """The columns in which every value is an object of plain values, such as ``attributes``."""
    return tuple(
        name
        for place, name in enumerate(header)
        if _are_records(row[place] for row in rows if row[place])
    )


def ways_into(names: Iterable[str]) -> tuple[Column, ...]:
    """Columns that make a reader take those objects apart: any dotted path into them does."""
    return tuple(
        Column(name=f"part_{n}", source_name=f"{name}.", logical_type="string", spark_type="string")
        for n, name in enumerate(names)
    )


def _are_records(values: Iterable[str | None]) -> bool:
    looked_at = list(islice(values, _LOOKED_AT))
    return bool(looked_at) and all(_is_record(value or "") for value in looked_at)


def _is_record(value: str) -> bool:
    if not value.startswith("{"):
        return False
    try:
        found = json.loads(value)
    except (ValueError, RecursionError):
        return False
    return bool(found) and not any(isinstance(part, dict | list) for part in found.values())
