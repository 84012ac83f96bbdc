"""Cases as series by day, one for each disease and district and one for the whole city."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd

from civiclake.errors import UserError
from civiclake.statistics.measured import Floats, Integers
from civiclake.statistics.nowcast import shares

_ENOUGH = 50
"""Cases with a day of report from which on a disease has delays of its own."""
_LEARNED_FROM_DAYS = 365
_BEGINS_LATE_DAYS = 180
"""A district whose first case comes so much later than the city's is taken to begin there."""


@dataclass(frozen=True)
class Counted:
    """All series of the city."""

    series: pd.DataFrame
    """``disease_code``, ``district_code``, ``is_citywide``, by row of :attr:`counts`."""
    first_day: date
    counts: Floats
    """By series and day, as reported."""
    begins: Integers
    """The day, by number, on which each series begins."""
    reported_share: Floats
    """By series and age in days, the share of cases that is reported by then; NaN if unknown."""
    left_out: int
    """Cases with a day of onset after the last day."""

    @property
    def last_day(self) -> date:
        """The last one that is counted."""
        return self.first_day + timedelta(days=self.counts.shape[1] - 1)

    def starts(self, day: int) -> date:
        """The day of that number."""
        return self.first_day + timedelta(days=day)


def counted(
    cases: pd.DataFrame,
    districts: list[str],
    city_code: str,
    last_day: date,
    years: int,
    longest_delay_days: int,
) -> Counted:
    """Count cases.

    Args:
        cases: ``disease_code``, ``district_code``, ``onset_on``, ``reported_on`` (may be missing),
            ``cases``.
        districts: all of them; those of cases besides get series, too.
        city_code: of the whole city.
        last_day: the last one that is counted.
        years: of history at most, beside the current one.
        longest_delay_days: after which no case is expected any more.

    Raises:
        UserError: there is no case with a day of onset up to the last day.
    """
    onset = pd.to_datetime(cases["onset_on"])
    ends = pd.Timestamp(last_day)
    begins = ends - pd.Timedelta(days=(years + 1) * 366)
    here = cases[(onset <= ends) & (onset >= begins)]
    if here.empty:
        raise UserError(f"no case with a day of onset from {begins.date()} to {last_day}")
    first = max(pd.to_datetime(here["onset_on"]).min(), begins)
    day = (pd.to_datetime(here["onset_on"]) - first).dt.days.to_numpy()
    diseases = sorted(here["disease_code"].unique())
    places = [city_code, *dict.fromkeys([*districts, *sorted(here["district_code"].unique())])]
    cube = np.zeros((len(diseases), len(places), (ends - first).days + 1))
    at = {code: number for number, code in enumerate(places)}
    which = pd.Index(diseases).get_indexer(here["disease_code"])
    where = here["district_code"].map(at).to_numpy()
    np.add.at(cube, (which, where, day), here["cases"].to_numpy(float))
    cube[:, 0] = cube[:, 1:].sum(axis=1)
    grid = pd.MultiIndex.from_product([diseases, places]).to_frame(index=False)
    series = grid.set_axis(["disease_code", "district_code"], axis=1)
    known = _reported(here, diseases, ends, longest_delay_days)
    return Counted(
        series.assign(is_citywide=series["district_code"] == city_code),
        first.date(),
        cube.reshape(len(series), -1),
        np.tile(_begins(cube.sum(axis=0)), len(diseases)),
        np.repeat(known, len(places), axis=0),
        int(cases.loc[onset > ends, "cases"].sum()),
    )


def _begins(by_place: Floats) -> Integers:
    """The day on which each place begins: the city's, but for one that clearly came later."""
    has = by_place > 0
    first = np.where(has.any(axis=1), has.argmax(axis=1), 0)
    return np.where(first > _BEGINS_LATE_DAYS, first, 0)


def _reported(cases: pd.DataFrame, diseases: list[str], ends: pd.Timestamp, longest: int) -> Floats:
    """The share that is reported by each age; of a disease with few cases, that of all."""
    onset, reported = pd.to_datetime(cases["onset_on"]), pd.to_datetime(cases["reported_on"])
    delay = (reported - onset).dt.days
    age = (ends - onset).dt.days
    told = cases.assign(delay=delay, age=age)[
        delay.between(0, longest) & (delay <= age) & (age < longest + _LEARNED_FROM_DAYS)
    ]
    pooled = _shares(told, longest)
    by_disease = told.groupby("disease_code")["cases"].sum()
    own = [
        _shares(told[told["disease_code"] == code], longest)
        if by_disease.get(code, 0) >= _ENOUGH
        else pooled
        for code in diseases
    ]
    return np.vstack(own)


def _shares(told: pd.DataFrame, longest: int) -> Floats:
    if told["cases"].sum() == 0:
        return np.full(longest + 1, np.nan)
    periods = longest + _LEARNED_FROM_DAYS
    triangle = np.zeros((periods, longest + 1))
    row = periods - 1 - told["age"].to_numpy()
    np.add.at(triangle, (row, told["delay"].to_numpy().astype(int)), told["cases"].to_numpy())
    ages = np.arange(periods)[::-1]
    triangle[ages[:, None] < np.arange(longest + 1)] = np.nan
    return shares(triangle)
