"""A department's DAG as plain data: what Airflow will run, for a person to read."""

from __future__ import annotations

from typing import Any

from civiclake.contracts.model import Dataset, Manifest
from civiclake.contracts.schedule import DEFAULT_SCHEDULE
from civiclake.errors import UserError

_BATCH = "{{ batch_id }}"


def dag(manifest: Manifest, department: str) -> dict[str, Any]:
    """Tasks, their order, pools, schedule and deadline of a department's DAG.

    Raises:
        UserError: the department has no dataset.
    """
    datasets = [d for d in manifest.datasets if d.department == department]
    if not datasets:
        known = ", ".join(sorted({d.department for d in manifest.datasets}))
        raise UserError(f"department {department!r} has no dataset; allowed are {known}")
    here = {d.id for d in datasets}
    schedules = [d.schedule for d in datasets if d.schedule]
    return {
        "dag": department,
        "schedule": schedules[0] if schedules else DEFAULT_SCHEDULE,
        "deadline_seconds": min(d.latency_seconds for d in datasets),
        "owners": sorted({f"{d.owner.name} <{d.owner.contact}>" for d in datasets}),
        "tasks": [task for d in datasets for task in _tasks(d, here)],
    }


def _tasks(dataset: Dataset, here: set[str]) -> list[dict[str, Any]]:
    """A dataset is two tasks; references within the department order them."""
    extract, load = f"{dataset.name}.extract", f"{dataset.name}.load"
    before = [f"{r.partition('.')[2]}.load" for r in dataset.references if r in here]
    return [
        {
            "task": extract,
            "command": ["civiclake", "extract", dataset.id, "--batch-id", _BATCH],
            "connection": dataset.source.connection,
            "after": [],
        },
        {
            "task": load,
            "command": ["civiclake", "load", dataset.id, "--batch-id", _BATCH],
            "pool": f"table_{dataset.table}",
            "after": [extract, *before],
            "outlet": f"civiclake://unified/{dataset.table}",
        },
    ]
