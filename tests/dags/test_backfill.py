"""A run's parameters become the words of `civiclake backfill`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException
from test_absence import program  # noqa: F401 - a fixture
from test_command import context
from test_dags import load_dags

from nightly.backfill import BuildBackfill, SwapBackfill

PARAMS = {"dataset": "health.visits", "first": "", "last": "", "source": "landing", "swap": False}
BUILT = {"dataset": "health.visits", "backfill_id": "20160105T000000Z"}


def _context(**params: Any) -> dict[str, Any]:
    ti = SimpleNamespace(xcom_pull=lambda task_ids: BUILT)
    return context(params={**PARAMS, **params}, ti=ti)


def _build() -> BuildBackfill:
    return BuildBackfill(
        task_id="build",
        arguments=["backfill", "run"],
        connections={"health.visits": "health_db"},
    )


def test_build_and_swap_are_the_commands_of_a_person(
    program: Callable[[str], Path],  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connection = {"conn_type": "postgres", "login": "reader", "password": "staple"}
    monkeypatch.setenv("AIRFLOW_CONN_HEALTH_DB", json.dumps(connection))
    called = program('echo "$HEALTH_DB_USER" >> "$0.user"; echo "{}"')
    _build().execute(_context())
    _build().execute(_context(first="2016-01-01", last="2016-01-31", source="source"))
    swap = SwapBackfill(task_id="swap", arguments=["backfill", "swap"], connections={})
    with pytest.raises(AirflowSkipException, match="not asked to swap"):
        swap.execute(_context())
    swap.execute(_context(swap=True))
    assert called.read_text().splitlines() == [
        "backfill run health.visits --source landing",
        "backfill run health.visits --source source --from 2016-01-01 --to 2016-01-31",
        "backfill swap health.visits 20160105T000000Z",
    ]
    # Only who reads the source is given its credentials.
    users = called.with_name("civiclake.user").read_text().splitlines()
    assert users == ["", "reader", ""]


def test_the_dag_knows_every_dataset_and_runs_only_when_asked(
    compiled: dict[str, Any], deploy: Callable[[dict[str, Any]], None]
) -> None:
    deploy(compiled)
    bag = load_dags()
    assert bag.import_errors == {}
    dag = bag.dags["backfill"]
    assert set(dag.get_task("swap").upstream_task_ids) == {"build"}
    assert not dag.timetable.can_be_scheduled
    params = dag.params
    assert params.get_param("dataset").schema["enum"] == sorted(
        d["id"] for d in compiled["datasets"]
    )
    params["first"] = "2016-01-01"
    params.validate()
    with pytest.raises(ValueError, match="does not match"):
        params["last"] = "last week"
