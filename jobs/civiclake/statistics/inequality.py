"""How unequally something is shared: Gini's coefficient and Theil's index, weighted by people.

Sources: C. Gini, "Variabilità e mutabilità" (1912), as the mean difference over twice the mean
(A. Sen, "On Economic Inequality", 1973, p. 30); H. Theil, "Economics and Information Theory"
(1967), pp. 91-96 for the index and pp. 123-125 for its sum of between and within groups.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from civiclake.statistics.measured import Floats, Measured, floats, same_length


@dataclass(frozen=True)
class Theil:
    """Theil's T, in nats; ``total`` is ``between`` plus ``within``."""

    total: float | None
    between: float | None
    within: float | None
    gap: str | None = None


def gini(values: Iterable[Any], weights: Iterable[Any] | None = None) -> Measured:
    """Gini's coefficient: 0 where all have the same, towards 1 where one has everything.

    G = sum_ij w_i w_j |y_i - y_j| / (2 W^2 mean); no small-sample correction.

    Args:
        values: what each place (or person) has, none of it negative.
        weights: people of each place; 1 if left out.

    Raises:
        UserError: a value or weight is missing, not finite or negative.
    """
    have, people = _checked(values, weights)
    gap = _gap(have, people)
    if gap:
        return Measured(None, gap, len(have))
    order = np.argsort(have, kind="stable")
    have, people = have[order], people[order]
    below = np.cumsum(people) - people / 2
    mean = float(np.average(have, weights=people))
    total = float(people.sum())
    value = 2 * float((people * have * below).sum()) / (total * total * mean) - 1
    count = int((people > 0).sum())
    one = "one observation only: nothing to compare it with" if count == 1 else None
    return Measured(max(value, 0.0), one, count)


def theil(
    values: Iterable[Any], groups: Iterable[Any], weights: Iterable[Any] | None = None
) -> Theil:
    """Theil's T, and how much of it lies between the groups and how much within them.

    T = sum_i s_i ln(y_i / mean), where s_i is the share of i in the whole; between is the same
    over the groups' means, within the groups' own T weighted by their shares. y ln y is 0 at 0.

    Args:
        values: what each place has, none of it negative.
        groups: the group of each place.
        weights: people of each place; 1 if left out.

    Raises:
        UserError: a value or weight is missing, not finite or negative; lengths differ.
    """
    have, people = _checked(values, weights)
    names = np.asarray([str(g) for g in groups])
    same_length(values=have, groups=names)
    gap = _gap(have, people)
    if gap:
        return Theil(None, None, None, gap)
    mean = float(np.average(have, weights=people))
    shares = people * have / float((people * have).sum())
    total = _nats(shares, have / mean)
    between = 0.0
    for name in np.unique(names):
        mine = names == name
        share = float(shares[mine].sum())
        if share > 0:
            between += share * float(np.log(np.average(have[mine], weights=people[mine]) / mean))
    return Theil(total, between, total - between)


def _nats(shares: Floats, ratios: Floats) -> float:
    some = ratios > 0
    return float((shares[some] * np.log(ratios[some])).sum())


def _checked(values: Iterable[Any], weights: Iterable[Any] | None) -> tuple[Floats, Floats]:
    have = floats("values", values, lowest=0)
    people = np.ones_like(have) if weights is None else floats("weights", weights, lowest=0)
    same_length(values=have, weights=people)
    return have, people


def _gap(have: Floats, people: Floats) -> str | None:
    if not people.any():
        return "no observation with people in it"
    if not (people * have).any():
        return "all are zero: nothing is shared, so its inequality is not defined"
    return None
