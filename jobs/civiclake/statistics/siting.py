"""Where the next ones should stand: p-median, coverings and p-center, exactly where HiGHS can.

Sources: S. Hakimi, "Optimum locations of switching centers", Operations Research 12 (1964),
pp. 450-459 (p-median, p-center); C. Toregas et al., "The location of emergency service
facilities", Operations Research 19 (1971), pp. 1363-1373 (set covering); R. Church and C. ReVelle,
"The maximal covering location problem", Papers in Regional Science 32 (1974), pp. 101-118; the
models by spopt 0.7 (R. Church and A. Murray, "Location Covering Models", 2018). The p-center is
found as E. Minieka does, "The m-center problem", SIAM Review 12 (1970), pp. 138-139: the least
cost within which a set covering needs no more sites; the model in one piece leaves HiGHS with half
of its gap where these small ones are proven at once.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import numpy.typing as npt
from spopt.locate import LSCP, MCLP, PMedian

from civiclake.errors import UserError
from civiclake.statistics.measured import Integers
from civiclake.statistics.plans import NOBODY, Plan, Question, fixed, plan, solve, with_far


def _number(asked: Question, new: int) -> int:
    candidates = int((~asked.existing).sum())
    if not 0 <= new <= candidates or new + asked.existing.sum() < 1:
        raise UserError(f"{new} new sites: 1 to {candidates}, the candidates, are allowed")
    return new + int(asked.existing.sum())


def _no_capacities(asked: Question, model: str) -> None:
    if asked.capacities is not None:
        raise UserError(
            f"capacities: {model} does not know them; p-median and set covering are allowed"
        )


def p_median(asked: Question, new: int) -> Plan:
    """Sites with the least sum of people times cost.

    With capacities each place goes to one site as a whole, and where the number of sites cannot
    hold everybody, the plan has as many more as it takes, and says so.

    Raises:
        UserError: more new sites than candidates, or all candidates cannot hold everybody.
    """
    number = _number(asked, new)
    costs, far = with_far(asked)
    solved, used = None, number
    for used in range(_fewest(asked, number), len(asked.existing) + 1):
        model = PMedian.from_cost_matrix(costs, asked.people, used, fixed(asked), asked.capacities)
        solved = solve(model, asked)
        if solved is not None:
            break
    if solved is None:
        raise UserError("capacities: no way to give each place as a whole to one site")
    served, lost = _assigned(model, costs, far, len(asked.costs))
    told = [] if used == number else [f"{number} sites cannot hold everybody: {used} can"]
    if lost:
        told.append(f"{lost} places are reached from none of the chosen sites")
    sites, _, bound_gap = solved
    some = served != NOBODY
    total = float((asked.people[some] * costs[some, served[some]]).sum())
    return plan(asked, (sites, total, bound_gap), gap="; ".join(told) or None, served_by=served)


def _fewest(asked: Question, number: int) -> int:
    """How many sites, the existing ones among them, could hold everybody."""
    if asked.capacities is None:
        return number
    stands = float(asked.capacities[asked.existing].sum())
    more = np.sort(asked.capacities[~asked.existing])[::-1]
    held = stands + np.concatenate([[0.0], np.cumsum(more)])
    people = float(asked.people.sum())
    if held[-1] < people:
        raise UserError(f"capacities: all sites hold {held[-1]:g} of {people:g} people")
    return max(number, int(asked.existing.sum()) + int((held >= people).argmax()))


def _assigned(
    model: Any, costs: npt.NDArray[np.float64], far: float, places: int
) -> tuple[Integers, int]:
    """The site of each place by the model, and how many have no way to theirs."""
    given = np.asarray([[v.value() or 0.0 for v in row] for row in model.cli_assgn_vars])
    served = given.argmax(axis=1).astype(np.int64)
    served[costs[np.arange(places), served] >= far] = NOBODY
    return served, int((served == NOBODY).sum())


def maximal_covering(asked: Question, new: int, within: float) -> Plan:
    """Sites that have the most people within a cost.

    Raises:
        UserError: more new sites than candidates, or there are capacities.
    """
    _no_capacities(asked, "maximal covering")
    number = _number(asked, new)
    costs, _ = with_far(asked)
    costs = np.where(np.isnan(asked.costs), max(within * 2, within + 1), costs)
    solved = solve(MCLP.from_cost_matrix(costs, asked.people, within, number, fixed(asked)), asked)
    assert solved is not None
    return plan(asked, solved, within)


def set_covering(asked: Question, within: float) -> Plan:
    """The fewest sites that have everybody within a cost; existing ones count.

    Places that no candidate has within it are told, with the least cost that would do for all,
    and the plan is for the others. With capacities a place may go to several sites;
    ``served_by`` is then the nearest of the chosen ones.

    Raises:
        UserError: nobody can be covered, or the sites in reach cannot hold those that can.
    """
    can = (asked.costs <= within).any(axis=1)
    inhabited = asked.people > 0
    rows = can & inhabited
    if not rows.any():
        least = _cost_that_would_do(asked)
        raise UserError(f"nobody is within {within:g} of any candidate; {least}")
    costs = np.where(np.isnan(asked.costs), max(within * 2, within + 1), asked.costs)[rows]
    demand = None if asked.capacities is None else asked.people[rows]
    room = asked.capacities
    if demand is not None and room is not None and demand.sum() > room.sum():
        raise UserError(f"capacities: all sites hold {room.sum():g} of {demand.sum():g} people")
    model = LSCP.from_cost_matrix(costs, within, fixed(asked), demand, room)
    solved = solve(model, asked)
    if solved is None:
        raise UserError(f"capacities: the sites within {within:g} of some places cannot hold them")
    missing = int((~can & inhabited).sum())
    told = (
        f"{missing} places have no candidate within {within:g}; {_cost_that_would_do(asked)}"
        if missing
        else None
    )
    return plan(asked, solved, within, told)


def _cost_that_would_do(asked: Question) -> str:
    inhabited = asked.costs[asked.people > 0]
    best = np.where(np.isnan(inhabited), np.inf, inhabited).min(axis=1)
    some = best[np.isfinite(best)]
    cut_off = len(best) - len(some)
    if not len(some):
        return "no place has a way to any candidate"
    return f"{float(some.max()):g} would do for all" + (
        f" but {cut_off} that have no way to any" if cut_off else ""
    )


def p_center(asked: Question, new: int) -> Plan:
    """Sites with the least cost for whoever has it worst.

    Where that leaves a site over, it goes where it saves people most.

    Raises:
        UserError: more new sites than candidates, nobody has a way to any, or there are
            capacities.
    """
    _no_capacities(asked, "p-center")
    number = _number(asked, new)
    rows = np.isfinite(asked.costs).any(axis=1) & (asked.people > 0)
    if not rows.any():
        raise UserError("no place has a way to any candidate")
    costs = np.where(np.isnan(asked.costs), np.inf, asked.costs)[rows]
    found = _least_radius(asked, costs, number)
    if found is None:
        return _nearest_center(asked, new, number)
    worst, sites, gap = found
    lost = int((~rows & (asked.people > 0)).sum())
    told = f"{lost} places have no way to any candidate" if lost else None
    return plan(asked, (_filled(asked, sites, number), worst, gap), gap=told)


def _least_radius(
    asked: Question, costs: npt.NDArray[np.float64], number: int
) -> tuple[float, tuple[int, ...], float] | None:
    """The least cost within which so many sites cover all, its sites, and the bound gap."""
    radii = np.unique(costs[np.isfinite(costs)])
    radii = radii[radii >= costs.min(axis=1).max()]
    begun, low, high = time.monotonic(), 0, len(radii) - 1
    best, _ = _cover(asked, costs, float(radii[high]), number)
    if best is None:
        return None
    while low < high and time.monotonic() - begun < asked.time_limit_s:
        middle = (low + high) // 2
        sites, is_proven = _cover(asked, costs, float(radii[middle]), number)
        if sites is not None:
            high, best = middle, sites
        elif is_proven:
            low = middle + 1
        else:
            break
    worst = float(radii[high])
    return worst, best, (worst - float(radii[low])) / worst if low < high else 0.0


def _cover(
    asked: Question, costs: npt.NDArray[np.float64], within: float, number: int
) -> tuple[tuple[int, ...] | None, bool]:
    """So many sites that cover all within a cost, or None; and whether None is proven."""
    found = solve(LSCP.from_cost_matrix(costs, within, fixed(asked)), asked)
    if found is None:
        return None, True
    sites, _, gap = found
    if len(sites) <= number:
        return sites, True
    return None, len(sites) * (1 - gap) > number


def _filled(asked: Question, sites: tuple[int, ...], number: int) -> tuple[int, ...]:
    costs, _ = with_far(asked)
    chosen = list(sites)
    while len(chosen) < number:
        now = costs[:, chosen].min(axis=1) if chosen else np.full(len(costs), np.inf)
        sums = asked.people @ np.minimum(costs, now[:, None])
        sums[chosen] = np.inf
        chosen.append(int(sums.argmin()))
    return tuple(sorted(chosen))


def _nearest_center(asked: Question, new: int, number: int) -> Plan:
    """Where so many sites cannot reach all: those that reach the most people."""
    within = float(np.nanmax(asked.costs))
    reach = maximal_covering(asked, new, within)
    told = (
        f"{number} sites cannot reach every place that some candidate can: these reach"
        f" {reach.people_served:g} of {reach.people:g} people"
    )
    return plan(asked, (reach.sites, None, reach.bound_gap), gap=told)
