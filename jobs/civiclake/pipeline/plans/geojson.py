"""A plan as GeoJSON: new and standing sites as points, who gains as cells."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

from civiclake.pipeline.plans.answer import Answer
from civiclake.pipeline.plans.told import headline
from civiclake.statistics import grid

_DIGITS = 7
"""Of degrees: a centimetre."""


def text_of(answer: Answer) -> str:
    """A FeatureCollection (RFC 7946), longitude first, on WGS 84."""
    first, second = headline(answer)
    collection = {
        "type": "FeatureCollection",
        "title": first,
        "description": second,
        "told": list(answer.told),
        "features": [*_sites(answer), *_cells(answer)],
    }
    return json.dumps(collection, ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def _sites(answer: Answer) -> Iterator[dict[str, Any]]:
    for number, (_, site) in enumerate(answer.chosen.iterrows(), 1):
        said = {
            "state": "new",
            "number": number,
            "id": site["id"],
            "name": site["name"],
            "district": site["district"],
            "people": float(site["people"]),
            "gains": float(site["gains"]),
            "stop_m": _way(site["stop_m"]),
        }
        yield _feature(_point(site), said)
    for _, site in answer.standing.iterrows():
        yield _feature(_point(site), {"state": "stands", "id": site["id"], "name": site["name"]})


def _point(site: Any) -> dict[str, Any]:
    spot = [round(float(site[name]), _DIGITS) for name in ("longitude", "latitude")]
    return {"type": "Point", "coordinates": spot}


def _cells(answer: Answer) -> Iterator[dict[str, Any]]:
    unit = answer.asked.within.unit
    rings = grid.outlines(answer.places.index)
    for (cell, place), ring in zip(answer.places.iterrows(), rings, strict=True):
        corners = [[round(east, _DIGITS), round(north, _DIGITS)] for east, north in ring]
        shape = {"type": "Polygon", "coordinates": [[*corners, corners[0]]]}
        said = {
            "cell": cell,
            "district": place["district"],
            "people": float(place["people"]),
            "gains": float(place["gains"]),
            f"before_{unit}": _way(place["before"]),
            f"after_{unit}": _way(place["after"]),
        }
        yield _feature(shape, said)


def _way(value: float) -> float | None:
    return round(value, 1) if math.isfinite(value) else None


def _feature(shape: dict[str, Any], said: dict[str, Any]) -> dict[str, Any]:
    return {"type": "Feature", "geometry": shape, "properties": said}
