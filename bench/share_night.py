"""A later night of the sample city, and the same one with a Spark session for each task.

Both ways are driven by the same few lines, in the order and with as many tasks at once as Airflow
has them, so that they differ only in how a task comes by its session. Airflow itself is left out
of both, and so is the linkage of records.
"""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

from bench import copies
from bench.installation import command, installation
from bench.meter import Meter, of_engine
from civiclake.cli.city import DEPLOYED, compile_city
from civiclake.cli.console import say
from civiclake.contracts.model import Dataset, Manifest, SourceKind
from civiclake.engine import connect_server
from civiclake.engine.services import START_TIMEOUT_S
from civiclake.local import airflow, ports
from civiclake.settings import Settings
from dags.nightly.plan import read_plan
from demo import sources
from demo.city import clock

OURS, THEIRS = "civiclake", "one spark-submit for each task"
_STATE = ("lake", "landing", "locks", "codes")
"""What a night changes; every run begins with a copy of it."""
_PORT = "CIVICLAKE_ENGINE__CONNECT_PORT"

Key = tuple[str, str]
"""Verb and subject, such as ``("load", "health.visits")``."""


@dataclass(frozen=True)
class Task:
    """One task of the night."""

    key: Key
    after: frozenset[Key]
    needs_spark: bool


@dataclass(frozen=True)
class Ran:
    """What came of a task."""

    result: dict[str, Any]
    seconds: float
    """From its start to its end, a session of its own included."""
    starting: float = 0.0
    """Of these, until its own session could be used."""


def night_of(city: Manifest, path: Path, only: Collection[str]) -> list[Task]:
    """The tasks of a night, as the DAGs have them.

    Args:
        city: the compiled contracts.
        path: the file they are compiled into, from which DAGs are made.
        only: departments; none are all of them.
    """
    plan = read_plan(path)
    chosen = [d for d in plan.departments if not only or d.name in only]
    found = []
    for department in chosen:
        ids = {d.name: d.id for d in department.datasets}
        for one in department.datasets:
            extract, load = ("extract", one.id), ("load", one.id)
            parents = [("load", ids[name]) for name in one.after]
            found.append(Task(extract, frozenset(), _reads_by_spark(city.dataset(one.id))))
            found.append(Task(load, frozenset([extract, *parents]), True))
    there = {task.key for task in found}
    for mart in plan.marts:  # each after those that it reads; what needs links is left out
        inputs = frozenset(
            ("mart", one.table) if one.layer == "marts" else ("load", one.id) for one in mart.inputs
        )
        if inputs <= there:
            found.append(Task(("mart", mart.name), inputs, True))
            there.add(("mart", mart.name))
    return found


def _reads_by_spark(dataset: Dataset) -> bool:
    """Of all connectors JDBC's alone reads by Spark; the others are plain Python."""
    return dataset.source.kind is SourceKind.CUSTOM and dataset.source.connector == "jdbc"


def run_night(
    tasks: Sequence[Task], run: Callable[[Task], Ran], *, at_once: int, reading: int
) -> dict[Key, Ran]:
    """Run all tasks, each when those before it have ended.

    Args:
        tasks: of the night.
        run: does one of them.
        at_once: how many may run at the same time.
        reading: how many of these may read sources.
    """
    began, done = time.monotonic(), {}
    known, weights = {task.key: task for task in tasks}, _weights(tasks)
    order = TopologicalSorter({task.key: task.after for task in tasks})
    order.prepare()
    waiting: list[Key] = []
    running: dict[Future[Ran], Key] = {}
    with ThreadPoolExecutor(at_once) as pool:
        while order.is_active():
            waiting = sorted([*waiting, *order.get_ready()], key=lambda k: (-weights[k], k))
            for key in _may_start(waiting, running.values(), at_once, reading):
                waiting.remove(key)
                running[pool.submit(run, known[key])] = key
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                key = running.pop(future)
                done[key] = future.result()
                order.done(key)
                place = f"{time.monotonic() - began:5.0f} s  [{len(done):2d}/{len(tasks):2d}]"
                say(f"  {place}  {' '.join(key)}: {done[key].seconds:.1f} s")
    return done


def _may_start(
    waiting: Sequence[Key], running: Collection[Key], at_once: int, reading: int
) -> list[Key]:
    """The first of those that wait, as far as there are places; reading has fewer of them."""
    free = at_once - len(running)
    readers = reading - sum(verb == "extract" for verb, _ in running)
    chosen: list[Key] = []
    for key in waiting:
        if len(chosen) < free and (key[0] != "extract" or readers > 0):
            readers -= key[0] == "extract"
            chosen.append(key)
    return chosen


def _weights(tasks: Sequence[Task]) -> dict[Key, int]:
    """How many others wait for a task, however far down: Airflow starts these first."""
    after = {task.key: task.after for task in tasks}
    waiting: dict[Key, set[Key]] = {key: set() for key in after}
    for key in reversed(list(TopologicalSorter(after).static_order())):
        for before in after[key]:
            waiting[before] |= {key, *waiting[key]}
    return {key: len(others) for key, others in waiting.items()}


@dataclass(frozen=True)
class City:
    """The sample city with one night loaded, and an engine that loaded it."""

    settings: Settings
    env: Mapping[str, str]
    tasks: Sequence[Task]
    reading: int
    """How many tasks may read sources at once."""
    folder: Path
    """Where copies of its state are made."""

    def copy(self, name: str, shared: Collection[str]) -> Settings:
        """Its state after the first night, at a path that no engine has seen.

        Args:
            name: of the copy.
            shared: what is not copied but is this installation's own.
        """
        target = self.folder / name
        copies.copy(self.settings.state_dir, target, _STATE)
        for entry in ("secrets", *shared):
            (target / entry).symlink_to(self.settings.state_dir / entry)
        return self.settings.model_copy(update={"state_dir": target})

    def run(self, state: Settings, key: Key, night: int, own: Mapping[str, str]) -> dict[str, Any]:
        """Run one command of a night on a state; what it hands back."""
        env = {**self.env, "CIVICLAKE_STATE_DIR": str(state.state_dir), **own}
        return command(env, *key, clock.batch_id(night))

    def run_night(self, run: Callable[[Task], Ran]) -> dict[Key, Ran]:
        """Run all tasks, as many at once as Airflow would."""
        at_once = self.settings.airflow.parallelism
        return run_night(self.tasks, run, at_once=at_once, reading=self.reading)


@dataclass
class OneEngine:
    """As the product does it: the engine and the launcher that were there before."""

    city: City
    name = OURS
    cpu_is_known = True

    def state(self, number: int) -> Settings:
        """The launcher is found in the run folder."""
        return self.city.copy(f"one-{number}", ["run"])

    def meter(self) -> Meter:
        """The engine and the launcher, and what is started."""
        return Meter(of_engine(self.city.settings))

    def run(self, state: Settings, task: Task, night: int) -> Ran:
        """The command alone."""
        began = time.monotonic()
        result = self.city.run(state, task.key, night, {})
        return Ran(result, time.monotonic() - began)


@dataclass
class OwnSessions:
    """The engine's own command line, started for one task and stopped after it; no launcher."""

    city: City
    name = THEIRS
    cpu_is_known = False
    """Its sessions are detached: what they used is lost when they end."""
    _ports: set[int] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def state(self, number: int) -> Settings:
        """Without a run folder there is no launcher."""
        return self.city.copy(f"own-{number}", [])

    def meter(self) -> Meter:
        """Everything that is started; the engine that idles beside is not counted."""
        return Meter()

    def run(self, state: Settings, task: Task, night: int) -> Ran:
        """A session, if the task needs one, and the command."""
        began, starting, own = time.monotonic(), 0.0, {}
        with ExitStack() as stack:
            if task.needs_spark:
                port = stack.enter_context(self._session())
                starting, own = time.monotonic() - began, {_PORT: str(port)}
            result = self.city.run(state, task.key, night, own)
        return Ran(result, time.monotonic() - began, starting)

    @contextmanager
    def _session(self) -> Iterator[int]:
        """An engine in a folder of its own, for it keeps its process and its scratch there."""
        port = self._free_port()
        folder = self.city.folder / f"session-{port}"
        folder.mkdir()
        (folder / "secrets").symlink_to(self.city.settings.secrets_dir)
        engine = self.city.settings.engine.model_copy(update={"connect_port": port})
        own = self.city.settings.model_copy(update={"state_dir": folder, "engine": engine})
        service = connect_server.service(own)
        try:
            connect_server.start(own)
            service.wait(START_TIMEOUT_S)
            yield port
        finally:
            service.stop()
            shutil.rmtree(folder, ignore_errors=True)

    def _free_port(self) -> int:
        """One that no other task was given: until somebody listens, it may be given twice."""
        with self._lock:
            (port,) = ports.free_ports(1, taken=self._ports)
            self._ports.add(port)
            return port


Way = OneEngine | OwnSessions
"""How a task comes by its session."""


@contextmanager
def sample_city(only: Collection[str], residents: int) -> Iterator[City]:
    """The sample city, night 1 loaded and its systems at night 2; all is gone afterwards.

    Args:
        only: departments whose tasks are run; none are all of them.
        residents: how many people live there.
    """
    with installation() as (settings, own):
        try:
            sources.start(settings)
            sources.prepare(settings, 1, residents)
            manifest = compile_city(settings)
            folder = settings.state_dir / "copies"
            folder.mkdir(mode=0o755)
            env = {**os.environ, **own, **sources.environment(settings)}
            env[DEPLOYED] = str(settings.manifest_path)
            tasks = night_of(manifest, settings.manifest_path, only)
            city = City(settings, env, tasks, airflow.pools(manifest)["sources"], folder)
            say("night 1, which warms the engine up")
            first = OneEngine(city)
            city.run_night(lambda task: first.run(settings, task, 1))
            sources.prepare(settings, 2)
            yield city
        finally:
            sources.stop(settings)
