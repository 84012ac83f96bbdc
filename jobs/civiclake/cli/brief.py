"""``brief``: the city's pages, for people who decide and ask no SQL."""

from __future__ import annotations

import typer

from civiclake.cli import city
from civiclake.cli.console import reporting
from civiclake.settings import load_settings


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("brief")(brief)


def brief() -> None:
    """Write the city's brief: an index, a page for each application and for each department.

    The pages stand in var/brief/ and open from disk: they load nothing and run nothing. What they
    show is declared in marts/<application>/page.yaml; each says first what has changed since it was
    published before, and last where its numbers come from. The marts' night ends with it. Where
    nothing has changed since it was run earlier on the same day, they stay as they are.
    """
    from civiclake.pipeline.brief.write import write

    settings = load_settings()
    with reporting() as report:
        made = write(settings, city.read(settings))
        index = made.files[0].absolute().as_uri()
        report({"index": index, "pages": len(made.files), "changed": made.is_new})
