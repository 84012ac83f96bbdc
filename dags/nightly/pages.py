"""The city's brief: written when all that it shows has come, and else in the morning."""

from __future__ import annotations

from typing import Any

from airflow.sdk import DAG, AssetOrTimeSchedule, CronTriggerTimetable

from nightly.build import asset
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
    """The DAG of all pages."""
    with DAG(
        dag_id="brief",
        description="The pages of the city's brief",
        doc_md=_doc(city),
        schedule=AssetOrTimeSchedule(
            timetable=CronTriggerTimetable(AT_LATEST, timezone="UTC"),
            assets=[asset("marts", name) for name in city.shown],
        ),
        catchup=False,
        max_active_runs=1,
        default_args={**RETRIES, "owner": OPERATORS},
        tags=["brief"],
    ) as dag:
        Brief(task_id="write", pool="brief")
    return dag


def _doc(city: CityPlan) -> str:
    names = ", ".join(f"`marts.{name}`" for name in city.shown)
    return (
        "Writes a page for each application and department, and an index, into `var/brief/`"
        f" (`docs/guides/brief.md`). It runs when {names} have all arrived, and at {AT_LATEST} in"
        " any case: a page says first which of its marts are older than promised."
    )
