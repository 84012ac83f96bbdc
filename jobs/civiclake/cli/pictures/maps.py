"""Maps of a city: areas, lines and points in degrees on axes where a metre is a metre."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
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
_LATIN = 0x2E80
"""Letters from here on are as wide as they are high."""
_ASIDE = [
    (0.0, 0.0),
    *(
        (up * step, right)
        for step in (1.4, 2.8, 4.2, 5.6, 7.0)
        for right in (0.0, 0.6, -0.6, 1.2, -1.2)
        for up in (1.0, -1.0)
    ),
]
"""Where else a name may stand: lines up and names to the right."""


@dataclass(frozen=True)
class Name:
    """A name and the place that it is of."""

    text: str
    longitude: float
    latitude: float
    colour: str = canvas.MUTED


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
    """A text at a place."""
    look = {"ha": "center", "va": "center", "color": canvas.MUTED, "fontsize": 7, "clip_on": True}
    canvas.halo(axes.text(longitude, latitude, text, **{**look, **style}))


def names(
    axes: Axes,
    said: Sequence[Name],
    clear: Sequence[tuple[float, float]] = (),
    size: float = 7,
) -> None:
    """Names near their places, none over another: who has to give way gets a line to its place.

    Args:
        axes: a map, in its place on the page.
        said: names, the weightiest first.
        clear: longitude and latitude of what no name may cover.
        size: of the letters, in points.
    """
    (west, east), (south, north) = axes.get_xlim(), axes.get_ylim()
    place = axes.get_window_extent()
    # The aspect is held, so that the map fills its place in one direction alone.
    stretch = float(axes.get_aspect())
    point = max((east - west) / place.width / stretch, (north - south) / place.height)
    point *= axes.figure.dpi / 72
    wide, high = size * point * stretch, size * point * 1.25
    taken = [(x - wide / 2, y - high / 2, wide, high) for x, y in clear]
    for one in said:
        width = wide * sum(1.0 if ord(letter) > _LATIN else 0.62 for letter in one.text)
        boxes = [
            (one.longitude + right * width - width / 2, one.latitude + up * high - high / 2)
            for up, right in _ASIDE
        ]
        free = (box for box in boxes if not any(_meets(box, (width, high), t) for t in taken))
        low = next(free, boxes[0])
        taken.append((*low, width, high))
        spot = low[0] + width / 2, low[1] + high / 2
        if low != boxes[0]:
            axes.plot([one.longitude, spot[0]], [one.latitude, spot[1]], color=canvas.MUTED,
                      linewidth=0.4, zorder=2.5)  # fmt: skip
        label(axes, *spot, one.text, color=one.colour, fontsize=size, zorder=7)


def _meets(
    low: tuple[float, float], size: tuple[float, float], other: tuple[float, float, float, float]
) -> bool:
    return (
        low[0] < other[0] + other[2]
        and other[0] < low[0] + size[0]
        and low[1] < other[1] + other[3]
        and other[1] < low[1] + size[1]
    )


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
