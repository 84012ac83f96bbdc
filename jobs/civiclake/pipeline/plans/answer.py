"""From a question and a city to a plan: what is chosen, who gains, and what cannot be had.

Nothing here reads or writes: tables in, tables out, by the methods of
:mod:`civiclake.statistics.siting`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from civiclake.errors import UserError
from civiclake.pipeline.plans import effects, limits
from civiclake.pipeline.plans.asked import Asked
from civiclake.pipeline.plans.candidates import candidates
from civiclake.pipeline.plans.effects import Served
from civiclake.pipeline.plans.given import COLUMNS
from civiclake.pipeline.plans.kinds import Solve
from civiclake.pipeline.plans.posed import Posed
from civiclake.pipeline.plans.reach import shown
from civiclake.pipeline.plans.town import Town, check_inside, district_of
from civiclake.pipeline.plans.ways import to_nearest_stop, ways
from civiclake.statistics import plans, siting


@dataclass(frozen=True)
class Answer:
    """A plan, and what it does."""

    asked: Asked
    """With the model that was solved: another one where what was asked cannot be had."""
    chosen: pd.DataFrame
    """The new sites: ``id``, ``name``, ``latitude``, ``longitude``, ``district``, ``people``
    that it serves, of those who ``gains``, and ``stop_m``: metres to the nearest stop of public
    transport (NaN where none is known)."""
    standing: pd.DataFrame
    """Those that stand: ``id``, ``name``, ``latitude``, ``longitude``."""
    objective: float | None
    bound_gap: float
    """How far, as a share, the best plan may still be better; 0: proven best."""
    before: Served
    after: Served
    places: pd.DataFrame
    """By cell, of :func:`effects.by_place`."""
    districts: pd.DataFrame
    """By code, of :func:`effects.by_district`."""
    not_coverable: pd.DataFrame
    """Places that no candidate has within reach; as ``places``."""
    told: tuple[str, ...]
    """What cannot be had, what is answered instead, and what was done to the data."""

    @property
    def objective_unit(self) -> str:
        """What the objective counts."""
        unit = "metres" if self.asked.within.unit == "m" else "minutes"
        return {
            Solve.P_MEDIAN: f"people-{unit}",
            Solve.MAXIMAL_COVERING: "people",
            Solve.SET_COVERING: "new sites",
            Solve.P_CENTER: unit,
        }[self.asked.solve]


def answer(town: Town, asked: Asked) -> Answer:
    """Plan.

    Raises:
        UserError: there is no candidate, one lies outside the city, nobody can be served, or the
            solver found no plan in its time.
    """
    if not asked.fixed.empty:
        check_inside(town, asked.fixed, "fixed sites")
    standing = _standing(town, asked)
    may, told = candidates(town, asked)
    sites = pd.concat([may, standing], ignore_index=True)
    table = ways(town, sites, asked.within.unit, asked.by, asked.kind.goes)
    told = [*town.told, *table.told, *told]
    posed = Posed(
        asked,
        town.places["people"].to_numpy(float),
        table.costs,
        len(may),
        _capacities(asked, sites, len(may)),
    )
    limits.refuse_impossible(posed)
    solved, used, more = _solved(posed)
    made = _made(town, replace(posed, asked=used), sites, solved)
    # Whom no site can reach is told by what was asked, also where another model answers.
    lost = limits.sentences(posed, made.not_coverable)
    return replace(made, told=(*lost, *more, *_of_plan(made), *told))


def _standing(town: Town, asked: Asked) -> pd.DataFrame:
    columns = [*COLUMNS, "capacity"]
    known = town.standing[columns]
    more = asked.fixed.reindex(columns=columns)
    parts = [part for part in (known, more) if not part.empty]
    return pd.concat(parts, ignore_index=True) if parts else known


def _capacities(asked: Asked, sites: pd.DataFrame, new: int) -> effects.Floats | None:
    if asked.capacity is None:
        return None
    held = pd.to_numeric(sites["capacity"], errors="coerce").to_numpy(float).copy()
    held[:new] = asked.capacity
    unknown = np.flatnonzero(~np.isfinite(held))
    if len(unknown):
        raise UserError(
            f"capacity: that of {sites['id'][unknown[0]]!r} is not known ({len(unknown)} of"
            f" {len(sites) - new} that stand); plan without --capacity"
        )
    return held


def _solved(posed: Posed) -> tuple[plans.Plan, Asked, list[str]]:
    """The plan; where a set covering takes more sites than asked, the nearest that can be had."""
    asked, question = posed.asked, posed.question()
    within = asked.within.amount
    if asked.solve is Solve.SET_COVERING:
        found = siting.set_covering(question, within)
        needed = len(_new(found, posed))
        if asked.new is None or needed <= asked.new:
            return found, asked, []
        told = (
            f"{needed} new sites would have everybody within {asked.within} whom any site can;"
            f" {asked.new} are asked: these have the most people within it"
        )
        asked = replace(asked, solve=Solve.MAXIMAL_COVERING)
        return siting.maximal_covering(question, asked.new or 0, within), asked, [told]
    new = asked.new or 0
    if asked.solve is Solve.MAXIMAL_COVERING:
        return siting.maximal_covering(question, new, within), asked, []
    if asked.solve is Solve.P_CENTER:
        return siting.p_center(question, new), asked, []
    found = siting.p_median(question, new)
    more = [found.gap] if asked.capacity is not None and found.gap else []
    return found, asked, more


def _new(found: plans.Plan, posed: Posed) -> tuple[int, ...]:
    return tuple(site for site in found.sites if site < posed.new)


def _made(town: Town, posed: Posed, sites: pd.DataFrame, solved: plans.Plan) -> Answer:
    """What the plan does, in tables."""
    asked, within = posed.asked, posed.asked.within.amount
    chosen = _new(solved, posed)
    built = [*chosen, *range(posed.new, len(sites))]
    before = effects.nearest(posed.standing)[1]
    if posed.capacities is None:
        site, after = effects.nearest(posed.costs[:, built])
        site = np.where(site >= 0, np.asarray(built)[site], plans.NOBODY)
    else:
        site = solved.served_by
        after = np.where(site >= 0, posed.costs[np.arange(len(site)), np.maximum(site, 0)], np.nan)
    found = effects.by_place(town.places, before, after, site, within)
    lost = found[posed.least > within]
    mine = effects.by_site(found, sites, chosen)
    mine["stop_m"] = to_nearest_stop(town, mine)
    mine["district"] = district_of(town.districts, mine["latitude"], mine["longitude"])
    objective = float(len(chosen)) if asked.solve is Solve.SET_COVERING else solved.objective
    return Answer(
        asked=asked,
        chosen=mine,
        standing=sites.iloc[posed.new :],
        objective=objective,
        bound_gap=solved.bound_gap,
        before=effects.served(posed.people, before, within),
        after=effects.served(posed.people, after, within),
        places=found,
        districts=effects.by_district(found, town.districts, within),
        not_coverable=lost,
        told=(),
    )


def _of_plan(made: Answer) -> list[str]:
    """What a reader must know of the plan itself."""
    asked, told = made.asked, []
    if made.bound_gap > 0:
        told.append(
            f"not proven best within {asked.time_limit_s:g} s: the best plan may be up to"
            f" {made.bound_gap:.1%} better"
        )
    idle = made.chosen[made.chosen["gains"] <= 0]
    if asked.solve is Solve.MAXIMAL_COVERING and len(idle):
        told.append(
            f"{len(idle)} of {len(made.chosen)} new sites bring nobody new within"
            f" {shown(asked.within.amount, asked.within.unit)}"
        )
    if made.after.cut_off:
        told.append(f"{made.after.cut_off:,.0f} people have no way to any site")
    return told
