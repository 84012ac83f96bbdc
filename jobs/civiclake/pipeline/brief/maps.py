"""A map of districts or of cells in five shades, as SVG.

Every area is drawn in grey first: one without a value stays on the map, and the map keeps its
size whichever areas have values.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
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
    place = _Projection(list(cells.values()) or list(shapes.values()))
    edges = _edges([float(v) for v in values.values() if v is not None])
    parts = [f'<path class="land" d="{place.path(shape)}"/>' for shape in shapes.values()]
    for code, value in values.items():
        if code not in drawn:
            continue
        style = "unknown" if value is None else f"q{_class(float(value), edges)}"
        said = f"{names.get(code, code)}: {numbers.shown(chart.value, value)}"
        parts.append(
            f'<path class="area {style}" d="{place.path(drawn[code])}">'
            f"<title>{escape(said)}</title></path>"
        )
    parts += [f'<path class="border" d="{place.path(shape)}"/>' for shape in shapes.values()]
    # A picture within the picture cuts off what reaches beyond it.
    parts = [f'<svg width="{place.width:.0f}" height="{_HEIGHT}">', *parts, "</svg>"]
    has_gaps = any(value is None for value in values.values())
    has_land = not set(shapes) <= set(values)
    parts.append(_legend(chart, edges, place, has_gaps=has_gaps, has_land=has_land))
    without = sum(code not in drawn for code in values)
    text = summary(chart, table, 0)
    text += f" {without} areas have no shape and are in the table alone." if without else ""
    return picture(chart, text, WIDTH, _HEIGHT, "".join(parts))


class _Projection:
    """Degrees to the map's units; small enough a city for one scale."""

    def __init__(self, shapes: list[Any]) -> None:
        west, south, east, north = shapely.total_bounds(shapes)
        self.narrow = math.cos(math.radians((south + north) / 2))
        around = _AROUND * max(north - south, (east - west) * self.narrow, 1e-6)
        self.west, self.north = west - around / self.narrow, north + around
        width = (east - west) * self.narrow + 2 * around
        height = north - south + 2 * around
        self.scale = min(_MAP / width, _HEIGHT / height)
        self.width = width * self.scale
        self.fine = _FINE * _MAP / self.scale

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
    chart: Chart, edges: list[float], place: _Projection, *, has_gaps: bool, has_land: bool
) -> str:
    """The classes beside the map."""
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
        rows.append(("land", "nothing is told of it"))
    x, parts = round(place.width) + 24, []
    for n, said in enumerate(heads):
        parts.append(f'<text class="legend" x="{x}" y="{16 + n * 15}">{escape(said)}</text>')
    top = 16 + len(heads) * 15
    for n, (style, said) in enumerate(rows):
        y = top + n * _ROW
        parts.append(
            f'<rect class="area {style}" x="{x}" y="{y}" width="18" height="13"/>'
            f'<text x="{x + 25}" y="{y + 11}">{escape(said)}</text>'
        )
    return "".join(parts)
