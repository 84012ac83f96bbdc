"""The ``civiclake`` command: wires the parts together, and says in one sentence what went wrong."""

from __future__ import annotations

import sys

import typer

from civiclake.cli import (
    alerts,
    analysts,
    backfill,
    batches,
    brief,
    codes,
    contracts,
    deliveries,
    diff,
    education,
    engines,
    exports,
    maintain,
    new,
    plan,
    quarantine,
    query,
    safety,
    services,
    transit,
    why,
)
from civiclake.errors import CivicLakeError

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Pull a city's records into one Delta Lake: contracts, batches, checks, accounts.\n\n"
    "Exit codes: 0 done, 1 failed, 2 something to mend (a contract, an argument), 3 a batch is"
    " held, 75 a system did not answer and trying again may help.",
)

contracts.register(app)
diff.register(app)
new.register(app)
batches.register(app)
why.register(app)
brief.register(app)
app.add_typer(codes.app, name="codes")
app.add_typer(quarantine.app, name="quarantine")
app.add_typer(backfill.app, name="backfill")
app.add_typer(deliveries.app, name="deliveries")
app.add_typer(alerts.app, name="alerts")
maintain.register(app)
app.add_typer(engines.app, name="engine")
app.add_typer(analysts.app, name="analyst")
plan.register(app)
query.register(app)
app.add_typer(education.app, name="education")
app.add_typer(safety.app, name="safety")
app.add_typer(transit.app, name="transit")
app.add_typer(exports.app, name="export")
services.register(app)


def main() -> None:
    """Entry point of the command."""
    sys.exit(run())


def run() -> int:
    """Run the command that ``sys.argv`` names; its exit code."""
    try:
        app()
    except CivicLakeError as error:
        print(f"civiclake: {error}", file=sys.stderr)  # noqa: T201
        return error.exit_code
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except Exception as error:
        gone = _engine_lost(error)
        if gone is None:
            raise
        print(f"civiclake: {gone}", file=sys.stderr)  # noqa: T201
        return gone.exit_code
    return 0


def _engine_lost(error: Exception) -> CivicLakeError | None:
    """The engine's end as a sentence; commands without an engine have not imported Spark."""
    pulse = sys.modules.get("civiclake.engine.pulse")
    return pulse.lost(error) if pulse else None


if __name__ == "__main__":
    main()
