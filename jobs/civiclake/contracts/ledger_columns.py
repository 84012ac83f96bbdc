"""What of the ledger and of the alerts marts may read: names, states, counts and moments.

Left out is what may hold somebody's words (messages, sentences, queries) or tells whom to ask.
"""

from __future__ import annotations

from collections.abc import Mapping

_COUNTS = (
    "read", "inserted", "updated", "unchanged", "superseded", "late", "quarantined", "deleted",
)  # fmt: skip
LEDGER: Mapping[str, Mapping[str, str]] = {
    "ops.batches": {
        "dataset": "string", "batch_id": "string", "attempt": "int", "status": "string",
        **dict.fromkeys(_COUNTS, "bigint"), "contract_version": "string",
        "started_at": "timestamp", "seconds": "double",
    },
    "ops.outcomes": {
        "dataset": "string", "batch_id": "string", "attempt": "int", "step": "string",
        "outcome": "string", "rows": "bigint", "seconds": "double", "recorded_at": "timestamp",
    },
    "ops.deliveries": {
        "dataset": "string", "due_at": "timestamp", "deadline_at": "timestamp", "state": "string",
        "batch_id": "string", "delivered_at": "timestamp", "age_seconds": "double",
        "told_at": "timestamp",
    },
    "marts.alerts": {
        "alert_id": "string", "mart": "string", "application": "string", "name": "string",
        "of": "string", "since": "date", "last": "date", "sure": "double", "rows": "bigint",
        "state": "string", "verdict": "string", "closed_by": "string", "raised_at": "timestamp",
        "acknowledged_at": "timestamp", "closed_at": "timestamp",
    },
}  # fmt: skip
"""Id of an input to its columns and their Spark types."""
