"""``engine``: the two long-lived Spark processes."""

from __future__ import annotations

from collections.abc import Sequence

import typer

from civiclake import engine
from civiclake.cli.console import say, show_table
from civiclake.errors import EngineError
from civiclake.settings import load_settings

app = typer.Typer(
    no_args_is_help=True,
    help="Start, see and stop the jobs' and the analysts' Spark.",
    rich_markup_mode=None,
)


@app.command()
def up() -> None:
    """Start what does not run yet, and wait until both answer."""
    show(engine.up(load_settings(), echo=say))


@app.command()
def down() -> None:
    """Stop both; nothing else is touched."""
    show(engine.down(load_settings(), echo=say))


@app.command()
def status() -> None:
    """Say what is up; exit code 75 when one of them is not."""
    found = engine.status(load_settings())
    show(found)
    down = [s.name for s in found if not s.up]
    if down:
        raise EngineError(f"not up: {', '.join(down)}; run `civiclake engine up`")


def show(found: Sequence[engine.ServiceStatus]) -> None:
    """The engines as a table."""
    rows = [(s.name, s.state, f"{s.host}:{s.port}", str(s.pid or ""), str(s.log)) for s in found]
    show_table(("engine", "state", "address", "process", "log"), rows)
    for one in found:
        if one.note:
            say(f"the {one.name} engine {one.note}")
