"""What is asked: the options of a plan, held against each other before anything is read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from civiclake.errors import UserError
from civiclake.pipeline.plans.given import COLUMNS, Forbidden
from civiclake.pipeline.plans.kinds import By, Kind, Solve
from civiclake.pipeline.plans.reach import Reach

TIME_LIMIT_S = 60.0


def no_sites() -> pd.DataFrame:
    """A table of sites with none in it."""
    return pd.DataFrame({name: [] for name in COLUMNS})


@dataclass(frozen=True)
class Asked:
    """A question about one kind."""

    kind: Kind
    solve: Solve
    within: Reach
    by: By
    new: int | None = None
    """How many; None: as many as it takes (set covering)."""
    capacity: float | None = None
    """People that each new site can serve; None: it is not asked."""
    fixed: pd.DataFrame = field(default_factory=no_sites)
    """Sites that stand, or are decided, beside those that the lake knows."""
    candidates: pd.DataFrame | None = None
    """Sites that may be chosen; None: crossings near inhabited cells."""
    forbidden: Forbidden | None = None
    time_limit_s: float = TIME_LIMIT_S

    def __post_init__(self) -> None:
        if self.new is None and self.solve is not Solve.SET_COVERING:
            raise UserError(f"new: {self.solve} places a number of sites: say how many (--new 3)")
        if self.new is not None and self.new < 1:
            raise UserError(f"new {self.new}: 1 and more is allowed")
        if self.capacity is not None and self.capacity <= 0:
            raise UserError(f"capacity {self.capacity:g}: above 0 is allowed")
        if self.capacity is not None and self.solve is not Solve.P_MEDIAN:
            raise UserError(f"capacity: {self.solve} does not know it; p-median is allowed")
        if self.time_limit_s <= 0:
            raise UserError(f"time limit {self.time_limit_s:g} s: above 0 is allowed")

    @property
    def parameters(self) -> dict[str, Any]:
        """What is kept with the plan: enough to ask the same again."""
        return {
            "kind": self.kind.name,
            "solve": str(self.solve),
            "within": self.within.amount,
            "unit": str(self.within.unit),
            "by": str(self.by),
            "new": self.new,
            "ages": list(self.kind.ages),
            "capacity": self.capacity,
            "fixed": self.fixed[list(COLUMNS)].to_dict("records"),
            "candidates": None
            if self.candidates is None
            else self.candidates[list(COLUMNS)].to_dict("records"),
            "forbidden_ids": list(self.forbidden.ids) if self.forbidden else [],
            "forbidden_areas": [area.wkt for area in self.forbidden.areas]
            if self.forbidden
            else [],
            "time_limit_s": self.time_limit_s,
        }
