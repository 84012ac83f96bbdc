"""``make demo``: tonight in the sample city, run by Airflow's scheduler, and what came of it."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer

from civiclake.cli import city, services
from civiclake.cli.console import put, say
from civiclake.contracts.ledger_columns import LEDGER
from civiclake.contracts.model import Manifest
from civiclake.errors import CivicLakeError
from civiclake.io.landing.store import Landing
from civiclake.local import airflow
from civiclake.local.airflow_api import Client
from civiclake.settings import Settings, load_settings
from demo import ending, sources
from demo.city import clock
from demo.watch import Watch

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, help=__doc__)

BRIEF = "brief"
"""The DAG with which the marts' night ends."""
_NIGHT_TIMEOUT_S = 3600
_FOLLOWING_TIMEOUT_S = 3600
_ARRIVAL_S = 60.0
"""How long after all inputs of a mart have come its run is made at the latest."""


@app.command()
def main(
    night: Annotated[int, typer.Option(help="1 is the night of 2016-01-01", min=1)] = 1,
    residents: Annotated[int | None, typer.Option(help="how many people live there")] = None,
    stop: Annotated[bool, typer.Option("--stop", help="stop all that the demo started")] = False,
) -> None:
    """Start everything, run the night (and those before it that are missing), show the result."""
    settings = load_settings()
    if stop:
        stopped = [*services.stop(settings), *sources.stop(settings)]
        put("stopped: " + (", ".join(stopped) or "nothing was running"))
        return
    sources.size(settings, residents)  # refused before anything is started
    began = time.monotonic()
    say("starting the departments' systems")
    for name, address in sources.start(settings).items():
        say(f"  {name}: {address}")
    services.start(settings, sources=sources.environment(settings))
    say(f"everything is up after {time.monotonic() - began:.0f} s")
    manifest = city.read(settings)
    for number in _missing(settings, manifest, night):
        accounts = run_night(settings, manifest, number, residents)
    sys.exit(0 if ending.show(settings, accounts, sources.read_truth(settings, night)) else 1)


def run_night(
    settings: Settings, manifest: Manifest, night: int, residents: int | None = None
) -> list[ending.Account]:
    """Bring the sources to a night and let the scheduler run it; the accounts of its batches.

    Raises:
        CivicLakeError: a DAG did not succeed; the tasks that failed are named.
    """
    truth = sources.prepare(settings, night, residents)
    say(f"night {night}: {truth.logical_date:%Y-%m-%d %H:%M} UTC, batch {truth.batch_id}")
    began = datetime.now(UTC)
    client = airflow.client(settings)
    departments = sorted({d.department for d in manifest.datasets})
    # What the departments' arrival makes run: marts, and who is who.
    following = [f"mart_{m.name}" for m in manifest.marts if not set(m.inputs) <= set(LEDGER)]
    following += [f"link_{link.name}" for link in manifest.links]
    known = [*departments, *following, *([BRIEF] if manifest.pages else [])]
    client.wait_parsed(known, datetime.fromtimestamp(0, UTC))
    for dag in known:
        client.unpause(dag)
    run_id = f"night-{night}"
    runs = {d: client.start_run(d, truth.logical_date, run_id) for d in departments}
    watch = Watch(alive=lambda: _refuse_dead(settings))
    states = client.wait_runs(runs, timeout_s=_NIGHT_TIMEOUT_S, seen=watch)
    while following and all(state == "success" for state in states.values()):
        # In waves: a mart of marts, or of links, comes when those have.
        came = _triggered_runs(client, following, began)
        states |= client.wait_runs(came, timeout_s=_FOLLOWING_TIMEOUT_S, seen=watch)
        following = [dag for dag in following if dag not in came]
        runs |= came
    if manifest.pages and all(state == "success" for state in states.values()):
        last = _triggered_runs(client, [BRIEF], began)  # when all that it shows has come
        states |= client.wait_runs(last, timeout_s=_FOLLOWING_TIMEOUT_S, seen=watch)
    failed = [dag for dag, state in states.items() if state != "success"]
    if failed:
        raise CivicLakeError(
            f"night {night} failed in {', '.join(failed)} ({', '.join(watch.failed)}): look at the"
            f" tasks' logs at {client.url}"
        )
    return ending.accounts(client, runs)


def _triggered_runs(client: Client, dags: Sequence[str], since: datetime) -> dict[str, str]:
    """Those runs that the arrival of their inputs has made by now: at least one of them.

    Raises:
        CivicLakeError: there is none after a minute, though nothing else is to come.
    """
    deadline = time.monotonic() + _ARRIVAL_S
    while True:
        found = {dag: runs[0] for dag in dags if (runs := client.runs(dag, since=since))}
        if found:
            return {dag: str(run["dag_run_id"]) for dag, run in found.items()}
        if time.monotonic() > deadline:
            raise CivicLakeError(
                f"{', '.join(dags)} did not start within {_ARRIVAL_S:.0f} s of the arrival of what"
                " they wait for"
            )
        time.sleep(1)


def _refuse_dead(settings: Settings) -> None:
    """A night whose scheduler has died would be waited for in vain."""
    dead = [name for name, running in airflow.status(settings).items() if running is None]
    if dead:
        raise CivicLakeError(
            f"Airflow's {', '.join(dead)} ended during the night: see"
            f" {settings.run_dir}/airflow-{dead[0]}.log"
        )


def _missing(settings: Settings, manifest: Manifest, night: int) -> list[int]:
    """Earlier nights that were never loaded, then this one, whether it was or not."""
    landing = Landing(settings)
    earlier = [
        number
        for number in range(1, night)
        if not all(landing.is_committed(d.id, clock.batch_id(number)) for d in manifest.datasets)
    ]
    return [*earlier, night]


if __name__ == "__main__":
    try:
        app()
    except CivicLakeError as error:
        print(f"demo: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
