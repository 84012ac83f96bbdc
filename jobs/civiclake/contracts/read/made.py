"""The ``civiclake`` entry of a mart's contract: what it is made from, and how."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from civiclake.contracts.frozen import Frozen
from civiclake.contracts.read.extension import ColumnExtension


class BehindExtension(Frozen):
    """Where the rows behind a figure are."""

    input: str
    where: str = Field(min_length=1)
    gives: str = Field(default="count(*)", min_length=1)
    when: str = Field(default="true", min_length=1)


class AlertExtension(Frozen):
    """Which rows of a mart are an alarm, and whom it is told."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    where: str = Field(min_length=1)
    of: list[str] = Field(min_length=1)
    since: str
    newest_by: str
    says: str = Field(min_length=1)
    sure: str | None = None
    rows: str | None = None
    owner: str | None = Field(default=None, min_length=1)


class MartExtension(Frozen):
    """``civiclake`` of a whole mart."""

    inputs: list[str] = Field(min_length=1)
    step: str
    parameters: dict[str, Any] = Field(default_factory=dict)
    refresh_by: str | None = None
    groups: dict[str, str] = Field(default_factory=dict)
    shows: list[str] = Field(default_factory=list)
    reads_restricted: list[str] = Field(default_factory=list)
    smallest_group: int | None = Field(default=None, ge=2)
    group_size: str | None = None
    behind: dict[str, BehindExtension] = Field(default_factory=dict)
    alerts: list[AlertExtension] = Field(default_factory=list)


UNREAD = ("also", "absent", "absent_as", "number", "epoch", "map", "as_of", "check")
"""Words of a column that say how a source's text is read; a mart's column is computed."""


def reading_words(own: dict[str, Any]) -> list[str]:
    """Those of a column's words that a mart's column can't have."""
    known = set(ColumnExtension.model_fields)
    return [word for word in UNREAD if word in own and word in known]
