"""Boundaries of the divisions: made up, plausible, without a gap or an overlap.

Each division has what lies nearest to its centre (its Voronoi cell), within an outline around
them all. Corners stand on a grid of a hundred-thousandth of a degree, and a border between two
corners wanders the same way whoever draws it: neighbours share every point of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import pairwise
from math import cos, hypot, radians

from demo.city.chance import Draw

GRID = 100_000
"""Steps of a degree."""
Point = tuple[int, int]
"""Longitude and latitude, in steps."""
Place = tuple[float, float]
"""Longitude and latitude, in degrees."""

_OUTLINE: tuple[Place, ...] = (
    (102.35, 24.42), (102.95, 24.38), (103.42, 24.55), (103.60, 24.95), (103.62, 25.60),
    (103.52, 26.25), (103.30, 26.45), (103.00, 26.40), (102.40, 25.95), (102.20, 25.55),
    (102.18, 24.90),
)  # fmt: skip
_SHRUNK = cos(radians(25.1))
"""What a degree of longitude is there to one of latitude."""
_WANDERS_PERCENT = 9
"""How far a border strays from the straight line between its corners."""


@cache
def boundaries(centres: tuple[Place, ...]) -> tuple[tuple[Point, ...], ...]:
    """The boundary of each centre's division, closed, counter-clockwise."""
    return tuple(_wandering(_cell(n, centres)) for n in range(len(centres)))


def wkt(boundary: Sequence[Point]) -> str:
    """Well-known text, longitude first."""
    corners = ", ".join(f"{x / GRID:.5f} {y / GRID:.5f}" for x, y in boundary)
    return f"POLYGON (({corners}))"


def inside(boundary: Sequence[Point], longitude: float, latitude: float) -> bool:
    """Whether a place lies within: a ray to the east meets the boundary an odd number of times."""
    x, y = longitude * GRID, latitude * GRID
    odd = False
    for (x1, y1), (x2, y2) in pairwise(boundary):
        if (y1 > y) != (y2 > y) and x < x1 + (y - y1) * (x2 - x1) / (y2 - y1):
            odd = not odd
    return odd


def clear_of(boundary: Sequence[Point], centre: Place) -> float:
    """How far around a centre nothing but its own division lies, in degrees either way."""
    x, y = centre[0] * GRID, centre[1] * GRID
    return min(_away(x, y, a, b) for a, b in pairwise(boundary)) / GRID


def _away(x: float, y: float, a: Point, b: Point) -> float:
    """Distance of a point from a line between two others."""
    along_x, along_y = b[0] - a[0], b[1] - a[1]
    share = ((x - a[0]) * along_x + (y - a[1]) * along_y) / (along_x**2 + along_y**2)
    share = min(1.0, max(0.0, share))
    return hypot(x - a[0] - share * along_x, y - a[1] - share * along_y)


def _cell(number: int, centres: Sequence[Place]) -> list[Point]:
    """What of the outline is nearest to a centre, its corners on the grid."""
    x, y = centres[number][0] * _SHRUNK, centres[number][1]
    left = [(lon * _SHRUNK, lat) for lon, lat in _OUTLINE]
    for other, (lon, lat) in enumerate(centres):
        if other != number:
            ox, oy = lon * _SHRUNK, lat
            half = (ox**2 + oy**2 - x**2 - y**2) / 2
            left = list(_nearer(left, ox - x, oy - y, half))
    corners = [(round(px / _SHRUNK * GRID), round(py * GRID)) for px, py in left]
    return [c for n, c in enumerate(corners) if c != corners[n - 1]]


def _nearer(corners: list[Place], a: float, b: float, limit: float) -> Iterator[Place]:
    """The part of a convex polygon where a x + b y is below the limit."""
    for first, second in pairwise([*corners, corners[0]]):
        here = a * first[0] + b * first[1] - limit
        there = a * second[0] + b * second[1] - limit
        if here <= 0:
            yield first
        if (here < 0 < there) or (there < 0 < here):
            share = here / (here - there)
            yield (
                first[0] + share * (second[0] - first[0]),
                first[1] + share * (second[1] - first[1]),
            )


def _wandering(corners: list[Point]) -> tuple[Point, ...]:
    """A closed ring whose borders are no straight lines."""
    ring = [corners[0]]
    for a, b in pairwise([*corners, corners[0]]):
        # Both neighbours draw it from the same end.
        between = _between(a, b, 3) if a < b else _between(b, a, 3)[::-1]
        ring += [*between, b]
    return tuple(ring)


def _between(a: Point, b: Point, times: int) -> list[Point]:
    """Points between two corners, each somewhat aside of the middle of its neighbours."""
    if not times:
        return []
    aside = Draw("border", *a, *b).between(-_WANDERS_PERCENT, _WANDERS_PERCENT)
    middle = (
        (a[0] + b[0]) // 2 - (b[1] - a[1]) * aside // 100,
        (a[1] + b[1]) // 2 + (b[0] - a[0]) * aside // 100,
    )
    return [*_between(a, middle, times - 1), middle, *_between(middle, b, times - 1)]
