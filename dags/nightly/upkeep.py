"""Small files are written together by day, and never in the way of the night."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, CronTriggerTimetable

from nightly.command import CityCommand
from nightly.plan import CityPlan
from nightly.retries import OPERATORS, RETRIES

RUN_AT = "30 12 * * *"
"""After the last night has ended, and long before the next one."""


class Maintain(CityCommand):
    """Run ``civiclake maintain --all``."""

    def __init__(self, **kwargs: Any):
        super().__init__(arguments=["maintain", "--all"], **kwargs)

    @property
    def subject(self) -> str:
        """What a failure is a failure of."""
        return "the maintenance of tables"


def maintenance_dag(city: CityPlan) -> DAG:
    """The DAG of all tables' files; a table that is being written is passed over."""
    with DAG(
        dag_id="maintenance",
        description="Small files together, deleted rows out, old files off the disk",
        doc_md=_doc(city),
        schedule=CronTriggerTimetable(RUN_AT, timezone="UTC", run_immediately=timedelta(0)),
        catchup=False,
        max_active_runs=1,
        default_args={**RETRIES, "owner": OPERATORS},
        tags=["maintenance"],
    ) as dag:
        # Whatever else waits for a place is started before it.
        Maintain(task_id="maintain", pool="maintenance", priority_weight=0, weight_rule="absolute")
    return dag


def _doc(city: CityPlan) -> str:
    datasets = sum(len(d.datasets) for d in city.departments)
    return (
        f"The files of {datasets} datasets' tables, {len(city.marts)} marts, {len(city.links)}"
        " kinds of links and the ledger. A table of which the log shows nothing to do is left"
        " alone, one that is being written is passed over, and a load that comes to want one gets"
        " it at once."
        " No row changes; `ops.maintenance` tells what was done, `civiclake maintain --help` when."
    )
