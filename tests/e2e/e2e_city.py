"""A whole CivicLake for the end-to-end tests: real systems, engines and Airflow, on free ports."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from civiclake import engine, secrets
from civiclake.contracts import manifest
from civiclake.contracts.load import load_city
from civiclake.engine import analysts, client, jars, session
from civiclake.io.lake import tables
from civiclake.local import airflow, airflow_api, ports, postgres
from civiclake.settings import Settings, load_settings, project_root
from demo import sources
from demo.city import clock
from demo.city.truth import Truth

RESIDENTS = 600
NIGHT_TIMEOUT_S = 1200
MART = "mart_visits_by_weather"
MARTS = ("health/visits_by_weather", "education/education_access", "education/education_supply")
"""A query, a function, and a mart of that mart; golden cases and the demo's nights are of all."""
LINKS = ("link_organisation", "link_person", "link_place")
LATER = ("employment", "health", "medical", "meteorology", "statistics")
"""Departments of later nights: two kinds of database, an SFTP server and dropped files, registers
whose former states are kept, and all that the mart needs. The first night is the whole city's."""


def make_settings(state: Path, taken: set[int]) -> Settings:
    """Settings of an installation of its own; its contracts are copies that tests may change."""
    for name in ("schemas", "expectations"):
        shutil.copytree(project_root() / name, state / name)
    for name in MARTS:
        shutil.copytree(project_root() / "marts" / name, state / "marts" / name)
    for suite in (state / "expectations").glob("marts/*.json"):
        if suite.stem not in {Path(name).name for name in MARTS}:
            suite.unlink()
    connect, sql, ui, database = ports.free_ports(4, taken=taken)
    base = load_settings()
    engines = {"connect_port": connect, "sql_port": sql, "master": "local[2]", "remote": None}
    engines |= {"jobs_memory": "2g", "sql_memory": "1g", "sql_nice": 0}  # not alone here
    return base.model_copy(
        update={
            "state_dir": state,
            "schemas_dir": state / "schemas",
            "expectations_dir": state / "expectations",
            "marts_dir": state / "marts",
            "lake_uri": None,
            "engine": base.engine.model_copy(update=engines),
            "airflow": base.airflow.model_copy(update={"port": ui}),
            "postgres": base.postgres.model_copy(update={"port": database}),
        }
    )


@dataclass
class City:
    """What the tests do with the installation."""

    settings: Settings
    began: datetime = field(default_factory=lambda: datetime.now(UTC))

    def up(self) -> None:
        """Start everything; the two engines while Airflow starts."""
        jars.fetch(self.settings.jars_dir)
        jars.compile_jvm(self.settings.jars_dir)
        settings = self.settings
        city = load_city(settings.schemas_dir, settings.expectations_dir, settings.marts_dir)
        manifest.write(city, self.settings.manifest_path)
        with ThreadPoolExecutor(2) as pool:
            engines = pool.submit(engine.up, self.settings)
            sources.start(self.settings)
            metadata = postgres.start(
                self.settings.state_dir / "postgres",
                self.settings.postgres.port,
                secrets.ensure(self.settings, "postgres_superuser"),
                run_dir=self.settings.run_dir,
                options={"fsync": "off"},
            )
            airflow.up(self.settings, city, metadata, sources=sources.environment(self.settings))
            engines.result()
        self.api.wait_parsed([*self.departments, MART, *LINKS], self.began)

    def down(self) -> None:
        """Stop everything that was started."""
        airflow.down(self.settings)
        engine.down(self.settings)
        sources.stop(self.settings)
        postgres.stop(self.settings.run_dir)

    @property
    def api(self) -> airflow_api.Client:
        """Airflow's REST API."""
        return airflow.client(self.settings)

    @property
    def departments(self) -> list[str]:
        """Departments of the sample city."""
        return sorted(
            {
                path.parent.name
                for path in (project_root() / "schemas").glob("*/*.yaml")
                if not path.parent.name.startswith("_")
            }
        )

    def run_night(self, number: int) -> Truth:
        """Bring the sources to a night, let the scheduler run it and what its arrival starts.

        The first night is the whole city's, later ones are those of a few departments; the
        truth that is returned is of those that ran.
        """
        truth = sources.prepare(self.settings, number, None if number > 1 else RESIDENTS)
        departments = self.departments if number == 1 else LATER
        marts = [f"mart_{name.partition('/')[2]}" for name in MARTS]
        following = (*marts, *LINKS) if number == 1 else (MART,)
        before = {dag: len(self.api.runs(dag)) for dag in following}
        self.succeed({d: self.start(d, clock.logical_date(number)) for d in departments})
        for dag, runs in before.items():
            self.wait(lambda dag=dag, runs=runs: len(self.api.runs(dag)) > runs, f"a run of {dag}")
        self.succeed({dag: self.api.runs(dag)[0]["dag_run_id"] for dag in following})
        ran = {d: e for d, e in truth.datasets.items() if d.partition(".")[0] in departments}
        return truth.model_copy(update={"datasets": ran})

    def succeed(self, runs: dict[str, str]) -> None:
        """Wait until all of these runs have ended well."""
        states = self.api.wait_runs(runs, timeout_s=NIGHT_TIMEOUT_S)
        assert states == dict.fromkeys(runs, "success"), self.complaints(runs)

    def start(self, dag_id: str, logical_date: datetime) -> str:
        """Start a run, or the same run again; its id."""
        return self.api.start_run(dag_id, logical_date, f"test__{logical_date:%Y%m%dT%H%M%S}")

    def link_again(self, subject: str, number: int) -> dict[str, Any]:
        """Link a later night's records; not all departments have arrived that would start it."""
        dag_id = f"link_{subject}"
        run_id = self.start(dag_id, clock.logical_date(number))
        self.succeed({dag_id: run_id})
        return dict(self.api.xcom(dag_id, run_id, "link"))

    def mart_runs(self) -> list[dict[str, Any]]:
        """Runs of the mart, newest first."""
        return self.api.runs(MART)

    def run_of(self, dag_id: str, night: int) -> str:
        """Id of a night's run."""
        date = clock.logical_date(night)
        assert self.api.run(dag_id, f"test__{date:%Y%m%dT%H%M%S}")
        return f"test__{date:%Y%m%dT%H%M%S}"

    def numbers(self, dataset: str, night: int) -> dict[str, Any]:
        """What a dataset's load handed back."""
        department, _, name = dataset.partition(".")
        return dict(self.api.xcom(department, self.run_of(department, night), f"{name}.load"))

    def complaints(self, runs: dict[str, str]) -> str:
        """The logs' last lines of tasks that failed, for a test's message."""
        told = []
        for dag_id, run_id in runs.items():
            for task in self.api.tasks(dag_id, run_id):
                if task.state in ("failed", "up_for_retry"):
                    text = self.api.log(dag_id, run_id, task.task_id, max(task.tries, 1))
                    told.append(f"{dag_id}.{task.task_id}:\n" + "\n".join(text.splitlines()[-15:]))
        return "\n".join(told)

    def versions(self) -> dict[str, int]:
        """The version that every unified table stands at; one that did not move did not change."""
        return {
            folder.name: max(int(c.stem) for c in (folder / "_delta_log").glob("[0-9]*.json"))
            for folder in Path(self.settings.lake, "unified").iterdir()
        }

    def contents(self, versions: dict[str, int]) -> dict[str, tuple[Any, ...]]:
        """How many rows these tables held at these versions, and a hash over all of them."""
        spark = session.connect(self.settings)
        try:
            found = {}
            for name, version in versions.items():
                table = tables.by_path(self.settings, "unified", name)
                every = "sum(CAST(xxhash64(*) AS decimal(38,0)))"
                row = spark.sql(f"SELECT count(*), {every} FROM {table} VERSION AS OF {version}")
                found[name] = tuple(row.head() or ())
            return found
        finally:
            spark.stop()

    def session(self) -> SparkSession:
        """A session of the jobs' engine."""
        return session.connect(self.settings)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """An analyst's query."""
        password = analysts.default_password(self.settings)
        return list(client.query(self.settings, sql, analysts.DEFAULT, password)[1])

    def trusted(self, sql: str) -> list[tuple[Any, ...]]:
        """A query by the jobs' door; ``{layer.table}`` stands for a table."""
        spark = session.connect(self.settings)
        session.suit(spark, 0)  # the tests' tables are small
        try:
            named = re.sub(
                r"{(\w+)\.(\w+)}", lambda m: tables.by_path(self.settings, m[1], m[2]), sql
            )
            return [tuple(row) for row in spark.sql(named).collect()]
        finally:
            spark.stop()

    def commands(self, words: str) -> list[int]:
        """Processes that run such a `civiclake` command now."""
        return [pid for pid, told in self.processes().items() if f"civiclake {words}" in told]

    def alerts(self) -> list[dict[str, Any]]:
        """What the owners were told."""
        path = self.settings.run_dir / "alerts.jsonl"
        return [json.loads(x) for x in path.read_text().splitlines()] if path.exists() else []

    def wait(self, met: Callable[[], object], what: str, timeout_s: float = 60) -> None:
        """Wait for something to come true."""
        deadline = time.monotonic() + timeout_s
        while not met():
            assert time.monotonic() < deadline, f"{what} did not come within {timeout_s:.0f} s"
            time.sleep(0.3)

    def spark_tasks(self) -> int:
        """Spark tasks that run now in the jobs' engine: its threads are named after them."""
        pid = next(s.pid for s in engine.status(self.settings) if s.name == "jobs")
        dump = subprocess.run(
            ["jcmd", str(pid), "Thread.print"], capture_output=True, text=True, check=True
        )
        return sum('"Executor task launch worker for task' in x for x in dump.stdout.splitlines())

    def listening(self) -> list[tuple[str, str]]:
        """Process and address of every TCP socket that one of ours listens on."""
        pids = [str(pid) for pid in self.processes()]
        shown = subprocess.run(["ss", "-Hltnp"], capture_output=True, text=True, check=True)
        found = []
        for line in shown.stdout.splitlines():
            address = line.split()[3].rpartition(":")[0].strip("[]")
            found += [(pid, address) for pid in pids if f"pid={pid}," in line]
        return found

    def processes(self) -> dict[int, str]:
        """Every process that knows this installation's folder: id and command line."""
        mark, found = os.fsencode(self.settings.state_dir), {}
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                texts = [(entry / name).read_bytes() for name in ("cmdline", "environ")]
            except OSError:
                continue
            if int(entry.name) != os.getpid() and any(mark in text for text in texts):
                told = texts[0].replace(b"\0", b" ").decode(errors="replace")
                found[int(entry.name)] = told
        return found


def secret_values(settings: Settings, more: Sequence[str] = ()) -> list[str]:
    """Every secret of the installation and of the sample city."""
    values = {path.read_text().strip() for path in settings.secrets_dir.iterdir()}
    words = ("PASSWORD", "SECRET", "TOKEN", "API_KEY", "PRIVATE_KEY")
    given = sources.environment(settings)
    values |= {v for k, v in given.items() if any(word in k for word in words)}
    return sorted({v for v in values if len(v) >= 12} | set(more))
