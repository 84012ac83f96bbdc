"""Profiles made comparable, as Arrow tables."""

from __future__ import annotations

import pyarrow as pa

from civiclake.linkage.subject import Subject

PROFILE = "profile_id"
_ROWS = 10_000
"""Python's objects take ten times the memory of Arrow's: few at a time."""


def derive(subject: Subject, profiles: pa.Table) -> pa.Table:
    """The comparable values of every profile.

    Args:
        subject: what is linked.
        profiles: ``profile_id`` and the subject's fields, all text.
    """
    names = [PROFILE, *subject.derived]
    columns: dict[str, list[str | None]] = {name: [] for name in names}
    for batch in profiles.to_batches(max_chunksize=_ROWS):
        for row in batch.to_pylist():
            columns[PROFILE].append(row[PROFILE])
            for name, value in subject.derive(row).items():
                columns[name].append(value)
    return pa.table(columns, schema=pa.schema([(name, pa.string()) for name in names]))
