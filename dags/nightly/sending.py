"""The DAG that sends what waits to be told, until it is gone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, BaseOperator, CronTriggerTimetable
from airflow.sdk.exceptions import AirflowException, AirflowSkipException

from nightly import alerts, telling
from nightly.plan import CityPlan
from nightly.retries import OPERATORS

SENT_AT = "*/15 * * * *"


class SendAlerts(BaseOperator):
    """Send the alerts that wait."""

    def execute(self, context: Any) -> int:
        """How many were sent.

        Raises:
            AirflowException: some wait still; Airflow tries again.
        """
        before = telling.waiting()
        if not before:
            raise AirflowSkipException("no alert waits")
        telling.tell_waiting()
        left = telling.waiting()
        if left:
            raise AirflowException(
                f"{len(left)} alerts wait to be sent, the oldest since {left[0].get('at')}: see"
                f" above why; they stay in {alerts.alerts_file()}"
            )
        return len(before)


def alerts_dag(city: CityPlan) -> DAG:
    """The DAG; it has a schedule where there is a connection to send by."""
    has_way = bool(telling.city_connection() or telling.owners_connections(city))
    with DAG(
        dag_id="alerts",
        description="Sends what owners are to be told and were not yet",
        doc_md=_doc(city),
        schedule=(
            CronTriggerTimetable(SENT_AT, timezone="UTC", run_immediately=timedelta(0))
            if has_way
            else None
        ),
        catchup=False,
        max_active_runs=1,
        # Nobody is alerted of this: the alerts are what waits. The next run tries again.
        default_args={"retries": 1, "retry_delay": timedelta(minutes=1), "owner": OPERATORS},
        tags=["alerts"],
    ) as dag:
        SendAlerts(task_id="send")
    return dag


def _doc(city: CityPlan) -> str:
    head = f"Every alert is a line of `{alerts.alerts_file()}`. Who is told how"
    ways = [f"- {way}" for way in telling.ways(city)]
    return "\n".join([f"{head} (`docs/guides/alerts.md`):", "", *ways])
