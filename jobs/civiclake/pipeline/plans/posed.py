"""A question in numbers: people, candidates and what stands, and what every way costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from civiclake.pipeline.plans import effects
from civiclake.pipeline.plans.asked import Asked
from civiclake.statistics import plans

Costs = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Posed:
    """The question in numbers."""

    asked: Asked
    people: effects.Floats
    costs: Costs
    """Place by site: the candidates first, then those that stand."""
    new: int
    """How many sites are candidates."""
    capacities: effects.Floats | None

    @property
    def standing(self) -> Costs:
        """Costs to those that stand."""
        return self.costs[:, self.new :]

    def question(self) -> plans.Question:
        """For the solver; without capacities, all that stand are one: whoever comes, goes to the
        nearest of them anyway."""
        costs, stand = self.costs, self.standing
        if self.capacities is None and stand.shape[1]:
            least = effects.nearest(stand)[1]
            costs = np.column_stack([self.costs[:, : self.new], least])
        return plans.question(
            costs,
            self.people,
            existing=range(self.new, costs.shape[1]),
            capacities=self.capacities,
            time_limit_s=self.asked.time_limit_s,
        )

    @property
    def least(self) -> effects.Floats:
        """Of each place the cost of the best that it could get; infinite without any way."""
        table = np.where(np.isnan(self.costs), np.inf, self.costs)
        return np.asarray(table.min(axis=1), dtype=np.float64)
