"""``extract``, ``load``, ``mart`` and ``link``: the work of the night, one batch at a time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from civiclake.cli import city
from civiclake.cli.console import reporting, show_table
from civiclake.contracts.model import Dataset
from civiclake.errors import UserError
from civiclake.io.landing.store import Landing
from civiclake.settings import Settings, load_settings

DatasetId = Annotated[str, typer.Argument(help="such as health.visits")]
BatchId = Annotated[
    str | None, typer.Option(help="such as 20160101T020000Z; default: now, or the newest landed")
]


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("extract")(extract)
    app.command("load")(load)
    app.command("mart")(mart)
    app.command("link")(link)
    app.command("batches")(batches)


def extract(
    dataset: DatasetId,
    batch_id: BatchId = None,
    again: Annotated[bool, typer.Option(help="read anew what was landed but not merged")] = False,
) -> None:
    """Read a dataset's source into landing: bytes as they came, counted and hashed."""
    from civiclake.pipeline.night.extract import extract_batch

    settings = load_settings()
    with reporting() as report:
        found = city.dataset(settings, dataset)
        report(extract_batch(settings, found, batch_id or _now(), again=again))


def load(dataset: DatasetId, batch_id: BatchId = None) -> None:
    """Take a landed batch through stage, checks, masks, merge and account."""
    settings = load_settings()
    with reporting() as report:
        # Spark's client takes half a second to import; other commands go without.
        from civiclake.pipeline.night.load import load as load_batch

        found = city.dataset(settings, dataset)
        result = load_batch(settings, found, batch_id or _newest(settings, found))
        report(result.model_dump())


def mart(
    name: Annotated[str, typer.Argument(help="such as visits_by_weather")],
    batch_id: BatchId = None,
    full: Annotated[bool, typer.Option(help="build it whole, whatever has changed")] = False,
) -> None:
    """Bring a cross-department table to what the unified tables say now.

    Only the groups that have changed are computed and replaced, in one commit, where the mart's
    file names them (`-- refresh_by:`); else, or where an input can't tell its changes (it was
    restored, swapped or made anew), the whole. The report's message says which, and why.
    """
    from civiclake.pipeline.marts.build import build

    settings = load_settings()
    with reporting() as report:
        made = build(settings, city.with_mart(settings, name), name, batch_id or _now(), full=full)
        report(made.model_dump())


def link(
    subject: Annotated[str, typer.Argument(help="person, organisation or place")],
    batch_id: BatchId = None,
    train: Annotated[bool, typer.Option(help="estimate the model anew, score all again")] = False,
) -> None:
    """Recognise the same person, organisation or place in all departments' records."""
    settings = load_settings()
    with reporting() as report:
        from civiclake.pipeline.links.link import link as link_subject

        made = link_subject(settings, city.read(settings), subject, batch_id or _now(), train=train)
        report(made.model_dump())


def batches(
    limit: Annotated[int, typer.Option(help="how many, newest first")] = 30,
) -> None:
    """List the newest batches with their accounts."""
    from civiclake.engine.session import connect
    from civiclake.io.ops import ledger

    settings = load_settings()
    spark = connect(settings)
    try:
        rows = ledger.newest(spark, settings, limit)
    finally:
        spark.stop()
    show_table(ledger.SHOWN, rows)


def _now() -> str:
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"


def _newest(settings: Settings, dataset: Dataset) -> str:
    nights = Landing(settings).former(dataset.id).nights(1)
    if not nights:
        raise UserError(f"nothing of {dataset.id} is landed: run `civiclake extract {dataset.id}`")
    return nights[0].batch_id
