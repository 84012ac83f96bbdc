"""``make bench``: a large first night and small later ones of health.visits, stage by stage.

Every batch runs as the scheduler runs it, one ``civiclake`` command for each task, against a
real PostgreSQL and a warm jobs engine, in a state folder of its own. Results go to
``bench/results/summary.json``.
"""

from __future__ import annotations

import os
import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from bench import results
from bench.installation import bytes_in, command, installation, stages
from bench.meter import Meter, of_engine
from bench.results import Cost
from civiclake.cli.console import put, say, show_table
from civiclake.settings import Settings
from demo import sources
from demo.city import clock

_VISITS, _PARENT = "health.visits", "health.facilities"
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, help=__doc__)


@app.command()
def main(
    visits: Annotated[int, typer.Option(help="visits of the large first night")] = 1_000_000,
    changed: Annotated[int, typer.Option(help="about so many rows in a small night")] = 1_000,
    runs: Annotated[int, typer.Option(help="small nights that are measured")] = 3,
) -> None:
    """Measure, print a table, and write the results."""
    costs = [*_small_nights(changed, runs), *_large_night(visits)]
    results.keep(costs)
    rows = [
        (c.work, c.rows, c.wall_seconds, c.cpu_seconds, c.peak_mb, c.bytes_written, c.runs)
        for c in costs
    ]
    head = ("work", "rows", "wall s", "CPU s", "peak MB", "bytes written", "runs")
    show_table(head, rows, title="One batch of health.visits, task start to task end")
    for cost in costs:
        put(f"{cost.work}: " + ", ".join(f"{n} {s:.2f} s" for n, s in cost.stages.items()))


def _small_nights(changed: int, runs: int) -> Iterator[Cost]:
    """Later nights of a small city; the first later one warms the engine."""
    with _city(changed * 65) as (settings, env):
        _load_night(settings, env, 1)
        _load_night(settings, env, 2)
        measured = [_load_night(settings, env, number) for number in range(3, 3 + runs)]
        walls = [cost.wall_seconds for cost in measured]
        middle = measured[walls.index(statistics.median_low(walls))]
        middle.work, middle.runs = "small later night, warm engine (median)", runs
        yield middle


def _large_night(visits: int) -> Iterator[Cost]:
    with _city(visits) as (settings, env):
        cost = _load_night(settings, env, 1)
        cost.work = f"first night of {visits:,} visits, fresh engine"
        yield cost


@contextmanager
def _city(visits: int) -> Iterator[tuple[Settings, dict[str, str]]]:
    """A health department of that size and an engine, in a folder that is removed afterwards."""
    with installation() as (settings, own):
        try:
            sources.start(settings)
            sources.prepare(settings, 1, visits * 2 // 5)  # five visits for two residents
            yield settings, {**os.environ, **own, **sources.environment(settings)}
        finally:
            sources.stop(settings)


def _load_night(settings: Settings, env: dict[str, str], night: int) -> Cost:
    sources.prepare(settings, night)
    batch = clock.batch_id(night)
    for dataset in (_PARENT,):
        command(env, "extract", dataset, batch)
        command(env, "load", dataset, batch)
    written = bytes_in(settings)
    with Meter(of_engine(settings)) as meter:
        command(env, "extract", _VISITS, batch)
        account = command(env, "load", _VISITS, batch)
    grown = bytes_in(settings) - written
    took = stages(settings, _VISITS, batch)
    cost = meter.cost(f"night {night}", account["read"], grown, stages=took)
    say(f"night {night}: {cost.rows:,} rows in {cost.wall_seconds} s")
    return cost


if __name__ == "__main__":
    app()
