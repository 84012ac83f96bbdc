"""What did not come becomes a failed task of its own, and its owner is told once."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException
from test_alerts import lines
from test_command import context
from test_dags import load_dags

from nightly.absence import AbsentDelivery, DeliveriesCheck

ABSENT = {
    "dataset": "health.visits",
    "owner": "Health information centre",
    "contact": "data@health.example.org",
    "due_at": "2016-01-02T02:00:00Z",
    "sentence": "health.visits did not deliver: ask Health information centre",
    "told": False,
}


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Write a shell script that stands in the place of `civiclake`; what it was called with."""
    called = tmp_path / "called"

    def write(text: str) -> Path:
        path = tmp_path / "civiclake"
        path.write_text(f'#!/bin/sh\necho "$*" >> {called}\n{text}\n')
        path.chmod(0o755)
        monkeypatch.setenv("CIVICLAKE_COMMAND", str(path))
        return called

    return write


def test_the_check_hands_on_what_nobody_was_told_of(program: Callable[[str], Path]) -> None:
    other = {**ABSENT, "dataset": "health.facilities", "told": True}
    called = program(f"echo '{json.dumps({'absent': [ABSENT, other]})}'")
    assert DeliveriesCheck(task_id="check").execute(context()) == [ABSENT]
    assert called.read_text() == "deliveries check\n"


def test_an_absence_fails_and_its_owner_is_told_once(
    program: Callable[[str], Path], state: Path
) -> None:
    called = program("echo '{}'")
    for _ in range(2):
        with pytest.raises(AirflowFailException, match=r"health\.visits did not deliver"):
            AbsentDelivery(task_id="absent", absence=ABSENT).execute(context())
    (line,) = lines(state)
    assert line["dataset"] == "health.visits"
    assert line["contact"] == "data@health.example.org"
    assert called.read_text() == "deliveries told health.visits --due 2016-01-02T02:00:00Z\n" * 2
    following = {**ABSENT, "due_at": "2016-01-03T02:00:00Z"}
    with pytest.raises(AirflowFailException):
        AbsentDelivery(task_id="absent", absence=following).execute(context())
    assert len(lines(state)) == 2


def test_what_can_not_be_noted_is_told_all_the_same(
    program: Callable[[str], Path], state: Path
) -> None:
    program("exit 75")
    with pytest.raises(AirflowException):
        AbsentDelivery(task_id="absent", absence=ABSENT).execute(context())
    assert len(lines(state)) == 1


def test_the_dag_maps_one_task_to_each_absence(
    compiled: dict[str, Any], deploy: Callable[[dict[str, Any]], None]
) -> None:
    deploy(compiled)
    bag = load_dags()
    assert bag.import_errors == {}
    dag = bag.dags["deliveries"]
    absent = dag.get_task("absent")
    assert absent.is_mapped
    assert absent.upstream_task_ids == {"check"}
    assert absent.retries == 0
    assert absent.map_index_template == "{{ task.absence.dataset }}"
    # The mapped task tells by itself; the check, should it fail, is told as any failure.
    assert not absent.partial_kwargs.get("on_failure_callback")
    assert dag.get_task("check").has_on_failure_callback
    for dataset in compiled["datasets"]:
        assert dataset["id"] in dag.doc_md
        assert dataset["owner"]["contact"] in dag.doc_md
