"""Which areas are neighbours, by the ground that they share and not by common drawing points.

Sources: P. Moran, "The interpretation of statistical maps", Journal of the Royal Statistical
Society B 10 (1948), pp. 243-251 (joins); rook (a shared edge) and queen (a shared point) as
A. Cliff and J. Ord, "Spatial Autocorrelation" (1973). Areas are first snapped to a grid: those
that were drawn apart by a hair, or that share half an edge, are neighbours all the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import shapely

from civiclake.errors import UserError


@dataclass(frozen=True)
class Contiguity:
    """Neighbours, both ways."""

    neighbours: tuple[tuple[int, ...], ...]
    """Of each area, by number."""
    overlaps: tuple[tuple[int, int], ...]
    """Pairs that share ground and not only an edge."""

    @property
    def isolates(self) -> tuple[int, ...]:
        """Areas without a neighbour: to be published beside whatever is computed from this."""
        return tuple(n for n, found in enumerate(self.neighbours) if not found)

    @property
    def joins(self) -> int:
        """Pairs of neighbours, each once."""
        return sum(map(len, self.neighbours)) // 2


def contiguity(areas: Sequence[Any], grid: float, *, by_point: bool = False) -> Contiguity:
    """Neighbours among areas.

    Args:
        areas: shapely polygons on one plane (or in degrees, with a grid to match).
        grid: side of the snapping grid in the areas' unit; wider than any gap of the drawing
            and narrower than any street.
        by_point: whether a shared point is enough (queen) or it takes an edge (rook).

    Raises:
        UserError: the grid is not above 0, an area is missing or empty, or is smaller than it.
    """
    if not grid > 0:
        raise UserError(f"grid {grid}: above 0 is allowed")
    snapped = [_snap(area, grid, number) for number, area in enumerate(areas)]
    tree = shapely.STRtree(snapped)
    left, right = tree.query(snapped, predicate="intersects") if snapped else ((), ())
    found: list[set[int]] = [set() for _ in snapped]
    overlaps = []
    for one, other in zip(left, right, strict=True):
        if one >= other:
            continue
        shared = shapely.intersection(snapped[one], snapped[other], grid_size=grid)
        if by_point or shared.length > 0:
            found[one].add(int(other))
            found[other].add(int(one))
        if shared.area > 0:
            overlaps.append((int(one), int(other)))
    return Contiguity(tuple(tuple(sorted(n)) for n in found), tuple(sorted(overlaps)))


def _snap(area: Any, grid: float, number: int) -> Any:
    if area is None or area.is_empty:
        raise UserError(f"area {number} has no geometry")
    sound = area if area.is_valid else shapely.make_valid(area)
    snapped = shapely.set_precision(sound, grid)
    if snapped.is_empty:
        raise UserError(f"area {number} is smaller than the grid of {grid}; take a finer one")
    return snapped
