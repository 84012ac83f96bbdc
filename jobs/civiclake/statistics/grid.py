"""Cells of the H3 grid: every position is indexed once, at the finest size, and then climbs.

Source: I. Brodsky, "H3: Uber's Hexagonal Hierarchical Spatial Index" (2018), h3geo.org. A
coarser cell does not cover the same ground as its children, so a position that is looked up anew
at each size (or in a compacted area) is lost or counted elsewhere at the seams; its parents are
one chain, and sums over them always agree.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import h3
import numpy as np
import numpy.typing as npt
import pandas as pd

from civiclake.errors import UserError
from civiclake.statistics.coordinates import check_positions

COARSEST, FINEST = 0, 15
Cells = npt.NDArray[np.str_]


def cells(latitudes: Iterable[Any], longitudes: Iterable[Any], resolution: int) -> Cells:
    """The cell of each position.

    Raises:
        UserError: a position is off the earth (h3 would wrap it around), or the resolution is
            none.
    """
    _check(resolution)
    north, east = check_positions(latitudes, longitudes)
    return np.asarray(
        [h3.latlng_to_cell(*spot, resolution) for spot in zip(north, east, strict=True)],
        dtype=np.str_,
    )


def climb(fine: Iterable[str], resolution: int) -> Cells:
    """The parent of each cell.

    Raises:
        UserError: a cell is none, or is coarser than what is wanted.
    """
    _check(resolution)
    parents: dict[str, str] = {}
    found = []
    for cell in map(str, fine):
        if cell not in parents:
            parents[cell] = _parent(cell, resolution)
        found.append(parents[cell])
    return np.asarray(found, dtype=np.str_)


def size(cell: str) -> int:
    """The resolution of a cell.

    Raises:
        UserError: it is none.
    """
    if not h3.is_valid_cell(cell):
        raise UserError(f"cell {cell!r} is not of the H3 grid")
    return int(h3.get_resolution(cell))


def _parent(cell: str, resolution: int) -> str:
    mine = size(cell)
    if mine < resolution:
        raise UserError(
            f"cell {cell!r} is of resolution {mine}: {COARSEST} to {mine} is allowed,"
            f" not {resolution}"
        )
    return str(h3.cell_to_parent(cell, resolution))


def _check(resolution: int) -> None:
    if not COARSEST <= resolution <= FINEST:
        raise UserError(f"resolution {resolution}: {COARSEST} to {FINEST} is allowed")


def sums(values: pd.Series, resolutions: Iterable[int]) -> pd.DataFrame:
    """Sums by cell at several sizes, each from the cells that the values came with.

    Args:
        values: by cell of one fine size.
        resolutions: the sizes wanted.

    Returns:
        ``resolution``, ``cell``, ``value``; the values of each size have one sum.
    """
    parts = []
    for resolution in resolutions:
        found = values.groupby(climb(values.index, resolution)).sum()
        parts.append(
            pd.DataFrame({"resolution": resolution, "cell": found.index, "value": found.to_numpy()})
        )
    return pd.concat(parts, ignore_index=True)


def centres(of: Iterable[str]) -> pd.DataFrame:
    """``latitude`` and ``longitude`` of each cell's centre, by cell, in degrees."""
    names = [str(cell) for cell in of]
    spots = np.asarray([h3.cell_to_latlng(cell) for cell in names]).reshape(-1, 2)
    return pd.DataFrame(spots, index=names, columns=["latitude", "longitude"])


def outlines(of: Iterable[str]) -> list[list[tuple[float, float]]]:
    """The corners of each cell, longitude and latitude in degrees."""
    corners = [h3.cell_to_boundary(str(cell)) for cell in of]
    return [[(float(east), float(north)) for north, east in ring] for ring in corners]
