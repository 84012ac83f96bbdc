"""Backfills from the UI: a run's parameters become the words of `civiclake backfill`."""

from __future__ import annotations

from typing import Any

from airflow.sdk import DAG, Param
from airflow.sdk.exceptions import AirflowSkipException

from nightly.command import CivicLakeCommand
from nightly.plan import CityPlan, DatasetPlan
from nightly.retries import OPERATORS, RETRIES

_DAY = r"^(\d{4}-\d{2}-\d{2})?$"


class BackfillCommand(CivicLakeCommand):
    """Run one of the commands of ``civiclake backfill`` for the run's parameters.

    Args:
        connections: dataset to the Airflow connection of its source, which only a reading of
            the source needs.
    """

    def __init__(self, *, connections: dict[str, str], **kwargs: Any):
        super().__init__(**kwargs)
        self.connections = connections

    @property
    def subject(self) -> str:
        """What a failure is a failure of."""
        return "a backfill"


class BuildBackfill(BackfillCommand):
    """Build the table beside the served one."""

    def words(self, context: Any) -> list[str]:
        """The run's parameters as options; an empty day leaves its side open."""
        params = context["params"]
        found = [*self.arguments, params["dataset"], "--source", params["source"]]
        for option, day in (("--from", params["first"]), ("--to", params["last"])):
            found += [option, day] if day else []
        return found

    def execute(self, context: Any) -> Any:
        """Run with the source's credentials where the source is read."""
        params = context["params"]
        if params["source"] == "source":
            self.connection = self.connections.get(params["dataset"])
        return super().execute(context)


class SwapBackfill(BackfillCommand):
    """Let what was built be served, if the run was asked to."""

    def words(self, context: Any) -> list[str]:
        """The backfill that the task before has built, and no other."""
        built = context["ti"].xcom_pull(task_ids="build")
        return [*self.arguments, built["dataset"], built["backfill_id"]]

    def execute(self, context: Any) -> Any:
        """Skipped, unless the run's parameters say ``swap``."""
        if not context["params"]["swap"]:
            raise AirflowSkipException(
                "not asked to swap: read the difference in the log of `build`, then clear this"
                " task in a run with swap, or run `civiclake backfill swap`"
            )
        return super().execute(context)


def backfill_dag(city: CityPlan) -> DAG:
    """The DAG of all backfills; a run is one of them."""
    datasets = [d for p in city.departments for d in p.datasets]
    with DAG(
        dag_id="backfill",
        description="Read nights again beside the served table, compare, and swap",
        doc_md=_DOC,
        schedule=None,
        catchup=False,
        max_active_runs=4,
        params=_params(datasets),
        default_args={**RETRIES, "owner": OPERATORS},
        tags=["backfill"],
    ) as dag:
        connections = {d.id: d.connection for d in datasets if d.connection}
        build = BuildBackfill(
            task_id="build", arguments=["backfill", "run"], connections=connections
        )
        swap = SwapBackfill(task_id="swap", arguments=["backfill", "swap"], connections=connections)
        build >> swap
    return dag


def _params(datasets: list[DatasetPlan]) -> dict[str, Param]:
    known = sorted(d.id for d in datasets)
    return {
        "dataset": Param(known[0], enum=known, description="what is read again"),
        "first": Param(
            "",
            type="string",
            pattern=_DAY,
            description="first night, such as 2016-01-01; empty: all",
        ),
        "last": Param("", type="string", pattern=_DAY, description="last night; empty: until now"),
        "source": Param(
            "landing",
            enum=["landing", "source"],
            description="landed batches as they came, or the source as it is today",
        ),
        "swap": Param(
            False, type="boolean", description="let it be served at once when it is built"
        ),
    }


_DOC = """\
`build` reads the nights again into a table beside the served one and tells the difference in its
log; nothing that is served changes. `swap` lets it be served in one commit, if the run's parameter
`swap` says so, and is refused when a night was merged in between. The version before stays
readable; `ops.backfills` names it.
"""
