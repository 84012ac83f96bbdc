"""Decided changes of a Delta table, written in one commit by the engine's ``ApplyChanges``."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import DataFrame

from civiclake import columns as c
from civiclake.contracts.sql import sql_text

EDITS = (c.EDIT_INSERT, c.EDIT_UPDATE, c.EDIT_DELETE)


def apply_changes(location: str, changes: DataFrame, counts: Sequence[int]) -> bool:
    """Write changes whose rows are known.

    Args:
        location: of the table.
        changes: the table's columns, ``_edit``, and where the touched row stands.
        counts: how many rows are to be inserted, updated and deleted.

    Returns:
        Whether it was done; False when a younger writer has committed already.

    Raises:
        PySparkException: among others, if other numbers of rows would be written.
    """
    changes.createOrReplaceTempView("_changes")
    # Parameters can't be bound in a CALL.
    given = f"{sql_text(location)}, '_changes', {', '.join(map(str, counts))}"
    return bool(changes.sparkSession.sql(f"CALL civiclake.apply_changes({given})").collect())
