"""One line's day as a time-distance diagram: the timetable, and what was driven."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from civiclake.cli.pictures.canvas import (
    ACCENT,
    FAINT,
    INK,
    MUTED,
    OUTLINE,
    SECOND,
    figure,
    style,
)
from civiclake.errors import UserError

LATE_S = 300
"""A part of a trip that is later is drawn as late."""
_WIDTH_MM, _HEIGHT_MM, _KM_M, _HOUR_S = 297, 96, 1000, 3600
_MOST_NAMES = 16


def diagram(passages: pd.DataFrame, title: str, late_s: float = LATE_S) -> Figure:
    """Time to the right, kilometres along the line upward; one field for each direction.

    Args:
        passages: of one line and day: ``direction_id``, ``trip_id``, ``run``, ``stop_sequence``,
            ``stop_id``, ``along_m``, ``scheduled_h`` and ``observed_h`` (hours of the service day;
            missing where there is none).
        title: over the whole.
        late_s: later than this a trip is drawn as late.

    Raises:
        UserError: there is nothing to draw.
    """
    if passages.empty:
        raise UserError(f"{title}: no trip of this line on this day; nothing to draw")
    directions = [part for _, part in passages.groupby("direction_id")]
    with style():
        made = figure(_WIDTH_MM, _HEIGHT_MM * len(directions) + 14)
        fields = made.subplots(len(directions), 1, sharex=True, squeeze=False)[:, 0]
        for field, part in zip(fields, directions, strict=True):
            _field(field, part, late_s)
        _hours(fields[-1], passages)
        fields[-1].set_xlabel("hour of the service day")
        made.suptitle(title, x=0.01, ha="left", fontsize=11, color=INK)
        made.legend(handles=_legend(late_s), loc="upper right", ncols=5, fontsize=7)
        made.tight_layout(rect=(0, 0, 1, 0.97))
    return made


def _field(field: Axes, part: pd.DataFrame, late_s: float) -> None:
    """The trips of one direction."""
    for _, trip in part.sort_values("stop_sequence").groupby(["trip_id", "run"]):
        km = trip["along_m"] / _KM_M
        planned, seen = trip["scheduled_h"], trip["observed_h"]
        is_missed = seen.isna().all()
        look: Any = (0, (3, 2)) if is_missed else "solid"
        field.plot(planned, km, color=MUTED if is_missed else OUTLINE, lw=1.1, ls=look, zorder=1)
        for hours, way, colour in _driven(planned, seen, km, late_s):
            field.plot(hours, way, color=colour, lw=1.0, zorder=2)
    stops = part.groupby("stop_id")["along_m"].median().sort_values() / _KM_M
    every = max(1, -(-len(stops) // _MOST_NAMES))
    field.set_yticks(stops.iloc[::every], stops.index[::every])
    direction = int(part["direction_id"].iloc[0])
    ends = f"{stops.index[0]} → {stops.index[-1]}"
    field.set_title(f"direction {direction}: {ends}", loc="left", fontsize=8, color=MUTED)
    field.set_ylabel("stop, by its way along the line")
    field.grid(axis="x", color=FAINT, lw=0.4)


def _hours(field: Axes, passages: pd.DataFrame) -> None:
    """The hours below, which all fields share."""
    known = pd.concat([passages["scheduled_h"], passages["observed_h"]]).dropna()
    first, last = int(known.min()), int(known.max())
    field.set_xticks(range(first, last + 1, max(1, (last - first) // 18)))
    field.set_xlim(known.min() - 0.1, known.max() + 0.1)


def _driven(
    planned: pd.Series, seen: pd.Series, km: pd.Series, late_s: float
) -> Iterator[tuple[list[float], list[float], str]]:
    """What was driven from stop to stop, with its colour; what was not seen is left open."""
    delay_s = (seen - planned) * _HOUR_S
    rows = list(zip(seen, km, delay_s, strict=True))
    for (hour, way, _), (next_hour, next_way, delay) in pairwise(rows):
        if pd.notna(hour) and pd.notna(next_hour):
            colour = SECOND if pd.isna(delay) else ACCENT if delay > late_s else INK
            yield [hour, next_hour], [way, next_way], colour


def _legend(late_s: float) -> list[Line2D]:
    looks: list[tuple[str, str, Any]] = [
        ("timetable", OUTLINE, "solid"),
        ("driven", INK, "solid"),
        (f"over {late_s / 60:g} minutes late", ACCENT, "solid"),
        ("not in the timetable", SECOND, "solid"),
        ("never seen", MUTED, (0, (3, 2))),
    ]
    return [Line2D([], [], color=colour, ls=ls, label=label) for label, colour, ls in looks]
