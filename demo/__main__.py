"""``python -m demo``: the sample city's systems from the command line."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

from civiclake.errors import CivicLakeError
from civiclake.settings import load_settings
from demo import sources

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__)


@app.command()
def up() -> None:
    """Start the departments' systems."""
    for name, address in sources.start(load_settings()).items():
        print(f"{name}: {address}")


@app.command()
def prepare(
    night: Annotated[int, typer.Argument(help="1 is the night of 2016-01-01")] = 1,
    residents: Annotated[int | None, typer.Option(help="how many people live there")] = None,
    seed: Annotated[int | None, typer.Option(help="another seed makes another city")] = None,
) -> None:
    """Start the systems and bring them to a night; print what must come of it as JSON."""
    settings = load_settings()
    sources.start(settings)
    print(sources.prepare(settings, night, residents, seed=seed).model_dump_json())


@app.command()
def truth(
    night: Annotated[int, typer.Argument(help="1 is the night of 2016-01-01")] = 1,
) -> None:
    """Print what must come of a night that was prepared, as JSON."""
    print(sources.read_truth(load_settings(), night).model_dump_json(indent=1))


@app.command()
def answers() -> None:
    """Print what the applications must find in the first night's records, as JSON."""
    print(sources.read_answers(load_settings()))


@app.command()
def env() -> None:
    """Print the environment that the contracts need, passwords included, as JSON."""
    print(json.dumps(sources.environment(load_settings())))


@app.command()
def status() -> None:
    """Say what runs."""
    for name, running in sources.status(load_settings()).items():
        print(f"{name}: " + (f"runs as process {running.pid}" if running else "does not run"))


@app.command()
def down() -> None:
    """Stop the departments' systems."""
    print("stopped: " + (", ".join(sources.stop(load_settings())) or "nothing was running"))


def main() -> None:
    """Run a command; an error that we know ends in one sentence."""
    try:
        app()
    except CivicLakeError as error:
        print(f"demo: {error}", file=sys.stderr)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
