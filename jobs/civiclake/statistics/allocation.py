"""Where more supply, or supply that is moved, lifts most people towards a floor.

Sources: B. Fox, "Discrete optimization via marginal analysis", Management Science 13 (1966),
pp. 210-216: severity (:mod:`civiclake.statistics.shortfall`) is a sum over places, so it falls by
a gain f_i(k - 1) - f_i(k) for the k-th unit of place i, whatever the others get. The integer
program maximises the sum of the gains, takes the fewest units that do as much, and of those
answers the first by order of the places, so that there is one; HiGHS solves it, through PuLP.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np
import pulp

from civiclake.errors import UserError
from civiclake.statistics.measured import Floats, Integers, floats, same_length
from civiclake.statistics.plans import MOST_PAIRS, let_highs_greet
from civiclake.statistics.shortfall import SAME, Shortfall, checked, lacks, shortfall

_LARGEST_GAIN = 1000.0
"""What the largest gain is scaled to, so that HiGHS' tolerance (1e-6) tells all others apart."""
_TOLERANCE = 1e-6


@dataclass(frozen=True)
class Allocation:
    """Who gets how many units, who gives them, and what it does."""

    given: Integers
    """Units that each place gets."""
    taken: Integers
    """Units that each place gives up; none when they are new."""
    after: Floats
    """What each place has then."""
    before_shortfall: Shortfall
    after_shortfall: Shortfall
    units_used: int
    bound_gap: float
    """How far, as a share of the severity, a better answer may be; 0 where this one is proven."""
    gap: str | None = None
    """What was asked and not done, and why."""


def open_new(
    people: Iterable[Any],
    have: Iterable[Any],
    floor_per_person: Iterable[Any],
    units: int,
    size: Iterable[Any],
    *,
    time_limit_s: float = 60,
) -> Allocation:
    """Where so many new units (classes) lift most.

    Args:
        people: of each place.
        have: what each place has.
        floor_per_person: above 0.
        units: to be opened at most; those that would lift nobody are not.
        size: what one unit adds in each place (seats of a class).
        time_limit_s: after which the best answer so far is taken, with its gap.

    Raises:
        UserError: a value cannot be meant, or the program would be too large.
    """
    who, has, floor = checked(people, have, floor_per_person)
    adds = floats("size", size, lowest=0)
    same_length(people=who, size=adds)
    if (adds <= 0).any():
        raise UserError("size: a unit that adds 0 is no unit; above 0 is allowed")
    asked = _Asked(who, has, floor, adds, _units(units), None, time_limit_s)
    return _answer(asked, "more would bring nobody nearer to the floor")


def move(
    people: Iterable[Any],
    have: Iterable[Any],
    floor_per_person: Iterable[Any],
    units: int,
    groups: Iterable[Any],
    *,
    time_limit_s: float = 60,
) -> Allocation:
    """Where so many units (teachers) help most when they are moved, and from where.

    A place gives only what it has above its floor, and only to places of its group (kind of
    school).

    Args:
        people: of each place.
        have: units that each place has.
        floor_per_person: above 0.
        units: to be moved at most; those that would lift nobody stay.
        groups: of each place.
        time_limit_s: after which the best answer so far is taken, with its gap.

    Raises:
        UserError: a value cannot be meant, or the program would be too large.
    """
    who, has, floor = checked(people, have, floor_per_person)
    names = np.asarray([str(group) for group in groups])
    same_length(people=who, groups=names)
    asked = _Asked(who, has, floor, np.ones_like(who), _units(units), names, time_limit_s)
    return _answer(
        asked, "nobody else is below the floor, or nobody of the same kind has more to spare"
    )


@dataclass(frozen=True)
class _Asked:
    people: Floats
    have: Floats
    floor: Floats
    size: Floats
    units: int
    groups: Any
    """Of each place, where units are moved; None where they are new."""
    time_limit_s: float

    @property
    def wanted(self) -> Integers:
        """Units that bring each place to its floor, no more than there are."""
        missing = np.maximum(self.floor * self.people - self.have, 0)
        return np.minimum(np.ceil(missing / self.size - SAME), self.units).astype(np.int64)

    @property
    def spare(self) -> Integers:
        """Whole units that each place has above its floor."""
        over = np.floor(self.have - self.floor * self.people + SAME)
        return np.maximum(over, 0).astype(np.int64)


def _units(units: int) -> int:
    if units < 0:
        raise UserError(f"units: {units}; 0 or more is allowed")
    return units


def _answer(asked: _Asked, enough: str) -> Allocation:
    given, taken, bound_gap = _solve(asked)
    after = asked.have + given * asked.size - taken
    used = int(given.sum())
    told = None if used == asked.units else f"{used} of {asked.units} units are used: {enough}"
    return Allocation(
        given,
        taken,
        after,
        shortfall(asked.people, asked.have, asked.floor),
        shortfall(asked.people, after, asked.floor),
        used,
        bound_gap,
        told,
    )


def _solve(asked: _Asked) -> tuple[Integers, Integers, float]:
    places = len(asked.people)
    none = np.zeros(places, dtype=np.int64)
    wanted = asked.wanted
    if wanted.sum() > MOST_PAIRS:
        raise UserError(
            f"{int(wanted.sum())} units could go to {places} places; up to {MOST_PAIRS} are"
            " allowed (ask for fewer units or fewer places)"
        )
    if not wanted.any():
        return none, none, 0.0
    program = _Program(asked, wanted)
    best, bound_gap = program.least_severity()
    if not bound_gap:
        program.fewest(best)
    return program.given(), program.taken(), bound_gap


class _Program:
    """The integer program: a flag for each further unit of a place, a count for what it gives."""

    def __init__(self, asked: _Asked, wanted: Integers) -> None:
        self._asked = asked
        self._problem = pulp.LpProblem("allocation", pulp.LpMinimize)
        self._flags = [
            [pulp.LpVariable(f"get_{place}_{unit}", cat="Binary") for unit in range(count)]
            for place, count in enumerate(wanted)
        ]
        gains = [_gains(asked, place, int(count)) for place, count in enumerate(wanted)]
        scale = _LARGEST_GAIN / max(gain for some in gains for gain in some)
        self._gains = [[scale * gain for gain in some] for some in gains]
        spare = asked.spare if asked.groups is not None else np.zeros_like(wanted)
        self._gives = [
            pulp.LpVariable(f"give_{place}", 0, int(most), cat="Integer")
            for place, most in enumerate(spare)
        ]
        self._problem += pulp.lpSum(f for flags in self._flags for f in flags) <= asked.units
        if asked.groups is not None:
            for group in np.unique(asked.groups):
                mine = np.flatnonzero(asked.groups == group)
                self._problem += pulp.lpSum(f for p in mine for f in self._flags[p]) == pulp.lpSum(
                    self._gives[p] for p in mine
                )

    def _gained(self) -> pulp.LpAffineExpression:
        return pulp.lpSum(
            gain * flag
            for gains, flags in zip(self._gains, self._flags, strict=True)
            for gain, flag in zip(gains, flags, strict=True)
        )

    def least_severity(self) -> tuple[float, float]:
        """The most that severity can fall by (scaled), and how far that may be from the best."""
        self._problem.setObjective(-self._gained())
        bound_gap = self._run()
        return -float(pulp.value(self._problem.objective)), bound_gap

    def fewest(self, best: float) -> None:
        """Of the answers that do as much, the one with the fewest units, by order of the places."""
        self._problem += self._gained() >= best - _TOLERANCE
        # Whole numbers: one unit more outweighs any order of the places.
        unit = 2 * (len(self._flags) + 1) * (self._asked.units + 1)
        self._problem.setObjective(
            pulp.lpSum((unit + n) * f for n, flags in enumerate(self._flags) for f in flags)
            + pulp.lpSum(n * give for n, give in enumerate(self._gives))
        )
        self._run()

    def _run(self) -> float:
        """Solve; how far the answer may be from the best, 0 where it is proven."""
        limit = self._asked.time_limit_s
        solver = pulp.HiGHS(msg=False, timeLimit=limit, threads=1, gapRel=0)
        let_highs_greet()
        self._problem.solve(solver)
        highs: highspy.Highs = self._problem.solverModel
        found = highs.getInfo()
        if found.primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
            raise UserError(f"no answer was found within {limit} s; allow more time")
        proven = highs.getModelStatus() == highspy.HighsModelStatus.kOptimal
        return 0.0 if proven else float(found.mip_gap)

    def given(self) -> Integers:
        """Units that each place gets."""
        return np.asarray(
            [sum(round(f.value()) for f in flags) for flags in self._flags], dtype=np.int64
        )

    def taken(self) -> Integers:
        """Units that each place gives."""
        return np.asarray([round(give.value() or 0) for give in self._gives], dtype=np.int64)


def _gains(asked: _Asked, place: int, units: int) -> list[float]:
    """By how much each further unit lowers the severity, as a share of the whole city's people."""
    one = slice(place, place + 1)
    people, floor = asked.people[one], asked.floor[one]
    weight = float(people[0]) / float(asked.people.sum())
    left = [
        float(lacks(people, asked.have[one] + unit * asked.size[one], floor)[0])
        for unit in range(units + 1)
    ]
    return [weight * (left[n] ** 2 - left[n + 1] ** 2) for n in range(units)]
