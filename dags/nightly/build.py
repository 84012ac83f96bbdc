"""From the plan to Airflow's DAGs: nothing is decided here, only wired."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from airflow.sdk import (
    DAG,
    Asset,
    AsyncCallback,
    BaseOperator,
    CronTriggerTimetable,
    DeadlineAlert,
    TaskGroup,
)

from nightly.command import CivicLakeCommand, DetectorCommand
from nightly.deadline import NightBegun
from nightly.plan import (
    LEDGER,
    DatasetPlan,
    DepartmentPlan,
    InputPlan,
    LinkPlan,
    MartPlan,
    OwnerPlan,
)
from nightly.retries import RETRIES


def department_dag(department: DepartmentPlan) -> DAG:
    """The nightly DAG of one department; its id is the department's name."""
    with DAG(
        dag_id=department.name,
        description=f"Tonight's records of {_words(department.name)}",
        doc_md=_department_doc(department),
        # No start_date and no margin: a DAG that is unpaused by day waits for the next night.
        schedule=CronTriggerTimetable(
            department.schedule, timezone="UTC", run_immediately=timedelta(0)
        ),
        catchup=False,
        max_active_runs=1,
        default_args=RETRIES,
        tags=["nightly", department.name],
        owner_links=_owner_links([d.answers for d in department.datasets]),
        deadline=_deadline(department),
    ) as dag:
        loads = {dataset.name: _dataset_tasks(dataset) for dataset in department.datasets}
        for dataset in department.datasets:
            for before in dataset.after:
                loads[before] >> loads[dataset.name]
    return dag


def mart_dag(mart: MartPlan) -> DAG:
    """The DAG of one mart: it runs when all of its inputs have arrived."""
    return _arrival_dag(
        mart,
        "mart",
        "build",
        f"{_words(mart.name)}, from {', '.join(i.id for i in mart.inputs)}",
        _mart_doc(mart),
        [asset("marts", mart.name)],
    )


def link_dag(link: LinkPlan) -> DAG:
    """The DAG that recognises one kind of thing: it runs when all that speak of it have arrived."""
    return _arrival_dag(
        link,
        "link",
        "link",
        f"The same {link.name} in all departments' records",
        _link_doc(link),
        [asset("unified", link.name), asset("unified", f"{link.name}_link")],
    )


def _arrival_dag(
    plan: MartPlan | LinkPlan,
    verb: str,
    task_id: str,
    description: str,
    doc: str,
    outlets: list[Asset],
) -> DAG:
    """A DAG of one command, run when all inputs of its plan have arrived."""
    name = f"{verb}_{plan.name}"
    with DAG(
        dag_id=name,
        description=description,
        doc_md=doc,
        schedule=[asset(i.layer, i.table) for i in plan.inputs if i.id not in LEDGER],
        catchup=False,
        max_active_runs=1,
        default_args=RETRIES,
        tags=[verb],
        owner_links=_owner_links([plan.answers]),
    ) as dag:
        _making(plan, verb, task_id, doc, outlets)
    return dag


def mart_task(mart: MartPlan) -> BaseOperator:
    """The task that makes a mart of the ledger, in a DAG of others."""
    made = mart.made
    return _making(mart, "mart", made.task, _mart_doc(mart), [asset("marts", mart.name)])


def _making(
    plan: MartPlan | LinkPlan, verb: str, task_id: str, doc: str, outlets: list[Asset]
) -> BaseOperator:
    command = DetectorCommand if getattr(plan, "has_alerts", False) else CivicLakeCommand
    return command(
        task_id=task_id,
        arguments=[verb, plan.name],
        pool=f"{verb}_{plan.name}",
        owner=_owner(plan.answers.name),
        answers=plan.answers,
        outlets=outlets,
        doc_md=doc,
    )


def _dataset_tasks(dataset: DatasetPlan) -> BaseOperator:
    """extract, then load; returns load, which others wait for."""
    with TaskGroup(dataset.name, tooltip=dataset.description):
        extract = CivicLakeCommand(
            task_id="extract",
            arguments=["extract", dataset.id],
            connection=dataset.connection,
            pool="sources",
            owner=_owner(dataset.owner),
            answers=dataset.answers,
            doc_md=_dataset_doc(dataset),
        )
        load = CivicLakeCommand(
            task_id="load",
            arguments=["load", dataset.id],
            pool=f"table_{dataset.table}",
            owner=_owner(dataset.owner),
            answers=dataset.answers,
            outlets=[asset("unified", dataset.table)],
            doc_md=_dataset_doc(dataset),
        )
        extract >> load
    return load


def asset(layer: str, table: str) -> Asset:
    """The asset that stands for a table of the lake."""
    return Asset(name=f"{layer}.{table}", uri=f"civiclake://{layer}/{table}", group=layer)


def _deadline(department: DepartmentPlan) -> DeadlineAlert:
    """The night must end within the strictest latency that the contracts promise."""
    interval = timedelta(seconds=department.latency_seconds)
    return DeadlineAlert(
        reference=NightBegun(),
        interval=interval,
        callback=AsyncCallback(
            "nightly.alerts.deadline_missed",
            kwargs={
                "department": department.name,
                "owners": department.owners,
                "hours": department.latency_seconds / 3600,
            },
        ),
        name=f"{department.name} late",
    )


def _owner(name: str) -> str:
    """Airflow takes a comma for the end of one owner and the begin of the next."""
    return name.replace(",", " /")


def _owner_links(owners: Sequence[OwnerPlan]) -> dict[str, str]:
    """Where a click on an owner leads; a contact that is no address leads nowhere."""
    links = {}
    for owner in owners:
        if owner.contact.startswith(("https://", "http://")):
            links[_owner(owner.name)] = owner.contact
        elif "@" in owner.contact:
            links[_owner(owner.name)] = f"mailto:{owner.contact}"
    return links


def _department_doc(department: DepartmentPlan) -> str:
    return f"### {_words(department.name).capitalize()}\n\n{_table(department.datasets)}"


def _mart_doc(mart: MartPlan) -> str:
    contract = f"- contract: `marts/{mart.contract}`\n\n" if mart.contract else ""
    return (
        f"{_line(mart.description)}\n\n{contract}"
        f"`marts.{mart.name}`, for which {mart.answers.name} answers, is brought up to date when"
        " these have arrived:\n\n"
        f"{_table(mart.inputs)}"
    ).lstrip()


def _link_doc(link: LinkPlan) -> str:
    return (
        f"`unified.{link.name}` and `unified.{link.name}_link` are brought up to date when these"
        f" have arrived:\n\n{_table(link.inputs)}"
    )


def _table(datasets: Sequence[InputPlan]) -> str:
    rows = [
        f"| `{d.id}` | `{d.layer}.{d.table}` | {_line(d.owner)} | {_line(d.contact)} "
        f"| {_line(d.description)} |"
        for d in datasets
    ]
    head = ["| dataset | table | owner | contact | what it is |", "|---|---|---|---|---|"]
    return "\n".join([*head, *rows])


def _dataset_doc(dataset: DatasetPlan) -> str:
    return (
        f"{_line(dataset.description)}\n\n"
        f"- contract: `schemas/{dataset.contract}`, version {dataset.version}\n"
        f"- table: `unified.{dataset.table}`; set-aside rows: `quarantine.{dataset.table}`\n"
        f"- owner: {dataset.owner} ({dataset.contact})\n"
    )


def _words(name: str) -> str:
    return name.replace("_", " ")


def _line(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
