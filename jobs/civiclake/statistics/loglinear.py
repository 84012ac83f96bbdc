"""Log-linear models of counts, fitted to many series at once.

Source: P. McCullagh and J. Nelder, "Generalized Linear Models", 2nd ed. (1989), chapters 2.5
(iteratively reweighted least squares) and 6 (quasi-Poisson). All series share the explaining
columns, so that one step is a few products of matrices, however many series there are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from civiclake.statistics.measured import Flags, Floats

MOST_STEPS = 25
_CLOSE = 1e-8
"""Of the deviance, as a share of it."""
_LEAST = 1e-10
"""A mean that is smaller stands for none."""


@dataclass(frozen=True)
class Fits:
    """One fit a series; each array's first axis is the series."""

    coefficients: Floats
    means: Floats
    """Fitted, by series and row."""
    dispersion: Floats
    """Pearson's, not below 1."""
    pearson: Floats
    """The same as it is estimated, which may be below 1."""
    covariance: Floats
    """Of the coefficients, for a dispersion of 1."""
    leverage: Floats
    converged: Flags

    def at(self, row: Floats) -> tuple[Floats, Floats]:
        """Mean at a row of explaining values, and the standard error of its logarithm."""
        spread = np.einsum("i,sij,j->s", row, self.covariance, row)
        with np.errstate(over="ignore"):
            return np.exp(self.coefficients @ row), np.sqrt(self.dispersion * spread)


def fit(counts: Floats, explaining: Floats, weights: Floats | None = None) -> Fits:
    """Fit ``log(mean) = explaining @ coefficients`` to each series.

    Args:
        counts: by series and row, at least 0.
        explaining: by row and column, of full rank; the same for all series.
        weights: of the rows, by series; 1 if there are none.

    Returns:
        The fits; one that is not converged, or that is not finite, says so and is not to be used.
    """
    given = np.ones_like(counts) if weights is None else weights
    means = counts + 0.1
    linear = np.log(means)
    before = np.full(len(counts), np.inf)
    converged = np.zeros(len(counts), dtype=bool)
    working = np.zeros_like(counts)
    coefficients = np.zeros((len(counts), explaining.shape[1]))
    inverse = np.zeros((len(counts), explaining.shape[1], explaining.shape[1]))
    for _ in range(MOST_STEPS):
        open_ = np.flatnonzero(~converged)
        if not len(open_):
            break
        y, w, mu = counts[open_], given[open_], means[open_]
        working[open_] = w * mu
        crossed = explaining.T * working[open_][:, None, :]
        inverse[open_] = np.linalg.pinv(crossed @ explaining, hermitian=True)
        adjusted = linear[open_] + (y - mu) / mu
        found = np.einsum("sij,sj->si", inverse[open_], np.einsum("sjn,sn->sj", crossed, adjusted))
        coefficients[open_] = found
        linear[open_] = np.clip(found @ explaining.T, np.log(_LEAST), 40)
        means[open_] = np.exp(linear[open_])
        now = deviance(y, means[open_], w)
        converged[open_] = np.abs(now - before[open_]) <= _CLOSE * (np.abs(now) + 0.1)
        before[open_] = now
    leverage = working * np.einsum("ni,sij,nj->sn", explaining, inverse, explaining)
    freedom = np.maximum((given > 0).sum(axis=1) - explaining.shape[1], 1)
    pearson = (working * ((counts - means) / means) ** 2).sum(axis=1) / freedom
    return Fits(coefficients, means, np.maximum(pearson, 1), pearson, inverse, leverage, converged)


def deviance(counts: Floats, means: Floats, weights: Floats) -> Floats:
    """Twice what the likelihood lacks to that of a model that knows every count; by series."""
    logs = np.log(np.where(counts > 0, counts, 1) / np.where(counts > 0, means, 1))
    return np.asarray(2 * (weights * (counts * logs - (counts - means))).sum(axis=-1))


def anscombe(counts: Floats, fits: Fits) -> Floats:
    """Anscombe's residuals, standardised by dispersion and leverage; by series and row.

    Source: F. Anscombe (1953), as C. Farrington et al. (1996), section 3.4, use them.
    """
    spread = np.sqrt(fits.dispersion[:, None] * np.maximum(1 - fits.leverage, 1e-9))
    raw = 1.5 * (counts ** (2 / 3) * fits.means ** (-1 / 6) - np.sqrt(fits.means))
    return np.asarray(raw / spread)
