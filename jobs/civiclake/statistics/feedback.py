"""Patrols find what is where patrols are: how an allocation learns true rates all the same.

Source: D. Ensign, S. Friedler, S. Neville, C. Scheidegger and S. Venkatasubramanian, "Runaway
feedback loops in predictive policing", Proceedings of Machine Learning Research 81 (2018), pp.
160-171: an urn of districts, of which one is drawn to be patrolled; what is discovered there puts a
ball of it into the urn. Left so, the urn runs away to one district though rates differ little.
Where an incident counts the less the likelier a patrol was there to discover it (section 5 of the
paper), it learns the rates. What residents report comes in wherever patrols are, and counts whole.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from civiclake.errors import UserError
from civiclake.statistics.measured import Floats, floats, same_length


def told_apart(reported: Iterable[Any], discovered: Iterable[Any], shares: Iterable[Any]) -> Floats:
    """What each district's incidents count for when patrols are allocated.

    Args:
        reported: incidents that somebody reported.
        discovered: those that patrols found by themselves.
        shares: of the patrols, that were in each district meanwhile.

    Returns:
        Reported ones, and the discovered by importance: one counts for the least share over its
        district's share, so that in the mean as many count everywhere of the same rate.

    Raises:
        UserError: columns differ in length, a count is below 0, or something was discovered where
            no patrol was.
    """
    seen, found = floats("reported", reported, lowest=0), floats("discovered", discovered, lowest=0)
    patrolled = floats("shares", shares, lowest=0)
    same_length(reported=seen, discovered=found, shares=patrolled)
    if (found[patrolled == 0] > 0).any():
        at = int(np.flatnonzero((patrolled == 0) & (found > 0))[0])
        raise UserError(f"district {at + 1}: {found[at]:g} discovered where no patrol was")
    some = patrolled > 0
    weight = np.zeros(len(patrolled))
    if some.any():
        weight[some] = patrolled[some].min() / patrolled[some]
    return seen + found * weight


@dataclass(frozen=True)
class Loop:
    """A city of districts with true rates, patrolled for many days."""

    rates: tuple[float, ...]
    """Chance, by district, that a patrol there discovers an incident."""
    reported: tuple[float, ...] | None = None
    """Incidents that are reported there on a day, in the mean; None where none ever is."""
    patrols: int = 50
    """That are sent out on a day, each to a district of its own drawing."""
    days: int = 4_000
    start: tuple[float, ...] | None = None
    """Balls to begin with; one of each district where nothing is said."""


def simulate(loop: Loop, seed: int, *, is_naive: bool) -> Floats:
    """Shares of the patrols at the end.

    Args:
        loop: the city.
        seed: of all chance.
        is_naive: whether whatever is recorded counts alike, instead of :func:`told_apart`.

    Raises:
        UserError: a chance is none, or districts differ in number.
    """
    rates = _chances(loop.rates)
    reports = floats("reported", loop.reported or (0.0,) * len(rates), lowest=0)
    balls = floats("start", loop.start or (1.0,) * len(rates), lowest=0)
    same_length(rates=rates, reported=reports, start=balls)
    chance = np.random.default_rng(seed)
    for _ in range(loop.days):
        shares = balls / balls.sum()
        patrolled = chance.multinomial(loop.patrols, shares)
        discovered, reported = chance.binomial(patrolled, rates), chance.poisson(reports)
        balls = balls + (
            reported + discovered if is_naive else told_apart(reported, discovered, shares)
        )
    return np.asarray(balls / balls.sum(), dtype=np.float64)


def _chances(given: tuple[float, ...]) -> Floats:
    found = floats("rates", given, lowest=0)
    if (found > 1).any():
        raise UserError(f"rates: {found.max():g} is no chance; 0 to 1 is allowed")
    return found
