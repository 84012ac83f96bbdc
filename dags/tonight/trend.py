"""Thirty nights of one dataset as bars: their geometry, drawn by the template as inline SVG."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from tonight.rows import Batch
from tonight.words import plural

NIGHTS = 30
WIDTH, HEIGHT = 150, 24
_STEP = WIDTH / NIGHTS
_LEAST = 1.5
"""Height of a night that brought little, so that it is seen."""


@dataclass(frozen=True)
class Bar:
    """One night that has a batch."""

    x: float
    y: float
    height: float
    kind: str
    """``merged``, ``held`` or ``failed``: a filled bar, a hollow one, or a cross."""
    title: str


@dataclass(frozen=True)
class Trend:
    """The bars, oldest first, and what they say in one sentence."""

    bars: tuple[Bar, ...]
    sentence: str
    width: int = WIDTH
    height: int = HEIGHT
    bar_width: float = _STEP - 1


def trend(batches: Iterable[Batch], last: date) -> Trend:
    """Draw the nights up to ``last``.

    Args:
        batches: one dataset's deliveries, in any order; a night's newest attempt counts.
        last: the night at the right edge, the same for every dataset.

    Returns:
        A bar for each night that has a batch; its height is the rows that came.
    """
    first = last - timedelta(days=NIGHTS - 1)
    nights: dict[date, Batch] = {}
    for batch in sorted(batches, key=lambda b: (b.night, b.started_at)):
        if first <= batch.night.date() <= last:
            nights[batch.night.date()] = batch
    most = max((b.read for b in nights.values()), default=0)
    bars = tuple(_bar(night, batch, first, most) for night, batch in sorted(nights.items()))
    return Trend(bars, _sentence(list(nights.values()), most))


def _bar(night: date, batch: Batch, first: date, most: int) -> Bar:
    share = batch.read / most if most and batch.status != "failed" else 0.0
    height = round(max(_LEAST, share * HEIGHT), 2)
    x = round((night - first).days * _STEP, 2)
    title = f"{night}: {batch.status}, {plural(batch.read, 'row')} in"
    return Bar(x, round(HEIGHT - height, 2), height, batch.status, title)


def _sentence(batches: list[Batch], most: int) -> str:
    if not batches:
        return f"no batch in the last {NIGHTS} nights"
    told = f"{plural(len(batches), 'batch', 'batches')} in {NIGHTS} nights, at most {most:,} rows"
    for status in ("held", "failed"):
        count = sum(b.status == status for b in batches)
        if count:
            told += f", {count} {status}"
    return told
