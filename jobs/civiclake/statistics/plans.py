"""What is asked of a plan, what is answered, and how HiGHS is asked.

Sources: Q. Huangfu and J. Hall, "Parallelizing the dual revised simplex method", Mathematical
Programming Computation 10 (2018), pp. 119-142 (HiGHS); through PuLP, which spopt builds on.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import highspy
import numpy as np
import numpy.typing as npt
import pulp

from civiclake.errors import UserError
from civiclake.statistics.measured import Flags, Floats, Integers, floats, same_length

MOST_PAIRS = 500_000
"""Places times sites that a model is built for; beyond it, plan with coarser cells."""
NOBODY = -1
_FAR = 10
"""A pair without a way costs so many times the longest way, times the number of places: whoever
can be reached is."""


@dataclass(frozen=True)
class Question:
    """What is asked: places with people, sites that may be chosen, and what the ways cost."""

    costs: npt.NDArray[np.float64]
    """Place by site, in metres or minutes; NaN or infinite where there is no way."""
    people: Floats
    existing: Flags
    """Which sites stand already: they stay, and do not count as new."""
    capacities: Floats | None
    """People that each site can serve; None if it is not asked."""
    time_limit_s: float


def question(
    costs: Any,
    people: Iterable[Any],
    *,
    existing: Iterable[int] = (),
    capacities: Iterable[Any] | None = None,
    time_limit_s: float = 60,
) -> Question:
    """Check what is asked.

    Args:
        costs: place by site.
        people: of each place.
        existing: numbers of the sites that stand already.
        capacities: of each site, in people.
        time_limit_s: after which the best plan so far is the answer, with its gap.

    Raises:
        UserError: no place, no candidate, nobody there, too many pairs, a negative cost, or
            columns that do not fit.
    """
    table = np.array(costs, dtype=np.float64, ndmin=2)
    weights = floats("people", people, lowest=0)
    if not table.size:
        raise UserError("no place or no candidate site: at least one of each is wanted")
    if table.size > MOST_PAIRS:
        raise UserError(
            f"{len(table)} places times {table.shape[1]} sites are {table.size} pairs; up to"
            f" {MOST_PAIRS} are allowed (take coarser cells or fewer candidates)"
        )
    same_length(places=table, people=weights)
    if not weights.any():
        raise UserError("people: nobody lives in any of the places, so no site is better")
    if (table < 0).any():
        raise UserError(f"costs: {table[table < 0][0]} is below 0")
    stands = np.zeros(table.shape[1], dtype=bool)
    for site in existing:
        if not 0 <= site < len(stands):
            raise UserError(f"existing site {site}: 0 to {len(stands) - 1} is allowed")
        stands[site] = True
    room = None if capacities is None else floats("capacities", capacities, lowest=0)
    if room is not None:
        same_length(sites=stands, capacities=room)
    table[~np.isfinite(table)] = np.nan
    return Question(table, weights, stands, room, time_limit_s)


@dataclass(frozen=True)
class Plan:
    """The chosen sites and what they do for people."""

    sites: tuple[int, ...]
    """Existing and new ones, by number."""
    objective: float | None
    """Of the model: people-metres, people, sites, or metres."""
    bound_gap: float
    """How far, as a share, the best plan may still be better; 0 where this one is proven best."""
    served_by: Integers
    """Of each place its site; :data:`NOBODY` where it has none."""
    people_served: float
    people: float
    not_coverable: tuple[int, ...]
    """Places that no candidate can serve."""
    gap: str | None = None
    """What was asked and cannot be had, and what is answered instead."""

    @property
    def share_served(self) -> float:
        """Of people. spopt's ``perc_cov`` is the share of places."""
        return self.people_served / self.people


def solve(model: Any, asked: Question) -> tuple[tuple[int, ...], float, float] | None:
    """Sites, objective and bound gap; None where no plan fulfils the model.

    pulp calls a plan optimal when only the time was up, so HiGHS itself is asked.
    """
    problem = model.problem
    let_highs_greet()
    # By itself HiGHS calls a plan optimal that is within a ten thousandth of the bound.
    problem.solve(pulp.HiGHS(msg=False, timeLimit=asked.time_limit_s, threads=1, gapRel=0))
    highs: highspy.Highs = problem.solverModel
    status, found = highs.getModelStatus(), highs.getInfo()
    if status in (
        highspy.HighsModelStatus.kInfeasible,
        highspy.HighsModelStatus.kUnboundedOrInfeasible,
    ):
        return None
    if found.primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
        raise UserError(
            f"no plan was found within {asked.time_limit_s} s ({status.name}); allow more time,"
            " or take coarser cells or fewer candidates"
        )
    chosen = tuple(n for n, v in enumerate(model.fac_vars) if v.value() > 0.5)
    proven = status == highspy.HighsModelStatus.kOptimal
    gap = 0.0 if proven else float(found.mip_gap)
    return chosen, float(problem.objective.value()), gap


@cache
def let_highs_greet() -> None:
    """Its first model of a process greets on stdout, whatever its options: results stand there."""
    sys.stdout.flush()
    kept = os.dup(1)
    try:
        with Path(os.devnull).open("w") as nothing:
            os.dup2(nothing.fileno(), 1)
            pulp.HiGHS(msg=False).createAndConfigureSolver(pulp.LpProblem())
            ctypes.CDLL(None).fflush(None)
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def fixed(asked: Question) -> npt.NDArray[np.int64] | None:
    """The existing sites as spopt wants them: a flag for each, or it would read numbers."""
    return asked.existing.astype(np.int64) if asked.existing.any() else None


def with_far(asked: Question) -> tuple[npt.NDArray[np.float64], float]:
    """Costs without gaps: no way is dearer than all ways that there are."""
    longest = float(np.nanmax(asked.costs)) if np.isfinite(asked.costs).any() else 1.0
    far = _FAR * max(longest, 1.0) * len(asked.costs)
    return np.where(np.isnan(asked.costs), far, asked.costs), far


def plan(
    asked: Question,
    solved: tuple[tuple[int, ...], float | None, float],
    within: float = np.inf,
    gap: str | None = None,
    served_by: Integers | None = None,
) -> Plan:
    """The plan that a solution amounts to.

    Args:
        asked: the question.
        solved: sites, objective and bound gap.
        within: the highest cost that counts as served.
        gap: what cannot be had.
        served_by: the site of each place; the nearest one if left out.
    """
    sites, objective, bound_gap = solved
    served = nearest(asked, sites, within) if served_by is None else served_by
    lost = np.flatnonzero(~(asked.costs <= within).any(axis=1))
    return Plan(
        sites,
        objective,
        bound_gap,
        served,
        float(asked.people[served != NOBODY].sum()),
        float(asked.people.sum()),
        tuple(int(place) for place in lost),
        gap,
    )


def nearest(asked: Question, sites: tuple[int, ...], within: float) -> Integers:
    """The cheapest of the sites for each place, :data:`NOBODY` where none is within the cost."""
    found = np.full(len(asked.costs), NOBODY, dtype=np.int64)
    if sites:
        near = np.where(asked.costs <= within, asked.costs, np.inf)[:, list(sites)]
        best = near.argmin(axis=1)
        some = np.isfinite(near[np.arange(len(near)), best])
        found[some] = np.asarray(sites)[best[some]]
    return found
