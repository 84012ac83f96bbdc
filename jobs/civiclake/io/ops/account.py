"""The account of a batch: what became of every row that was read."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from civiclake.errors import AccountError

UNRENEWED = "unrenewed"
"""Status of a batch that found the snapshot of before: it brought nothing."""


class Account(BaseModel):
    """The rows of one batch: all that were read, and what became of each."""

    model_config = ConfigDict(extra="forbid")

    read: int = 0
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    superseded: int = 0
    late: int = 0
    quarantined: int = 0
    deleted: int = 0
    """Served rows that are gone: a snapshot no longer holds them, or a change log deleted
    them. Not part of the sum: for a snapshot's none was read, and a log's are ``updated``."""

    @property
    def outcomes(self) -> dict[str, int]:
        """Rows by what became of them; together they must be all that were read."""
        names = ("inserted", "updated", "unchanged", "superseded", "late", "quarantined")
        return {name: getattr(self, name) for name in names}

    @property
    def balances(self) -> bool:
        """Whether no row came or went unseen."""
        return self.read == sum(self.outcomes.values())

    def check(self, where: str) -> None:
        """Make sure that the account balances.

        Raises:
            AccountError: the outcomes don't add up to what was read.
        """
        if not self.balances:
            parts = self.outcomes
            detail = " + ".join(f"{value} {name}" for name, value in parts.items())
            total = sum(parts.values())
            raise AccountError(f"{where}: read {self.read} rows, but {detail} = {total}")


CHANGES = ("inserted", "updated", "deleted")
KINDS = ("corrected", "backdated", "revoked", "deleted")
"""Of what was changed: what more is told of it."""


class BatchResult(Account):
    """What a load hands back: the account and the facts an operator asks for."""

    dataset: str
    batch_id: str
    attempt: int
    status: str
    """``merged``, ``held``, ``failed`` or ``unrenewed``."""
    seconds: float = 0.0
    message: str = ""
    warnings: dict[str, int] = Field(default_factory=dict)
    """Rows that broke a warning, by rule."""
    revoked: int = 0
    """Of ``updated``: the rows of a change log that deleted what was served."""
    corrected: int = 0
    """Of ``updated``: changes of what happened on a day that was reported before."""
    backdated: int = 0
    """Of ``inserted``: news of what happened on a day that was reported before."""
    reasons: dict[str, int] = Field(default_factory=dict)
    """Rows set aside, by reason; a row with two reasons counts under both."""
    data_docs: str = ""

    def forget(self) -> None:
        """A try that broke off has settled no row by its own account.

        What it has committed all the same is told by the commit itself
        (:mod:`civiclake.io.ops.recall`).
        """
        for name in {*self.outcomes, *CHANGES, *KINDS}:
            setattr(self, name, 0)
