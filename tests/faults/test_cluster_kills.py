"""kill -9 of executors, workers, master, driver and load while a cluster loads night after night.

Each night is loaded until it is in; what it comes to is held against the same nights on one
machine that nobody disturbed: rows, rows set aside, and the ledger's sums over all tries.
``CIVICLAKE_TEST_KILLS`` says how many nights there are (15 by default, three of each victim).
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from histories_city import trees
from nights import Nights
from pyspark.sql import SparkSession

from civiclake import engine
from civiclake.contracts.model import Dataset, History, Load
from civiclake.engine import session
from civiclake.errors import CivicLakeError
from civiclake.io.extract import extract
from civiclake.io.lake import tables
from civiclake.local.ports import free_ports
from civiclake.settings import Settings, load_settings
from demo.cluster import on_free_ports, start, stop

SEED = 20
KILLS = int(os.environ.get("CIVICLAKE_TEST_KILLS", "15"))
VICTIMS = ("executor", "worker", "master", "jobs", "load")
TRIES, PAUSE_S = 12, 5.0
CHANGED = ("inserted", "updated", "deleted")
ROWS = 60


def night(number: int) -> str:
    """Some trees are new, some have grown, some are gone, one has no number of rings."""
    first = 3 * number
    rows = [
        f"t{n},oak,{number if n % 7 == number % 7 else 1}\n" for n in range(first, first + ROWS)
    ]
    return "tree_id,species,rings\n" + "".join(rows) + f"x{number},elm,many\n"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Settings]:
    root = Path(tempfile.mkdtemp(prefix="civiclake-kills-"))
    root.chmod(0o755)
    connect, sql, database = free_ports(3)
    base = load_settings()
    engines = {"connect_port": connect, "sql_port": sql, "jobs_memory": "2g", "sql_memory": "1g"}
    engines |= {"restarts_an_hour": 10 * KILLS}
    base = base.model_copy(
        update={
            "state_dir": root,
            "engine": base.engine.model_copy(update=engines),
            "postgres": base.postgres.model_copy(update={"port": database}),
        }
    )
    made = on_free_ports(base, taken=(connect, sql, database))
    try:
        start(made)
        yield made
    finally:
        stop(made)
        shutil.rmtree(root)


def _victim(
    cluster: Settings, name: str, load: subprocess.Popen[str], chance: random.Random
) -> int:
    """A process of that kind; an executor is a child of its worker."""
    if name == "load":
        return load.pid
    running = {one.name: one.pid for one in engine.status(cluster)}
    if name in ("executor", "worker"):
        worker = running[f"worker-{chance.randint(1, 2)}"]
        if name == "worker" or worker is None:
            return worker or 0
        children = psutil.Process(worker).children(recursive=True)
        found = [c.pid for c in children if "CoarseGrainedExecutorBackend" in " ".join(c.cmdline())]
        return found[0] if found else worker
    return running[name] or 0


def _start(
    cluster: Settings, dataset: Dataset, batch_id: str, folder: Path
) -> subprocess.Popen[str]:
    told = folder / f"{batch_id}.json"
    settings, asked = cluster.model_dump(mode="json"), dataset.model_dump(mode="json")
    told.write_text(json.dumps({"settings": settings, "dataset": asked, "batch_id": batch_id}))
    child = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("cluster_load.py")), str(told)],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert child.stdout is not None
    assert child.stdout.readline() == "loading\n"
    return child


def _end(child: subprocess.Popen[str]) -> tuple[int, str]:
    with child:
        said = child.stdout.read() if child.stdout else ""
        return child.wait(300), said


def _session(cluster: Settings) -> SparkSession:
    """The driver may be starting again."""
    for _ in range(TRIES):
        try:
            made = session.connect(cluster)
        except CivicLakeError:
            time.sleep(PAUSE_S)
        else:
            session.suit(made, 0)
            return made
    raise AssertionError("the jobs engine did not come back")


def _told(spark: SparkSession, settings: Settings, dataset: Dataset) -> Any:
    """Rows, rows set aside, and what the ledger says was changed, batch by batch."""
    names = [column.name for column in dataset.unified_columns]
    served = spark.table(tables.by_path(settings, tables.UNIFIED, dataset.table)).select(*names)
    aside = spark.table(tables.by_path(settings, tables.QUARANTINE, dataset.table))
    kept = aside.select("_batch_id", "_row", "status", "reasons", "times_seen")
    batches = spark.table(tables.by_path(settings, tables.OPS, "batches"))
    sums = batches.where("status = 'merged'").groupBy("batch_id").sum(*CHANGED)
    return [sorted(map(str, frame.collect())) for frame in (served, kept, sums)]


def test_nights_that_were_disturbed_come_to_what_undisturbed_ones_do(
    settings: Settings, spark: SparkSession, cluster: Settings, tmp_path: Path
) -> None:
    chance = random.Random(SEED)
    dataset = trees(tmp_path, Load.SNAPSHOT, History.LATEST)
    here = Nights(settings, spark, tmp_path / "here", dataset)
    there = Nights(cluster, spark, cluster.state_dir, dataset)
    tried: list[tuple[str, str, float, list[int]]] = []
    for number in range(1, KILLS + 1):
        batch_id, name = f"n{number:03d}", VICTIMS[number % len(VICTIMS)]
        here.run(batch_id, night(number))
        there.deliver(night(number))
        extract(there.settings, there.dataset, batch_id)
        child = _start(cluster, there.dataset, batch_id, tmp_path)
        delay = chance.uniform(0.2, 7)
        time.sleep(delay)
        pid = _victim(cluster, name, child, chance)
        if pid:
            os.kill(pid, signal.SIGKILL)
        codes = [_end(child)[0]]
        while codes[-1] != 0:
            assert len(codes) < TRIES, (batch_id, name, codes)
            time.sleep(PAUSE_S)
            code, said = _end(_start(cluster, there.dataset, batch_id, tmp_path))
            assert code in (0, 75, 1), said
            codes.append(code)
        tried.append((batch_id, name, round(delay, 1), codes))
        print(tried[-1], flush=True)
        asking = _session(cluster)
        try:
            found = _told(asking, cluster, there.dataset)
        finally:
            asking.stop()
        assert found == _told(spark, here.settings, dataset), tried
