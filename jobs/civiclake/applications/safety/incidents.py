"""Incidents in memory, and the cells that they are looked for in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import h3
import numpy as np
import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from civiclake.applications.collected import collected
from civiclake.errors import UserError
from civiclake.statistics import grid

ALL = "all"
"""The kind that all reported ones are counted under; what patrols discover is not among them."""
PLACES = "marts.incident_places"
ROADS = "geography.road_segments"
_COLUMNS = (
    "day", "week_start_date", "hour", "occurred_at", "kind", "district_code", "cell", "latitude",
    "longitude", "is_discovered",
)  # fmt: skip
_CROSSING = ("latitude", "longitude")


def incidents(frame: DataFrame) -> pd.DataFrame:
    """Those of ``marts.incident_places`` whose time can be meant, oldest first."""
    told = frame.where("NOT is_dated_ahead").select(*_COLUMNS)
    return dated(collected(told, "incidents"))


def dated(rows: pd.DataFrame) -> pd.DataFrame:
    """The same rows with days as numpy's, oldest first."""
    days = {name: pd.to_datetime(rows[name]) for name in ("day", "week_start_date")}
    # Wholly in order, so that what is drawn by a seed is the same however the rows came.
    order = ["occurred_at", "cell", "kind", "latitude", "longitude"]
    return rows.assign(**days).sort_values(order, ignore_index=True)


def crossings(segments: DataFrame) -> pd.DataFrame:
    """``latitude`` and ``longitude`` of the ends of all roads, each once."""
    ends = [
        segments.select(*(F.col(f"{end}_{name}").cast("double").alias(name) for name in _CROSSING))
        for end in ("from", "to")
    ]
    return collected(ends[0].union(ends[1]).distinct().dropna(), "crossings")


@dataclass(frozen=True)
class Area:
    """The cells in which something could be recorded: those with a crossing, or an incident."""

    cells: tuple[str, ...]
    neighbours: tuple[tuple[int, ...], ...]
    """Of each cell, by number."""

    def numbers(self, of: Sequence[str] | pd.Series) -> np.ndarray:
        """The number of each cell."""
        return pd.Index(self.cells).get_indexer(pd.Index(of))


def area(at: pd.DataFrame, rows: pd.DataFrame) -> Area:
    """The study area.

    Args:
        at: crossings.
        rows: incidents; their cells are all of one size.

    Raises:
        UserError: cells are of several sizes.
    """
    seen = sorted(set(rows["cell"]))
    sizes = {grid.size(cell) for cell in seen}
    if len(sizes) > 1:
        raise UserError(f"incidents: cells of sizes {sorted(sizes)}; one size is wanted")
    resolution = sizes.pop() if sizes else 0
    roads = map(str, grid.cells(at["latitude"], at["longitude"], resolution)) if seen else ()
    cells = tuple(sorted({*seen, *roads}))
    number = {cell: n for n, cell in enumerate(cells)}
    around = (sorted(set(h3.grid_disk(cell, 1)) - {cell}) for cell in cells)
    found = tuple(tuple(number[c] for c in there if c in number) for there in around)
    return Area(cells, found)


def last_days(rows: pd.DataFrame, days: int) -> tuple[pd.DataFrame, date, date]:
    """The incidents of the last so many days, and the first and last of them."""
    to_day = rows["day"].max().date()
    from_day = to_day - timedelta(days=days - 1)
    return rows[rows["day"] >= pd.Timestamp(from_day)], from_day, to_day


def by_kind(rows: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """All reported ones together, and then each kind."""
    yield ALL, rows[~rows["is_discovered"].astype(bool)]
    for kind, mine in rows.groupby("kind", sort=True):
        yield str(kind), mine
