"""Alerts reach the file that a pager or a mail gateway reads."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from airflow.sdk import DAG

from nightly import alerts
from nightly.command import CivicLakeCommand


def lines(state: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (state / "run" / "alerts.jsonl").read_text().splitlines()]


def test_a_missed_deadline_names_the_department_and_whom_to_ask(state: Path) -> None:
    owners = ["Health information centre <data@health.example.org>"]
    asyncio.run(alerts.deadline_missed(department="health", owners=owners, hours=24.0))
    (line,) = lines(state)
    assert line["department"] == "health"
    assert line["alert"] == (
        "health did not finish its night within 24 hours: "
        "ask Health information centre <data@health.example.org>"
    )
    assert line["owners"] == owners
    assert line["at"]


def test_a_deadline_below_an_hour_is_told_in_minutes() -> None:
    told = asyncio.run(alerts.deadline_missed(department="health", owners=["Lin Wei"], hours=0.5))
    assert told == "health did not finish its night within 30 minutes: ask Lin Wei"


def test_a_failed_task_names_the_dataset_its_owner_and_the_reason(state: Path) -> None:
    with DAG("health"):
        task = CivicLakeCommand(
            task_id="load", arguments=["load", "health.visits"], owner="Health information centre"
        )
    context = {"task": task, "exception": RuntimeError("30 % of the rows were set aside")}
    alerts.task_failed(context)
    alerts.task_failed({**context, "exception": None})
    first, second = lines(state)
    assert first["dataset"] == "health.visits"
    assert first["owner"] == "Health information centre"
    assert first["alert"] == "health.visits failed at load: 30 % of the rows were set aside"
    assert second["alert"] == "health.visits failed at load: no reason was given"
