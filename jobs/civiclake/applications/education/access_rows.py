"""The rows of ``marts.education_access``: ways over the roads, and a floating catchment by kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import h3
import numpy as np
import numpy.typing as npt
import pandas as pd

from civiclake.applications.education.districts import NOWHERE, carried, places
from civiclake.applications.sentences import Sentence, gaps
from civiclake.errors import UserError
from civiclake.statistics.catchment import gaussian, two_step_catchment
from civiclake.statistics.grid import centres
from civiclake.statistics.roads import Roads, of_segments, snap, travel_m

MOST_PAIRS = 50_000_000
"""Cells times schools."""
_AT_ONCE = 64
"""Schools that ways are looked for from at once: a row of all crossings each."""
_KEYS = ["school_year", "home_cell", "kind"]
TYPES: Mapping[str, str] = {
    "school_year": "integer",
    "home_cell": "string",
    "kind": "string",
    "district_code": "string",
    "district_name": "string",
    "is_urban": "boolean",
    "children": "integer",
    "registrations": "integer",
    "metres_to_road": "number",
    "metres_to_school": "number",
    "metres_to_any_school": "number",
    "minutes_to_school": "number",
    "schools_in_reach": "integer",
    "seats_per_child": "number",
    "is_cut_off": "boolean",
    "gap": "string",
}


@dataclass(frozen=True)
class Reach:
    """How children go, and how far counts."""

    walking_m_per_minute: float
    within_minutes: float
    """The longest way that counts as reach."""
    decay_minutes: float
    """The width of the Gaussian by which a longer way within reach weighs less."""
    far_from_roads_m: float
    """From where on a cell is said to be off the roads."""


@dataclass(frozen=True)
class Told:
    """What access is made of."""

    divisions: pd.DataFrame
    """``code``, ``name``, ``former_code``, ``is_urban``."""
    schools: pd.DataFrame
    """``school_id``, ``kind``, ``latitude``, ``longitude``, ``seats``."""
    segments: pd.DataFrame
    """``from_node``, ``to_node``, their positions, ``length_m``, ``is_one_way``."""
    children: pd.DataFrame
    """``school_year``, ``home_cell``, ``district_code``, ``kind``, ``children``."""
    registrations: pd.DataFrame
    """The same of the register's entries, by ``school_year``, ``home_cell`` and ``kind``."""


def access(told: Told, reach: Reach) -> pd.DataFrame:
    """One row for each cell and kind with children; those of no known cell are a row of their own.

    Args:
        told: counts by cell, schools and roads.
        reach: how children go.

    Returns:
        The columns of :data:`TYPES`.

    Raises:
        UserError: there are too many pairs, or a position is off the earth.
    """
    cells = _cells(told)
    if cells.empty:
        return pd.DataFrame(columns=list(TYPES))
    schools = told.schools.reset_index(drop=True)
    homes = pd.Index(cells["home_cell"].unique())
    metres, off = _ways_m(homes, schools, of_segments(told.segments))
    cells["home"] = homes.get_indexer(cells["home_cell"])
    cells["metres_to_road"] = off[cells["home"]]
    cells["metres_to_any_school"] = _least(metres)[cells["home"]]
    rows = pd.concat(
        _of_kind(mine.reset_index(drop=True), metres, schools, str(kind), reach)
        for kind, mine in cells.groupby("kind", sort=True)
    )
    rows = rows.merge(places(told.divisions, rows), how="left", on="district_code")
    rows["gap"] = gaps(rows, _sentences(reach))
    return rows.sort_values(_KEYS, ignore_index=True)


def _cells(told: Told) -> pd.DataFrame:
    """Children by cell and kind; the district is that of most of the cell's children."""
    children = _on_grid(carried(told.children, told.divisions))
    entries = _on_grid(told.registrations).rename(columns={"children": "registrations"})
    by_district = children.groupby(["home_cell", "district_code"], as_index=False).agg(
        children=("children", "sum")
    )
    most = by_district.sort_values(
        ["home_cell", "children", "district_code"], ascending=[True, False, True]
    ).drop_duplicates("home_cell")
    cells = children.groupby(_KEYS, as_index=False).agg(children=("children", "sum"))
    cells = cells.merge(most[["home_cell", "district_code"]], on="home_cell")
    entries = entries.groupby(_KEYS, as_index=False).agg(registrations=("registrations", "sum"))
    return cells.merge(entries, how="left", on=_KEYS)


def _on_grid(rows: pd.DataFrame) -> pd.DataFrame:
    """What is no cell of the grid is none."""
    cells = rows["home_cell"]
    sound = {cell for cell in cells.dropna().unique() if h3.is_valid_cell(cell)}
    return rows.assign(home_cell=cells.where(cells.isin(sound), NOWHERE))


def _of_kind(
    cells: pd.DataFrame,
    metres: npt.NDArray[np.float64],
    schools: pd.DataFrame,
    kind: str,
    reach: Reach,
) -> pd.DataFrame:
    """Rows of one kind; ``metres`` are from every home to every school."""
    mine = np.flatnonzero(schools["kind"] == kind)
    ways = metres[np.ix_(cells["home"].to_numpy(np.int64), mine)]
    nearest, minutes = _least(ways), ways / reach.walking_m_per_minute
    place, supplier = np.nonzero(minutes <= reach.within_minutes)
    found = two_step_catchment(
        cells["children"],
        pd.Series(schools["seats"].iloc[mine].fillna(0).to_numpy(float)),
        pd.DataFrame({"place": place, "supplier": supplier, "cost": minutes[place, supplier]}),
        reach.within_minutes,
        gaussian(reach.decay_minutes),
    )
    is_known = cells["home_cell"] != NOWHERE
    return cells.assign(
        metres_to_school=nearest,
        minutes_to_school=nearest / reach.walking_m_per_minute,
        schools_in_reach=np.bincount(place, minlength=len(cells)),
        seats_per_child=found.places["supply_per_person"].where(is_known),
        is_cut_off=found.places["is_cut_off"].astype("boolean").where(is_known),
        has_schools=len(mine) > 0,
    )


def _ways_m(
    homes: pd.Index, schools: pd.DataFrame, network: Roads
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Metres from each cell to each school, NaN without a way; and from each cell to its road."""
    if len(homes) * len(schools) > MOST_PAIRS:
        raise UserError(
            f"{len(homes)} cells times {len(schools)} schools are more than {MOST_PAIRS} pairs;"
            " coarser cells are wanted"
        )
    metres = np.full((len(homes), len(schools)), np.nan)
    off = np.full(len(homes), np.nan)
    known = np.flatnonzero(homes != NOWHERE)
    if network.nodes.empty or not len(known):
        return metres, off
    spots = centres(homes[known])
    doors = snap(network, spots["latitude"], spots["longitude"])
    off[known] = doors.off_m
    for first in range(0, len(schools), _AT_ONCE):
        some = schools.iloc[first : first + _AT_ONCE]
        gates = snap(network, some["latitude"], some["longitude"])
        ways = travel_m(network, doors.node, gates.node)
        metres[known, first : first + len(some)] = ways + doors.off_m[:, None] + gates.off_m
    return metres, off


def _least(metres: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The least of each row; NaN where there is none."""
    if not metres.shape[1]:
        return np.full(len(metres), np.nan)
    least = np.where(np.isnan(metres), np.inf, metres).min(axis=1)
    return np.where(np.isfinite(least), least, np.nan)


def _sentences(reach: Reach) -> list[Sentence]:
    def is_known(rows: pd.DataFrame) -> pd.Series:
        return rows["home_cell"] != NOWHERE

    def has_schools(rows: pd.DataFrame) -> pd.Series:
        return rows["has_schools"].astype(bool)

    within = f"{reach.within_minutes:g} minutes"
    return [
        (lambda rows: ~is_known(rows), "no cell of the home is known: no way can be told"),
        (lambda rows: ~has_schools(rows), "the city has no school of this kind"),
        (
            lambda rows: is_known(rows) & has_schools(rows) & rows["minutes_to_school"].isna(),
            "no road leads to a school of this kind",
        ),
        (
            lambda rows: rows["minutes_to_school"] > reach.within_minutes,
            f"no school of this kind within {within}",
        ),
        (
            lambda rows: rows["is_cut_off"].fillna(False) & (rows["schools_in_reach"] > 0),
            f"the schools within {within} have no seats",
        ),
        (
            lambda rows: rows["metres_to_road"] > reach.far_from_roads_m,
            f"more than {reach.far_from_roads_m:g} m from the nearest road",
        ),
    ]
