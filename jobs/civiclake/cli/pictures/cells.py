"""A map of hot spots: the ground around them cell by cell, and the posts that stand by there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
import shapely
from matplotlib.collections import PolyCollection
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from civiclake.cli.pictures import canvas, maps
from civiclake.errors import UserError
from civiclake.statistics import grid

_WIDTH_MM, _HEIGHT_MM = 190.0, 150.0
_AROUND = 0.02
"""Degrees that are shown beyond the hot cells."""
_PALEST, _DARKEST = 0.08, 0.7
_NOT_ASSESSED = canvas.FAINT
_BORDER = {"edgecolor": canvas.MUTED, "linewidth": 0.8, "linestyle": (0, (4, 2))}
_CAUTION = "Recorded incidents measure recording, too. Places are scored, never persons."


def hot_spots(
    cells: pd.DataFrame, posts: pd.DataFrame, areas: Mapping[str, Any], title: str
) -> Figure:
    """Cells shaded by their incidents; hot ones are outlined, and not assessed ones grey.

    Args:
        cells: ``cell``, ``incidents``, ``is_assessed``, ``is_hot``.
        posts: ``post``, ``latitude``, ``longitude``; may be empty.
        areas: shapely areas by district code, in degrees; may be empty.
        title: what is shown, and of when.

    Raises:
        UserError: there is no cell.
    """
    if cells.empty:
        raise UserError("picture: there is no cell to draw")
    drawn = canvas.figure(_WIDTH_MM, _HEIGHT_MM)
    with canvas.style():
        axes = drawn.add_axes((0.01, 0.09, 0.98, 0.82))
        box = _bounds(cells)
        maps.prepare(axes, box)
        seen = shapely.box(*box)
        for area in areas.values():
            maps.draw_area(axes, area, edgecolor="none")
            maps.draw_area(axes, area, facecolor="none", zorder=3, **_BORDER)
        colours = matplotlib.colormaps[canvas.GROWING]
        spots = grid.centres(cells["cell"])
        east, north = spots["longitude"].to_numpy(), spots["latitude"].to_numpy()
        near = shapely.intersects_xy(seen.buffer(_AROUND), east, north)
        _cells(axes, cells[near], colours, float(cells["incidents"].max()))
        for spot in posts.itertuples(index=False):
            if seen.contains(shapely.Point(spot.longitude, spot.latitude)):
                _post(axes, spot)
        maps.scale_bar(axes)
        drawn.text(0.03, 0.945, title, fontsize=11, fontweight="bold")
        drawn.text(0.03, 0.015, _CAUTION, fontsize=7, color=canvas.MUTED)
        _legend(drawn, cells, shades=(colours(_PALEST), colours(_DARKEST)))
    return drawn


def _cells(axes: Any, cells: pd.DataFrame, colours: Any, most: float) -> None:
    """Hexagons; the hot ones last, so that their outlines are whole."""
    share = np.asarray(Normalize(0, max(most, 1.0))(cells["incidents"].to_numpy(np.float64)))
    shades = colours(_PALEST + (_DARKEST - _PALEST) * share)
    grey = np.asarray(matplotlib.colors.to_rgba(_NOT_ASSESSED))
    shades = np.where(cells["is_assessed"].to_numpy(bool)[:, None], shades, grey)
    rings = [np.asarray(ring) for ring in grid.outlines(cells["cell"])]
    for hot in (False, True):
        mine = np.flatnonzero(cells["is_hot"].to_numpy(bool) == hot)
        edge = canvas.ACCENT if hot else canvas.PAPER
        shape = PolyCollection(
            [rings[n] for n in mine], facecolors=shades[mine], edgecolors=edge, linewidths=1 + hot
        )
        axes.add_collection(shape, autolim=False)


def _bounds(cells: pd.DataFrame) -> tuple[float, float, float, float]:
    """Around the hot cells; around all, where none is."""
    hot = cells[cells["is_hot"].astype(bool)]
    spots = grid.centres((hot if len(hot) else cells)["cell"])
    (north, east), (south, west) = spots.max() + _AROUND, spots.min() - _AROUND
    return float(west), float(south), float(east), float(north)


def _post(axes: Any, spot: Any) -> None:
    axes.plot(spot.longitude, spot.latitude, "o", color=canvas.SECOND, markersize=9, zorder=4)
    axes.annotate(
        str(spot.post), (spot.longitude, spot.latitude), ha="center", va="center_baseline",
        color=canvas.PAPER, fontsize=6.5, fontweight="bold", zorder=5,
    )  # fmt: skip


def _legend(drawn: Figure, cells: pd.DataFrame, shades: tuple[Any, Any]) -> None:
    plain: dict[str, Any] = {"linestyle": "none", "markeredgecolor": canvas.PAPER}
    hot = int(cells["is_hot"].sum())
    handles = [
        Patch(facecolor=shades[0], edgecolor=canvas.FAINT, label="no incident"),
        Patch(facecolor=shades[1], label=f"{int(cells['incidents'].max())} incidents"),
        Patch(facecolor="none", edgecolor=canvas.ACCENT, linewidth=2, label=f"hot: {hot} cells"),
        Patch(facecolor=_NOT_ASSESSED, label="not assessed"),
        Line2D([], [], marker="o", color=canvas.SECOND, markersize=8, label="patrol post", **plain),
    ]
    drawn.legend(
        handles=handles, loc="lower left", ncols=len(handles), bbox_to_anchor=(0.02, 0.035),
        fontsize=8, handletextpad=0.5, columnspacing=1.6, borderaxespad=0,
    )  # fmt: skip
