"""What must come of a night, worked out without Spark."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field

from civiclake.io.ops.account import Account

DUPLICATE_KEY = "duplicate_key"


class Expected(Account):
    """The account that a batch must give."""

    reasons: dict[str, int] = Field(default_factory=dict)
    """Rows set aside by rule; their sum is ``quarantined``: a row breaks one rule at most."""

    def again(self) -> Expected:
        """The account of the same delivery once more: what it brought is there already."""
        moved = self.inserted + self.updated + self.unchanged
        return self.model_copy(
            update={"inserted": 0, "updated": 0, "unchanged": moved, "deleted": 0}
        )


class Truth(BaseModel):
    """What one night must bring, dataset by dataset."""

    night: int
    seed: int
    residents: int
    logical_date: datetime
    batch_id: str
    datasets: dict[str, Expected]
