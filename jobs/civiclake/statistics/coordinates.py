"""Positions on the earth, on a plane in metres, and the distances between them.

Sources: C. Karney, "Algorithms for geodesics", Journal of Geodesy 87 (2013), pp. 43-55 (Geod of
pyproj, on WGS 84); PROJ for the planes. Two Chinese datums are refused without the city's own
parameters: PROJ shifts Beijing 1954 in one part of a city and not in the next, and Xi'an 1980
not at all, both without a word.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import numpy as np
from pyproj import CRS, Geod, Transformer
from pyproj.exceptions import CRSError, ProjError

from civiclake.errors import UserError
from civiclake.statistics.measured import Floats, Integers, floats, nullable, same_length

EARTH = Geod(ellps="WGS84")
POLE, ANTIMERIDIAN = 90, 180
REFUSED = {"beijing1954": "Beijing 1954", "newbeijing": "New Beijing", "xian1980": "Xi'an 1980"}
"""By their names without anything but letters and digits, for EPSG and ESRI write them apart."""
ALIKE = "china geodetic coordinate system 2000"
"""Within a metre of WGS 84, and so taken for it: PROJ knows no exact way between the two."""
_WGS84 = "EPSG:4326"


def check_positions(latitudes: Iterable[Any], longitudes: Iterable[Any]) -> tuple[Floats, Floats]:
    """Positions that are on the earth.

    Raises:
        UserError: one is missing or off the earth (swapped ones often are).
    """
    north, east = floats("latitudes", latitudes), floats("longitudes", longitudes)
    same_length(latitudes=north, longitudes=east)
    off = (np.abs(north) > POLE) | (np.abs(east) > ANTIMERIDIAN)
    if off.any():
        at = int(off.argmax())
        raise UserError(
            f"position {at + 1}: latitude {north[at]}, longitude {east[at]} is not on the earth;"
            f" -{POLE} to {POLE} and -{ANTIMERIDIAN} to {ANTIMERIDIAN} are allowed (swapped?)"
        )
    return north, east


def distances_m(
    latitudes: Iterable[Any],
    longitudes: Iterable[Any],
    other_latitudes: Iterable[Any],
    other_longitudes: Iterable[Any],
) -> Floats:
    """Metres on the ellipsoid between positions, pair by pair.

    Raises:
        UserError: a position is missing or off the earth, or lengths differ.
    """
    north, east = check_positions(latitudes, longitudes)
    other_north, other_east = check_positions(other_latitudes, other_longitudes)
    same_length(positions=north, others=other_north)
    return np.asarray(EARTH.inv(east, north, other_east, other_north)[2], dtype=np.float64)


def metres(
    latitudes: Iterable[Any], longitudes: Iterable[Any], plane: str
) -> tuple[Floats, Floats]:
    """East and north on a plane in metres, whatever the axis order of its definition.

    Args:
        latitudes: on WGS 84, in degrees.
        longitudes: on WGS 84, in degrees.
        plane: such as ``EPSG:32755``.

    Raises:
        UserError: a position is off the earth or out of the plane's area of use, or the plane is
            unknown, refused or not in metres.
    """
    north, east = check_positions(latitudes, longitudes)
    x, y = _transformer(plane).transform(east, north)
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    bad = ~(np.isfinite(x) & np.isfinite(y))
    if bad.any():
        at = int(bad.argmax())
        raise UserError(
            f"position {at + 1}: latitude {north[at]}, longitude {east[at]} has no place on {plane}"
        )
    return x, y


def metres_around(
    latitudes: Iterable[Any], longitudes: Iterable[Any], latitude: float, longitude: float
) -> tuple[Floats, Floats]:
    """East and north of a spot, on the plane that touches the ellipsoid there.

    Two multiplications a position where a projection costs a microsecond: true to a thousandth
    within 10 km to the north and south, below 50 degrees. For places along a line and beside it,
    not for lengths that are published.
    """
    north, east = nullable(latitudes), nullable(longitudes)
    sine, cosine = np.sin(np.radians(latitude)), np.cos(np.radians(latitude))
    bent = 1 - EARTH.es * sine**2
    degree = np.radians(EARTH.a)
    north_m = degree * (1 - EARTH.es) / bent**1.5
    return (east - longitude) * degree * cosine / np.sqrt(bent), (north - latitude) * north_m


def utm(latitude: float, longitude: float) -> str:
    """The zone of UTM that a position lies in, such as ``EPSG:32755``."""
    zone = int((longitude + ANTIMERIDIAN) // 6) % 60 + 1
    return f"EPSG:{(32600 if latitude >= 0 else 32700) + zone}"


def check_plane(name: str) -> CRS:
    """A coordinate system that can be used as it is defined.

    One on a datum that differs from city to city carries the city's parameters (``+towgs84``).

    Raises:
        UserError: it is unknown, or one of those that PROJ shifts wrongly without a word.
    """
    try:
        crs = CRS.from_user_input(name)
    except CRSError as error:
        raise UserError(f"coordinate system {name!r}: {error}") from None
    if crs.is_bound:  # it carries parameters of its own
        return crs
    geodetic = crs.geodetic_crs
    names = (
        [] if geodetic is None else [geodetic.name, geodetic.datum.name if geodetic.datum else ""]
    )
    plain = " ".join(re.sub(r"[^a-z0-9]", "", name.lower()) for name in names)
    for part, title in REFUSED.items():
        if part in plain:
            raise UserError(
                f"coordinate system {name!r} is on {title}, whose shift differs from city to city"
                " and is not known here: convert with the city's own parameters first (to WGS 84"
                " or CGCS2000)"
            )
    return crs


@lru_cache(maxsize=32)
def _transformer(plane: str) -> Transformer:
    crs = check_plane(plane)
    if not crs.is_projected or any(axis.unit_name != "metre" for axis in crs.axis_info[:2]):
        raise UserError(f"coordinate system {plane!r}: a plane in metres is wanted (EPSG:32755)")
    geographic = crs.geodetic_crs
    is_alike = geographic is not None and geographic.name.lower() == ALIKE
    try:
        return Transformer.from_crs(
            geographic if is_alike else _WGS84, crs, always_xy=True, allow_ballpark=False
        )
    except ProjError as error:
        raise UserError(f"coordinate system {plane!r}: no exact way to it ({error})") from None


def nearest_m(
    latitudes: Iterable[Any],
    longitudes: Iterable[Any],
    other_latitudes: Iterable[Any],
    other_longitudes: Iterable[Any],
) -> tuple[Integers, Floats]:
    """For each position the nearest of the others, by number, and the metres to it.

    Compares all pairs: for some thousand positions of a plan, not for a city's residents.
    """
    north, east = check_positions(latitudes, longitudes)
    other_north, other_east = check_positions(other_latitudes, other_longitudes)
    if not len(other_north):
        raise UserError("no position to be near to; at least one is wanted")
    shape = (len(north), len(other_north))
    found = EARTH.inv(
        np.broadcast_to(east[:, None], shape).ravel(),
        np.broadcast_to(north[:, None], shape).ravel(),
        np.broadcast_to(other_east, shape).ravel(),
        np.broadcast_to(other_north, shape).ravel(),
    )[2]
    table = np.asarray(found, dtype=np.float64).reshape(shape)
    best = table.argmin(axis=1)
    return best.astype(np.int64), table[np.arange(len(north)), best]


def ring_area_m2(latitudes: Iterable[Any], longitudes: Iterable[Any]) -> float:
    """Area of one ring in square metres, above 0 whichever way it is wound.

    A polygon is its shell less its holes: pyproj's own sum over a polygon adds a hole that is
    wound like the shell.
    """
    north, east = check_positions(latitudes, longitudes)
    return abs(float(EARTH.polygon_area_perimeter(east, north)[0]))
