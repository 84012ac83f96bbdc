"""Telling the owner: one line of ``<state>/run/alerts.jsonl``, from which `nightly.telling` sends.

The line comes first and stays, whatever becomes of mail servers: what could not be sent is sent
later by the DAG `alerts`. Without a connection it is all that is done, and the UI says so.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nightly import telling
from nightly.places import state_dir
from nightly.plan import OwnerPlan

log = logging.getLogger(__name__)


def tell(sentence: str, do: str = "", **facts: Any) -> bool:
    """Write one alert, and send it if a connection is configured.

    Args:
        sentence: what has happened.
        do: what its reader can do.
        facts: ``dataset``, ``owner``, ``contact``, ``channel`` say whom it is for.

    Returns:
        Whether that is all that can be done now: it was sent, or there is nothing to send by.
    """
    log.error("%s", sentence)
    line = write(sentence, do, **facts)
    return telling.tell_waiting([line])


def write(sentence: str, do: str = "", **facts: Any) -> dict[str, Any]:
    """Write one alert's line, and leave it to the DAG `alerts` to send it."""
    line = {"at": datetime.now(UTC).isoformat(), "alert": sentence, "do": do, **facts}
    path = alerts_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    # One call to the system, so that lines of several processes never mix. A line that was torn
    # when its writer died must not swallow this one.
    text = json.dumps(line, default=str)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        size = os.fstat(handle).st_size
        torn = size > 0 and os.pread(handle, 1, size - 1) != b"\n"
        os.write(handle, b"\n" * torn + text.encode() + b"\n")
        os.fsync(handle)
    finally:
        os.close(handle)
    return dict(json.loads(text))


def tell_once(key: str, sentence: str, do: str = "", **facts: Any) -> bool:
    """Write one alert unless one of that key was written before; send it if it waits still.

    Returns:
        As :func:`tell`.
    """
    for line in written():
        if line.get("key") == key:
            log.info("written before: %s", sentence)
            return telling.tell_waiting([line])
    return tell(sentence, do, key=key, **facts)


def written() -> Iterator[dict[str, Any]]:
    """Every alert there is, oldest first; a line that can't be read is told, and passed over."""
    try:
        text = alerts_file().read_text(errors="replace")
    except FileNotFoundError:
        return
    for number, line in enumerate(text.splitlines(), 1):
        try:
            found = json.loads(line) if line.strip() else None
        except ValueError:
            found = line
        if isinstance(found, dict):
            yield found
        elif found is not None:
            log.warning(
                "%s:%d is no alert but %r: its writer died in the midst of it; wanted is one JSON"
                " object a line. It is passed over, all other alerts are read",
                alerts_file(), number, line[:80],
            )  # fmt: skip


def alerts_file() -> Path:
    """Where every alert stands."""
    return state_dir() / "run" / "alerts.jsonl"


async def deadline_missed(department: str, owners: list[str], hours: float) -> str:
    """Runs in the triggerer when a department's night has not ended in time.

    The triggerer looks after all deadlines in one thread: the line is sent by the DAG `alerts`.
    """
    span = f"{hours:g} hours" if hours >= 1 else f"{hours * 60:.2g} minutes"
    sentence = f"{department} did not finish its night within {span}: ask {', '.join(owners)}"
    log.error("%s", sentence)
    contacts = [contact for owner in owners for contact in telling.addresses(owner)]
    do = f"Look at the DAG `{department}` in Airflow: what still runs, waits or has failed?"
    write(sentence, do, department=department, owners=owners, contact=", ".join(contacts))
    return sentence


def task_failed(context: Mapping[str, Any]) -> None:
    """Runs in the task's process when it failed for good."""
    task = context["task"]
    reason = str(context.get("exception") or "no reason was given")
    dataset = getattr(task, "subject", task.task_id)
    step = task.task_id.rpartition(".")[2]
    owner: OwnerPlan | None = getattr(task, "answers", None)
    where = getattr(context.get("ti"), "log_url", "") or ""
    tell(
        f"{dataset} failed at {step}: {reason}",
        f"Mend what the reason names, then clear the task `{step}` in Airflow, which runs it again"
        + (f": {where}" if where else "."),
        dataset=dataset,
        owner=owner.name if owner else task.owner,
        **(owner.ways if owner else {}),
    )
