"""In which area a place lies.

Source: point in polygon as the OGC's Simple Features (ISO 19125-1:2004) define ``intersects``:
a place on a border lies in both areas, and is told to be of the first. On a map in degrees, as
boundaries of a city are drawn: an edge is straight on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import shapely

from civiclake.errors import UserError
from civiclake.statistics.measured import Integers, nullable, same_length


def area_of(
    latitudes: Iterable[Any], longitudes: Iterable[Any], boundaries: Sequence[str | None]
) -> Integers:
    """The number of the area that each place lies in; -1 for none.

    Args:
        latitudes: degrees; a place without one lies nowhere.
        longitudes: degrees.
        boundaries: well-known texts of polygons, longitude first; None for an area without one.

    Raises:
        UserError: a boundary is no polygon.
    """
    north, east = nullable(latitudes), nullable(longitudes)
    same_length(latitudes=north, longitudes=east)
    tree = shapely.STRtree([_polygon(number, text) for number, text in enumerate(boundaries)])
    found = np.full(len(north), len(boundaries), dtype=np.int64)
    known = np.flatnonzero(np.isfinite(north) & np.isfinite(east))
    spots = shapely.points(east[known], north[known])
    place, area = tree.query(spots, predicate="intersects")
    np.minimum.at(found, known[place], area)
    return np.where(found < len(boundaries), found, -1)


def _polygon(number: int, text: str | None) -> Any:
    """A prepared polygon; an area without a boundary holds nothing."""
    if text is None:
        return shapely.Polygon()
    try:
        made = shapely.from_wkt(text)
    except shapely.errors.GEOSException as error:
        raise UserError(f"boundary {number + 1} can't be read ({error})") from None
    if made.geom_type not in ("Polygon", "MultiPolygon"):
        raise UserError(f"boundary {number + 1} is a {made.geom_type}; polygons are allowed")
    if not made.is_valid:
        raise UserError(f"boundary {number + 1}: {shapely.is_valid_reason(made)}")
    return made
