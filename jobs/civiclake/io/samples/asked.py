"""What whoever asks for a sample wants to be looked at, and already knows."""

from __future__ import annotations

from dataclasses import dataclass

ROWS = 200_000
"""So many rows are looked at, if the source holds them and they fit into little memory."""
CELLS = 10_000_000
CHARACTERS = 256 << 20
"""Of a sample, those that stand again and again in a column counted once."""


@dataclass(frozen=True)
class Asked:
    """The wishes, each with what holds without one."""

    rows: int = ROWS
    encoding: str | None = None
    """Of a file's text; None: it is found."""
    member: str | None = None
    """The file of a zip that is meant; None: the only one."""
