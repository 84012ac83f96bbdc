"""What Airflow adds: from a task's start to its first Spark result, and the parsing of DAGs."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from bench import results
from bench.installation import fresh
from bench.results import Cost
from civiclake.cli import city, services
from civiclake.cli.console import say
from civiclake.contracts.model import Manifest
from civiclake.errors import CivicLakeError, UserError
from civiclake.local import airflow
from civiclake.local.airflow_api import Client
from civiclake.settings import Settings, load_settings, project_root
from demo import sources
from demo.city import clock
from demo.watch import Watch

CONTRACTS = (30, 200, 1000)
RESIDENTS = 600
"""Of the city whose tasks are timed: how they start does not depend on its size."""
_WARM_NIGHTS = 2
"""A first load and a later one, whose code the engine has run before it is measured."""
_NIGHT_TIMEOUT_S = 900
_A_DEPARTMENT = 20
"""Datasets of each department of the copied contracts."""
_PARSE = """
import json, resource, runpy, sys, time
import airflow.sdk
began, used = time.perf_counter(), time.process_time()
found = [runpy.run_path(name) for name in sys.argv[1:]]
wall, cpu = time.perf_counter() - began, time.process_time() - used
dags = [v for names in found for v in names.values() if isinstance(v, airflow.sdk.DAG)]
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
print(json.dumps([wall, cpu, peak, sum(len(d.tasks) for d in dags), "pyspark" in sys.modules]))
"""


@dataclass(frozen=True)
class Begun:
    """A load task that Airflow has run: its moments, in seconds of the clock."""

    name: str
    session: str
    """Id of its Spark session."""
    started: float
    """As Airflow has it."""
    command: float
    """When Airflow had its command begin."""
    ended: float
    rows: int


def start(department: str, nights: int) -> Cost:
    """Time the load tasks of so many nights of a department, run by Airflow's own services.

    The first Spark result of a task is the end of the first Spark job that ran anything in the
    session of its command. The engine's event log has it, and the lock of the table that the
    command writes has the session; nothing of the product is changed for it.

    Args:
        department: whose nights are run; all other DAGs are paused.
        nights: how many are timed, after two that warm the engine up.
    """
    begun: list[Begun] = []
    with _airflow(department) as (settings, manifest):
        for night in range(1, nights + _WARM_NIGHTS + 1):
            found = _run(settings, manifest, department, night)
            begun += found if night > _WARM_NIGHTS else []
        time.sleep(2)  # the log is written behind the work
        first = _first_results(settings.state_dir / "events", {one.session for one in begun})
    result = [first[one.session] - one.started for one in begun]
    for one, seconds in zip(begun, result, strict=True):
        command = one.command - one.started
        say(f"  {one.name}: command begun after {command:.2f} s, first result {seconds:.2f} s")
    spans = {
        "task's start to command": [one.command - one.started for one in begun],
        "command to first result": [first[one.session] - one.command for one in begun],
        "first result to end": [one.ended - first[one.session] for one in begun],
    }
    stages = {name: round(statistics.median(many), 2) for name, many in spans.items()}
    return Cost(
        work=f"load in Airflow ({department}), from its start to its first Spark result",
        rows=round(statistics.median(one.rows for one in begun)),
        wall_seconds=round(statistics.median(result), 2),
        cpu_seconds=0.0,
        peak_mb=0,
        bytes_written=0,
        runs=len(begun),
        stages={**stages, "slowest first result": round(max(result), 2)},
    )


@contextmanager
def _airflow(department: str) -> Iterator[tuple[Settings, Manifest]]:
    """The whole product with the sample city, its engine logging; all is gone afterwards."""
    settings = _logging(fresh())
    try:
        say("starting the departments' systems, the engines and Airflow")
        sources.start(settings)
        services.start(settings, sources=sources.environment(settings))
        manifest = city.read(settings)
        _pause_all_but(airflow.client(settings), manifest, department)
        yield settings, manifest
    finally:
        services.stop(settings)
        sources.stop(settings)
        shutil.rmtree(settings.state_dir, ignore_errors=True)


def _logging(settings: Settings) -> Settings:
    """The same settings, with Spark's event log in the state folder."""
    events = settings.state_dir / "events"
    events.mkdir()
    events.chmod(0o777)  # both engines write there, as different users
    logged = {
        "spark.eventLog.enabled": "true",
        "spark.eventLog.dir": events.as_uri(),
        "spark.eventLog.rolling.enabled": "false",
        "spark.eventLog.compress": "false",
        "spark.sql.ui.explainMode": "simple",
    }
    spark = {**settings.engine.spark, **logged}
    engine = settings.engine.model_copy(update={"spark": spark})
    return settings.model_copy(update={"engine": engine})


def _pause_all_but(api: Client, manifest: Manifest, department: str) -> None:
    departments = {d.department for d in manifest.datasets}
    following = [f"mart_{m.name}" for m in manifest.marts]
    following += [f"link_{link.name}" for link in manifest.links]
    others = [*(departments - {department}), *following, "deliveries", "backfill", "maintenance"]
    api.wait_parsed([department, *others], datetime.fromtimestamp(0, UTC))
    for dag in others:
        api.call("PATCH", f"/dags/{quote(dag)}", {"is_paused": True})
    api.unpause(department)


def _run(settings: Settings, manifest: Manifest, department: str, night: int) -> list[Begun]:
    """Bring the systems to a night and let the scheduler run the department; its load tasks."""
    sources.prepare(settings, night, RESIDENTS)
    api = airflow.client(settings)
    say(f"night {night} of {department}")
    run = api.start_run(department, clock.logical_date(night), f"night-{night}")
    watch = Watch(alive=lambda: None)
    states = api.wait_runs({department: run}, timeout_s=_NIGHT_TIMEOUT_S, seen=watch)
    if states[department] != "success":
        raise CivicLakeError(f"night {night} of {department} failed: {', '.join(watch.failed)}")
    loads = {f"{d.name}.load": d for d in manifest.datasets if d.department == department}
    path = f"/dags/{quote(department)}/dagRuns/{quote(run)}/taskInstances"
    found = []
    for task in api.call("GET", path, query={"limit": 100})["task_instances"]:
        dataset = loads.get(task["task_id"])
        if dataset is None:
            continue
        log = f"{path}/{quote(task['task_id'])}/logs/{task['try_number']}"
        lock = json.loads((settings.locks_dir / f"{dataset.table}.json").read_text())
        told = api.xcom(department, run, task["task_id"])
        found.append(
            Begun(
                name=f"night {night}, {dataset.id}",
                session=lock["session_id"],
                started=_moment(task["start_date"]),
                command=_command_begun(api.call("GET", log, query={"full_content": "true"})),
                ended=_moment(task["end_date"]),
                rows=int(told["read"]),
            )
        )
    return found


def _command_begun(log: dict[str, Any]) -> float:
    """When the task's log says the command's words."""
    for line in log["content"]:
        if isinstance(line, dict) and str(line.get("event", "")).startswith("$ "):
            return _moment(line["timestamp"])
    raise CivicLakeError("the log of a task does not say when its command began")


def _moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _first_results(events: Path, sessions: Collection[str]) -> dict[str, float]:
    """When each session's first Spark job that ran anything had ended."""
    found: dict[str, float] = {}
    for path in events.iterdir():  # one for each engine, whose numbers of jobs are their own
        jobs: dict[int, str] = {}
        for event in _jobs(path):
            number = event["Job ID"]
            if event["Event"] == "SparkListenerJobStart":
                tags = event.get("Properties", {}).get("spark.job.tags", "")
                session = next((s for s in sessions if f"_Session_{s}_" in tags), None)
                if session and event["Stage IDs"]:
                    jobs[number] = session
            elif number in jobs:
                found.setdefault(jobs[number], event["Completion Time"] / 1000)
    missing = set(sessions) - found.keys()
    if missing:
        raise CivicLakeError(f"the engine's event log has no job of {len(missing)} sessions")
    return found


def _jobs(log: Path) -> Iterator[dict[str, Any]]:
    """Begins and ends of jobs, in their order."""
    wanted = ('{"Event":"SparkListenerJobStart"', '{"Event":"SparkListenerJobEnd"')
    with log.open(encoding="utf-8") as lines:
        for line in lines:
            if line.startswith(wanted):
                yield json.loads(line)


def parses(runs: int) -> list[Cost]:
    """Build all DAGs of 30, 200 and 1,000 contracts, each time in a fresh process of Airflow's.

    Args:
        runs: repeats of each; the median is kept.
    """
    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings().model_copy(update={"state_dir": Path(folder)})
        city.compile_city(settings)
        compiled = json.loads(settings.manifest_path.read_text())
        found = []
        for count in CONTRACTS:
            deployed = {**compiled, "datasets": _copies(compiled, count), "marts": [], "links": []}
            settings.manifest_path.write_text(json.dumps(deployed))
            measured = [_parse(settings, count) for _ in range(runs)]
            found.append(results.median(measured))
            say(f"  {count:,} contracts: {found[-1].wall_seconds} s, no pyspark")
    return found


def _copies(compiled: dict[str, Any], count: int) -> list[dict[str, Any]]:
    """The city's contracts again and again, under names of their own."""
    known, made = compiled["datasets"], []
    for number in range(count):
        one = known[number % len(known)]
        department, name = f"department_{number // _A_DEPARTMENT}", f"{one['name']}_{number}"
        own = {"department": department, "name": name, "id": f"{department}.{name}"}
        made.append({**one, **own})
    return made


def _parse(settings: Settings, count: int) -> Cost:
    python = project_root() / "var" / "env" / "airflow" / "bin" / "python"
    if not python.exists():
        raise UserError("var/env/airflow is missing: run `bin/setup`")
    dags = project_root() / "dags"
    # contracts.py makes no DAG: it looks whether the contracts have to be compiled.
    files = sorted(str(p) for p in dags.glob("*.py") if p.stem != "contracts")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("AIRFLOW", "CIVICLAKE_"))}
    own = {
        "CIVICLAKE_ROOT": str(project_root()),
        "CIVICLAKE_STATE_DIR": str(settings.state_dir),
        "CIVICLAKE_MANIFEST": str(settings.manifest_path),
        "AIRFLOW_HOME": str(settings.state_dir / "airflow"),
        "PYTHONPATH": str(dags),
    }
    line = [str(python), "-c", _PARSE, *files]
    done = subprocess.run(line, env={**kept, **own}, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CivicLakeError(f"the DAGs can't be parsed: {done.stderr[-2000:]}")
    wall, cpu, peak, tasks, has_pyspark = json.loads(done.stdout.splitlines()[-1])
    if has_pyspark or tasks < 2 * count:
        raise CivicLakeError(
            f"parsing {count:,} contracts made {tasks:,} tasks"
            f" and did{'' if has_pyspark else ' not'} import pyspark"
        )
    work = f"parse the DAGs of {count:,} contracts"
    return Cost(work, count, round(wall, 2), round(cpu, 2), peak, 0)
