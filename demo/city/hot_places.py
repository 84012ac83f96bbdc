"""Where incidents lie together, as the applications must find it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import h3

from demo.city.demand import CELL_RESOLUTION
from demo.city.journal import Journal
from demo.city.model import Model
from demo.city.table import OLDER, TWICE, Row
from demo.city.tables.security import HOTSPOTS, INCIDENTS


def hot_places(model: Model) -> dict[str, Any]:
    """The cells of the made hot spots, and what the lake serves of them after the first night."""
    place = {name: INCIDENTS.place(name) for name in ("latitude", "longitude")}
    cells = Counter(
        _cell(*(float(row[at]) for at in place.values())) for row in served_incidents(model)
    )
    found = [(code, _cell(float(north), float(east))) for code, north, east in HOTSPOTS]
    return {
        "incidents": cells.total(),
        "hot_cells": [
            {"district_code": code, "cell": cell, "incidents": cells[cell]} for code, cell in found
        ],
    }


def served_incidents(model: Model) -> Iterator[Row]:
    """Rows of the first night that are not set aside."""
    series = model.series[INCIDENTS.id]
    assert isinstance(series, Journal)
    for index in range(series.size):
        if series.special.get(index, TWICE) in (TWICE, OLDER):
            yield series.clean(index)


def _cell(latitude: float, longitude: float) -> str:
    return str(h3.latlng_to_cell(latitude, longitude, CELL_RESOLUTION))
