"""What a planner hands in: files of sites that stand, may be chosen, or must not be."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import shapely
from shapely.geometry import shape

from civiclake.errors import UserError

COLUMNS = ("id", "name", "latitude", "longitude")
_GEOJSON = (".geojson", ".json")


@dataclass(frozen=True)
class Forbidden:
    """Where nothing may be built."""

    path: Path
    ids: tuple[str, ...] = ()
    """Of candidates."""
    areas: tuple[Any, ...] = ()
    """Shapely polygons, in degrees."""


def read_sites(path: Path) -> pd.DataFrame:
    """Sites of a CSV file with ``latitude`` and ``longitude``, or of a GeoJSON file of points.

    Returns:
        ``id``, ``name``, ``latitude``, ``longitude``; an id that is missing is the file's name
        and the row's number.

    Raises:
        UserError: the file can't be read, a position is none, or an id comes twice.
    """
    rows = list(_points(path) if path.suffix.lower() in _GEOJSON else _csv_sites(path))
    if not rows:
        raise UserError(f"{path}: no site; at least one row is wanted")
    sites = pd.DataFrame(rows, columns=list(COLUMNS))
    twice = sites["id"].duplicated()
    if twice.any():
        raise UserError(f"{path}: id {sites.loc[twice, 'id'].iloc[0]!r} is there twice")
    return sites


def read_forbidden(path: Path) -> Forbidden:
    """Candidates by id (CSV with ``id``), or areas (GeoJSON of polygons).

    Raises:
        UserError: the file can't be read, or says neither.
    """
    if path.suffix.lower() in _GEOJSON:
        areas = tuple(area for _, area, _ in _features(path, ("Polygon", "MultiPolygon")))
        if not areas:
            raise UserError(f"{path}: no area; at least one polygon is wanted")
        return Forbidden(path, areas=areas)
    ids = tuple(row.get("id", "").strip() for _, row in _csv(path, ("id",)))
    if not any(ids):
        raise UserError(f"{path}: no id; at least one row with the id of a candidate is wanted")
    return Forbidden(path, ids=tuple(one for one in ids if one))


def _csv(path: Path, wanted: tuple[str, ...]) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Rows with the number of their line."""
    with _opened(path) as file:
        reader = csv.DictReader(file)
        try:
            header = [(name or "").strip().lower() for name in reader.fieldnames or ()]
            missing = [name for name in wanted if name not in header]
            if missing:
                raise UserError(
                    f"{path}: no column {missing[0]!r}; it has {', '.join(header) or 'none'}"
                )
            reader.fieldnames = header
            for row in reader:
                yield reader.line_num, {k: v or "" for k, v in row.items() if isinstance(k, str)}
        except (csv.Error, UnicodeDecodeError) as error:
            raise UserError(f"{path}: not CSV in UTF-8: {error}") from None


def _opened(path: Path) -> Any:
    try:
        return path.open(encoding="utf-8-sig", newline="")
    except OSError as error:
        raise UserError(f"{path}: {(error.strerror or 'cannot be read').lower()}") from None


def _csv_sites(path: Path) -> Iterator[tuple[str, str, float, float]]:
    for line, row in _csv(path, ("latitude", "longitude")):
        spot = [_number(path, line, name, row[name]) for name in ("latitude", "longitude")]
        own = row.get("id", "").strip() or f"{path.stem}-{line - 1}"
        yield (own, row.get("name", "").strip() or own, spot[0], spot[1])


def _number(path: Path, line: int, name: str, said: str) -> float:
    try:
        value = float(said)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise UserError(f"{path}:{line}: {name} {said!r} is not a number; degrees are wanted")
    return value


def _points(path: Path) -> Iterator[tuple[str, str, float, float]]:
    for number, spot, said in _features(path, ("Point",)):
        own = str(said.get("id") or f"{path.stem}-{number}")
        yield own, str(said.get("name") or own), spot.y, spot.x


def _features(path: Path, kinds: tuple[str, ...]) -> Iterator[tuple[int, Any, Mapping[str, Any]]]:
    """Number, geometry and properties (with the feature's own id) of each feature."""
    with _opened(path) as file:
        try:
            said = json.load(file)
        except (ValueError, RecursionError) as error:
            raise UserError(f"{path}: not JSON in UTF-8: {error}") from None
    features = said.get("features", [said]) if isinstance(said, dict) else None
    if not isinstance(features, list):
        raise UserError(f"{path}: not GeoJSON; a FeatureCollection is wanted")
    for number, feature in enumerate(features, 1):
        yield number, *_geometry(f"{path}: feature {number}", feature, kinds)


def _geometry(where: str, feature: object, kinds: tuple[str, ...]) -> tuple[Any, Mapping[str, Any]]:
    drawn = feature.get("geometry") if isinstance(feature, dict) else None
    kind = drawn.get("type") if isinstance(drawn, dict) else None
    if not isinstance(feature, dict) or kind not in kinds:
        raise UserError(f"{where}: geometry {kind!r}; {' or '.join(kinds)} is allowed")
    try:
        made = shape(drawn)
    except (ValueError, TypeError, KeyError, AttributeError, shapely.errors.ShapelyError) as error:
        raise UserError(f"{where}: its coordinates are not those of a {kind}: {error}") from None
    if made.is_empty or not shapely.get_num_coordinates(made):
        raise UserError(f"{where}: its {kind} is empty")
    if not all(map(math.isfinite, made.bounds)):
        raise UserError(f"{where}: a coordinate is not a number")
    said = feature.get("properties")
    properties = said if isinstance(said, dict) else {}
    return (
        made if made.is_valid else shapely.make_valid(made),
        {"id": feature.get("id"), **{k: v for k, v in properties.items() if v is not None}},
    )
