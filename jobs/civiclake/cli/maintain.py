"""``maintain``: the tables' files, tidied by day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from civiclake.cli import city
from civiclake.cli.console import reporting, say, show_table
from civiclake.errors import CivicLakeError, UserError
from civiclake.settings import load_settings

if TYPE_CHECKING:
    from civiclake.io.ops.maintenance import Upkeep

_HEADS = (
    "table", "done", "files", "after", "MB", "after", "off disk", "seconds", "why",
)  # fmt: skip


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("maintain")(maintain)


def maintain(
    name: Annotated[
        str | None,
        typer.Argument(help="a dataset such as health.visits, or marts.NAME, link.SUBJECT, ops"),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="every table of the lake")] = False,
    dry_run: Annotated[bool, typer.Option(help="only say what there is to do")] = False,
) -> None:
    """Tidy the tables' files: small ones together, deleted rows out, old ones off the disk.

    A table is left alone unless its own log shows that there is something to do: at least
    `min_files` small files in a partition, a file of which more than `purge_share` is deleted,
    or files that left the table more than `keep_days` ago ([maintenance] in conf/default.toml).
    No row changes. A table that the night writes is passed over ("busy"), and one that the
    night comes to want is let go at once ("gave way"): neither is a failure. What was done
    stands in ops.maintenance; Airflow's DAG `maintenance` runs `--all` every day.

    Exit codes: 0 done, 1 a table failed (the others were done), 2 there is no such name.
    """
    from civiclake.io.ops.maintenance import FAILED, UNCHANGED
    from civiclake.pipeline.upkeep.maintain import maintain as tidy

    if (name is None) != everything:
        raise UserError("name one thing to maintain, or say --all; see `civiclake maintain --help`")
    settings = load_settings()

    def tell(row: Upkeep) -> None:
        if row.done != UNCHANGED:
            say(f"{row.table:<40} {row.done:<10} {row.seconds:6.2f} s  {row.why}")

    with reporting() as report:
        rows = tidy(settings, city.read(settings), name, dry_run=dry_run, say=tell)
        show_table(_HEADS, [_row(r) for r in rows if r.done != UNCHANGED])
        failed = [r.table for r in rows if r.done == FAILED]
        if failed:
            raise CivicLakeError(
                f"maintenance of {', '.join(failed)} failed (see above); the others were done"
            )
        report(_summary(rows))


def _summary(rows: Sequence[Upkeep]) -> dict[str, object]:
    return {
        "tables": len(rows),
        **Counter(r.done for r in rows),
        "files_less": sum((r.files_before or 0) - (r.files_after or 0) for r in rows),
        "seconds": round(sum(r.seconds for r in rows), 2),
    }


def _row(row: Upkeep) -> tuple[object, ...]:
    sizes = [None if b is None else round(b / 1e6, 2) for b in (row.bytes_before, row.bytes_after)]
    return (
        row.table, row.done, row.files_before, row.files_after, *sizes, row.files_vacuumed,
        row.seconds, row.why,
    )  # fmt: skip
