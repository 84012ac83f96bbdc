"""Ways over the city's roads: straight to the nearest crossing, along segments, and off again.

What is straight is measured on the ellipsoid; which crossing is the nearest, on the sphere.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from functools import lru_cache

import h3
import numpy as np
import numpy.typing as npt
from pyproj import Geod

from demo.city import streets

Place = tuple[float, float]
"""Latitude and longitude, in degrees."""
Floats = npt.NDArray[np.float64]
_EARTH = Geod(ellps="WGS84")


@lru_cache(maxsize=256)
def to_nearest(seed: int, places: tuple[Place, ...]) -> dict[int, float]:
    """Metres from each crossing to the nearest of some places, driving as one may (Dijkstra)."""
    before = _roads_into(seed)
    known: dict[int, float] = {}
    queue = [(off, node) for node, off in (crossing(seed, place) for place in places)]
    heapq.heapify(queue)
    while queue:
        length, here = heapq.heappop(queue)
        if here not in known:
            known[here] = length
            for there, more in before.get(here, []):
                heapq.heappush(queue, (length + more, there))
    return known


@lru_cache(maxsize=2)
def _roads_into(seed: int) -> dict[int, list[tuple[int, float]]]:
    """The crossings from which each is reached, and how far it is."""
    found: defaultdict[int, list[tuple[int, float]]] = defaultdict(list)
    for segment in streets.network(seed).segments:
        found[segment.end].append((segment.start, segment.length_m))
        if not segment.one_way:
            found[segment.start].append((segment.end, segment.length_m))
    return found


@lru_cache(maxsize=4096)
def crossing(seed: int, place: Place) -> tuple[int, float]:
    """The nearest crossing of a place, and how many metres away it is."""
    latitudes, longitudes = _crossings(seed)
    north = np.radians(latitudes - place[0]) / 2
    east = np.radians(longitudes - place[1]) / 2
    beside = np.cos(np.radians(place[0])) * np.cos(np.radians(latitudes))
    node = int(np.argmin(np.sin(north) ** 2 + beside * np.sin(east) ** 2))
    *_, off = _EARTH.inv(place[1], place[0], float(longitudes[node]), float(latitudes[node]))
    return node, float(off)


@lru_cache(maxsize=2)
def _crossings(seed: int) -> tuple[Floats, Floats]:
    nodes = streets.network(seed).crossings
    return np.asarray([c.latitude for c in nodes]), np.asarray([c.longitude for c in nodes])


def of_cell(seed: int, cell: str) -> tuple[int, float]:
    """The same of a cell's centre."""
    return crossing(seed, h3.cell_to_latlng(cell))
