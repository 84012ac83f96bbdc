"""Least squares whose errors hold without equal variance.

Source: J. MacKinnon and H. White, "Some heteroskedasticity-consistent covariance matrix
estimators with improved finite sample properties", Journal of Econometrics 29 (1985),
pp. 305-325 (HC1: White's, times n / (n - k)), by statsmodels.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from statsmodels.regression.linear_model import OLS

from civiclake.errors import UserError
from civiclake.statistics.measured import floats, same_length

INTERCEPT = "intercept"


@dataclass(frozen=True)
class Fit:
    """A fitted line: by name of the explaining column, and :data:`INTERCEPT`."""

    coefficients: Mapping[str, float]
    standard_errors: Mapping[str, float]
    """Robust (HC1)."""
    p_values: Mapping[str, float]
    r_squared: float
    count: int


def least_squares(explained: Iterable[Any], explaining: Mapping[str, Iterable[Any]]) -> Fit:
    """Fit ``explained = intercept + sum of coefficient * explaining``.

    Raises:
        UserError: a value is missing or not finite, lengths differ, there are too few rows, or
            a column is constant or follows from the others.
    """
    y = floats("explained", explained)
    columns = {name: floats(name, values) for name, values in explaining.items()}
    same_length(explained=y, **columns)
    names = [INTERCEPT, *columns]
    if len(y) <= len(names):
        raise UserError(f"{len(y)} rows for {len(names)} coefficients; more rows than are wanted")
    x = np.column_stack([np.ones_like(y), *columns.values()])
    if np.linalg.matrix_rank(x) < len(names):
        raise UserError(
            f"explaining columns {sorted(columns)}: one is constant or follows from the others;"
            " columns that vary by themselves are wanted"
        )
    found = OLS(y, x).fit(cov_type="HC1")
    return Fit(
        dict(zip(names, map(float, found.params), strict=True)),
        dict(zip(names, map(float, found.bse), strict=True)),
        dict(zip(names, map(float, found.pvalues), strict=True)),
        float(found.rsquared),
        len(y),
    )
