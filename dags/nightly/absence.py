"""Absence is a failure with an owner: a failed task of its own, and one alert.

`civiclake deliveries check` finds the due dates whose deadline has passed; each that nobody was
told of becomes a mapped task, which tells the owner and then fails. It is told once: the alert
carries the due date as its key, and the ledger notes when.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, CronTriggerTimetable
from airflow.sdk.exceptions import AirflowFailException

from nightly import alerts
from nightly.command import CityCommand, CivicLakeCommand
from nightly.plan import CityPlan, DatasetPlan
from nightly.retries import OPERATORS, RETRIES

_DO = (
    "Find out why nothing came: ask the source, look at the log of its `extract` in Airflow. What"
    " is delivered after all is loaded when the department's run is cleared, or in the next night."
)
CHECKED_AT = "5 * * * *"
"""Deadlines lie at a department's hour plus a latency: an hour's wait is the longest."""


class DeliveriesCheck(CityCommand):
    """Run ``civiclake deliveries check``; the absences of which nobody was told yet."""

    def __init__(self, **kwargs: Any):
        super().__init__(arguments=["deliveries", "check"], **kwargs)

    @property
    def subject(self) -> str:
        """What a failure of the check itself is a failure of."""
        return "the check of deliveries"

    def execute(self, context: Any) -> Any:
        """Hand on one dictionary for each absence."""
        return [one for one in super().execute(context)["absent"] if not one["told"]]


class AbsentDelivery(CivicLakeCommand):
    """Tell the owner of one absence, note that, and fail, so that it is seen.

    Args:
        absence: one of the dictionaries that :class:`DeliveriesCheck` hands on.
        channels: Airflow connections of the owners that have their own, by dataset.
    """

    ui_color = "#f4dede"
    template_fields = ("absence",)

    def __init__(
        self, *, absence: dict[str, Any], channels: dict[str, str] | None = None, **kwargs: Any
    ):
        super().__init__(arguments=["deliveries", "told"], **kwargs)
        self.absence = absence
        self.channels = channels or {}

    def _has_channel(self) -> bool:
        return self.absence["dataset"] in self.channels

    def execute(self, context: Any) -> Any:
        """Always ends in failure: this task stands for something that is not there."""
        found = self.absence
        is_told = alerts.tell_once(
            f"absent {found['dataset']} {found['due_at']}",
            found["sentence"],
            found.get("do") or _DO,
            dataset=found["dataset"],
            owner=found["owner"],
            contact=found["contact"],
            due_at=found["due_at"],
            **({"channel": self.channels[found["dataset"]]} if self._has_channel() else {}),
        )
        # After the alert: broken off in between, the key keeps the next try from telling again.
        # While it waits to be sent, the next check finds it untold, and looks again.
        if is_told:
            self.run_words([*self.arguments, found["dataset"], "--due", found["due_at"]])
        raise AirflowFailException(found["sentence"])


def deliveries_dag(city: CityPlan) -> DAG:
    """The DAG of all deadlines; one run looks at every dataset."""
    with DAG(
        dag_id="deliveries",
        description="What was not delivered by its deadline, and who is asked",
        doc_md=_doc(city),
        schedule=CronTriggerTimetable(CHECKED_AT, timezone="UTC", run_immediately=timedelta(0)),
        catchup=False,
        max_active_runs=1,
        default_args={**RETRIES, "owner": OPERATORS},
        tags=["deliveries"],
    ) as dag:
        check = DeliveriesCheck(task_id="check")
        AbsentDelivery.partial(
            task_id="absent",
            retries=0,
            on_failure_callback=None,
            map_index_template="{{ task.absence.dataset }}",
            channels=_channels(city),
        ).expand(absence=check.output)
    return dag


def _channels(city: CityPlan) -> dict[str, str]:
    owners = {d.id: d.answers for p in city.departments for d in p.datasets}
    owners |= {f"marts.{mart.name}": mart.answers for mart in city.marts}
    return {name: owner.channel for name, owner in owners.items() if owner.channel}


def _doc(city: CityPlan) -> str:
    head = [
        "A failed task `absent` is a dataset that was not delivered by its deadline; its owner was"
        " told. `civiclake deliveries` lists what is owed and how old the served tables are.",
        "",
        "| dataset | due (UTC) | promised within | owner | contact |",
        "|---|---|---|---|---|",
    ]
    rows = [_row(d, p.schedule) for p in city.departments for d in p.datasets]
    return "\n".join([*head, *rows])


def _row(dataset: DatasetPlan, schedule: str) -> str:
    hours = f"{dataset.latency_seconds / 3600:g} h"
    return f"| `{dataset.id}` | `{schedule}` | {hours} | {dataset.owner} | {dataset.contact} |"
