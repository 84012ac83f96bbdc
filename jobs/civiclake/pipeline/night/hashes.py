"""The served rows' content hashes, kept true when a contract's columns change."""

from __future__ import annotations

import logging
import operator
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from civiclake import columns as c
from civiclake.contracts.model import Dataset
from civiclake.contracts.sql import sql_text
from civiclake.errors import UserError
from civiclake.steps.content import content_hash
from civiclake.steps.fold import fold

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Rehash:
    """What it takes until the hashes are of the contract's values."""

    expression: str | None = None
    """SQL that hashes the rows anew; None: they are right as they are."""
    comment: str | None = None
    """What the column is then to say of itself; None: it says so."""

    def statements(self, table: str) -> tuple[list[str], list[str]]:
        """What changes rows, and what changes the table's words, of an identifier's table."""
        column = f"ALTER TABLE {table} ALTER COLUMN {c.CONTENT} COMMENT"
        return (
            [f"UPDATE {table} SET {c.CONTENT} = {self.expression}"] if self.expression else [],
            [f"{column} {sql_text(self.comment)}"] if self.comment else [],
        )


def rehash(frame: DataFrame, dataset: Dataset) -> Rehash:
    """Find out whether the served rows' hashes are of other values than the contract's.

    A column that the contract has named since is null in all rows and so in no hash: the hashes
    are right as they are. One that it names no more is still in them.

    Args:
        frame: the unified table with all of the contract's columns.
        dataset: the compiled contract.

    Raises:
        UserError: the hashes are what tells the rows apart.
    """
    if c.CONTENT not in frame.columns:
        return Rehash()  # with history, versions are compared by their values
    said = str(frame.schema[c.CONTENT].metadata.get("comment", ""))
    wanted = c.hashed(dataset)
    if said == wanted:
        return Rehash()
    before, now = c.read_hashed(said), c.read_hashed(wanted)
    added = [F.col(f"`{name}`").isNotNull() for name in now - before]
    is_stale = not before <= now or not before
    if is_stale and before and c.CONTENT in c.identity(dataset):
        raise UserError(
            f"{dataset.path} names {', '.join(sorted(before - now))} no more: rows of a list"
            " without a key are told apart by all their values; rebuild the table from landing:"
            f" `civiclake backfill {dataset.id} --swap`"
        )
    touched = frame if is_stale else frame.where(fold(operator.or_, added))
    if touched.isEmpty():
        return Rehash(comment=wanted)
    log.info("%s: the rows' content hashes are made anew for %s", dataset.id, wanted)
    return Rehash(content_hash(dataset), wanted)
