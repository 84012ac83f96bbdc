"""A plan as a map: the city with who gains where, and the ground around each new site."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import shapely
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import PolyCollection
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from civiclake.cli.pictures import canvas, maps
from civiclake.pipeline.plans.answer import Answer
from civiclake.pipeline.plans.reach import shown
from civiclake.pipeline.plans.told import headline
from civiclake.pipeline.plans.town import Town
from civiclake.statistics import grid
from civiclake.statistics.roads import Roads

WIDTH_MM, HEIGHT_MM = 270.0, 178.0
_PANELS = 4
"""So many places have a panel of their own: those around the sites by which most people gain."""
_NAMED = 3
"""So many sites are named above a panel."""
_AROUND_DEGREES = 0.045
"""Of latitude, from a panel's middle to its upper edge at least: 5 km."""
_TOGETHER_DEGREES, _EDGE = 0.12, 0.03
"""Sites so near each other have one panel, which reaches so far beyond them."""
_BEYOND_DEGREES = 0.15
"""The middle of a coarse cell that reaches into a panel may lie so far beyond it."""
_BORDER = {"edgecolor": canvas.MUTED, "linewidth": 0.8, "linestyle": (0, (4, 2))}
_REACHED, _GAINS, _LACKS = "#c3d3ec", "#f4a15d", "#e3e0d8"
_GAINING = LinearSegmentedColormap.from_list("gaining", ["#faf6ee", "#f9d3a8", "#e8853a"])


def draw(town: Town, answer: Answer) -> Figure:
    """The picture of a plan."""
    figure = canvas.figure(WIDTH_MM, HEIGHT_MM)
    with canvas.style():
        first, second = headline(answer)
        figure.text(0.02, 0.965, first, fontsize=13, fontweight="bold", va="top")
        figure.text(0.02, 0.922, second, fontsize=9, color=canvas.MUTED, va="top")
        _city(figure, figure.add_axes((0.01, 0.10, 0.50, 0.79)), town, answer)
        panels = _panels(answer.chosen)
        for place, numbered in zip(_places(len(panels)), panels, strict=True):
            _around(figure.add_axes(place), town, answer, numbered)
        _legend(figure, answer)
    return figure


def _panels(chosen: pd.DataFrame) -> list[pd.DataFrame]:
    """The new sites by number, those together that one panel can show."""
    panels: list[pd.DataFrame] = []
    left = chosen.set_axis(range(1, len(chosen) + 1))
    while len(left) and len(panels) < _PANELS:
        mine = [left.index[0]]
        for number in left.index[1:]:
            spots = left.loc[[*mine, number], ["latitude", "longitude"]]
            if (spots.max() - spots.min()).max() <= _TOGETHER_DEGREES:
                mine.append(number)
        panels.append(left.loc[mine])
        left = left.drop(mine)
    return panels


def _places(panels: int) -> list[tuple[float, float, float, float]]:
    """Left, bottom, width and height of so many panels, right of the city."""
    left, bottom, width, height, gap = 0.53, 0.10, 0.455, 0.765, 0.045
    rows = {0: [], 1: [1], 2: [1, 1], 3: [1, 2]}.get(panels, [2, 2])
    high = (height - gap * (len(rows) - 1)) / max(len(rows), 1)
    found = []
    for row, columns in enumerate(rows):
        low = bottom + (len(rows) - 1 - row) * (high + gap)
        wide = (width - 0.02 * (columns - 1)) / columns
        found += [(left + n * (wide + 0.02), low, wide, high) for n in range(columns)]
    return found


def _city(figure: Figure, axes: Axes, town: Town, answer: Answer) -> None:
    drawn = {str(c): a for c, a in town.districts["boundary"].items() if a is not None}
    maps.prepare(axes, maps.bounds_of(drawn or {"": town.area}))
    rows = answer.districts[["gains", "people"]].itertuples(name=None)
    share = {code: gains / people if people else 0.0 for code, gains, people in rows}
    scale = ScalarMappable(Normalize(0, max(*share.values(), 0.01)), _GAINING)
    for code, area in drawn.items():
        maps.draw_area(axes, area, facecolor=scale.to_rgba(np.asarray(share[code])), linewidth=0.5)
    maps.draw_lines(axes, lines(town.network), linewidths=0.3)
    _sites(axes, answer)
    new = [(x, y) for x, y in answer.chosen[["longitude", "latitude"]].to_numpy(float).tolist()]
    maps.names(axes, _names(answer, drawn), clear=new)
    maps.scale_bar(axes)
    bar = figure.colorbar(
        scale, cax=axes.inset_axes((0.66, 0.035, 0.3, 0.014)), orientation="horizontal"
    )
    bar.outline.set_visible(False)
    bar.ax.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    bar.ax.tick_params(labelsize=6.5, length=2)
    bar.ax.set_title("of a district's people gain", fontsize=7, color=canvas.INK, loc="left", pad=3)


def _names(answer: Answer, drawn: dict[str, Any]) -> list[maps.Name]:
    """Districts where they have most room, and how many gain; those with most first."""
    found = []
    for code, row in answer.districts.sort_values("gains", ascending=False).iterrows():
        if code in drawn:
            east, north = shapely.maximum_inscribed_circle(drawn[code]).coords[0]
            gained = f" +{row['gains']:,.0f}" if row["gains"] else ""
            colour = canvas.INK if gained else canvas.MUTED
            found.append(maps.Name(f"{row['name']}{gained}", east, north, colour))
    return found


def _sites(axes: Axes, answer: Answer, size: float = 1.0) -> None:
    """What stands as squares, what is new as numbered discs."""
    stand = answer.standing
    axes.plot(
        stand["longitude"], stand["latitude"], "s", color=canvas.SECOND, markersize=3.0 * size,
        markeredgecolor=canvas.PAPER, markeredgewidth=0.4, zorder=4, linestyle="none",
    )  # fmt: skip
    for number, (_, site) in enumerate(answer.chosen.iterrows(), 1):
        spot = float(site["longitude"]), float(site["latitude"])
        axes.plot(
            *spot, "o", color=canvas.ACCENT, markersize=7.5 * size, zorder=5,
            markeredgecolor=canvas.PAPER, markeredgewidth=0.8,
        )  # fmt: skip
        axes.annotate(
            str(number), spot, ha="center", va="center_baseline", color=canvas.PAPER, zorder=6,
            fontsize=5.2 * size, fontweight="bold", annotation_clip=True,
        )  # fmt: skip


def _around(axes: Axes, town: Town, answer: Answer, numbered: pd.DataFrame) -> None:
    """The ground around new sites: cells by whether they are reached, streets, sites."""
    spots = numbered[["longitude", "latitude"]].to_numpy(float)
    (east, north), span = (spots.max(axis=0) + spots.min(axis=0)) / 2, np.ptp(spots, axis=0)
    level, shape = np.cos(np.radians(north)), _shape_of(axes)
    high = max(_AROUND_DEGREES, span[1] / 2 + _EDGE, (span[0] / 2 + _EDGE) * level / shape)
    wide = high / level * shape
    maps.prepare(axes, (east - wide, north - high, east + wide, north + high))
    box = shapely.box(east - wide, north - high, east + wide, north + high)
    seen = box.buffer(_BEYOND_DEGREES)
    within, cells = answer.asked.within.amount, answer.places
    cells = cells[shapely.intersects_xy(seen, cells["longitude"], cells["latitude"])]
    colours = np.where(
        cells["before"] <= within, _REACHED, np.where(cells["gains"] > 0, _GAINS, _LACKS)
    )
    axes.add_collection(
        PolyCollection(
            [np.asarray(ring) for ring in grid.outlines(cells.index)],
            facecolors=colours.tolist(), edgecolors=canvas.PAPER, linewidths=0.4,
        ),
        autolim=False,
    )  # fmt: skip
    streets = [line for line in lines(town.network) if box.intersects(shapely.LineString(line))]
    maps.draw_lines(axes, streets, linewidths=0.5, colors="#9aa3ad")
    for area in town.districts["boundary"].dropna():
        maps.draw_area(axes, area, facecolor="none", **_BORDER)
    _sites(axes, answer, size=1.5)
    maps.scale_bar(axes)
    said = [
        f"{number} {answer.districts['name'].get(site['district'], site['name'])}:"
        f" {site['gains']:,.0f} gain"
        for number, site in numbered.head(_NAMED).iterrows()
    ]
    more = len(numbered) - len(said)
    said += [f"and {more} more"] if more else []
    axes.set_title(" \u00b7 ".join(said), fontsize=8, loc="left", color=canvas.INK, pad=4)


def _shape_of(axes: Axes) -> float:
    """Width by height of the place that axes have on the page."""
    place = axes.get_position()
    return (place.width * WIDTH_MM) / (place.height * HEIGHT_MM)


def lines(network: Roads | None) -> list[list[tuple[float, float]]]:
    """Each road once, as longitude and latitude of its ends."""
    if network is None:
        return []
    table = network.matrix.tocoo()
    pairs = np.unique(np.sort(np.column_stack([table.row, table.col]), axis=1), axis=0)
    spots = network.nodes[["longitude", "latitude"]].to_numpy(float)
    return [[(x, y) for x, y in spots[pair].tolist()] for pair in pairs]


def _legend(figure: Figure, answer: Answer) -> None:
    reach = shown(answer.asked.within.amount, answer.asked.within.unit)
    plain: dict[str, Any] = {"linestyle": "none", "markeredgecolor": canvas.PAPER}
    handles = [
        Line2D([], [], marker="o", color=canvas.ACCENT, markersize=7.5, label="new", **plain),
        Line2D([], [], marker="s", color=canvas.SECOND, markersize=4.5, label="stands", **plain),
        Patch(facecolor=_GAINS, label=f"gains: within {reach} only now"),
        Patch(facecolor=_REACHED, label=f"within {reach} before"),
        Patch(facecolor=_LACKS, label=f"still farther than {reach}"),
        Line2D([], [], color="#9aa3ad", linewidth=0.8, label="roads"),
        Line2D([], [], color=canvas.MUTED, linewidth=0.8, linestyle="--", label="districts"),
    ]
    figure.legend(
        handles=handles, loc="lower left", ncols=len(handles), bbox_to_anchor=(0.015, 0.015),
        fontsize=8, handletextpad=0.5, columnspacing=1.8, borderaxespad=0,
    )  # fmt: skip
