"""``python -m bench.share``: what Airflow and the engine that stays cost, and what they save.

Three things are measured, and ``--parts`` chooses among them:

- start: a load task of Airflow, from its start to its first Spark result; wanted are 4 s at most.

- parse: building the DAGs of 30, 200 and 1,000 contracts, which imports no pyspark.

- night: the sample city's second night on the engine that stays, and the same night with a
  Spark process of its own for each task, which should take at least 5 times as long.

Everything runs in folders and on ports of its own, and is gone afterwards. Results go to
``bench/results/summary.json``. To try the whole of it in a few minutes:

    python -m bench.share --only finance --starts 1 --runs 1 --results /tmp/r
"""

from __future__ import annotations

import signal
import statistics
import sys
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from bench import results, share_airflow
from bench.chosen import among
from bench.installation import bytes_in
from bench.results import Cost
from bench.same import DifferentResult
from bench.share_night import (
    OURS,
    THEIRS,
    City,
    Key,
    OneEngine,
    OwnSessions,
    Ran,
    Way,
    sample_city,
)
from civiclake.cli.console import put, say, show_table
from civiclake.errors import CivicLakeError
from civiclake.settings import load_settings

PARTS = ("start", "parse", "night")
_COMPARED = (
    "rows", "read", "inserted", "updated", "unchanged", "superseded", "late", "quarantined",
    "deleted", "reasons",
)  # fmt: skip
"""What two runs of a task must have in common."""
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, help=__doc__)


@app.command(help=__doc__)
def main(
    parts: Annotated[str, typer.Option(help="what is measured, by commas")] = ",".join(PARTS),
    only: Annotated[
        str, typer.Option(help="departments of the night, by commas; default: all")
    ] = "",
    runs: Annotated[
        int, typer.Option(help="repeats of the night and of each parse; the median is kept", min=1)
    ] = 3,
    department: Annotated[
        str, typer.Option(help="whose load tasks are timed in Airflow")
    ] = "finance",
    starts: Annotated[
        int, typer.Option(help="nights of that department that are timed", min=1)
    ] = 5,
    residents: Annotated[int, typer.Option(help="how many people live in the night's city")] = 2000,
    into: Annotated[
        Path,
        typer.Option("--results", help="where summary.json goes", show_default="bench/results"),
    ] = results.RESULTS,
) -> None:
    """Measure what is asked for, keep it as it comes, print it."""
    chosen = among("part", parts, PARTS)
    schemas = load_settings().schemas_dir
    known = sorted({p.parent.name for p in schemas.glob("[!_]*/*.yaml")})
    departments = among("department", only, known)
    among("department", department, known)
    measures: dict[str, Callable[[], list[Cost]]] = {
        "start": lambda: [share_airflow.start(department, starts)],
        "parse": lambda: share_airflow.parses(runs),
        "night": lambda: nights(departments, runs, residents),
    }
    for part in PARTS:
        if part in chosen:
            say(f"measuring: {part}")
            costs = measures[part]()
            results.keep(costs, into / results.SUMMARY.name)
            _show(costs)


def _show(costs: Collection[Cost]) -> None:
    head = ("work", "by", "wall s", "CPU s", "peak MB", "runs")
    rows = [
        (c.work, c.engine, c.wall_seconds, c.cpu_seconds or None, c.peak_mb or None, c.runs)
        for c in costs
    ]
    show_table(head, rows)
    for cost in costs:
        if cost.stages:
            put(f"{cost.engine}: " + ", ".join(f"{n} {s:.2f} s" for n, s in cost.stages.items()))
    by = {cost.engine: cost for cost in costs}
    if THEIRS in by:
        wall = by[THEIRS].wall_seconds / by[OURS].wall_seconds
        put(f"{THEIRS} takes {wall:.1f} times as long")


def nights(only: Collection[str], runs: int, residents: int) -> list[Cost]:
    """The second night both ways, in turn; the median of each.

    Args:
        only: departments; none are all of them.
        runs: repeats.
        residents: how many people live in the city.

    Raises:
        DifferentResult: the ways have not done the same.
    """
    found: dict[str, list[Cost]] = defaultdict(list)
    expected: dict[Key, dict[str, Any]] = {}
    title = f"night 2 of {residents:,} residents, {', '.join(sorted(only)) or 'all departments'}"
    with sample_city(only, residents) as city:
        ways: list[Way] = [OneEngine(city), OwnSessions(city)]
        for number in range(1, runs + 1):
            # The other one begins each time.
            for way in ways if number % 2 else ways[::-1]:
                say(f"{title}: {way.name}, run {number} of {runs}")
                cost, ran = _measured(city, way, number, title)
                outcomes = {key: _outcome(one.result) for key, one in ran.items()}
                expected = expected or outcomes
                if outcomes != expected:
                    wrong = [" ".join(k) for k in expected if outcomes[k] != expected[k]]
                    raise DifferentResult(f"{way.name} has done otherwise: {', '.join(wrong)}")
                found[way.name].append(cost)
    return [results.median(measured) for measured in found.values()]


def _measured(city: City, way: Way, number: int, title: str) -> tuple[Cost, dict[Key, Ran]]:
    state = way.state(number)
    before = bytes_in(state)
    with way.meter() as meter:
        ran = city.run_night(lambda task: way.run(state, task, 2))
    rows = sum(one.result["read"] for key, one in ran.items() if key[0] == "load")
    grown, work = bytes_in(state) - before, f"{title}, {len(ran)} tasks"
    cost = meter.cost(work, rows, grown, engine=way.name, stages=_usual(ran))
    if not way.cpu_is_known:
        cost = replace(cost, cpu_seconds=0.0)
    say(f"  {cost.wall_seconds} s, CPU {cost.cpu_seconds} s, peak {cost.peak_mb} MB")
    return cost, ran


def _usual(ran: Mapping[Key, Ran]) -> dict[str, float]:
    """Seconds of the task in the middle, by verb; and of the start of a session."""
    seconds: dict[str, list[float]] = defaultdict(list)
    for (verb, _), one in ran.items():
        seconds[f"task {verb}"].append(one.seconds)
        if one.starting:
            seconds["start of a session"].append(one.starting)
    return {name: round(statistics.median(many), 2) for name, many in seconds.items()}


def _outcome(result: Mapping[str, Any]) -> dict[str, Any]:
    return {name: result[name] for name in _COMPARED if name in result}


if __name__ == "__main__":
    # Whoever ends this ends servers and engines, too: only an exception passes by what stops them.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        app()
    except (CivicLakeError, DifferentResult) as error:
        say(f"share: {error}")
        sys.exit(getattr(error, "exit_code", 1))
