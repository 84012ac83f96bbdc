"""``quarantine``: look at the rows that were set aside, and put them right."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from civiclake.cli import city
from civiclake.cli.batches import DatasetId
from civiclake.cli.console import put, reporting, show_table
from civiclake.settings import load_settings

app = typer.Typer(
    no_args_is_help=True,
    help="Look at the rows that were set aside, and put them right.",
    rich_markup_mode=None,
)


@app.command("list")
def list_all(
    dataset: Annotated[str | None, typer.Argument(help="one dataset; default: all")] = None,
) -> None:
    """Count the rows that are set aside, by dataset and reason."""
    from civiclake.engine.session import connect
    from civiclake.io.lake import quarantine

    settings = load_settings()
    datasets = [city.dataset(settings, dataset)] if dataset else city.read(settings).datasets
    spark = connect(settings)
    try:
        rows: list[tuple[Any, ...]] = []
        for one in datasets:
            if quarantine.exists(spark, settings, one):
                rows += [(one.id, *line) for line in quarantine.summary(spark, settings, one)]
    finally:
        spark.stop()
    if rows:
        show_table(("dataset", "status", "reason", "rows"), rows)
    else:
        put("nothing is set aside")


@app.command()
def show(
    dataset: DatasetId,
    reason: Annotated[str | None, typer.Option(help="only rows with this reason")] = None,
    limit: Annotated[int, typer.Option(help="how many")] = 20,
) -> None:
    """Show set-aside records as they came. They hold personal data: mind who looks on.

    A record that is delivered again as it was is shown once, with the batches in which it was
    seen first and last and in how many deliveries it came.
    """
    from civiclake.engine.session import connect
    from civiclake.io.lake import quarantine

    settings = load_settings()
    found = city.dataset(settings, dataset)
    spark = connect(settings)
    try:
        rows = (
            quarantine.show(spark, settings, found, reason=reason, limit=limit)
            if quarantine.exists(spark, settings, found)
            else []
        )
    finally:
        spark.stop()
    if not rows:
        put(f"nothing of {dataset} is set aside" + (f" for {reason}" if reason else ""))
        return
    names = [c.source_name for c in found.columns]
    shown = [
        (
            r.record_id,
            ", ".join(r.reasons),
            r.first_seen_batch,
            r.last_seen_batch,
            r.times_seen,
            *(r.raw.get(n) for n in names),
        )
        for r in rows
    ]
    show_table(("_record_id", "reasons", "first seen", "last seen", "times", *names), shown)


@app.command()
def replay(
    dataset: DatasetId,
    corrections: Annotated[
        Path | None,
        typer.Option(
            help="CSV with a column _record_id and the source's columns: these records are judged"
            " with these values",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    batch_id: Annotated[str | None, typer.Option(help="id of the replay's batch")] = None,
) -> None:
    """Judge the set-aside rows again, under the rules as they are now; each moves once."""
    from civiclake.pipeline.night.replay import replay as replay_rows

    settings = load_settings()
    with reporting() as report:
        found = city.dataset(settings, dataset)
        result = replay_rows(settings, found, batch_id=batch_id, corrections=corrections)
        report(result.model_dump())
