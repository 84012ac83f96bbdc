"""Names of the columns that CivicLake adds, and who may see them."""

from __future__ import annotations

from collections.abc import Sequence

from civiclake.contracts import model
from civiclake.contracts.model import Dataset, History, Load, Occurrence

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
IS_SOUND = "_is_sound"
"""Whether the row is a whole record and breaks no rule that would set it aside."""
FATE = "_fate"
"""What becomes of a row before the merge: one of the ``FATE_*`` words."""
ACTION = "_action"
"""What the merge does with a good row: one of the ``ACTION_*`` words."""
RAW = "_raw"
"""The record as it came, as a map from source column to text."""

CONTENT = "_content_hash"
"""Hash of a served row's values, by which it is compared; see :mod:`civiclake.steps.content`."""
SERVED_FILE, SERVED_PLACE = "_served_file", "_served_place"
"""In which of the served table's files a row stands that a batch meets, and where in it."""

IS_DELETE = "_is_delete"
"""In a change log: whether the row says that its key is gone."""
VALID_FROM, VALID_TO, IS_CURRENT = model.VALID_FROM, model.VALID_TO, model.IS_CURRENT
SNAPSHOT_DATE = model.SNAPSHOT_DATE
OCCURRENCE = model.OCCURRENCE
SOURCE_FILE, SOURCE_ROW = model.SOURCE_FILE, model.SOURCE_ROW
EDIT = "_edit"
"""What the MERGE does with a row of the unified table: one of the ``EDIT_*`` words."""
EDIT_INSERT, EDIT_UPDATE, EDIT_DELETE = "insert", "update", "delete"
MARK = "_mark"
"""What is remembered of a key beside the served rows: one of the ``MARK_*`` words."""
MARK_DELETED, MARK_AGAIN = "deleted", "again"

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
"""A served row that a snapshot no longer holds; no row was read for it."""
ACTION_REVOKE = "revoke"
"""A change log says that the key is gone: one row was read, one served row goes."""
ACTION_CONFIRM = "confirm"
"""The served values came again by a newer delivery: nothing older may take their place."""
ACTIONS = (
    ACTION_INSERT,
    ACTION_UPDATE,
    ACTION_UNCHANGED,
    ACTION_LATE,
    ACTION_CONFLICT,
    ACTION_DELETE,
    ACTION_REVOKE,
    ACTION_CONFIRM,
)

BITS = 62
"""Rules per bitmask word; a bigint's sign bit stays out of it."""

UNIFIED_EXTRA: Sequence[tuple[str, str]] = (
    (SEQUENCE, "timestamp"),
    (BATCH, "string"),
    (RECORD, "string"),
)
"""Columns after the contract's in every unified table (the sequence's type may differ)."""

_HASH_OF = "hash of "

IS_STALE = "_is_stale"
"""Of a line list's row: a newer version of the file that held it is merged."""

LINEAGE = (BATCH, RECORD, FILE, ROW, DELIVERED)


def sequence_type(dataset: Dataset) -> str:
    """Spark type of ``_sequence`` in this dataset's tables."""
    return dataset.column(dataset.sequence).spark_type if dataset.sequence else "timestamp"


def unified_extra(dataset: Dataset) -> list[tuple[str, str]]:
    """The added columns of this dataset's unified table, with their types."""
    moment = sequence_type(dataset)
    always = [(name, moment if name == SEQUENCE else kind) for name, kind in UNIFIED_EXTRA]
    if dataset.history is History.HISTORY:
        return [*always, (VALID_FROM, moment), (VALID_TO, moment), (IS_CURRENT, "boolean")]
    compared = [*always, (CONTENT, "bigint"), *_told_apart_by(dataset)]
    if dataset.history is History.SNAPSHOT:
        return [*compared, (SNAPSHOT_DATE, "date")]
    return compared


def _told_apart_by(dataset: Dataset) -> list[tuple[str, str]]:
    """Of a line list: the columns that make equal rows rows of their own."""
    file = [(SOURCE_FILE, "string")] if dataset.load is Load.FILES else []
    if dataset.occurrence is Occurrence.ROW:
        return [*file, (SOURCE_ROW, "bigint")]
    return [*file, (OCCURRENCE, "int")] if dataset.occurrence is Occurrence.EQUALS else []


def equals_key(dataset: Dataset) -> tuple[str, ...]:
    """By what rows of a line list are equal: its key, or all values, and in what they stand."""
    base = dataset.key or (CONTENT,)
    if dataset.load is Load.FILES:
        base = (*base, SOURCE_FILE)
    return (*base, SNAPSHOT_DATE) if dataset.history is History.SNAPSHOT else base


def identity(dataset: Dataset) -> tuple[str, ...]:
    """The columns that tell one thing from another, whatever is known of its versions."""
    if dataset.occurrence is Occurrence.ROW:
        return (SOURCE_FILE, SOURCE_ROW)
    if dataset.occurrence is Occurrence.EQUALS:
        return (*(n for n in equals_key(dataset) if n != SNAPSHOT_DATE), OCCURRENCE)
    return dataset.key


def hashed(dataset: Dataset) -> str:
    """Comment of ``_content_hash``: the columns that are in it."""
    return _HASH_OF + ", ".join(column.name for column in dataset.unified_columns)


def read_hashed(comment: str) -> set[str]:
    """The columns that a comment of :func:`hashed` names."""
    return set(comment.removeprefix(_HASH_OF).split(", ")) - {""}


def merge_key(dataset: Dataset) -> tuple[str, ...]:
    """The columns that name one row of this dataset's unified table."""
    if dataset.history is History.HISTORY:
        return (*dataset.key, VALID_FROM)
    if dataset.history is History.SNAPSHOT:
        return (*identity(dataset), SNAPSHOT_DATE)
    return identity(dataset)
