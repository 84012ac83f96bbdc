"""What a guess of one column's type is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class GuessedType:
    """A logical type, and what a contract needs besides to say it."""

    logical: str
    physical: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    """ODCS's ``logicalTypeOptions``."""
    extension: dict[str, Any] = field(default_factory=dict)
    """What goes into the column's ``civiclake``: ``absent``, ``number`` or ``epoch``."""
    notes: tuple[str, ...] = ()
    """What a person must look at: what was taken for what, and how often it stands there."""
