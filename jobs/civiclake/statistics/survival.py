"""How long until something happens, when not everybody is followed to the end.

Sources: E. Kaplan and P. Meier, "Nonparametric estimation from incomplete observations", Journal of
the American Statistical Association 53 (1958), pp. 457-481, with Greenwood's variance (1926) and
limits on the log-log scale (J. Kalbfleisch and R. Prentice, 1980); O. Aalen and S. Johansen,
Scandinavian Journal of Statistics 5 (1978), pp. 141-150 (several outcomes); D. Cox, "Regression
models and life-tables", Journal of the Royal Statistical Society B 34 (1972), pp. 187-220, with
B. Efron's ties (1977), by statsmodels.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.duration.hazard_regression import PHReg

from civiclake.errors import UserError
from civiclake.statistics.measured import Floats, floats, same_length

_STEEPEST = 8.0
"""A coefficient beyond, in standard deviations of its column, has run away."""


@dataclass(frozen=True)
class Hazards:
    """Cox's regression: by column, the logarithm of the hazard ratio."""

    coefficients: Mapping[str, float]
    standard_errors: Mapping[str, float]
    p_values: Mapping[str, float]
    events: int
    count: int
    gap: str | None = None
    """Why there are no coefficients."""


def survival(
    days: Iterable[Any],
    happened: Iterable[Any],
    entered: Iterable[Any] | None = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Kaplan and Meier's estimate, by day on which something happened.

    Args:
        days: from the beginning to the event or to the end of being followed; above 0.
        happened: whether it was the event.
        entered: days from the beginning to the first day of being followed; 0 if None.
        confidence: of the limits, as a share.

    Returns:
        By ``day``: ``at_risk``, ``events``, ``survival``, ``error``, ``lower``, ``upper``.

    Raises:
        UserError: a number is missing or cannot be meant, such as a day before the entry.
    """
    ends, events, begins = _followed(days, happened, entered)
    table = _table(ends, events, begins)
    share = (1 - table["events"] / table["at_risk"]).cumprod()
    left = table["at_risk"] - table["events"]
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = (table["events"] / (table["at_risk"] * left)).cumsum()
        error = share * np.sqrt(terms)
        width = stats.norm.ppf((1 + confidence) / 2) * np.sqrt(terms) / np.log(share)
        lower, upper = share ** np.exp(-width), share ** np.exp(width)
    there = (share > 0) & (share < 1)
    return table.assign(
        survival=share,
        error=error.where(share > 0),
        lower=lower.where(there),
        upper=upper.where(there),
    )


def cumulative_incidence(days: Iterable[Any], outcomes: Iterable[Any]) -> pd.DataFrame:
    """Aalen and Johansen's estimate: the share that has had each outcome by each day.

    Outcomes of the same day share the people at risk on it: nothing is moved to part them.

    Args:
        days: from the beginning to the outcome, or to the end of being followed; above 0.
        outcomes: 0 for none, and a number above 0 for each kind.

    Returns:
        By ``day``, a column for each outcome.
    """
    kinds = floats("outcomes", outcomes, lowest=0)
    ends, events, begins = _followed(days, kinds > 0, None)
    table = _table(ends, events, begins)
    alive = (1 - table["events"] / table["at_risk"]).cumprod().shift(fill_value=1.0)
    found = {}
    for kind in sorted({int(k) for k in kinds if k > 0}):
        here = pd.Series(ends[kinds == kind]).value_counts().reindex(table.index, fill_value=0)
        found[kind] = (alive * here / table["at_risk"]).cumsum()
    return pd.DataFrame(found, index=table.index)


def hazards(
    days: Iterable[Any],
    happened: Iterable[Any],
    explaining: Mapping[str, Iterable[Any]],
    entered: Iterable[Any] | None = None,
) -> Hazards:
    """Cox's regression with Efron's ties.

    Args:
        days: as for :func:`survival`.
        happened: the same.
        explaining: columns by name.
        entered: as for :func:`survival`.

    Returns:
        Coefficients, or why there are none: nothing happened, a column that does not vary, a
        likelihood that has no highest point.

    Raises:
        UserError: a number is missing or cannot be meant.
    """
    ends, events, begins = _followed(days, happened, entered)
    columns = {name: floats(name, values) for name, values in explaining.items()}
    same_length(days=ends, **columns)
    x = np.column_stack(list(columns.values())) if columns else np.empty((len(ends), 0))
    why = _cannot_be_fitted(x, events)
    if why is None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = PHReg(ends, x, status=events.astype(int), entry=begins, ties="efron")
            try:
                found = model.fit(disp=0)
            except (np.linalg.LinAlgError, ValueError) as error:
                return _none(events, f"it could not be fitted ({type(error).__name__})")
        steep = np.abs(found.params) * x.std(axis=0)
        numbers = np.concatenate([found.params, found.bse])
        if np.isfinite(numbers).all() and steep.max() <= _STEEPEST:
            coefficients, errors, p_values = (
                dict(zip(columns, map(float, values), strict=True))
                for values in (found.params, found.bse, found.pvalues)
            )
            return Hazards(coefficients, errors, p_values, int(events.sum()), len(events))
        why = "the likelihood has no highest point: some group has all events or none"
    return _none(events, why)


def _none(events: np.ndarray, why: str) -> Hazards:
    return Hazards({}, {}, {}, int(events.sum()), len(events), why)


def _cannot_be_fitted(x: Floats, events: np.ndarray) -> str | None:
    if not events.any():
        return "nothing has happened to anybody"
    if not x.shape[1] or (np.ptp(x, axis=0) == 0).any():
        return "a column does not vary, or there is none"
    if np.linalg.matrix_rank(x - x.mean(axis=0)) < x.shape[1]:
        return "a column follows from the others"
    return None


def _followed(
    days: Iterable[Any], happened: Iterable[Any], entered: Iterable[Any] | None
) -> tuple[Floats, np.ndarray, Floats]:
    ends, events = floats("days", days), floats("happened", happened)
    begins = np.zeros_like(ends) if entered is None else floats("entered", entered, lowest=0)
    same_length(days=ends, happened=events, entered=begins)
    if not np.isin(events, (0, 1)).all():
        raise UserError("happened: true and false are allowed")
    early = ends <= begins
    if early.any():
        at = int(early.argmax())
        raise UserError(
            f"days: number {at + 1} is {ends[at]:g}, entered {begins[at]:g}; later is allowed"
        )
    return ends, events.astype(bool), begins


def _table(ends: Floats, events: np.ndarray, begins: Floats) -> pd.DataFrame:
    """Days on which something happened: how many were followed, and to how many it happened."""
    days, counts = np.unique(ends[events], return_counts=True)
    ended = np.searchsorted(np.sort(ends), days, side="left")
    begun = np.searchsorted(np.sort(begins), days, side="left")
    return pd.DataFrame(
        {"at_risk": begun - ended, "events": counts}, index=pd.Index(days, name="day")
    )
