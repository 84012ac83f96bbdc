"""The base of what contracts are compiled into."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """What was compiled does not change, and a word that nobody knows is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")
