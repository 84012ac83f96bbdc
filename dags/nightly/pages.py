"""The city's brief: written when all that it shows has come, and else in the morning."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, AssetOrTimeSchedule, CronTriggerTimetable

from nightly.build import asset, mart_task
from nightly.command import CityCommand
from nightly.plan import CityPlan
from nightly.retries import OPERATORS, RETRIES

AT_LATEST = "0 6 * * *"
"""A mart that failed keeps no page back: what is old is said to be."""


class Brief(CityCommand):
    """Run ``civiclake brief``."""

    def __init__(self, **kwargs: Any):
        super().__init__(arguments=["brief"], **kwargs)

    @property
    def subject(self) -> str:
        """What a failure is a failure of."""
        return "the city's brief"


def brief_dag(city: CityPlan) -> DAG:
    """The DAG of all pages, and of the marts that are made of the ledger."""
    own = [mart for mart in city.marts if mart.made.is_of_ledger]
    shown = [name for name in city.shown if name not in {mart.name for mart in own}]
    at_latest = CronTriggerTimetable(AT_LATEST, timezone="UTC", run_immediately=timedelta(0))
    assets = [asset("marts", name) for name in shown]
    with DAG(
        dag_id="brief",
        description="The pages of the city's brief",
        doc_md=_doc(city),
        schedule=AssetOrTimeSchedule(timetable=at_latest, assets=assets) if assets else at_latest,
        catchup=False,
        max_active_runs=1,
        default_args={**RETRIES, "owner": OPERATORS},
        tags=["brief"],
    ) as dag:
        # A record that can't be made keeps no page back: what is old is said to be.
        write = Brief(task_id="write", pool="brief", trigger_rule="all_done")
        for mart in own:
            mart_task(mart) >> write
    return dag


def _doc(city: CityPlan) -> str:
    names = ", ".join(f"`marts.{name}`" for name in city.shown)
    return (
        "Writes a page for each application and department, and an index, into `var/brief/`"
        f" (`docs/guides/brief.md`). It runs when {names} have all arrived, and at {AT_LATEST} in"
        " any case: a page says first which of its marts are older than promised."
    )
