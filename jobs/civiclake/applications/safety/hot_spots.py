"""``marts.hot_spots``: cells around which more is recorded than chance would let lie together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from pyspark.sql import DataFrame

from civiclake.applications.collected import spread
from civiclake.applications.safety.incidents import (
    PLACES,
    ROADS,
    Area,
    area,
    by_kind,
    crossings,
    incidents,
    last_days,
)
from civiclake.applications.safety.parameters import number, whole
from civiclake.statistics.hotspots import discoveries, getis_ord, moran

TYPES: Mapping[str, str] = {
    "kind": "string",
    "cell": "string",
    "from_day": "date",
    "to_day": "date",
    "incidents": "integer",
    "z": "number",
    "p": "number",
    "top_share": "number",
    "is_assessed": "boolean",
    "is_hot": "boolean",
    "is_cold": "boolean",
    "morans_i": "number",
    "gap": "string",
}


def build(inputs: Mapping[str, DataFrame], parameters: Mapping[str, Any]) -> DataFrame:
    """Gi* of each cell of the study area, by kind.

    Args:
        inputs: ``marts.incident_places``, ``geography.road_segments``.
        parameters: ``days`` that are looked at, ``false_discovery_rate`` and ``least_incidents``
            of a kind that is assessed.

    Raises:
        UserError: a parameter is missing or cannot be meant, or there are more incidents than the
            method takes.
    """
    days = whole(parameters, "days", 365)
    rate = number(parameters, "false_discovery_rate", 0.05, below=1)
    least = whole(parameters, "least_incidents", 30)
    rows = incidents(inputs[PLACES])
    found = hot_spots(rows, area(crossings(inputs[ROADS]), rows), days, rate, least)
    return spread(inputs[PLACES], found, TYPES)


def hot_spots(rows: pd.DataFrame, where: Area, days: int, rate: float, least: int) -> pd.DataFrame:
    """One row for each kind and cell of the area.

    Args:
        rows: of :func:`civiclake.applications.safety.incidents.incidents`.
        where: the study area.
        days: the last so many are looked at.
        rate: of false discoveries among the hot and cold ones.
        least: incidents without which a kind is not assessed.

    Returns:
        The columns of :data:`TYPES`.
    """
    if rows.empty:
        return pd.DataFrame(columns=list(TYPES))
    some, from_day, to_day = last_days(rows, days)
    parts = [
        _of_kind(mine, where, rate, least).assign(kind=kind, from_day=from_day, to_day=to_day)
        for kind, mine in by_kind(some)
    ]
    return pd.concat(parts, ignore_index=True)


def _of_kind(mine: pd.DataFrame, where: Area, rate: float, least: int) -> pd.DataFrame:
    counts = np.bincount(where.numbers(mine["cell"]), minlength=len(where.cells))
    if len(mine) < least:
        return _not_assessed(where, counts, f"only {len(mine)} incidents; {least} are wanted")
    local = getis_ord(counts.astype(float), where.neighbours, with_self=True)
    stands_out, assessed = discoveries(local, rate), local.is_assessed
    rank = pd.Series(local.z).rank(ascending=False, method="max").to_numpy()
    return pd.DataFrame(
        {
            "cell": where.cells,
            "incidents": counts,
            "z": local.z,
            "p": local.p,
            "top_share": rank / max(int(assessed.sum()), 1),
            "is_assessed": assessed,
            "is_hot": stands_out & (local.z > 0),
            "is_cold": stands_out & (local.z < 0),
            "morans_i": moran(counts.astype(float), where.neighbours).value,
            "gap": list(local.gaps),
        }
    )


def _not_assessed(where: Area, counts: Any, gap: str) -> pd.DataFrame:
    none = dict.fromkeys(("z", "p", "top_share", "morans_i"), np.nan)
    no = dict.fromkeys(("is_assessed", "is_hot", "is_cold"), False)
    rows = pd.DataFrame({"cell": where.cells, "incidents": counts, **none, **no, "gap": gap})
    return rows[rows["incidents"] > 0]
