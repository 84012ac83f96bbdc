"""What a plan does for whom: before and after, by district and by site."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from civiclake.pipeline.plans.given import COLUMNS
from civiclake.pipeline.plans.town import OUTSIDE
from civiclake.statistics.plans import NOBODY

Floats = npt.NDArray[np.float64]
Sites = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Served:
    """How people fare with some sites."""

    people: float
    within: float
    """People within reach."""
    mean: float | None
    """Way of a person, of those who have one; None: nobody has."""
    worst: float | None
    """Way of whoever has it worst, of those who have one."""
    cut_off: float
    """People without any way to a site."""

    @property
    def share(self) -> float:
        """Of people, within reach."""
        return self.within / self.people


def served(people: Floats, cost: Floats, within: float) -> Served:
    """How people fare, by the cost of each place's way (NaN: none)."""
    some = np.isfinite(cost)
    reached = float(people[some].sum())
    return Served(
        people=float(people.sum()),
        within=float(people[some & (cost <= within)].sum()),
        mean=float((people[some] * cost[some]).sum() / reached) if reached else None,
        worst=float(cost[some].max()) if some.any() else None,
        cut_off=float(people[~some].sum()),
    )


def nearest(costs: Floats) -> tuple[Sites, Floats]:
    """Of each place the cheapest site (:data:`NOBODY` without a way) and its cost."""
    if not costs.shape[1]:
        return np.full(len(costs), NOBODY, dtype=np.int64), np.full(len(costs), np.nan)
    table = np.where(np.isnan(costs), np.inf, costs)
    best = table.argmin(axis=1).astype(np.int64)
    least = table[np.arange(len(table)), best]
    some = np.isfinite(least)
    return np.where(some, best, NOBODY), np.where(some, least, np.nan)


def by_place(
    places: pd.DataFrame, before: Floats, after: Floats, site: Sites, within: float
) -> pd.DataFrame:
    """Each place with its ways: ``before``, ``after``, ``site`` (number), ``gains``, ``is_closer``.

    Who gains was not within reach, and is.
    """
    near_before, near_after = before <= within, after <= within
    return places.assign(
        before=before,
        after=after,
        site=site,
        gains=np.where(near_after & ~near_before, places["people"], 0.0),
        is_closer=after < np.where(np.isnan(before), np.inf, before),
    )


def by_district(found: pd.DataFrame, districts: pd.DataFrame, within: float) -> pd.DataFrame:
    """Who gains where: a row for each district, also for those in which nobody lives.

    Returns:
        By code: ``name``, ``people``, ``within_before``, ``within_after``, ``gains``,
        ``closer``, ``mean_before``, ``mean_after`` (NaN where nobody has a way).
    """
    codes = [*districts.index]
    if (found["district"] == OUTSIDE).any():
        codes.append(OUTSIDE)
    rows = []
    for code in codes:
        mine = found[found["district"] == code]
        people = mine["people"].to_numpy(float)
        ways = [served(people, mine[name].to_numpy(float), within) for name in ("before", "after")]
        rows.append(
            {
                "name": districts["name"].get(code, OUTSIDE),
                "people": ways[0].people,
                "within_before": ways[0].within,
                "within_after": ways[1].within,
                "gains": float(mine["gains"].sum()),
                "closer": float(people[mine["is_closer"].to_numpy(bool)].sum()),
                "mean_before": ways[0].mean,
                "mean_after": ways[1].mean,
            }
        )
    table = pd.DataFrame(rows, index=pd.Index(codes, name="code"))
    return table.astype({"mean_before": float, "mean_after": float})


def by_site(found: pd.DataFrame, sites: pd.DataFrame, chosen: tuple[int, ...]) -> pd.DataFrame:
    """The chosen sites with whom they serve (``people``) and who ``gains``; most gain first."""
    whole = found.groupby("site")[["people", "gains"]].sum()
    mine = sites.loc[list(chosen), list(COLUMNS)].assign(
        people=whole["people"].reindex(list(chosen), fill_value=0.0),
        gains=whole["gains"].reindex(list(chosen), fill_value=0.0),
    )
    return mine.sort_values(["gains", "people"], ascending=False, kind="stable")
