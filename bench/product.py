"""CivicLake as a contender: its own commands on warm engines, a state folder for each run."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench import copies
from bench.installation import bytes_in, command, stages
from bench.meter import Meter, of_engine
from bench.results import Cost
from bench.taps import generate, shape
from bench.work import ContenderFailed, Outcome, States, Work
from civiclake import columns as c
from civiclake.cli.city import dataset
from civiclake.engine.session import connect
from civiclake.io.lake import delta_log, tables
from civiclake.settings import Settings, project_root
from civiclake.steps.content import content_hash

STOPS, TAPS, MART = "transport.stops", "transport.taps", "taps_by_line"
_TABLE = TAPS.replace(".", "_")
_STATE = ("lake", "landing", "locks", "codes", "manifest.json")
"""What a run changes; engines, launcher and secrets are one for all runs."""
_ENGINE = ("run", "secrets")
BATCHES = {"initial": "20260131T020000Z", "changes": "20260202T020000Z"}
_BETWEEN = "20260201T020000Z"
"""The night in which the mart takes in the rows that a table is extended by."""


class Product:
    """The product's own path.

    Every run works in a copy of a state folder, at a path that the engine has not seen: it reads
    the table's log anew, as after a restart. (Put back in place, a table would be older than
    what Delta remembers of it.)

    Args:
        settings: of an installation whose engines are up.
        env: the variables by which a command finds it.
        data: where the deliveries are.
        folder: where the state folders are made.
        checkout: another version's, with its own contracts of the same; by default this one's.
    """

    kinds = frozenset({"initial", "changes"})

    def __init__(
        self,
        settings: Settings,
        env: Mapping[str, str],
        data: Path,
        folder: Path,
        checkout: Path | None = None,
    ) -> None:
        self.name = f"civiclake of {checkout.name}" if checkout else "civiclake"
        self._checkout = checkout
        city = (checkout or project_root()) / shape.CITY.relative_to(project_root())
        own = {name: city / name for name in ("schemas", "expectations", "marts")}
        found = {f"{name}_dir": path for name, path in own.items()}
        self._settings = settings.model_copy(update=found)
        named = {f"CIVICLAKE_{name.upper()}": str(path) for name, path in found.items()}
        self._env = {**os.environ, **env, **named}
        self._data, self._folder = data, folder
        self._states = States()
        self._load_stops()

    def warm_up(self, data: Path) -> None:
        """Let the engine do the same work on small deliveries first."""
        state = self._copy(self._settings.state_dir, "warm")
        for kind, delivery in (("initial", shape.INITIAL), ("changes", shape.CHANGES)):
            self._night(state, data / delivery, BATCHES[kind])
        shutil.rmtree(state.state_dir)

    def run(self, work: Work, number: int) -> Cost:
        """Do a work once, in a state folder of its own."""
        start = self._states[work.start] if work.start else self._settings.state_dir
        state = self._copy(start, f"{work.slug}-{number}")
        before, batch = bytes_in(state), BATCHES[work.kind]
        with Meter(of_engine(self._settings)) as meter:
            tasks = self._night(state, self._data / work.delivery, batch)
        self._states.keep(work.slug, state.state_dir)
        grown = bytes_in(state) - before
        took = {**stages(state, TAPS, batch), **tasks}
        return meter.cost(work.title, work.rows, grown, engine=self.name, stages=took)

    def outcome(self, work: Work) -> Outcome:
        """The tables that the last run of a work has left."""
        root = self._states[work.slug] / "lake"
        served, aside = root / "unified" / _TABLE, root / "quarantine" / _TABLE
        return Outcome(served, root / "marts" / MART, aside)

    def can_start(self, work: Work) -> bool:
        """Whether it has the state that a work starts from."""
        return self._states.can_start(work)

    def extend(self, slug: str, source: str, rows: int, wanted: int) -> Path:
        """Make a larger table of one that was loaded, by older taps with keys of their own.

        Args:
            slug: of the state that is made.
            source: slug of the state to begin with.
            rows: how many it holds, keys 0 to that.
            wanted: how many it shall hold.

        Returns:
            Where the larger table is.
        """
        state = self._copy(self._states[source], f"{slug}-0")
        table = tables.by_path(state, tables.UNIFIED, _TABLE)
        hashed = content_hash(dataset(state, TAPS))
        spark = connect(self._settings)
        try:
            version = delta_log.newest(spark, state, tables.UNIFIED, _TABLE).version
            loaded = f"{table} VERSION AS OF {version}"
            columns = spark.table(table).columns
            listed = [f"{hashed} AS `{n}`" if n == c.CONTENT else f"`{n}`" for n in columns]
            for shift in range(1, -(-wanted // rows)):
                older = _moved(loaded, columns, shift, rows)
                spark.sql(
                    f"INSERT INTO {table} SELECT {', '.join(listed)} FROM ({older})"
                    f" WHERE {shape.KEY} < '{_key(wanted)}'"
                ).collect()
        finally:
            spark.stop()
        self._command(state, self._data, "mart", MART, _BETWEEN)
        self._states[slug] = state.state_dir
        return Path(tables.location(state, tables.UNIFIED, _TABLE))

    def state(self, slug: str) -> Settings:
        """The settings by which the state that a work has left is read."""
        return self._settings.model_copy(update={"state_dir": self._states[slug]})

    def _load_stops(self) -> None:
        for verb in ("extract", "load"):
            self._command(self._settings, self._data, verb, STOPS, "20260130T020000Z")

    def _night(self, state: Settings, drops: Path, batch: str) -> dict[str, float]:
        """The three tasks of a night; seconds of each, from its start to its end."""
        seconds = {}
        for verb, what in (("extract", TAPS), ("load", TAPS), ("mart", MART)):
            began = time.monotonic()
            self._command(state, drops, verb, what, batch)
            seconds[f"task {verb}"] = round(time.monotonic() - began, 2)
        return seconds

    def _command(self, state: Settings, drops: Path, verb: str, what: str, batch: str) -> None:
        env = {**self._env, "CIVICLAKE_STATE_DIR": str(state.state_dir), "BENCH_DROPS": str(drops)}
        try:
            command(env, verb, what, batch, self._checkout)
        except SystemExit as error:
            raise ContenderFailed(f"civiclake: {error}") from None

    def _copy(self, source: Path, name: str) -> Settings:
        """A state folder like another one, with this installation's engines and secrets."""
        target = self._folder / name
        copies.copy(source, target, _STATE)
        for shared in _ENGINE:
            (target / shared).symlink_to(self._settings.state_dir / shared)
        self._forget_names()
        return self._settings.model_copy(update={"state_dir": target})

    def _forget_names(self) -> None:
        """Let the engine forget where the tables of a former run stand."""
        spark = connect(self._settings)
        try:
            if spark.sql("SHOW SCHEMAS LIKE 'unified'").head(1):
                for row in spark.sql("SHOW TABLES IN unified").collect():
                    spark.sql(f"DROP TABLE unified.{row['tableName']}")
        finally:
            spark.stop()


def _moved(table: str, columns: Sequence[str], shift: int, rows: int) -> str:
    """A query of the same taps under other keys, so many times two weeks earlier."""
    number = f"cast(substr({shape.KEY}, 2) as bigint) + {shift * rows}"
    moved = {shape.KEY: f"'T' || lpad(cast({number} as string), 11, '0')"}
    for name in ("updated_at", "tapped_at", c.SEQUENCE):
        moved[name] = f"{name} - INTERVAL {shift * generate.DAYS} DAYS"
    values = [f"{moved.get(name, f'`{name}`')} AS `{name}`" for name in columns]
    return f"SELECT {', '.join(values)} FROM {table}"


def _key(number: int) -> str:
    return f"T{number:011d}"
