"""What cannot be had: whom no site can reach, and the nearest question that has an answer."""

from __future__ import annotations

import numpy as np
import pandas as pd

from civiclake.errors import UserError
from civiclake.pipeline.plans.kinds import Solve
from civiclake.pipeline.plans.posed import Posed
from civiclake.pipeline.plans.reach import Reach, shown
from civiclake.statistics import siting

_NAMED = 5
"""So many districts are named; of more, how many."""


def refuse_impossible(posed: Posed) -> None:
    """Refuse a question by reach where no site has anybody within it.

    Raises:
        UserError: so it is; it says which reach would serve the first, and which all.
    """
    asked, least = posed.asked, posed.least
    some = np.isfinite(least)
    if not some.any():
        raise UserError(
            "nobody has a way to any candidate: the roads do not connect them; hand in others"
            " (--candidates FILE)"
        )
    if asked.solve in (Solve.P_MEDIAN, Solve.P_CENTER) or (least <= asked.within.amount).any():
        return
    unit = asked.within.unit
    raise UserError(
        f"within {asked.within}: no site has anybody within it; the nearest that can be asked is"
        f" {_up(least[some].min(), asked.within)}, and {_up(least[some].max(), asked.within)} would"
        f" do for all" + ("" if some.all() else f" but {(~some).sum()} places without any way")
        + f" (ways in {unit.name.lower()}, from cell to site)"
    )  # fmt: skip


def _up(cost: float, reach: Reach) -> str:
    """A cost as a reach that has it within: rounded up."""
    step = 10.0 if reach.unit == "m" else 0.1
    return shown(float(np.ceil(cost / step) * step), reach.unit)


def sentences(posed: Posed, lost: pd.DataFrame) -> list[str]:
    """Whom no candidate has within reach, and what would have them.

    Args:
        posed: the question.
        lost: those places.
    """
    if lost.empty:
        return []
    asked, least = posed.asked, posed.least
    some = np.isfinite(least)
    said = (
        f"{lost['people'].sum():,.0f} people in {len(lost):,} places ({_where(lost)}) have no"
        f" candidate within {asked.within}"
    )
    if some.any():
        said += f"; {_up(least[some].max(), asked.within)} would do for all" + (
            "" if some.all() else f" but {int((~some).sum())} places without any way"
        )
    told = [said]
    if asked.solve is Solve.SET_COVERING and some.any():
        told.append(_nearest_feasible(posed, float(least[some].max())))
    return told


def _nearest_feasible(posed: Posed, within: float) -> str:
    """How many sites it takes to have everybody within the least reach that can."""
    found = siting.set_covering(posed.question(), within)
    number = sum(site < posed.new for site in found.sites)
    proven = "" if found.bound_gap == 0 else " or fewer"
    return (
        f"nearest feasible plan for all: {number} new sites{proven} within"
        f" {_up(within, posed.asked.within)}"
    )


def _where(lost: pd.DataFrame) -> str:
    people = lost.groupby("district")["people"].sum().sort_values(ascending=False)
    names = [str(code) for code in people.index[:_NAMED]]
    more = len(people) - len(names)
    return "district " + ", ".join(names) + (f" and {more} more" if more else "")
