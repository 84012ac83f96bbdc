"""``marts.near_repeats``: whether an incident is soon followed by another nearby."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from pyspark.sql import DataFrame

from civiclake.applications.collected import spread
from civiclake.applications.safety.incidents import PLACES, by_kind, incidents, last_days
from civiclake.applications.safety.parameters import numbers, whole
from civiclake.statistics import near_repeat
from civiclake.statistics.coordinates import metres, utm

TYPES: Mapping[str, str] = {
    "kind": "string",
    "to_m": "integer",
    "to_days": "integer",
    "from_m": "integer",
    "from_days": "integer",
    "from_day": "date",
    "to_day": "date",
    "incidents": "integer",
    "pairs": "integer",
    "expected_pairs": "number",
    "ratio": "number",
    "p": "number",
    "runs": "integer",
    "seed": "integer",
    "gap": "string",
}
_SECONDS = 86_400


def build(inputs: Mapping[str, DataFrame], parameters: Mapping[str, Any]) -> DataFrame:
    """Pairs of incidents by how far and how long they are apart, against times dealt out anew.

    Args:
        inputs: ``marts.incident_places``.
        parameters: ``days`` that are looked at, ``to_m`` and ``to_days`` (upper bounds of bands),
            ``least_incidents`` of a kind, ``runs`` and ``seed``.

    Raises:
        UserError: a parameter is missing or cannot be meant, or there are more pairs than the
            method takes.
    """
    found = near_repeats(
        incidents(inputs[PLACES]),
        whole(parameters, "days", 365),
        (numbers(parameters, "to_m", [200, 400]), numbers(parameters, "to_days", [7, 14])),
        whole(parameters, "least_incidents", 30),
        (whole(parameters, "runs", 199), whole(parameters, "seed", 1964)),
    )
    return spread(inputs[PLACES], found, TYPES)


def near_repeats(
    rows: pd.DataFrame,
    days: int,
    bands: tuple[Sequence[float], Sequence[float]],
    least: int,
    chance: tuple[int, int],
) -> pd.DataFrame:
    """One row for each kind and band of distance and time.

    Args:
        rows: of :func:`civiclake.applications.safety.incidents.incidents`.
        days: the last so many are looked at.
        bands: upper bounds in metres, and in days.
        least: incidents without which a kind is not tested.
        chance: runs, and the seed.

    Returns:
        The columns of :data:`TYPES`.
    """
    if rows.empty:
        return pd.DataFrame(columns=list(TYPES))
    some, from_day, to_day = last_days(rows, days)
    plane = utm(float(some["latitude"].mean()), float(some["longitude"].mean()))
    x, y = metres(some["latitude"], some["longitude"], plane)
    at = pd.to_datetime(some["occurred_at"]).astype("datetime64[s]").astype("int64") / _SECONDS
    placed = some.assign(x=x, y=y, at=at)
    parts = [
        _of_kind(mine, bands, least, chance).assign(
            kind=kind, from_day=from_day, to_day=to_day, incidents=len(mine)
        )
        for kind, mine in by_kind(placed)
    ]
    runs, seed = chance
    return pd.concat(parts, ignore_index=True).assign(runs=runs, seed=seed)


def _of_kind(
    mine: pd.DataFrame,
    bands: tuple[Sequence[float], Sequence[float]],
    least: int,
    chance: tuple[int, int],
) -> pd.DataFrame:
    runs, seed = chance
    is_enough = len(mine) >= least
    tested = near_repeat.near_repeats(
        mine["x"], mine["y"], mine["at"], *bands, runs=runs if is_enough else 1, seed=seed
    )
    found = tested.rows.rename(columns={"expected": "expected_pairs"})
    whole_numbers = ["from_m", "to_m", "from_days", "to_days"]
    found[whole_numbers] = found[whole_numbers].astype("int64")
    if is_enough:
        return found.assign(gap=tested.gap)
    gap = f"only {len(mine)} incidents; {least} are wanted"
    return found.assign(expected_pairs=np.nan, ratio=np.nan, p=np.nan, gap=gap)
