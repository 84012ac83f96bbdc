"""Bars and lines as SVG without a script: colours are the page's, so that they follow its look.

Every chart is an image with a text of its own, and its table stands below it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from html import escape
from typing import Any
from unicodedata import east_asian_width

from civiclake.contracts.page import Chart
from civiclake.pipeline.brief import numbers
from civiclake.pipeline.brief.sheet import Table, Value

WIDTH = 680
_BAR, _GAP, _NAME, _MOST_BARS = 16, 6, 215, 24
_LINE_HEIGHT, _LEFT, _BOTTOM, _TOP, _RIGHT = 240, 72, 30, 14, 110
_LABEL = 15
"""From one label to the next."""
_MOST_LINES = 6
"""More lines than these are not told apart; the table has them all."""


def bars(chart: Chart, table: Table) -> str:
    """Horizontal bars in the table's order; a missing value is said, and never a bar of nothing."""
    pairs = list(zip(table.column(chart.by), table.column(chart.value), strict=True))[:_MOST_BARS]
    known = [float(v) for _, v in pairs if isinstance(v, int | float)]
    if not known:
        return ""
    ticks = numbers.rounded(min(0.0, *known), max(0.0, *known))
    low, high = ticks[0], ticks[-1]
    room = WIDTH - _NAME - 100
    height = len(pairs) * (_BAR + _GAP) + _GAP

    def x(value: float) -> float:
        return _NAME + room * (value - low) / (high - low)

    parts = []
    for n, (name, value) in enumerate(pairs):
        y = _GAP + n * (_BAR + _GAP)
        said, middle = escape(_short(numbers.shown(chart.by, name), 24)), y + _BAR * 0.75
        parts.append(f'<text class="name" x="{_NAME - 8}" y="{middle:.1f}">{said}</text>')
        told = escape(numbers.shown(chart.value, value))
        if not isinstance(value, int | float):
            parts.append(f'<text class="gap" x="{x(0) + 4:.1f}" y="{middle:.1f}">{told}</text>')
            continue
        begin, end = sorted((x(0), x(float(value))))
        wide = max(end - begin, 0.5)
        parts.append(
            f'<rect class="bar" x="{begin:.1f}" y="{y}" width="{wide:.1f}" height="{_BAR}"/>'
            f'<text x="{end + 5:.1f}" y="{middle:.1f}">{told}</text>'
        )
    zero = f'<line class="axis" x1="{x(0):.1f}" x2="{x(0):.1f}" y1="0" y2="{height}"/>'
    return picture(chart, summary(chart, table, _MOST_BARS), WIDTH, height, zero + "".join(parts))


def lines(chart: Chart, table: Table) -> str:
    """Lines over days; a day without a value is a gap, never a slope through it."""
    found = _series(chart, table)
    points = [(day, value) for one in found.values() for day, value in one.items()]
    known = [value for _, value in points if value is not None]
    if not known:
        return ""
    days = sorted({day for day, _ in points})
    first, span = days[0], max((days[-1] - days[0]).days, 1)
    ticks = numbers.rounded(min(0.0, *known) if min(known) > 0 else min(known), max(known))
    low, high = ticks[0], ticks[-1]

    def x(day: date) -> float:
        return _LEFT + (WIDTH - _LEFT - _RIGHT) * (day - first).days / span

    def y(value: float) -> float:
        return _TOP + (_LINE_HEIGHT - _TOP - _BOTTOM) * (high - value) / (high - low)

    parts = [_grid(chart, ticks, y), _dates(days, x)]
    ends: list[tuple[int, float, float, str]] = []
    for n, (name, values) in enumerate(list(found.items())[:_MOST_LINES]):
        parts += _runs(values, x, y, n)
        last = [(day, v) for day, v in sorted(values.items()) if v is not None]
        if last:
            label = name or numbers.shown(chart.value, last[-1][1])
            ends.append((n, x(last[-1][0]), y(last[-1][1]), label))
    parts += _labels(ends)
    text = summary(chart, table, 0)
    if len(found) > _MOST_LINES:
        text += f" The first {_MOST_LINES} of {len(found)} lines are drawn."
    return picture(chart, text, WIDTH, _LINE_HEIGHT, "".join(parts))


def summary(chart: Chart, table: Table, drawn: int) -> str:
    """A chart's text alternative: what it shows, the extremes, and how many values there are."""
    names, values = table.column(chart.by), table.column(chart.value)
    known = [
        (float(v), n) for n, v in zip(names, values, strict=True) if isinstance(v, int | float)
    ]
    text = f"{chart.says.rstrip('.')}."
    if known:
        (low, first), (high, last) = min(known, key=_value), max(known, key=_value)
        text += (
            f" From {numbers.shown(chart.value, low)} ({numbers.shown(chart.by, first)}) to"
            f" {numbers.shown(chart.value, high)} ({numbers.shown(chart.by, last)})."
        )
    missing = len(values) - len(known)
    text += f" {missing} of {len(values)} values are not known." if missing else ""
    if drawn and len(values) > drawn:
        text += f" The first {drawn} of {len(values)} are drawn."
    return f"{text} The table below holds the values."


def picture(chart: Chart, text: str, width: int, height: float, inside: str) -> str:
    """An SVG with its text alternative."""
    return (
        f'<svg class="chart {chart.kind}" viewBox="0 0 {width} {height:.0f}" role="img"'
        f' aria-label="{escape(text, quote=True)}"><title>{escape(text)}</title>{inside}</svg>'
    )


def _value(pair: tuple[float, Value]) -> float:
    return pair[0]


def _series(chart: Chart, table: Table) -> dict[str, dict[date, float | None]]:
    """By name of the line its values by day; days that are no date are left out."""
    names = table.column(chart.series) if chart.series else [""] * len(table.rows)
    found: dict[str, dict[date, float | None]] = {}
    rows = zip(names, table.column(chart.by), table.column(chart.value), strict=True)
    for name, day, value in rows:
        try:
            when = date.fromisoformat(str(day)[:10])
        except ValueError:
            continue
        known = float(value) if isinstance(value, int | float) else None
        found.setdefault(numbers.shown(chart.series or "", name), {})[when] = known
    return found


def _runs(values: Mapping[date, float | None], x: Any, y: Any, place: int) -> list[str]:
    """A path for each run of days without a gap, and a dot for each day."""
    runs: list[list[tuple[date, float]]] = [[]]
    former: date | None = None
    for day, value in sorted(values.items()):
        if value is None or (former is not None and (day - former).days > 1 and runs[-1]):
            runs.append([])
        if value is not None:
            runs[-1].append((day, value))
            former = day
    parts = []
    for run in runs:
        way = " L".join(f"{x(day):.1f} {y(value):.1f}" for day, value in run)
        if len(run) > 1:
            parts.append(f'<path class="line s{place}" d="M{way}"/>')
        if len(run) == 1 or len(values) <= 40:
            parts += [
                f'<circle class="dot s{place}" cx="{x(d):.1f}" cy="{y(v):.1f}" r="2.6"/>'
                for d, v in run
            ]
    return parts


def _grid(chart: Chart, ticks: Sequence[float], y: Any) -> str:
    right = WIDTH - _RIGHT
    return "".join(
        f'<line class="grid" x1="{_LEFT}" x2="{right}" y1="{y(t):.1f}" y2="{y(t):.1f}"/>'
        f'<text class="tick" x="{_LEFT - 6}" y="{y(t) + 4:.1f}">'
        f"{escape(numbers.shown(chart.value, t))}</text>"
        for t in ticks
    )


def _dates(days: Sequence[date], x: Any) -> str:
    some = {days[len(days) // 2]: "", days[-1]: " last", days[0]: " first"}
    return "".join(
        f'<text class="day{place}" x="{x(day):.1f}" y="{_LINE_HEIGHT - 8}">{day}</text>'
        for day, place in sorted(some.items())
    )


def _labels(ends: Sequence[tuple[int, float, float, str]]) -> list[str]:
    """Names at the lines' ends, one below the other where lines end together."""
    ordered = sorted(ends, key=lambda end: end[2])
    heights: list[float] = []
    for _, _, wanted, _ in ordered:
        heights.append(max(wanted, heights[-1] + _LABEL) if heights else wanted)
    # What would stand below the axis moves up, and what it meets there with it.
    lowest = float(_LINE_HEIGHT - _BOTTOM)
    for place in range(len(heights) - 1, -1, -1):
        heights[place] = min(heights[place], lowest)
        lowest = heights[place] - _LABEL
    right = max((x for _, x, _, _ in ends), default=0.0)
    return [
        f'<text class="end s{n}" x="{right + 7:.1f}" y="{at + 4:.1f}">'
        f"{escape(_short(label, 14))}</text>"
        for (n, _, _, label), at in zip(ordered, heights, strict=True)
    ]


def _short(text: str, most: int) -> str:
    """A text of so many letters' width; a Chinese one is as wide as two."""
    left = float(most)
    for n, letter in enumerate(text):
        left -= 2 if east_asian_width(letter) in "WF" else 1
        if left < 0:
            return f"{text[: n - 1]}…"
    return text
