"""Providers compared without a league table: standardised outcomes in a funnel of limits.

Sources: D. Spiegelhalter, "Funnel plots for comparing institutional performance", Statistics in
Medicine 24 (2005), pp. 1185-1202 (limits around 1 by the expected number); D. Spiegelhalter,
"Handling over-dispersion of performance indicators", Quality and Safety in Health Care 14 (2005),
pp. 347-351 (a variance between providers, from the middle of them); NHS Digital, "Summary
Hospital-level Mortality Indicator: methodology" (on the logarithm, a tenth trimmed at either end).
"""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import statsmodels.api as sm
from scipy import stats
from statsmodels.tools.sm_exceptions import PerfectSeparationWarning

from civiclake.errors import UserError
from civiclake.statistics.measured import Flags, Floats, floats, same_length

LIMIT_Z = 3.090232
"""Of limits that 99.8 % lie within."""
_TRIMMED = 0.1
_SUMS_AGREE = 1e-6
INTERCEPT = "intercept"


@dataclass(frozen=True)
class Standard:
    """What every case was to be expected to have, by a model of all providers together."""

    expected: Floats
    """By case; they sum to what was seen."""
    coefficients: Mapping[str, float]
    deviance: float
    gap: str | None = None
    """How the expected was found if not by the model."""


@dataclass(frozen=True)
class Funnel:
    """One row a provider."""

    providers: pd.DataFrame
    """``cases``, ``observed``, ``expected``, ``ratio``, ``lower``, ``upper`` (unadjusted),
    ``adjusted_lower``, ``adjusted_upper``, ``is_outside``, ``is_outside_adjusted``, ``gap``; by
    provider. NaN and a gap where a provider has too few cases."""
    dispersion: float
    """Of the trimmed scores; 1 if providers differ by chance alone."""
    between_variance: float
    """Between providers, on the logarithm; 0 where chance is enough."""


def standard(
    outcome: Iterable[Any], explaining: Mapping[str, Iterable[Any]], *, is_share: bool = False
) -> Standard:
    """Expected outcomes of single cases (indirect standardisation).

    Args:
        outcome: by case: a count (days), or 0 and 1 with ``is_share`` (died).
        explaining: columns by name, such as age; not the provider.
        is_share: whether a logistic line is fitted instead of a Poisson one.

    Returns:
        The expected; where the line cannot be fitted, the same mean for all, and a gap says so.

    Raises:
        UserError: a value is missing, or none that can be meant.
    """
    y = floats("outcome", outcome, lowest=0)
    columns = {name: floats(name, values) for name, values in explaining.items()}
    same_length(outcome=y, **columns)
    if not len(y):
        raise UserError("outcome: no case at all; at least one is wanted")
    if is_share and not np.isin(y, (0, 1)).all():
        raise UserError("outcome: 0 and 1 are allowed where it is a share")
    varying = {name: values for name, values in columns.items() if np.ptp(values) > 0}
    x = np.column_stack([np.ones_like(y), *varying.values()])
    family = sm.families.Binomial() if is_share else sm.families.Poisson()
    why = _cannot_be_fitted(y, x)
    if why is None:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", PerfectSeparationWarning)
                found = sm.GLM(y, x, family=family).fit()
        except (PerfectSeparationWarning, np.linalg.LinAlgError, ValueError):
            why = "the model could not be fitted, as some group has all outcomes or none"
        else:
            expected = np.asarray(found.predict(x))
            if not found.converged:
                why = "the model did not converge"
            elif abs(expected.sum() - y.sum()) > _SUMS_AGREE * max(1.0, y.sum()):
                why = f"the model expects {expected.sum():g} where {y.sum():g} were seen"
            else:
                names = [INTERCEPT, *varying]
                told = dict(zip(names, map(float, found.params), strict=True))
                return Standard(expected, told, float(found.deviance))
    return Standard(np.full_like(y, y.mean()), {}, float("nan"), f"{why}: the same mean for all")


def _cannot_be_fitted(y: Floats, x: Floats) -> str | None:
    if not y.any():
        return "no case has the outcome"
    if np.ptp(y) == 0:
        return "all cases have the same outcome"
    if np.linalg.matrix_rank(x) < x.shape[1] or len(y) <= x.shape[1]:
        return "what explains it follows from itself, or cases are fewer than it"
    return None


def funnel(
    providers: Iterable[Hashable],
    outcome: Iterable[Any],
    expected: Iterable[Any],
    *,
    least_cases: int = 30,
    z: float = LIMIT_Z,
) -> Funnel:
    """Providers beside the limits that chance, and chance with a variance between them, gives.

    Args:
        providers: of each case.
        outcome: of each case.
        expected: of each case, as :func:`standard` gives it.
        least_cases: a provider with fewer gets no figure.
        z: of the limits, on either side.

    Raises:
        UserError: lengths differ, a number is negative, or ``least_cases`` or ``z`` is below 1 or
            not above 0.
    """
    if least_cases < 1 or not z > 0:
        raise UserError(f"least_cases {least_cases}, z {z}: at least 1, and above 0 are allowed")
    y, e = floats("outcome", outcome, lowest=0), floats("expected", expected, lowest=0)
    names = list(providers)
    same_length(providers=names, outcome=y, expected=e)
    rows = pd.DataFrame({"provider": names, "cases": 1, "observed": y, "expected": e})
    found = rows.groupby("provider", sort=True).sum()
    enough = (found["cases"] >= least_cases) & (found["expected"] > 0)
    told = found[enough]
    seen, wanted = told["observed"].to_numpy(), told["expected"].to_numpy()
    tail = float(stats.norm.sf(z))
    dispersion, between = _between(seen, wanted)
    wide = z * np.sqrt(1 / wanted + between)
    lower = stats.gamma.ppf(tail, wanted) / wanted
    upper = stats.gamma.isf(tail, wanted + 1) / wanted
    limits = pd.DataFrame(
        {
            "ratio": seen / wanted,
            "lower": lower,
            "upper": upper,
            # Never narrower than chance alone: the logarithm is not quite that of counts.
            "adjusted_lower": np.minimum(lower, np.exp(-wide)),
            "adjusted_upper": np.maximum(upper, np.exp(wide)),
        },
        index=told.index,
    )
    both = found.join(limits)
    both.loc[~enough, ["observed", "expected"]] = np.nan
    both["is_outside"] = _outside(both, "lower", "upper")
    both["is_outside_adjusted"] = _outside(both, "adjusted_lower", "adjusted_upper")
    few = f"fewer than {least_cases} cases: no figure"
    nothing = "nothing is expected here: no ratio"
    gap = pd.Series(nothing, index=both.index, dtype=object)
    gap[both["cases"] < least_cases] = few
    gap[enough] = None
    return Funnel(both.assign(gap=gap), dispersion, between)


def _outside(both: pd.DataFrame, lower: str, upper: str) -> Flags:
    return np.asarray((both["ratio"] < both[lower]) | (both["ratio"] > both[upper]))


def _between(seen: Floats, expected: Floats) -> tuple[float, float]:
    """Dispersion of the trimmed scores, and the variance between providers that it stands for.

    The variance is DerSimonian and Laird's (1986). A provider without any outcome has no logarithm
    and stands below all others: it is trimmed first.
    """
    if len(seen) < 2:
        return 1.0, 0.0
    with np.errstate(divide="ignore"):
        scores = np.log(seen / expected) * np.sqrt(expected)
    finite = np.where(np.isfinite(scores), scores, -1e6)
    low, high = np.quantile(finite, [_TRIMMED, 1 - _TRIMMED])
    kept = scores[(finite >= low) & (finite <= high) & np.isfinite(scores)]
    if not len(kept):
        return 1.0, 0.0
    dispersion = float(np.mean(kept**2))
    size = len(seen)
    spread = expected.sum() - (expected**2).sum() / expected.sum()
    excess = (size * dispersion - (size - 1)) / spread if spread > 0 else 0.0
    return dispersion, max(0.0, float(excess))
