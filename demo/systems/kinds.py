"""What a database's columns must hold: clean values, and the spoilt ones beside them."""

from __future__ import annotations

from demo.city.journal import Journal
from demo.city.table import Series

STAMP = "stamp"
"""A column that says when a row was written."""


def column_kinds(series: Series) -> dict[str, type | str]:
    """Kind of each column: a Python type, or :data:`STAMP`."""
    shape = series.shape
    text = {defect.column for defect in shape.defects if defect.rule.startswith("type:")}
    found: dict[str, type | str] = {}
    for place, name in enumerate(shape.columns):
        values = (series.clean(i)[place] for i in range(min(series.size, 200)))
        kind = next((type(value) for value in values if value is not None), str)
        found[name] = str if name in text else kind
    if isinstance(series, Journal):
        found[series.stamp] = STAMP
    return found
