"""``backfill``: nights read again, compared with what is served, and swapped in."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from civiclake.cli import city
from civiclake.cli.batches import DatasetId
from civiclake.cli.console import put, reporting, say, show_table
from civiclake.errors import UserError
from civiclake.settings import load_settings


class _RunByDefault(TyperGroup):
    """``backfill DATASET`` is ``backfill run DATASET``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the command's name before a dataset's."""
        first = args[0] if args else "-"
        named = first in self.commands or first.startswith("-")
        return super().parse_args(ctx, args if named else ["run", *args])


app = typer.Typer(
    cls=_RunByDefault,
    no_args_is_help=True,
    help="Read nights again beside the served table, compare, and swap.\n\n"
    "`backfill DATASET` (in full `backfill run DATASET`) builds a table beside the served one from"
    " landed batches or the source, by the contract as it is now, and tells the difference; nothing"
    " that is served changes. `swap` lets it be served, in one commit; the version before stays"
    " readable. A table is rebuilt whole by leaving --from out.",
    rich_markup_mode=None,
)


class Source(StrEnum):
    """Where a backfill reads."""

    LANDING = "landing"
    SOURCE = "source"


@app.command()
def run(
    dataset: DatasetId,
    first: Annotated[
        str | None, typer.Option("--from", help="first night, such as 2016-01-01; default: all")
    ] = None,
    last: Annotated[
        str | None, typer.Option("--to", help="last night, such as 2016-01-31; default: now")
    ] = None,
    source: Annotated[
        Source, typer.Option(help="landed batches as they came, or the source as it is today")
    ] = Source.LANDING,
    swap: Annotated[bool, typer.Option("--swap", help="swap at once when it is built")] = False,
) -> None:
    """Read the batches of some nights again, and tell what would change.

    From landing, the batches of the range and all after it are applied in their order on the
    version of the table before the range, or on an empty table where that is gone. From the
    source, what the range brought is replaced by one full reading; newer rows stay. The last line
    is JSON; the difference is written into a file and to stderr.
    """
    from civiclake.pipeline.rebuild import stage
    from civiclake.pipeline.rebuild.difference import read_difference
    from civiclake.pipeline.rebuild.plan import Range
    from civiclake.pipeline.rebuild.swap import swap as swap_in

    settings = load_settings()
    with reporting() as report:
        found = city.dataset(settings, dataset)
        days = Range(_day(first, "--from"), _day(last, "--to"))
        if days.first and days.last and days.first > days.last:
            raise UserError(f"--from {first} lies after --to {last}; no night is in between")
        made = stage.stage(settings, found, days, from_source=source is Source.SOURCE)
        say(read_difference(made))
        if swap:
            made = swap_in(settings, found, made.backfill_id)
        report(made.model_dump())


@app.command()
def swap(
    dataset: DatasetId,
    backfill_id: Annotated[str | None, typer.Argument(help="default: the newest staged")] = None,
) -> None:
    """Let a staged backfill be served, in one commit; the version before stays readable.

    Refused, with nothing changed, when a night was merged since it was staged. Run again after it
    broke off, it goes on.
    """
    from civiclake.pipeline.rebuild.swap import swap as swap_in

    settings = load_settings()
    with reporting() as report:
        report(swap_in(settings, city.dataset(settings, dataset), backfill_id).model_dump())


@app.command("list")
def list_all(dataset: DatasetId) -> None:
    """List the backfills of a dataset, and where each one stands."""
    from civiclake.engine.session import connect
    from civiclake.io.ops import backfills

    settings = load_settings()
    found = city.dataset(settings, dataset)
    spark = connect(settings)
    try:
        rows = list(backfills.of(spark, settings, found.id).values())
    finally:
        spark.stop()
    if not rows:
        put(f"{dataset} was never backfilled")
        return
    heads = (
        "backfill", "state", "from", "to", "source", "batches", "only served", "only staged",
        "changed", "same", "version before", "version after", "message",
    )  # fmt: skip
    shown = [
        (
            r.backfill_id, r.state, r.first_day, r.last_day, r.source, r.batches, r.only_served,
            r.only_staged, r.changed, r.same, r.evidence_version, r.swapped_version, r.message,
        )
        for r in rows
    ]  # fmt: skip
    show_table(heads, shown)


def _day(said: str | None, option: str) -> date | None:
    if not said:
        return None
    try:
        return date.fromisoformat(said)
    except ValueError:
        raise UserError(f"{option} is {said!r}; allowed is a day such as 2016-01-31") from None
