"""The rows of ``marts.outbreak_clusters``: where cases stand together, and since when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

from civiclake.errors import UserError
from civiclake.statistics.scan import Scanned, scan

DISTRICT, CELL = "district", "cell"
SPACE, SPACE_TIME = "space", "space_time"
TYPES: Mapping[str, str] = {
    "disease_code": "string",
    "level": "string",
    "kind": "string",
    "number": "integer",
    "first_day": "date",
    "last_day": "date",
    "places": "string",
    "centre": "string",
    "radius_m": "number",
    "seen": "integer",
    "expected": "number",
    "relative_risk": "number",
    "log_likelihood_ratio": "number",
    "p_value": "number",
    "is_cluster": "boolean",
    "cases": "integer",
    "left_out": "integer",
    "gap": "string",
}
_NOWHERE = "cases whose place is not known, or where nobody is registered, are left out"
_ENOUGH_ABOVE = 10
_BOUNDS: Mapping[str, tuple[float, float]] = {
    "weeks": (2, 52),
    "longest_weeks": (1, 52),
    "resolution": (5, 9),
    "replications": (99, 99_999),
    "seed": (0, 2**31),
    "alpha": (1e-6, 0.5),
    "smallest_group": (1, 1000),
}


@dataclass(frozen=True)
class Scanning:
    """How a mart's parameters say that clusters are looked for."""

    weeks: int
    """That are looked at, up to the last day."""
    longest_weeks: int
    """That a cluster in space and time may last."""
    resolution: int
    """Of the grid's cells."""
    replications: int
    seed: int
    alpha: float
    """A cluster has a p-value of at most this."""
    smallest_group: int
    """Cases of the least cluster that is told."""

    @property
    def days(self) -> int:
        """That are looked at."""
        return 7 * self.weeks


def scanning(parameters: Mapping[str, Any]) -> Scanning:
    """What the parameters of a mart say.

    Raises:
        UserError: one is missing or is none.
    """
    found: dict[str, Any] = {}
    for name, (low, high) in _BOUNDS.items():
        said = parameters.get(name)
        kinds = (int, float) if name == "alpha" else (int,)
        if isinstance(said, bool) or not isinstance(said, kinds) or not low <= said <= high:
            raise UserError(f"parameters: {name}: {said!r}; {low:g} to {high:g} is allowed")
        found[name] = said
    return Scanning(**found)


def clusters(
    cases: pd.DataFrame, places: pd.DataFrame, last_day: date, asked: Scanning
) -> pd.DataFrame:
    """All clusters of each disease, by district and by cell, in space and in space and time.

    A disease without one has a row all the same: its likeliest cluster, or why there is none.

    Args:
        cases: ``disease_code``, ``level``, ``place`` (missing where it is not known), ``week`` (0
            is the latest), ``cases``.
        places: ``level``, ``place``, ``latitude``, ``longitude``, ``people``.
        last_day: of the latest week.
        asked: how they are looked for.

    Returns:
        The columns of :data:`TYPES`.
    """
    rows = []
    inhabited = places[places["people"] > 0]
    for (disease, level), here in cases.groupby(["disease_code", "level"], sort=True):
        stand = inhabited[inhabited["level"] == level].reset_index(drop=True)
        table = np.zeros((len(stand), asked.weeks))
        at = pd.Index(stand["place"]).get_indexer(here["place"])
        known = at >= 0
        weeks = asked.weeks - 1 - here["week"].to_numpy()
        np.add.at(table, (at[known], weeks[known]), here["cases"].to_numpy(float)[known])
        keys = {
            "disease_code": disease,
            "level": level,
            "cases": int(here["cases"].sum()),
            "left_out": int(here["cases"].to_numpy()[~known].sum()),
            "last_day": last_day,
        }
        for kind in (SPACE, SPACE_TIME):
            rows += _rows({**keys, "kind": kind}, table, stand, asked)
    return pd.DataFrame(rows, columns=list(TYPES))


def _rows(
    keys: Mapping[str, Any], table: np.ndarray, stand: pd.DataFrame, asked: Scanning
) -> list[dict[str, Any]]:
    told = [_NOWHERE] if keys["left_out"] else []
    found = _scanned(table, stand, asked, keys["kind"])
    if found.gap or not found.clusters:
        told.append(found.gap or "cases stand as people do: no place has more than its share")
        return [{**keys, "number": 1, "is_cluster": False, "gap": "; ".join(told)}]
    rows = []
    for number, one in enumerate(found.clusters, start=1):
        is_cluster = one.p_value <= asked.alpha
        if number > 1 and not is_cluster:
            break
        whole = asked.weeks if keys["kind"] == SPACE else asked.weeks - one.first_period
        row = {
            **keys,
            "number": number,
            "first_day": keys["last_day"] - timedelta(days=7 * whole - 1),
            "log_likelihood_ratio": one.log_likelihood_ratio,
            "p_value": one.p_value,
            "is_cluster": is_cluster,
        }
        gaps = [*told]
        if one.seen < asked.smallest_group:
            gaps.append(f"fewer than {asked.smallest_group} cases: where they are is withheld")
        else:
            row |= {
                "places": ", ".join(stand["place"].iloc[list(one.places)]),
                "centre": stand["place"].iloc[one.places[0]],
                "radius_m": one.radius_m,
                "seen": int(one.seen),
                "expected": one.expected,
                "relative_risk": one.relative_risk if np.isfinite(one.relative_risk) else None,
            }
            if not np.isfinite(one.relative_risk):
                gaps.append("all cases are in the cluster: no relative risk")
        rows.append({**row, "gap": "; ".join(gaps) or None})
    return rows


def _scanned(table: np.ndarray, stand: pd.DataFrame, asked: Scanning, kind: str) -> Scanned:
    if table.sum() < asked.smallest_group:
        return Scanned([], f"fewer than {asked.smallest_group} cases: too few to stand together")
    return scan(
        table.sum(axis=1) if kind == SPACE else table,
        stand["people"].to_numpy(float),
        stand["latitude"].to_numpy(float),
        stand["longitude"].to_numpy(float),
        most_periods=asked.longest_weeks,
        replications=asked.replications,
        enough_above=_ENOUGH_ABOVE,
        seed=asked.seed,
    )
