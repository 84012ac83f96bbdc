"""Names of the columns that CivicLake adds, and who may see them."""

from __future__ import annotations

from collections.abc import Sequence

from civiclake.contracts.model import Dataset

BATCH = "_batch_id"
"""Batch that brought (raw) or last changed (unified) the row."""
RECORD = "_record_id"
"""``<batch>/<file>/<row>``: leads from any table back to the landed record."""
FILE = "_file"
ROW = "_row"
DELIVERED = "_delivered_at"
"""When the source made the file or snapshot: the order of rows without a sequence column."""
SEQUENCE = "_sequence"
"""What orders the versions of a key: the contract's sequence column, else the delivery."""
CORRUPT = "_malformed"
"""The text of a record that doesn't have the header's number of fields."""
BROKEN = "_broken_"
"""Prefix of the bitmask words: bit i of word w says that row rule ``w * BITS + i`` broke."""
FATE = "_fate"
"""What becomes of a row before the merge: one of the ``FATE_*`` words."""
ACTION = "_action"
"""What the merge does with a good row: one of the ``ACTION_*`` words."""
RAW = "_raw"
"""The record as it came, as a map from source column to text."""

FATE_GOOD = "good"
FATE_BROKEN = "broken"
FATE_SUPERSEDED = "superseded"
FATE_DUPLICATE_KEY = "duplicate_key"

ACTION_INSERT = "insert"
ACTION_UPDATE = "update"
ACTION_UNCHANGED = "unchanged"
ACTION_LATE = "late"
ACTION_CONFLICT = "conflict_with_served"
ACTION_DELETE = "delete"

BITS = 62
"""Rules per bitmask word; a bigint's sign bit stays out of it."""

UNIFIED_EXTRA: Sequence[tuple[str, str]] = (
    (SEQUENCE, "timestamp"),
    (BATCH, "string"),
    (RECORD, "string"),
)
"""Columns after the contract's in every unified table (the sequence's type may differ)."""

LINEAGE = (BATCH, RECORD, FILE, ROW, DELIVERED)


def sequence_type(dataset: Dataset) -> str:
    """Spark type of ``_sequence`` in this dataset's tables."""
    return dataset.column(dataset.sequence).spark_type if dataset.sequence else "timestamp"


def unified_extra(dataset: Dataset) -> list[tuple[str, str]]:
    """The added columns of this dataset's unified table, with their types."""
    return [
        (name, sequence_type(dataset) if name == SEQUENCE else kind) for name, kind in UNIFIED_EXTRA
    ]
