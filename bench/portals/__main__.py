"""``python -m bench.portals``: forty real CSV files, each drafted, loaded as drafted and compared.

A file passes when every row of it, as pandas and DuckDB read it, is served or set aside with a
reason, and the table holds nothing else; or when it is refused with a sentence, which is printed.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from bench.installation import installation
from bench.portals.corrections import EDITED, again
from bench.portals.files import fetch
from bench.portals.trial import Outcome, Trial, try_file
from civiclake.cli.console import say, show_table

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, help=__doc__)


@app.command()
def main(
    only: Annotated[str, typer.Option(help="files by a part of their name, with commas")] = "",
    files: Annotated[Path | None, typer.Option(help="where the files are, or go")] = None,
    corrected: Annotated[bool, typer.Option(help="also deliver some again, corrected")] = True,
) -> None:
    """Try every file; the exit code tells whether all passed."""
    folder = files or Path(tempfile.mkdtemp(prefix="portals-"))
    wanted = [part for part in only.split(",") if part] or [""]
    paths = [p for p in fetch(folder) if any(part in p.name for part in wanted)]
    outcomes: list[Outcome] = []
    with installation() as (settings, named):
        trial = Trial(settings, {**os.environ, **named})
        for path in paths:
            outcomes.append(try_file(trial, path))
            _tell(outcomes[-1])
        for path in [p for p in paths if corrected and p.stem in EDITED]:
            for load in ("files", "snapshot"):
                outcomes += again(trial, path, load)
                _tell(outcomes[-1])
    _summary(outcomes)
    raise typer.Exit(0 if all(o.is_whole for o in outcomes) else 1)


def _tell(found: Outcome) -> None:
    word = "whole" if found.is_whole else "NOT WHOLE"
    say(f"{found.file} after {found.load_seconds} s, {word}: {found.refused or found.compared}")


def _summary(outcomes: list[Outcome]) -> None:
    header = ["file", "key", "rows", "served", "set aside", "missing", "extra", "verdict"]
    rows = []
    for found in outcomes:
        beside = found.compared
        counts = [beside.rows, beside.served] if beside else [None, None]
        differ = [beside.missing, beside.extra] if beside else [None, None]
        verdict = found.refused or ("whole" if found.is_whole else "NOT WHOLE")
        aside = found.account.get("quarantined")
        rows.append([found.file, found.key[:60], *counts, aside, *differ, verdict[:160]])
    show_table(header, rows)


if __name__ == "__main__":
    app()
