"""``make bench``: a large first night and small later ones of health.visits, stage by stage.

Every batch runs as the scheduler runs it, one ``civiclake`` command for each task, against a
real PostgreSQL and a warm jobs engine, in a state folder of its own. Results go to
``bench/results/summary.json``.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer

from bench.meter import Meter
from civiclake import engine
from civiclake.cli.console import put, say, show_table
from civiclake.engine.session import connect
from civiclake.io import lake
from civiclake.local.process import free_port
from civiclake.settings import Settings, load_settings, project_root
from demo import sources
from demo.city import clock

RESULTS = Path(__file__).parent / "results"
_VISITS, _PARENT = "health.visits", "health.facilities"
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, help=__doc__)


@dataclass
class Cost:
    """What one piece of work took."""

    work: str
    rows: int
    wall_seconds: float
    cpu_seconds: float
    peak_mb: int
    bytes_written: int
    engine: str = "civiclake"
    runs: int = 1
    stages: dict[str, float] = field(default_factory=dict)
    """Seconds by step, from ``ops.outcomes``."""


@app.command()
def main(
    visits: Annotated[int, typer.Option(help="visits of the large first night")] = 1_000_000,
    changed: Annotated[int, typer.Option(help="about so many rows in a small night")] = 1_000,
    runs: Annotated[int, typer.Option(help="small nights that are measured")] = 3,
) -> None:
    """Measure, print a table, and write the results."""
    costs = [*_small_nights(changed, runs), *_large_night(visits)]
    RESULTS.mkdir(exist_ok=True)
    text = json.dumps([asdict(cost) for cost in costs], indent=1)
    (RESULTS / "summary.json").write_text(text + "\n")
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
    state = Path(tempfile.mkdtemp(prefix="civiclake-bench-"))
    state.chmod(0o755)
    base = load_settings()
    ports = {"connect_port": free_port(0), "sql_port": free_port(0)}
    engines = base.engine.model_copy(update=ports)
    settings = base.model_copy(update={"state_dir": state, "engine": engines})
    try:
        engine.up(settings, echo=say)
        sources.start(settings)
        sources.prepare(settings, 1, visits * 2 // 5)  # five visits for two residents
        named = {f"CIVICLAKE_ENGINE__{name.upper()}": str(port) for name, port in ports.items()}
        own = {"CIVICLAKE_STATE_DIR": str(state), **named}
        yield settings, {**os.environ, **own, **sources.environment(settings)}
    finally:
        sources.stop(settings)
        engine.down(settings)
        shutil.rmtree(state, ignore_errors=True)


def _load_night(settings: Settings, env: dict[str, str], night: int) -> Cost:
    sources.prepare(settings, night)
    batch = clock.batch_id(night)
    for dataset in (_PARENT,):
        _command(env, "extract", dataset, batch)
        _command(env, "load", dataset, batch)
    written = _bytes_in(settings)
    with Meter(settings) as meter:
        _command(env, "extract", _VISITS, batch)
        account = _command(env, "load", _VISITS, batch)
    cost = Cost(
        work=f"night {night}",
        rows=account["read"],
        wall_seconds=round(meter.wall_seconds, 2),
        cpu_seconds=round(meter.cpu_seconds, 2),
        peak_mb=meter.peak_mb,
        bytes_written=_bytes_in(settings) - written,
        stages=_stages(settings, batch),
    )
    say(f"night {night}: {cost.rows:,} rows in {cost.wall_seconds} s")
    return cost


def _command(env: dict[str, str], verb: str, dataset: str, batch: str) -> dict[str, Any]:
    program = project_root() / "bin" / "civiclake"
    done = subprocess.run(
        [str(program), verb, dataset, "--batch-id", batch],
        env=env, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"{verb} {dataset} failed: {done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _bytes_in(settings: Settings) -> int:
    roots = (Path(settings.lake), settings.landing_dir)
    return sum(p.stat().st_size for root in roots for p in root.rglob("*") if p.is_file())


def _stages(settings: Settings, batch: str) -> dict[str, float]:
    spark = connect(settings)
    try:
        rows = spark.table(lake.by_path(settings, lake.OPS, "outcomes")).collect()
        steps = [r for r in rows if r["dataset"] == _VISITS and r["batch_id"] == batch]
        return {r["step"]: round(r["seconds"], 2) for r in steps if r["seconds"]}
    finally:
        spark.stop()


if __name__ == "__main__":
    app()
