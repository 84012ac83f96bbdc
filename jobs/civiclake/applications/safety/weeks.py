"""Incidents by cell and week, and every week forecast by those before it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd

from civiclake.applications.safety.incidents import ALL, Area
from civiclake.statistics import forecast as method
from civiclake.statistics.forecast import Recipe, Score, Table
from civiclake.statistics.measured import Floats

WEEK_SYSTEM = "ISO 8601"


@dataclass(frozen=True)
class Way:
    """How a week is forecast and scored."""

    recipe: Recipe
    history_weeks: int
    """Weeks before it that are looked at, at most."""
    least_weeks: int
    """Without so many of them, none is forecast."""
    scored_weeks: int
    """The last so many are scored, and decide whether the forecast is shown."""
    flagged_share: float
    """Of the cells."""


@dataclass(frozen=True)
class Weeks:
    """Incidents of the weeks that are complete."""

    rows: pd.DataFrame
    """With ``week``, its number."""
    first: date
    """Monday of the first week."""
    count: int

    def monday(self, week: int) -> date:
        """Of a week by number."""
        return self.first + timedelta(days=7 * week)


def complete_weeks(rows: pd.DataFrame) -> Weeks | None:
    """The weeks from the first incident on; None where there is none.

    A week is complete when the newest incident of any kind lies on its Sunday or later.
    """
    if rows.empty:
        return None
    newest = rows["day"].max() + pd.Timedelta(days=1)
    end = newest - pd.Timedelta(days=newest.weekday())
    first = rows["week_start_date"].min()
    count = (end - first).days // 7
    if count < 1:
        return None
    some = rows[rows["day"] < end]
    number = (some["week_start_date"] - first).dt.days // 7
    return Weeks(some.assign(week=number), first.date(), int(count))


@dataclass(frozen=True)
class Kind:
    """Incidents of a kind."""

    name: str
    counts: Table
    """By cell and complete week, the oldest first."""
    first_week: date
    """Its Monday."""

    @property
    def next_week(self) -> date:
        """The first that is not complete."""
        return self.monday(self.counts.shape[1])

    def monday(self, week: int) -> date:
        """Of a week by number."""
        return self.first_week + timedelta(days=7 * week)


def kinds(rows: pd.DataFrame, where: Area) -> Iterator[Kind]:
    """All reported incidents, and each kind of them; what patrols discover is never forecast."""
    weeks = complete_weeks(rows)
    if weeks is None:
        return
    reported = weeks.rows[~weeks.rows["is_discovered"].astype(bool)]
    for name, mine in [(ALL, reported), *reported.groupby("kind", sort=True)]:
        counts = np.zeros((len(where.cells), weeks.count))
        np.add.at(counts, (where.numbers(mine["cell"]), mine["week"].to_numpy()), 1)
        yield Kind(str(name), counts, weeks.first)


def told_by(kind: Kind, week: int, where: Area, way: Way) -> tuple[Floats, Floats] | None:
    """What forecast and plain history say of a week, by those before it; None of too few."""
    before = kind.counts[:, max(0, week - way.history_weeks) : week]
    if before.shape[1] < way.least_weeks:
        return None
    return method.forecast(before, where.neighbours, way.recipe), method.history(before)


@dataclass(frozen=True)
class Scored:
    """A week as it was forecast, and as it came."""

    week: date
    mine: Score
    history: Score
    beats: bool
    """Whether the forecast has beaten history over the weeks up to this one."""


def scored(kind: Kind, where: Area, way: Way) -> list[Scored]:
    """The last weeks, the oldest first."""
    found: list[Scored] = []
    weeks = kind.counts.shape[1]
    for week in range(max(0, weeks - way.scored_weeks), weeks):
        told = told_by(kind, week, where, way)
        if told is not None:
            came, share = kind.counts[:, week], way.flagged_share
            mine, plain = (method.score(one, came, share) for one in told)
            beats = method.beats(
                [*(one.mine for one in found), mine], [*(one.history for one in found), plain]
            )
            found.append(Scored(kind.monday(week), mine, plain, beats))
    return found
