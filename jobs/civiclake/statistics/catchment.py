"""Access to supply that has to be shared: the two-step floating catchment, with decay.

Source: W. Luo and F. Wang, "Measures of spatial accessibility to health care in a GIS
environment", Environment and Planning B 30 (2003), pp. 865-884; with decay: W. Luo and Y. Qi,
"An enhanced two-step floating catchment area (E2SFCA) method", Health & Place 15 (2009),
pp. 1100-1107.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from civiclake.errors import UserError
from civiclake.statistics.measured import Floats, floats

Decay = Callable[[Floats], Floats]
"""From travel costs to weights."""


def none() -> Decay:
    """All within reach count alike."""
    return np.ones_like


def gravity(scale: float = 1, power: float = -1) -> Decay:
    """(cost / scale) ** power; a cost of 0 has no weight and is refused."""

    def weigh(costs: Floats) -> Floats:
        if power < 0 and (costs <= 0).any():
            raise UserError("costs: one is 0, which gravity cannot weigh; above 0 is allowed")
        return np.asarray((costs / scale) ** power)

    return weigh


def gaussian(width: float) -> Decay:
    """exp(-cost² / (2 width²))."""
    return lambda costs: np.asarray(np.exp(-(costs**2) / (2 * width**2)))


def steps(weights: Mapping[float, float]) -> Decay:
    """The weight of the smallest limit that is not exceeded, and 0 beyond all of them."""
    limits = np.asarray(sorted(weights))
    values = np.asarray([*(weights[limit] for limit in sorted(weights)), 0.0])
    return lambda costs: values[np.searchsorted(limits, costs)]


@dataclass(frozen=True)
class Access:
    """Supply per person, place by place, and what of it reaches nobody."""

    places: pd.DataFrame
    """By place: ``people``, ``supply_per_person`` (never missing) and ``is_cut_off``: no supply
    in reach, so that its 0 counts in every mean and is known for what it is."""
    unused_supply: float
    """Of suppliers that nobody reaches."""

    @property
    def mean(self) -> float | None:
        """Supply per person over all people, cut off ones as well; None without people."""
        people = self.places["people"]
        total = float(people.sum())
        return float((people * self.places["supply_per_person"]).sum()) / total if total else None


def two_step_catchment(
    people: pd.Series, supply: pd.Series, costs: pd.DataFrame, within: float, decay: Decay
) -> Access:
    """Share each supplier among the people in its reach, then add up what a place reaches.

    Args:
        people: by place.
        supply: by supplier (seats, beds, teachers).
        costs: ``place``, ``supplier``, ``cost`` (minutes or metres, as ``within``); a pair that
            is missing is out of reach.
        within: the highest cost that counts as reach.
        decay: how a cost within reach is weighed.

    Raises:
        UserError: a number is missing or negative, or a pair is there twice or names a place or
            supplier that nobody knows.
    """
    floats("people", people, lowest=0)
    floats("supply", supply, lowest=0)
    floats("cost", costs["cost"], lowest=0)
    _check_pairs(people, supply, costs)
    near = costs.loc[costs["cost"] <= within, ["place", "supplier", "cost"]]
    weight = pd.Series(decay(near["cost"].to_numpy(float)), index=near.index)
    pull = weight * near["place"].map(people)
    demand = pull.groupby(near["supplier"]).sum().reindex(supply.index, fill_value=0.0)
    served = demand > 0
    ratio = (supply / demand.where(served)).fillna(0.0)
    gained = (weight * near["supplier"].map(ratio)).groupby(near["place"]).sum()
    reaches = near.loc[near["supplier"].map(supply) > 0, "place"]
    places = pd.DataFrame(
        {
            "people": people,
            "supply_per_person": gained.reindex(people.index, fill_value=0.0),
            "is_cut_off": ~people.index.isin(reaches.unique()),
        },
        index=people.index,
    )
    return Access(places, float(supply[~served].sum()))


def _check_pairs(people: pd.Series, supply: pd.Series, costs: pd.DataFrame) -> None:
    for name, index in (("place", people.index), ("supplier", supply.index)):
        if not index.is_unique:
            raise UserError(
                f"{name} {index[index.duplicated()][0]} is there twice; once is allowed"
            )
    twice = costs.duplicated(["place", "supplier"])
    if twice.any():
        pair = costs.loc[twice, ["place", "supplier"]].iloc[0].tolist()
        raise UserError(f"costs: the pair {pair} is there twice; once is allowed")
    for column, known in (("place", people.index), ("supplier", supply.index)):
        unknown = costs.loc[~costs[column].isin(known), column]
        if len(unknown):
            raise UserError(f"costs: {column} {unknown.iloc[0]} is not among the {len(known)}")
