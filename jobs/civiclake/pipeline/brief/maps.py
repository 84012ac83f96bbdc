"""A map of districts or of cells in five shades, as SVG.

Every area is drawn in grey first: one without a value stays on the map, and the map keeps its
size whichever areas have values.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from typing import Any

import h3
import numpy as np
import shapely

from civiclake.contracts.page import Chart
from civiclake.pipeline.brief import numbers
from civiclake.pipeline.brief.charts import WIDTH, picture, summary
from civiclake.pipeline.brief.sheet import Table

_CLASSES = 5
_MAP, _HEIGHT = 430, 400
_OVERVIEW, _CLOSE, _BESIDE = 175, 300, 14
"""Widths of the whole and of its closer part, where both are drawn, and the room between them."""
_TINY, _LEGIBLE = 5.0, 12.0
"""A cell of fewer units across is not seen on the map; on the closer part it has so many."""
_FINE = 0.002
"""Share of the map's width below which a bend of a boundary is not seen."""
_ROW = 20
_AROUND = 0.03
"""Land beside what is shown, as a share of it."""


def areas_map(
    chart: Chart, table: Table, areas: Mapping[str, str], names: Mapping[str, str]
) -> str:
    """The map with its legend; nothing where no area of a value has a shape.

    Args:
        chart: ``by`` is a column of district codes, or of cells of the H3 grid.
        table: its rows.
        areas: boundaries of the districts as well-known text, by code.
        names: of the districts, by code.
    """
    values = {
        str(code): value if isinstance(value, int | float) else None
        for code, value in zip(table.column(chart.by), table.column(chart.value), strict=True)
        if code is not None
    }
    shapes = {code: shapely.from_wkt(text) for code, text in areas.items() if text}
    cells = {code: _cell(code) for code in values if code not in shapes and h3.is_valid_cell(code)}
    drawn = {**shapes, **cells}
    if not drawn or not set(values) & set(drawn):
        return ""
    # Cells are small beside the land: their map shows where they are, cut off at its edge.
    bounds = shapely.total_bounds(list(cells.values()) or list(shapes.values()))
    place = _Projection(bounds, _MAP)
    edges = _edges([float(v) for v in values.values() if v is not None])
    layers = _Layers(shapes, drawn, _told(chart, values, edges, names))
    close = _closer(cells, values, place)
    has_gaps = any(value is None for value in values.values())
    has_land = not set(shapes) <= set(values)
    if close is None:
        parts, right = [layers.drawn_on(place, 0)], place.width
    else:
        place = _Projection(bounds, _OVERVIEW)
        beside = place.width + _BESIDE
        parts = [layers.drawn_on(place, 0), _frame(close, place, beside)]
        parts.append(layers.drawn_on(close, beside))
        right = beside + close.width
    legend, low = _legend(chart, edges, right, has_gaps=has_gaps, has_land=has_land)
    parts.append(legend)
    height = max(place.height, close.height if close else 0, low)
    without = sum(code not in drawn for code in values)
    text = summary(chart, table, 0)
    text += f" {without} areas have no shape and are in the table alone." if without else ""
    text += " The part in the frame is drawn again on the right, larger." if close else ""
    return picture(chart, text, WIDTH, height, "".join(parts))


@dataclass(frozen=True)
class _Layers:
    """What is drawn, from below: all land, the areas with a value, all borders."""

    shapes: Mapping[str, Any]
    drawn: Mapping[str, Any]
    told: Mapping[str, tuple[str, str]]
    """Of an area with a row: its style, and what is said of it."""

    def drawn_on(self, place: _Projection, x: float) -> str:
        """A picture within the picture, which cuts off what reaches beyond it."""
        parts = [f'<path class="land" d="{place.path(one)}"/>' for one in self._seen(place)]
        parts += [
            f'<path class="area {style}" d="{place.path(self.drawn[code])}">'
            f"<title>{escape(said)}</title></path>"
            for code, (style, said) in self.told.items()
            if code in self.drawn and place.shows(self.drawn[code])
        ]
        parts += [f'<path class="border" d="{place.path(one)}"/>' for one in self._seen(place)]
        size = f'width="{place.width:.0f}" height="{place.height:.0f}"'
        return f'<svg x="{x:.0f}" {size}>{"".join(parts)}</svg>'

    def _seen(self, place: _Projection) -> list[Any]:
        return [shape for shape in self.shapes.values() if place.shows(shape)]


def _told(
    chart: Chart,
    values: Mapping[str, float | None],
    edges: list[float],
    names: Mapping[str, str],
) -> dict[str, tuple[str, str]]:
    return {
        code: (
            "unknown" if value is None else f"q{_class(float(value), edges)}",
            f"{names.get(code, code)}: {numbers.shown(chart.value, value)}",
        )
        for code, value in values.items()
    }


def _closer(
    cells: Mapping[str, Any], values: Mapping[str, float | None], place: _Projection
) -> _Projection | None:
    """The part of a map of tiny cells where most of those with the highest values lie.

    Returns:
        Nothing where the cells are seen on the map of all.
    """
    if not cells:
        return None
    boxes = shapely.bounds(np.array(list(cells.values())))
    across = float(np.median(boxes[:, 3] - boxes[:, 1]))
    known = np.array([-np.inf if (v := values[code]) is None else v for code in cells])
    if across * place.scale >= _TINY or not np.isfinite(known).any():
        return None
    high = across * _HEIGHT / _LEGIBLE
    wide = across * _CLOSE / _LEGIBLE / place.narrow
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2
    top = middles[known >= np.quantile(known[np.isfinite(known)], 1 - 1 / _CLASSES)]
    near = (np.abs(top[:, None] - top[None, :]) <= np.array([wide, high]) / 2).all(axis=2)
    x, y = top[near[int(near.sum(axis=1).argmax())]].mean(axis=0)
    bounds = x - wide / 2, y - high / 2, x + wide / 2, y + high / 2
    return _Projection(bounds, _CLOSE, around=0)


def _frame(close: _Projection, place: _Projection, beside: float) -> str:
    """Where on the whole the closer part lies, and the edge around that."""
    x = (close.west - place.west) * place.narrow * place.scale
    y = (place.north - close.north) * place.scale
    wide, high = (side / close.scale * place.scale for side in (close.width, close.height))
    return (
        f'<rect class="frame" x="{x:.1f}" y="{y:.1f}" width="{wide:.1f}" height="{high:.1f}"/>'
        f'<rect class="frame" x="{beside:.0f}" y="0" width="{close.width:.0f}"'
        f' height="{close.height:.0f}"/>'
    )


class _Projection:
    """Degrees to the map's units; small enough a city for one scale."""

    def __init__(self, bounds: Sequence[float], most: float, around: float = _AROUND) -> None:
        west, south, east, north = (float(side) for side in bounds)
        self.narrow = math.cos(math.radians((south + north) / 2))
        around *= max(north - south, (east - west) * self.narrow, 1e-6)
        self.west, self.north = west - around / self.narrow, north + around
        width = max((east - west) * self.narrow + 2 * around, 1e-9)
        height = max(north - south + 2 * around, 1e-9)
        self.scale = min(most / width, _HEIGHT / height)
        self.width, self.height = width * self.scale, height * self.scale
        self.fine = _FINE * _MAP / self.scale
        self._seen = shapely.box(
            self.west, self.north - height, self.west + width / self.narrow, self.north
        )

    def shows(self, shape: Any) -> bool:
        """Whether any of a shape lies on the map."""
        return bool(shapely.intersects(self._seen, shape))

    def path(self, shape: Any) -> str:
        """A shape's rings; which way round they run does not matter, holes stay holes."""
        simple = shapely.simplify(shape, self.fine)
        found = []
        for polygon in getattr(simple, "geoms", [simple]):
            for ring in (polygon.exterior, *polygon.interiors):
                points = (
                    f"{(x - self.west) * self.narrow * self.scale:.1f}"
                    f" {(self.north - y) * self.scale:.1f}"
                    for x, y, *_ in ring.coords[:-1]
                )
                found.append(f"M{' L'.join(points)}Z")
        return "".join(found)


def _cell(code: str) -> Any:
    return shapely.Polygon(
        [(longitude, latitude) for latitude, longitude in h3.cell_to_boundary(code)]
    )


def _edges(known: list[float]) -> list[float]:
    """Bounds of classes with about as many areas each."""
    if not known:
        return []
    edges = np.quantile(known, np.linspace(0, 1, _CLASSES + 1))
    if all(value.is_integer() for value in known):
        edges = np.round(edges)
    return [float(v) for v in np.unique(edges)]


def _class(value: float, edges: list[float]) -> int:
    """The class of a value, the darkest being that of the most."""
    if len(edges) < 2:
        return _CLASSES
    place = int(np.clip(np.searchsorted(edges, value, side="right") - 1, 0, len(edges) - 2))
    return 1 + round(place * (_CLASSES - 1) / max(len(edges) - 2, 1))


def _legend(
    chart: Chart, edges: list[float], right: float, *, has_gaps: bool, has_land: bool
) -> tuple[str, float]:
    """The classes beside the map, and how far down they reach."""
    title, unit = numbers.words(chart.value)
    heads = [title, f"in {unit}"] if unit and unit != "%" else [title]
    rows = []
    if len(edges) == 1:
        rows.append((f"q{_CLASSES}", f"{numbers.shown(chart.value, edges[0])}, all of them"))
    for low, high in pairwise(edges):
        both = f"{numbers.shown(chart.value, low)} to {numbers.shown(chart.value, high)}"
        rows.append((f"q{_class(low, edges)}", both))
    if has_gaps:
        rows.append(("unknown", numbers.NONE))
    if has_land:
        rows.append(("land", "nothing told"))
    x, parts = round(right) + _BESIDE, []
    for n, said in enumerate(heads):
        parts.append(f'<text class="legend" x="{x}" y="{16 + n * 15}">{escape(said)}</text>')
    top = 16 + len(heads) * 15
    for n, (style, said) in enumerate(rows):
        y = top + n * _ROW
        parts.append(
            f'<rect class="area {style}" x="{x}" y="{y}" width="18" height="13"/>'
            f'<text x="{x + 25}" y="{y + 11}">{escape(said)}</text>'
        )
    return "".join(parts), top + len(rows) * _ROW
