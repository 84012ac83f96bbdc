"""``deliveries``: what every department owes, what came of it, and what did not come."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from civiclake.cli import city
from civiclake.cli.batches import DatasetId
from civiclake.cli.console import reporting, show_table
from civiclake.contracts import promise
from civiclake.contracts.derived import derived
from civiclake.errors import UserError
from civiclake.settings import load_settings

app = typer.Typer(
    invoke_without_command=True,
    help="List the newest delivery of every dataset, mart and link, the worst first.\n\n"
    "States: absent (the deadline has passed, nothing came), held (it came and is not served),"
    " late, empty (nothing new, which the contract allows), delivered. The age is that of what is"
    " served now, the promise is the contract's latency.",
    rich_markup_mode=None,
)
_MOMENT = "a moment, such as 2016-01-02T08:00:00Z"


@app.callback()
def show(context: typer.Context) -> None:
    """List, unless another command is named."""
    if context.invoked_subcommand:
        return
    from civiclake.pipeline.watch import deliveries

    settings = load_settings()
    read = city.read(settings)
    owed: list[promise.Promised] = [*read.datasets, *derived(read)]
    promised = {one.id: one.latency_seconds for one in owed}
    now = datetime.now(UTC)
    rows = [
        (
            row.dataset,
            row.state.value,
            f"{row.due_at:%Y-%m-%d %H:%M}",
            f"{row.deadline_at:%Y-%m-%d %H:%M}",
            promise.span((now - served).total_seconds()) if served else "never served",
            promise.span(promised[row.dataset]),
            row.batch_id,
            f"{row.owner} ({row.contact})",
            f"{row.told_at:%Y-%m-%d %H:%M}" if row.told_at else "",
        )
        for row, served in deliveries.newest(settings)
        if row.dataset in promised
    ]
    known = {row[0] for row in rows}
    rows += [
        (name, "not due yet", "", "", "never served", promise.span(seconds), "", "", "")
        for name, seconds in promised.items()
        if name not in known
    ]
    heads = ("dataset", "state", "due", "deadline", "age", "promised", "batch", "owner", "told")
    show_table(heads, rows)


@app.command()
def check(
    at: Annotated[str | None, typer.Option(help=f"{_MOMENT}; default: now")] = None,
) -> None:
    """Find deliveries whose deadline has passed, and write them into ops.deliveries.

    The last line is JSON: `absent` lists every dataset whose newest due delivery did not come,
    and whether its owner was told. Finding one is no failure of this command: Airflow's DAG
    `deliveries` makes a failed task of each, and tells the owner once.
    """
    from civiclake.pipeline.watch import deliveries

    settings = load_settings()
    with reporting() as report:
        moment = _moment(at) if at else datetime.now(UTC)
        read = city.read(settings)
        found = deliveries.check(settings, read.datasets, moment, derived(read))
        absent = [
            {
                **one.promise.model_dump(mode="json", include={"dataset", "owner", "contact"}),
                "due_at": f"{one.promise.due_at:%Y-%m-%dT%H:%M:%SZ}",
                "sentence": one.sentence,
                "do": one.do,
                "told": one.is_told,
            }
            for one in found
        ]
        report({"at": f"{moment:%Y-%m-%dT%H:%M:%SZ}", "absent": absent})


@app.command()
def told(
    dataset: DatasetId,
    due: Annotated[str, typer.Option(help=f"when it was due: {_MOMENT}")],
) -> None:
    """Note that the owner was told of an absence; the first time stays."""
    from civiclake.pipeline.watch import deliveries

    settings = load_settings()
    with reporting() as report:
        made = {one.id for one in derived(city.read(settings))}
        name = dataset if dataset in made else city.dataset(settings, dataset).id
        found = deliveries.told(settings, name, _moment(due))
        if found is None:
            raise UserError(
                f"{dataset}: no delivery due {due} is absent; see `civiclake deliveries`"
            )
        report(found.model_dump(mode="json"))


def _moment(said: str) -> datetime:
    try:
        found = datetime.fromisoformat(said)
    except ValueError:
        raise UserError(
            f"{said!r} is no moment; allowed is {_MOMENT.removeprefix('a moment, ')}"
        ) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
