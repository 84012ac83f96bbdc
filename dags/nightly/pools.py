"""Each table has a pool of one slot, so that it has one writer; a new table's is made in time.

Airflow never starts a task whose pool does not exist, and DAG files can't make pools. The
scheduler can: it tells this listener of every run that begins, before it starts a task of it.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from airflow.listeners import hookimpl

if TYPE_CHECKING:
    from airflow.models.dagrun import DagRun

_ONE_SLOT = ("table_", "mart_", "link_", "maintenance", "brief")

log = logging.getLogger(__name__)


@hookimpl
def on_dag_run_running(dag_run: DagRun, msg: str) -> None:
    """Make the pools of this run's tables that are missing."""
    from airflow import settings
    from airflow.models.pool import Pool
    from airflow.models.taskinstance import TaskInstance
    from sqlalchemy import select
    from sqlalchemy.orm import Session

    tasks = select(TaskInstance.pool).where(
        TaskInstance.dag_id == dag_run.dag_id, TaskInstance.run_id == dag_run.run_id
    )
    # A session of its own: Airflow's create_session() would hand out the scheduler's, in the
    # midst of its work, and close it.
    with Session(settings.engine) as session, session.begin():
        wanted = {name for name in session.scalars(tasks) if name.startswith(_ONE_SLOT)}
        known = set(session.scalars(select(Pool.pool).where(Pool.pool.in_(wanted))))
        for name in sorted(wanted - known):
            log.info("making pool %s with one slot", name)
            session.add(Pool(pool=name, slots=1, description="", include_deferred=False))
