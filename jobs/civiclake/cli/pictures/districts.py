"""A map of districts by what they have for each, with the floor that some are below."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, Colormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from civiclake.cli.pictures import canvas, maps
from civiclake.errors import UserError

_WIDTH_MM, _HEIGHT_MM = 190.0, 150.0
_CLASSES = 5
_PALEST, _DARKEST = 0.12, 0.82
"""Of the colours: white is for what is not known, and names are read on the darkest."""
_HATCH = "////"
_NAMED_FROM = 0.03
"""Share of the map from which a district has room for its name."""
_LINE = 0.013
"""How far below its number a name begins, as a share of the map's height."""
_LISTED, _STEP = 20, 0.022
"""Districts that the list beside the map holds, and the height of a line of it."""


def choropleth(areas: Mapping[str, Any], rows: pd.DataFrame, title: str, unit: str) -> Figure:
    """Districts in five shades by value; those below their floor are hatched and outlined.

    Args:
        areas: shapely areas by district code, in degrees.
        rows: ``district_code``, ``district_name``, ``value``, ``floor`` and ``is_below``.
        title: what is shown, for whom and when.
        unit: of the value.

    Returns:
        The figure, with a legend of shades and floor, the districts in order, and what is not on
        the map.

    Raises:
        UserError: no district has a boundary.
    """
    shown = rows[rows["district_code"].isin(areas)]
    if shown.empty:
        raise UserError("picture: no district has a boundary (geography.divisions: boundary)")
    edges = _edges(shown["value"])
    colours = matplotlib.colormaps[canvas.GROWING]
    drawn = canvas.figure(_WIDTH_MM, _HEIGHT_MM)
    with canvas.style():
        axes = drawn.add_axes((0.01, 0.02, 0.70, 0.88))
        there = {code: areas[code] for code in shown["district_code"]}
        maps.prepare(axes, maps.bounds_of(there))
        for row in _records(shown):
            _draw(axes, there[str(row.district_code)], row, _shade(row.value, edges, colours))
        whole = sum(area.area for area in there.values())
        for rank, row in enumerate(_records(shown), start=1):
            _name(axes, there[str(row.district_code)], rank, row, whole)
        maps.scale_bar(axes)
        _ranking(drawn, shown)
        drawn.text(0.03, 0.945, title, fontsize=11, fontweight="bold")
        _legend(drawn, rows, shown, edges, colours, unit)
    return drawn


def _records(rows: pd.DataFrame) -> list[Any]:
    return list(rows.itertuples(index=False))


def _edges(values: pd.Series) -> list[float]:
    """Bounds of classes with about as many districts each; nothing where no value is known."""
    known = values.dropna().to_numpy(np.float64)
    if not len(known):
        return []
    return [float(v) for v in np.unique(np.quantile(known, np.linspace(0, 1, _CLASSES + 1)))]


def _shade(value: Any, edges: list[float], colours: Colormap) -> Any:
    if pd.isna(value):
        return canvas.PAPER
    classes = len(edges) - 1
    if classes < 1:
        return colours((_PALEST + _DARKEST) / 2)
    place = int(BoundaryNorm(edges, classes, clip=True)(min(float(value), edges[-1])))
    return colours(_PALEST + (_DARKEST - _PALEST) * place / max(classes - 1, 1))


def _draw(axes: Axes, area: Any, row: Any, colour: Any) -> None:
    maps.draw_area(axes, area, facecolor=colour, edgecolor=canvas.PAPER, linewidth=0.8)
    if not pd.isna(row.is_below) and row.is_below:
        look = {"facecolor": "none", "edgecolor": canvas.ACCENT, "linewidth": 0.8}
        maps.draw_area(axes, area, hatch=_HATCH, zorder=2, **look)


def _name(axes: Axes, area: Any, rank: int, row: Any, whole: float) -> None:
    """Its place in the order, and its name where there is room for one."""
    inside = area.representative_point()
    maps.label(axes, inside.x, inside.y, str(rank), color=canvas.INK, weight="bold", zorder=3)
    if area.area >= _NAMED_FROM * whole:
        look = {"va": "top", "color": canvas.INK, "zorder": 3}
        south = inside.y - _LINE * abs(axes.get_ylim()[1] - axes.get_ylim()[0])
        maps.label(axes, inside.x, south, _called(row), **look)


def _called(row: Any) -> str:
    return row.district_name if isinstance(row.district_name, str) else str(row.district_code)


def _ranking(drawn: Figure, shown: pd.DataFrame) -> None:
    """The districts in order with their values: what the numbers on the map stand for."""
    top = 0.58
    for rank, row in enumerate(_records(shown)[:_LISTED], start=1):
        value = "?" if pd.isna(row.value) else _number(float(row.value))
        is_below = not pd.isna(row.is_below) and bool(row.is_below)
        ink = canvas.ACCENT if is_below else canvas.INK
        y = top - (rank - 1) * _STEP
        drawn.text(0.745, y, str(rank), ha="right", fontsize=7, weight="bold", color=ink)
        drawn.text(0.80, y, value, ha="right", fontsize=7, color=ink)
        drawn.text(0.81, y, _called(row), fontsize=7, color=ink)
    if len(shown) > _LISTED:
        rest = f"and {len(shown) - _LISTED} more"
        drawn.text(0.81, top - _LISTED * _STEP, rest, fontsize=7, color=canvas.MUTED)


def _number(value: float) -> str:
    return (
        f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}" if value >= 0.1 else f"{value:.3f}"
    )


def _legend(
    drawn: Figure, rows: pd.DataFrame, shown: pd.DataFrame, edges: list[float],
    colours: Colormap, unit: str,
) -> None:  # fmt: skip
    handles = []
    for low, high in pairwise(edges):
        shade = _shade((low + high) / 2, edges, colours)
        handles.append(Patch(facecolor=shade, label=f"{_number(low)} to {_number(high)}"))
    if len(edges) == 1:
        same = _shade(edges[0], edges, colours)
        handles.append(Patch(facecolor=same, label=f"{_number(edges[0])}, all of them"))
    floors = sorted({_number(float(floor)) for floor in shown["floor"].dropna()})
    if floors:
        said = floors[0] if len(floors) == 1 else f"{floors[0]} to {floors[-1]}, by its kinds"
        below = int(shown["is_below"].fillna(False).sum())
        label = f"below the city's floor ({said}):\n{below} of {len(shown)} districts"
        handles.append(Patch(facecolor="none", edgecolor=canvas.ACCENT, hatch=_HATCH, label=label))
    if shown["value"].isna().any():
        unknown = Patch(facecolor=canvas.PAPER, edgecolor=canvas.OUTLINE, label="? not defined")
        handles.append(unknown)
    drawn.legend(
        handles=handles, title=unit, loc="upper left", bbox_to_anchor=(0.72, 0.88),
        alignment="left", handlelength=1.8, handleheight=1.2, labelspacing=0.7,
    )  # fmt: skip
    missing = rows.loc[~rows["district_code"].isin(shown["district_code"]), "district_code"]
    if len(missing):
        note = "not on the map, for lack of a boundary:\n" + "\n".join(map(str, missing))
        drawn.text(0.73, 0.02, note, fontsize=7, color=canvas.MUTED, va="bottom")
