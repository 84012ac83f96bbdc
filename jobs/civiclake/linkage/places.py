"""Places: one where records name one spot or one address; with district and grid cell.

No model is needed: coordinates and addresses of places are public, and either they are the
same or they are not.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h3
import pyarrow as pa
import shapely

from civiclake.errors import UserError
from civiclake.linkage import text
from civiclake.linkage.clusters import EXACT, SINGLE, Forest, Membership, keep_ids
from civiclake.linkage.profiles import PROFILE
from civiclake.linkage.resolve import Former, Resolution

FIELDS = ("latitude", "longitude", "address", "district_code")
_DECIMALS = 5
"""Of a degree: about a metre. Departments that mean one spot do not write less exactly."""
_CODE = "district_code"
_POLE, _ANTIMERIDIAN = 90, 180


class Districts:
    """The districts' boundaries, as a list of polygons to look up."""

    def __init__(self, codes: list[str], shapes: list[Any]) -> None:
        self._codes = codes
        self._tree = shapely.STRtree(shapes)

    @classmethod
    def read(cls, path: Path) -> Districts:
        """Read a GeoJSON collection whose features carry a ``district_code``.

        Raises:
            UserError: it is missing, or is no such collection.
        """
        try:
            features = json.loads(path.read_text(encoding="utf-8"))["features"]
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise UserError(
                f"{path.name}: no boundaries to be read ({type(error).__name__}: {error}); wanted"
                f" is a GeoJSON FeatureCollection whose features have the property {_CODE!r}"
            ) from None
        drawn = [_district(f, f"{path.name}: feature {n}") for n, f in enumerate(features, start=1)]
        found = [(code, shape) for code, shape in drawn if shape is not None]
        if not found:
            raise UserError(f"{path.name}: none of its features has a geometry")
        return cls([code for code, _ in found], [shape for _, shape in found])

    def at(self, latitude: float, longitude: float) -> str | None:
        """The district of a spot; on a boundary, the one with the smaller code."""
        hits = self._tree.query(shapely.Point(longitude, latitude), predicate="intersects")
        return min((self._codes[i] for i in hits), default=None)


def _district(feature: Any, where: str) -> tuple[str, Any]:
    """A district's code and its shape; None for one that nobody has drawn yet.

    Raises:
        UserError: the feature has no code, or its geometry is none.
    """
    try:
        code = str(feature["properties"][_CODE])
    except (LookupError, TypeError):
        raise UserError(f"{where} lacks the property {_CODE!r}") from None
    try:
        geometry = feature.get("geometry")
        shape = shapely.from_geojson(json.dumps(geometry)) if geometry else None
    except (ValueError, TypeError, shapely.GEOSException) as error:
        raise UserError(f"{where} ({_CODE} {code}) has no geometry to be read ({error})") from None
    return code, None if shape is None or shape.is_empty else shape


def resolve(
    profiles: pa.Table, former: Former, cell_resolution: int, boundaries: Path | None
) -> Resolution:
    """Sort profiles into places: same spot, or same address in the same district.

    Args:
        profiles: ``profile_id`` and :data:`FIELDS`.
        former: what the last run left.
        cell_resolution: of the H3 grid.
        boundaries: GeoJSON of the districts.
    """
    rows = profiles.to_pylist()
    districts = Districts.read(boundaries) if boundaries else None
    members = _members(rows)
    return Resolution(
        members=members,
        kept=keep_ids({p: m.cluster for p, m in members.items()}, former.ids),
        edges=(),
        attributes={r[PROFILE]: attributes(r, cell_resolution, districts) for r in rows},
        verified=frozenset(),
        scored=sum(r[PROFILE] not in former.scored for r in rows),
    )


def _members(rows: list[dict[str, Any]]) -> dict[str, Membership]:
    forest = Forest({row[PROFILE]: None for row in rows})
    first: dict[tuple[Any, ...], str] = {}
    for row in rows:
        for key in _keys(row):
            forest.join(first.setdefault(key, row[PROFILE]), row[PROFILE])
    roots = {row[PROFILE]: forest.root(row[PROFILE]) for row in rows}
    sizes = Counter(roots.values())
    return {
        profile: Membership(root, EXACT if sizes[root] > 1 else SINGLE, 1.0)
        for profile, root in roots.items()
    }


def attributes(
    row: Mapping[str, Any], resolution: int, districts: Districts | None
) -> dict[str, str | None]:
    """Coordinates, grid cell, address and district of a profile.

    Where boundaries are given, the district is the one that the spot lies in; a declared one
    only counts where there is no spot, or it lies in none.
    """
    spot = _spot(row)
    declared = row[_CODE]
    inside = districts.at(*spot) if districts and spot else None
    return {
        "latitude": str(spot[0]) if spot else None,
        "longitude": str(spot[1]) if spot else None,
        "cell": h3.latlng_to_cell(*spot, resolution) if spot else None,
        "address": row["address"],
        _CODE: inside or declared,
    }


def _keys(row: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = []
    spot = _spot(row)
    if spot:
        found.append(("spot", *spot))
    address = text.plain(row["address"])
    if address and row[_CODE]:
        found.append(("address", row[_CODE], address.replace(" ", "")))
    return found


def _spot(row: Mapping[str, Any]) -> tuple[float, float] | None:
    if row["latitude"] is None or row["longitude"] is None:
        return None
    north, east = (
        round(float(row["latitude"]), _DECIMALS),
        round(float(row["longitude"]), _DECIMALS),
    )
    # Where no contract checks positions, what is not on the earth (or no number) is no spot: the
    # grid would wrap it around, and give a cell on the other side.
    return (north, east) if abs(north) <= _POLE and abs(east) <= _ANTIMERIDIAN else None
