"""Parity between two groups of children, as SDG indicator 4.5.1 defines it, with an interval.

Source: UNESCO Institute for Statistics, metadata of SDG indicator 4.5.1: the value of the group
that is likely the worse off (girls, rural, poorest) over that of the other; adjusted, where it
is above 1, to 2 - 1/index, so that both directions are as far from 1.
Interval: D. Katz et al., "Obtaining confidence intervals for the risk ratio in cohort studies",
Biometrics 34 (1978), pp. 469-474 (normal on the logarithm), by statsmodels.
"""

from __future__ import annotations

from dataclasses import dataclass

from statsmodels.stats.proportion import confint_proportions_2indep

from civiclake.errors import UserError

FAIR_FROM, FAIR_TO = 0.97, 1.03
"""UNESCO's band of parity (EFA Global Monitoring Report)."""


@dataclass(frozen=True)
class Parity:
    """A parity index with its interval; None where it is not defined, and why."""

    index: float | None
    low: float | None = None
    high: float | None = None
    adjusted: float | None = None
    """Between 0 and 2."""
    gap: str | None = None

    @property
    def is_fair(self) -> bool | None:
        """Whether the index lies in UNESCO's band of parity."""
        return None if self.index is None else FAIR_FROM <= self.index <= FAIR_TO


def parity(
    reached: int, group: int, other_reached: int, other_group: int, confidence: float = 0.95
) -> Parity:
    """The share that is reached in one group over that in the other.

    Args:
        reached: of the group that is likely the worse off, how many are (enrolled, near, ...).
        group: how many there are in it.
        other_reached: the same of the other group.
        other_group: how many there are in the other group.
        confidence: of the interval, as a share.

    Raises:
        UserError: a count is negative, or more are reached than there are.
    """
    for name, some, all_of in (
        ("reached", reached, group),
        ("other_reached", other_reached, other_group),
    ):
        if not 0 <= some <= all_of:
            raise UserError(f"{name}: {some} of {all_of}; 0 to {all_of} is allowed")
    if not group or not other_group:
        return Parity(None, gap="a group without anybody in it")
    if not other_reached:
        return Parity(None, gap="nobody of the other group is reached: there is no ratio")
    index = (reached / group) / (other_reached / other_group)
    adjusted = index if index <= 1 else 2 - 1 / index
    if not reached:
        return Parity(0.0, adjusted=0.0, gap="nobody is reached: the interval is not defined")
    low, high = confint_proportions_2indep(
        reached,
        group,
        other_reached,
        other_group,
        compare="ratio",
        method="log",
        alpha=1 - confidence,
    )
    return Parity(index, float(low), float(high), adjusted)


def parity_of_means(value: float | None, other: float | None) -> Parity:
    """The ratio of two groups' means (class size, spending): no interval, for it needs counts."""
    if value is None or other is None:
        return Parity(None, gap="a group without a value")
    if other <= 0:
        return Parity(None, gap=f"the other group's value is {other}: there is no ratio")
    index = value / other
    return Parity(index, adjusted=index if index <= 1 else 2 - 1 / index)
