"""What a table's lock keeps beside itself, whichever way it is held."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any, Protocol

from civiclake.errors import LockHeld
from civiclake.settings import Settings

GIVES_WAY_S = 60.0
"""How long to wait for a holder that gives way; it is asked no longer than that."""


class Kept(Protocol):
    """The record of a lock that is held: token, holder, session, whether it was let go."""

    def read(self) -> dict[str, Any]:
        """The record as it is now; empty where nobody held the lock before."""

    def claim(self, record: dict[str, Any]) -> None:
        """Put the record of a new holder in place of the last one's."""

    def write(self, record: dict[str, Any]) -> None:
        """Put a record in place of one's own; never in that of a younger holder."""

    def is_wanted(self) -> bool:
        """Whether another one waits for the lock."""


class Store(Protocol):
    """A module that keeps locks."""

    def acquired(
        self, settings: Settings, table: str, timeout_s: float, *, asks: bool
    ) -> AbstractContextManager[Kept]:
        """Hold a table's lock."""

    def forget(self, settings: Settings, table: str) -> None:
        """Take away what is kept of a table's lock."""


def refusal(table: str, by: dict[str, Any], else_by: str) -> LockHeld:
    """The sentence for who can't have a lock.

    Args:
        table: whose lock it is.
        by: its record.
        else_by: who has it, where the record does not say.
    """
    # Who let go, or never wrote it down, is not who has it now.
    if by.get("released", True):
        who = else_by
    else:
        at = f" on {by['host']}" if "host" in by else ""
        who = f"{by['holder']} (process {by['pid']}{at})"
    return LockHeld(f"table {table} is being written by {who}; try again when it is done")
