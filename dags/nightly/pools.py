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

_ONE_SLOT = ("table_", "mart_")

log = logging.getLogger(__name__)


@hookimpl
def on_dag_run_running(dag_run: DagRun, msg: str) -> None:
    """Make the pools of this run's tables that are missing."""
    from airflow.models.pool import Pool
    from airflow.utils.session import create_session
    from sqlalchemy import select

    wanted = {ti.pool for ti in dag_run.task_instances if ti.pool.startswith(_ONE_SLOT)}
    # A session of its own: the scheduler's is in the midst of its work.
    with create_session() as session:
        known = set(session.scalars(select(Pool.pool).where(Pool.pool.in_(wanted))))
        for name in sorted(wanted - known):
            log.info("making pool %s with one slot", name)
            session.add(Pool(pool=name, slots=1, description="", include_deferred=False))
