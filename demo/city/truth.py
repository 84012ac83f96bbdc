"""What must come of a night, worked out without Spark."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field

from civiclake.io.account import Account

DUPLICATE_KEY = "duplicate_key"


class Expected(Account):
    """The account that a batch must give."""

    reasons: dict[str, int] = Field(default_factory=dict)
    """Rows set aside by rule; their sum is ``quarantined``: a row breaks one rule at most."""


class Truth(BaseModel):
    """What one night must bring, dataset by dataset."""

    night: int
    seed: int
    residents: int
    logical_date: datetime
    batch_id: str
    datasets: dict[str, Expected]
