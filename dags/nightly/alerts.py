"""Telling the owner: into Airflow's log, and one line of ``<state>/run/alerts.jsonl``.

A city that has a pager or a mail gateway reads that file, or replaces `tell`.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nightly.plan import state_dir

log = logging.getLogger(__name__)


def tell(sentence: str, **facts: Any) -> None:
    """Write one alert."""
    log.error("%s", sentence)
    line = {"at": datetime.now(UTC).isoformat(), "alert": sentence, **facts}
    path = _path()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write(json.dumps(line, default=str) + "\n")


def tell_once(key: str, sentence: str, **facts: Any) -> bool:
    """Write one alert unless one of that key was written before; whether it was written now."""
    try:
        said = _path().read_text().splitlines()
    except FileNotFoundError:
        said = []
    if any(json.loads(line).get("key") == key for line in said if key in line):
        log.info("told before: %s", sentence)
        return False
    tell(sentence, key=key, **facts)
    return True


def _path() -> Path:
    return state_dir() / "run" / "alerts.jsonl"


async def deadline_missed(department: str, owners: list[str], hours: float) -> str:
    """Runs in the triggerer when a department's night has not ended in time."""
    span = f"{hours:g} hours" if hours >= 1 else f"{hours * 60:.2g} minutes"
    sentence = f"{department} did not finish its night within {span}: ask {', '.join(owners)}"
    tell(sentence, department=department, owners=owners)
    return sentence


def task_failed(context: Mapping[str, Any]) -> None:
    """Runs in the task's process when it failed for good."""
    task = context["task"]
    reason = str(context.get("exception") or "no reason was given")
    dataset = getattr(task, "subject", task.task_id)
    tell(
        f"{dataset} failed at {task.task_id.rpartition('.')[2]}: {reason}",
        dataset=dataset,
        owner=task.owner,
    )
