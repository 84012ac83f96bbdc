"""The departments' runs, from Airflow's own tables: where a batch's log is, what runs now."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC

from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance
from sqlalchemy import func, select, tuple_
from sqlalchemy.orm import Session

from tonight.rows import BATCH_ID_FORMAT, Run

KEPT = 60
"""Runs of each department: as many as attempts are kept of its datasets."""


def newest_runs(session: Session, departments: Iterable[str]) -> list[Run]:
    """The newest runs of each department's DAG, the newest first; that one with its tasks."""
    date = func.coalesce(DagRun.logical_date, DagRun.run_after)
    place = func.row_number().over(partition_by=DagRun.dag_id, order_by=(date.desc(), DagRun.id))
    ranked = (
        select(DagRun.dag_id, DagRun.run_id, date.label("date"), place.label("place"))
        .where(DagRun.dag_id.in_(list(departments)))
        .subquery()
    )
    found = session.execute(
        select(ranked).where(ranked.c.place <= KEPT).order_by(ranked.c.dag_id, ranked.c.place)
    ).all()
    tasks = _tasks(session, [(row.dag_id, row.run_id) for row in found if row.place == 1])
    return [
        Run(
            department=row.dag_id,
            run_id=row.run_id,
            batch_id=row.date.astimezone(UTC).strftime(BATCH_ID_FORMAT),
            tasks=tasks.get((row.dag_id, row.run_id), {}),
        )
        for row in found
    ]


def _tasks(
    session: Session, runs: list[tuple[str, str]]
) -> dict[tuple[str, str], dict[str, str | None]]:
    """State by task, of each run."""
    columns = (TaskInstance.dag_id, TaskInstance.run_id)
    rows = session.execute(
        select(*columns, TaskInstance.task_id, TaskInstance.state).where(tuple_(*columns).in_(runs))
    )
    found: dict[tuple[str, str], dict[str, str | None]] = {}
    for dag_id, run_id, task_id, state in rows:
        found.setdefault((dag_id, run_id), {})[task_id] = None if state is None else str(state)
    return found
