"""Maps of a city: areas, lines and points in degrees on axes where a metre is a metre."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.patches import PathPatch
from matplotlib.path import Path as Outline

from civiclake.cli.pictures import canvas

_METRES_A_DEGREE = 111_195.0
"""Of latitude, on the mean sphere: a scale bar is off by less than 0.6 % with it."""
_MARGIN = 0.03


def prepare(axes: Axes, bounds: tuple[float, float, float, float]) -> None:
    """Make axes a map.

    Args:
        axes: any.
        bounds: west, south, east and north that the map shows.
    """
    west, south, east, north = bounds
    wide, high = (east - west) * _MARGIN, (north - south) * _MARGIN
    axes.set_xlim(west - wide, east + wide)
    axes.set_ylim(south - high, north + high)
    axes.set_aspect(1 / math.cos(math.radians((south + north) / 2)))
    axes.set_axis_off()


def draw_area(axes: Axes, area: Any, **style: Any) -> None:
    """A shapely polygon, or several, with their holes."""
    polygons = [part for part in getattr(area, "geoms", [area]) if not part.is_empty]
    rings = [ring for part in polygons for ring in (part.exterior, *part.interiors)]
    if rings:
        outlines = [Outline(np.asarray(ring.coords)[:, :2], closed=True) for ring in rings]
        look = {"facecolor": canvas.LAND, "edgecolor": canvas.OUTLINE, "linewidth": 0.6}
        axes.add_patch(PathPatch(Outline.make_compound_path(*outlines), **{**look, **style}))


def draw_lines(axes: Axes, lines: Iterable[Sequence[tuple[float, float]]], **style: Any) -> None:
    """Lines of longitude and latitude; streets, if nothing else is said."""
    look = {"colors": canvas.STREET, "linewidths": 0.5, "capstyle": "round"}
    axes.add_collection(LineCollection(list(lines), **{**look, **style}), autolim=False)


def label(axes: Axes, longitude: float, latitude: float, text: str, **style: Any) -> None:
    """A name at a place."""
    look = {"ha": "center", "va": "center", "color": canvas.MUTED, "fontsize": 7, "clip_on": True}
    canvas.halo(axes.text(longitude, latitude, text, **{**look, **style}))


def scale_bar(axes: Axes) -> None:
    """A bar of a round length in the lower left corner."""
    (west, east), (south, north) = axes.get_xlim(), axes.get_ylim()
    degree = _METRES_A_DEGREE * math.cos(math.radians((south + north) / 2))
    metres = _round((east - west) * degree / 4)
    left, low = west + (east - west) * 0.02, south + (north - south) * 0.02
    right, tick = left + metres / degree, (north - south) * 0.008
    axes.plot(
        [left, left, right, right],
        [low + tick, low, low, low + tick],
        color=canvas.INK,
        linewidth=0.9,
        solid_joinstyle="miter",
    )
    text = f"{metres / 1000:g} km" if metres >= 1000 else f"{metres:g} m"
    label(axes, (left + right) / 2, low + 2 * tick, text, va="bottom", color=canvas.INK)


def _round(metres: float) -> float:
    power = 10.0 ** math.floor(math.log10(metres))
    return max(step * power for step in (1, 2, 5) if step * power <= metres)


def bounds_of(areas: Mapping[str, Any]) -> tuple[float, float, float, float]:
    """West, south, east and north of shapely areas together."""
    boxes = np.asarray([area.bounds for area in areas.values()], dtype=float)
    west, south = boxes[:, :2].min(axis=0)
    east, north = boxes[:, 2:].max(axis=0)
    return float(west), float(south), float(east), float(north)
