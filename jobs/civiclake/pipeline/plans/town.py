"""The city as a plan sees it: who lives where, what stands, the roads, and the districts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import shapely

from civiclake.errors import UserError
from civiclake.statistics import grid
from civiclake.statistics.coordinates import ANTIMERIDIAN, POLE, nearest_m
from civiclake.statistics.roads import Roads, roads

OUTSIDE = "outside"
"""The district of a place that lies in none."""
_HULL_M = 10_000 / 111_195
"""Where districts have no boundaries, the city reaches so far (degrees) around who lives there."""


def no_stops() -> pd.DataFrame:
    """A table of stops with none in it."""
    return pd.DataFrame({"latitude": [], "longitude": []}, dtype=float)


@dataclass(frozen=True)
class Town:
    """All that a plan is made of; positions in degrees, WGS 84."""

    places: pd.DataFrame
    """By cell: ``people``, ``latitude``, ``longitude``, ``district``; somebody lives in each."""
    standing: pd.DataFrame
    """``id``, ``name``, ``latitude``, ``longitude``, ``capacity`` (NaN where none is known)."""
    network: Roads | None
    districts: pd.DataFrame
    """By code: ``name``, ``boundary`` (shapely, or None)."""
    stops: pd.DataFrame = field(default_factory=no_stops)
    """Of public transport: ``latitude``, ``longitude``."""
    told: tuple[str, ...] = ()
    """What was amiss with the figures, and what was done about it."""
    versions: dict[str, list[Any]] = field(default_factory=dict)
    """Of the tables, by name: Delta's id, and the version."""

    @property
    def area(self) -> Any:
        """The ground of the city, as one shape."""
        drawn = [one for one in self.districts["boundary"] if one is not None]
        if drawn:
            return shapely.unary_union(drawn)
        spots = shapely.points(self.places["longitude"], self.places["latitude"])
        return shapely.convex_hull(shapely.multipoints(spots)).buffer(_HULL_M)

    @property
    def people(self) -> float:
        """All whom the plan is for."""
        return float(self.places["people"].sum())


def districts(rows: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Districts with their boundaries as shapes, and what is amiss.

    Args:
        rows: ``code``, ``name``, ``latitude``, ``longitude`` and, if known, ``boundary`` (WKT).

    Raises:
        UserError: a boundary is not WKT of a polygon.
    """
    known = rows["boundary"] if "boundary" in rows else pd.Series(None, rows.index, dtype=object)
    shapes = [_shape(code, text) for code, text in zip(rows["code"], known, strict=True)]
    found = rows[["name", "latitude", "longitude"]].assign(boundary=shapes)
    found.index = pd.Index(rows["code"].astype(str), name="code")
    lacking = [code for code, one in found["boundary"].items() if one is None]
    told = (
        [f"{len(lacking)} of {len(found)} districts have no boundary: a place belongs to the"
         " district whose centre is nearest"]
        if lacking
        else []
    )  # fmt: skip
    return found, told


def _shape(code: str, text: object) -> Any:
    if not isinstance(text, str) or not text.strip():
        return None
    try:
        made = shapely.from_wkt(text)
    except shapely.errors.ShapelyError as error:
        raise UserError(f"district {code}: boundary: {str(error).splitlines()[0]}") from None
    if made.geom_type not in ("Polygon", "MultiPolygon") or made.is_empty:
        raise UserError(f"district {code}: boundary: a polygon is wanted, not {made.geom_type}")
    return made if made.is_valid else shapely.make_valid(made)


def district_of(known: pd.DataFrame, latitudes: Any, longitudes: Any) -> np.ndarray[Any, Any]:
    """Code of the district in which each position lies, or :data:`OUTSIDE`."""
    latitudes, longitudes = np.asarray(latitudes, float), np.asarray(longitudes, float)
    codes = np.full(len(latitudes), OUTSIDE, dtype=object)
    if not len(known) or not len(latitudes):
        return codes
    if any(one is None for one in known["boundary"]):
        near, _ = nearest_m(latitudes, longitudes, known["latitude"], known["longitude"])
        return np.asarray(known.index, dtype=object)[near]
    spots = shapely.points(longitudes, latitudes)
    for code, area in known["boundary"].items():
        shapely.prepare(area)
        codes[shapely.intersects(area, spots) & (codes == OUTSIDE)] = code
    return codes


def places(demand: pd.DataFrame, known: pd.DataFrame) -> pd.DataFrame:
    """Inhabited cells with their centres and districts.

    Args:
        demand: ``cell`` and ``people``; a cell may come several times, at any size.
        known: of :func:`districts`.

    Raises:
        UserError: nobody lives anywhere, or a cell is none.
    """
    by_cell = demand.groupby("cell", sort=True)["people"].sum()
    by_cell = by_cell[by_cell > 0]
    if by_cell.empty:
        raise UserError("nobody whom it is for lives in any cell, so no site is better")
    grid.climb(by_cell.index, grid.COARSEST)  # refuses what is no cell
    found = grid.centres(by_cell.index).assign(people=by_cell.to_numpy(float))
    found["district"] = district_of(known, found["latitude"], found["longitude"])
    found.index.name = "cell"
    return found


def network(segments: pd.DataFrame | None) -> tuple[Roads | None, list[str]]:
    """The roads of the city, and what had to be done to their data.

    Args:
        segments: as ``geography.road_segments``; None or empty: there are none.
    """
    if segments is None or segments.empty:
        return None, []
    ends = [
        segments[[f"{end}_node", f"{end}_latitude", f"{end}_longitude"]].set_axis(
            ["node", "latitude", "longitude"], axis=1
        )
        for end in ("from", "to")
    ]
    nodes = pd.concat(ends).drop_duplicates("node").set_index("node")
    edges = segments.rename(columns={"from_node": "start", "to_node": "end"})
    made = roads(nodes, edges)
    counts = {
        "without a usable length, filled": made.filled,
        "without a usable speed, filled": made.filled_speeds,
        "beside a shorter one between the same crossings": made.parallel,
        "that lead back to where they begin": made.loops,
    }
    said = [f"{count:,} {what}" for what, count in counts.items() if count]
    told = [f"of {len(segments):,} roads: {'; '.join(said)}"] if said else []
    if made.parts > 1:
        told.append(f"the roads are {made.parts} pieces that no road connects")
    return made, told


def check_inside(town: Town, sites: pd.DataFrame, where: str) -> None:
    """Refuse sites that are not in the city.

    Raises:
        UserError: one lies outside, or has its coordinates swapped.
    """
    area = town.area
    shapely.prepare(area)
    for own, north, east in sites[["id", "latitude", "longitude"]].itertuples(index=False):
        if abs(north) <= POLE and abs(east) <= ANTIMERIDIAN and _holds(area, north, east):
            continue
        swapped = "; swapped, it would lie in it" if _holds(area, east, north) else ""
        west, south, far, top = area.bounds
        raise UserError(
            f"{where}: {own!r} at latitude {north:g}, longitude {east:g} lies outside the city"
            f" (latitude {south:.3f} to {top:.3f}, longitude {west:.3f} to {far:.3f}){swapped}"
        )


def _holds(area: Any, latitude: float, longitude: float) -> bool:
    return bool(shapely.intersects_xy(area, longitude, latitude))
