"""``analyst``: who may enter by the analysts' door."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from civiclake.cli.console import put
from civiclake.engine import analysts
from civiclake.settings import load_settings

app = typer.Typer(
    no_args_is_help=True,
    help="Let analysts in, list them, shut them out.",
    rich_markup_mode=None,
)
PASSWORD = "CIVICLAKE_ANALYST_PASSWORD"  # noqa: S105 - a variable's name


@app.command()
def add(name: Annotated[str, typer.Argument(help="such as mei.lin")]) -> None:
    """Let an analyst in, or give a new password (made at random, or from the environment)."""
    given = os.environ.get(PASSWORD)
    made = analysts.add(load_settings(), name, given)
    put(f"{name} may enter" if given else f"{name} may enter with the password {made}")


@app.command("list")
def list_all() -> None:
    """List who may enter."""
    for name in analysts.names(load_settings()):
        put(name)


@app.command()
def remove(name: str) -> None:
    """Shut an analyst out; it counts at the next login."""
    analysts.remove(load_settings(), name)
    put(f"{name} may no longer enter")
