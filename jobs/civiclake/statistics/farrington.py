"""Farrington's algorithm: a week against the same weeks of the years before.

Sources: C. Farrington, N. Andrews, A. Beale and M. Catchpole, "A statistical algorithm for the
early detection of outbreaks of infectious disease", Journal of the Royal Statistical Society A
159 (1996), pp. 547-563 (:data:`ORIGINAL`; alpha is two-sided); A. Noufaily et al., "An improved
algorithm for outbreak detection in multiple surveillance systems", Statistics in Medicine 32
(2013), pp. 1206-1222 (:data:`FLEXIBLE`; alpha is one-sided).

Both fit a quasi-Poisson line to the baseline, weigh down what looks like a past outbreak, and fit
again. The original takes windows around the same week of each year; the flexible one all weeks but
the latest half year, with a factor for the season, and a quantile of the negative binomial.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise

import numpy as np
from scipy import stats

from civiclake.errors import UserError
from civiclake.statistics import loglinear
from civiclake.statistics.loglinear import Fits
from civiclake.statistics.measured import Flags, Floats, Integers

_WEEKS = 52
_YEARS_OF_A_TREND = 3
_YEARS_OF_A_SEASON = 3
_WITHOUT_SEASON = "less than three years of history: judged without season and trend"


@dataclass(frozen=True)
class Rule:
    """How a week is judged; the defaults are those of 1996."""

    years: int = 5
    """Of the baseline, at most."""
    half_width: int = 3
    """Weeks on either side of the same week."""
    alpha: float = 0.01
    weighed_down_above: float = 1
    """Anscombe residual from which on a week of the baseline counts less."""
    trend_p: float = 0.05
    """A trend is kept up to this p-value, with three years, and if it predicts no more than the
    baseline ever had."""
    least_cases: int = 5
    """There is no signal with fewer cases in ``of_weeks`` weeks, the judged one among them."""
    of_weeks: int = 4
    season_levels: int = 1
    """1: windows alone; above, all weeks with so many seasons, the first of them the windows."""
    latest_weeks_left_out: int = 0
    is_negative_binomial: bool = False
    """Whether the bound is a quantile of it, one-sided; or else normal on the power 2/3."""


ORIGINAL = Rule()
FLEXIBLE = Rule(
    alpha=0.005,
    weighed_down_above=2.58,
    trend_p=1,
    season_levels=10,
    latest_weeks_left_out=26,
    is_negative_binomial=True,
)


@dataclass(frozen=True)
class Expected:
    """What was expected of one week, by series; NaN where the series has a gap."""

    observed: Floats
    expected: Floats
    upper: Floats
    """The largest count that is no signal."""
    score: Floats
    """Excess over the expected, as a share of the bound's; above 1 is a signal."""
    is_above: Flags
    has_trend: Flags
    dispersion: Floats
    years: int
    """Of history that the baseline has."""
    gaps: Sequence[str | None]
    """Why there is nothing, or how it was judged instead."""


def same_weeks(at: int, years: int, first_days: Sequence[date] | None = None) -> list[int]:
    """The week itself and the same week of each year before, by number; the latest first.

    Args:
        at: number of the week.
        years: how many years back at most; a year that begins before the series is left out.
        first_days: of all weeks; the same week is the one that begins nearest to the same date.
            Without them a year has 52 weeks.
    """
    if first_days is None:
        return [n for n in (at - _WEEKS * back for back in range(years + 1)) if n >= 0]
    days = np.asarray(first_days, dtype="datetime64[D]")
    found = []
    for back in range(years + 1):
        then = np.datetime64(_years_before(first_days[at], back))
        nearest = int(np.abs((days - then).astype(np.int64)).argmin())
        if abs(int((days[nearest] - then).astype(np.int64))) <= 3:
            found.append(nearest)
    return found


def _years_before(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return date(day.year - years, 3, 1)


def judge(
    counts: Floats, at: int, rule: Rule = ORIGINAL, first_days: Sequence[date] | None = None
) -> Expected:
    """Judge one week of many series.

    Args:
        counts: by series and week, without a gap between weeks, finite and at least 0.
        at: number of the week, from 0.
        rule: how.
        first_days: of the weeks, as :func:`same_weeks` wants them.

    Raises:
        UserError: the week is none of the series, or counts or rule cannot be meant.
    """
    _hold(counts, at, rule)
    observed = counts[:, at]
    weeks = same_weeks(at, rule.years, first_days)
    while len(weeks) > 1 and weeks[-1] < rule.half_width:
        weeks.pop()
    years = len(weeks) - 1
    if not years:
        return _nothing(
            observed, f"{at} weeks of history; at least {_WEEKS + rule.half_width} are wanted"
        )
    has_no_season = rule.season_levels > 1 and years < _YEARS_OF_A_SEASON
    rows, levels = _without_season(at, rule) if has_no_season else _baseline(weeks, rule)
    baseline = counts[:, rows]
    fitted = _fitted(baseline, (rows - at) / _WEEKS, levels, rule, years)
    upper = _bound(fitted, rule)
    told = _WITHOUT_SEASON if has_no_season else None
    gaps = ["; ".join(filter(None, (told, gap))) or None for gap in fitted.gaps]
    empty = ~(baseline > 0).any(axis=1)
    expected = np.where(empty, 0, fitted.mean)
    upper = np.where(empty, 0, upper)
    for number in np.flatnonzero(empty):
        gaps[number] = "no case in its baseline: every case is above"
    enough = counts[:, max(0, at - rule.of_weeks + 1) : at + 1].sum(axis=1) >= rule.least_cases
    with np.errstate(divide="ignore", invalid="ignore"):
        excess = observed - expected
        score = np.where(excess == 0, 0.0, excess / (upper - expected))
    above = enough & (observed > upper)
    return Expected(
        observed, expected, upper, score, above, fitted.has_trend, fitted.dispersion, years, gaps
    )


def _hold(counts: Floats, at: int, rule: Rule) -> None:
    if counts.ndim != 2 or not (np.isfinite(counts).all() and (counts >= 0).all()):
        raise UserError("counts by series and week are wanted, finite and at least 0")
    if not 0 <= at < counts.shape[1]:
        raise UserError(f"week {at} of {counts.shape[1]}; 0 to {counts.shape[1] - 1} are allowed")
    if not 0 < rule.alpha < 1 or rule.years < 1 or not 0 <= rule.half_width < _WEEKS // 2:
        raise UserError(
            f"alpha {rule.alpha}, years {rule.years}, half_width {rule.half_width}: between 0 and"
            f" 1, at least 1, and 0 to {_WEEKS // 2 - 1} are allowed"
        )


def _nothing(observed: Floats, gap: str) -> Expected:
    none = np.full(len(observed), np.nan)
    no = np.zeros(len(observed), dtype=bool)
    return Expected(observed, none, none, none, no, no, none, 0, [gap] * len(observed))


def _baseline(weeks: Sequence[int], rule: Rule) -> tuple[Integers, Integers]:
    """Numbers of the weeks of the baseline, and the season of each; 0 is that of the week."""
    half = rule.half_width
    windows = [np.arange(week - half, week + half + 1) for week in weeks[:0:-1]]
    if rule.season_levels == 1:
        rows = np.concatenate(windows)
        return rows, np.zeros_like(rows)
    level = np.zeros(weeks[0] + 1, dtype=np.int64)
    for later, earlier in pairwise(weeks):
        between = slice(earlier + half + 1, later - half)
        parts = np.array_split(level[between], rule.season_levels - 1)
        level[between] = np.repeat(np.arange(1, rule.season_levels), [len(p) for p in parts])
    rows = np.arange(weeks[-1] - half, weeks[0] - max(rule.latest_weeks_left_out, half))
    return rows, level[rows]


def _without_season(at: int, rule: Rule) -> tuple[Integers, Integers]:
    """All weeks but the latest: a season is not told from one or two years."""
    rows = np.arange(at - max(rule.latest_weeks_left_out, rule.half_width))
    return rows, np.zeros_like(rows)


@dataclass(frozen=True)
class _Fitted:
    mean: Floats
    error: Floats
    """Of the mean's logarithm."""
    dispersion: Floats
    has_trend: Flags
    gaps: list[str | None]


def _fitted(baseline: Floats, time: Floats, levels: Integers, rule: Rule, years: int) -> _Fitted:
    """The mean of the week, with a trend where it is to be kept."""
    season = np.column_stack([np.ones(len(time)), *_columns(levels)])
    here = np.eye(season.shape[1])[0]
    plain = _twice(baseline, season, rule)
    mean, error = plain.at(here)
    dispersion, sound = plain.dispersion.copy(), plain.converged.copy()
    kept = np.zeros(len(baseline), dtype=bool)
    tried = kept.copy()
    if years >= _YEARS_OF_A_TREND:
        with_trend = _twice(baseline, np.column_stack([season, time]), rule)
        trended, its_error = with_trend.at(np.append(here, 0.0))
        freedom = baseline.shape[1] - season.shape[1] - 1
        p = _p_of_last(with_trend, freedom)
        tried = ~with_trend.converged
        most = baseline.max(axis=1)
        kept = with_trend.converged & (p <= rule.trend_p) & (trended <= most)
        mean, error = np.where(kept, trended, mean), np.where(kept, its_error, error)
        dispersion = np.where(kept, with_trend.dispersion, dispersion)
        sound |= kept
    sound &= np.isfinite(mean) & np.isfinite(error) & np.isfinite(dispersion)
    gaps: list[str | None] = [None] * len(baseline)
    for number in np.flatnonzero(tried & sound):
        gaps[number] = "the fit with a trend did not converge: judged without"
    if not sound.all():
        _by_mean(baseline, ~sound, mean, error, dispersion, gaps)
    return _Fitted(mean, error, dispersion, kept, gaps)


def _columns(levels: Integers) -> list[Floats]:
    """A column for each season that has weeks, but for the first."""
    return [(levels == level).astype(float) for level in np.unique(levels) if level]


def _by_mean(
    baseline: Floats,
    which: Flags,
    mean: Floats,
    error: Floats,
    dispersion: Floats,
    gaps: list[str | None],
) -> None:
    """What cannot be fitted is judged by the mean of its baseline; written into the arrays."""
    for number in np.flatnonzero(which):
        weeks = baseline[number]
        mean[number] = weeks.mean()
        dispersion[number] = max(1.0, weeks.var(ddof=1) / weeks.mean() if weeks.any() else 1.0)
        total = weeks.sum()
        error[number] = np.sqrt(dispersion[number] / total) if total else 0.0
        gaps[number] = "the fit did not converge: judged by the mean of its baseline"


def _twice(baseline: Floats, explaining: Floats, rule: Rule) -> Fits:
    """Fit, weigh down what looks like an outbreak, and fit again."""
    first = loglinear.fit(baseline, explaining)
    residuals = loglinear.anscombe(baseline, first)
    weights = np.ones_like(baseline)
    high = residuals > rule.weighed_down_above
    weights[high] = residuals[high] ** -2
    weights *= baseline.shape[1] / weights.sum(axis=1, keepdims=True)
    again = loglinear.fit(baseline, explaining, weights)
    return replace(again, converged=again.converged & first.converged)


def _p_of_last(fits: Fits, freedom: int) -> Floats:
    """Of the last coefficient, two-sided, by the dispersion as it is estimated."""
    error = np.sqrt(fits.pearson * fits.covariance[:, -1, -1])
    with np.errstate(divide="ignore", invalid="ignore"):
        found = 2 * stats.t.sf(np.abs(fits.coefficients[:, -1]) / error, max(freedom, 1))
    return np.where(np.isfinite(found), found, 1.0)


def _bound(fitted: _Fitted, rule: Rule) -> Floats:
    mean, over = fitted.mean, fitted.dispersion
    if rule.is_negative_binomial:
        found = stats.poisson.isf(rule.alpha, mean)
        wide = over > 1
        found[wide] = stats.nbinom.isf(rule.alpha, mean[wide] / (over[wide] - 1), 1 / over[wide])
        return np.asarray(found)
    spread = (over + (fitted.error * mean) ** 2 / mean) / mean
    z = stats.norm.isf(rule.alpha / 2)
    return np.asarray(mean * (1 + 2 / 3 * z * np.sqrt(spread)) ** 1.5)
