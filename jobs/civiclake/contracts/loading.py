"""How a dataset is loaded, what its table keeps, and what a change of shape does."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Literal

from pydantic import Field, field_validator

from civiclake.contracts.frozen import Frozen

ANY = "any"
"""Of ``limits.max_ahead``: moments of the future are normal."""
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class Load(StrEnum):
    """How a batch is cut from its source."""

    INCREMENTAL = "incremental"
    """Rows whose sequence column passed the watermark, less the overlap."""
    SNAPSHOT = "snapshot"
    """The whole of the source; a key that is gone is deleted."""
    FILES = "files"
    """Every file (version) that no earlier batch has taken."""
    CHANGES = "changes"
    """A change log: each row says what was done to its key. It is cut like ``incremental``
    from a database, and like ``files`` from files."""


class History(StrEnum):
    """What the unified table keeps."""

    LATEST = "latest"
    """One row per key, the one with the highest sequence."""
    HISTORY = "history"
    """Every version of a key with the time in which it was valid (SCD type 2)."""
    APPEND = "append"
    """Events: a key is written once and never changed."""
    SNAPSHOT = "snapshot"
    """The full state of every night, by its date."""


class Occurrence(StrEnum):
    """How rows that nothing tells apart are, each of them, a row of its own."""

    EQUALS = "equals"
    """By the key (or all values, where no column is the key's) and the position among equals."""
    ROW = "row"
    """By the name of the file and the number of the row in it."""


class Operation(StrEnum):
    """What a row of a change log does to its key.

    The first three say the same: after this moment the key holds these values. Whether the
    key was there before is known to the served table better than to a log that may be read
    twice or out of order.
    """

    INSERT = "insert"
    UPDATE = "update"
    UPSERT = "upsert"
    DELETE = "delete"


class DriftAction(StrEnum):
    """What a record of another length does."""

    HOLD = "hold"
    IGNORE = "ignore"


class NewColumn(StrEnum):
    """What a column does that the contract does not name."""

    EVOLVE = "evolve"
    """It is kept in raw, and waits there until the contract names it."""
    HOLD = "hold"
    IGNORE = "ignore"


class ChangedType(StrEnum):
    """What a value does that is not of the contract's type."""

    HOLD = "hold"
    """The batch waits."""
    DISCARD_VALUE = "discard_value"
    """The value becomes null and is counted as a warning; required columns set the row aside."""
    SET_ASIDE = "set_aside"
    """The row is set aside."""


class Drift(Frozen):
    """What happens when the shape of a delivery is not the contract's."""

    new_column: NewColumn = NewColumn.HOLD
    dropped_column: Literal["hold"] = "hold"
    """A column that is gone, or comes under another name, always holds the batch."""
    changed_type: ChangedType = ChangedType.SET_ASIDE
    ragged_row: DriftAction = DriftAction.HOLD
    """``ignore`` sets the row aside with the reason ``malformed`` and goes on."""


class Limits(Frozen):
    """When a batch as a whole is not to be believed."""

    max_set_aside_fraction: float = Field(default=0.5, ge=0, le=1)
    max_deleted_fraction: float = Field(default=0.5, ge=0, le=1)
    """Of the served rows, for snapshots."""
    min_rows_fraction: float | None = Field(default=None, ge=0, le=1)
    """Of the median of the last committed batches; None: a half for snapshots, else nothing."""
    allow_empty: bool = False
    """Whether a delivery without rows is normal (incremental loads on a quiet night)."""
    max_ahead: str = "1d"
    """How far a row's sequence may lie ahead of the moment in which its batch was landed, such
    as ``2h``, or ``any``. A row further ahead would outrank every correction to come."""

    @field_validator("max_ahead")
    @classmethod
    def _check_max_ahead(cls, value: str) -> str:
        if value != ANY and not re.fullmatch(r"[0-9]{1,6}[smhd]", value):
            raise ValueError(
                f"allowed is a number (up to six digits) and a unit, such as '2h', or '{ANY}'"
            )
        return value

    @property
    def max_ahead_seconds(self) -> int | None:
        """The same in seconds; None where any moment may be."""
        return None if self.max_ahead == ANY else seconds(self.max_ahead)


def seconds(text: str) -> int:
    """A number and a unit, such as ``30m``, in seconds."""
    return int(text[:-1]) * _UNITS[text[-1]]
