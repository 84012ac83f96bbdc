"""A night of six datasets beside analysts: how long it takes, and how long they wait."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from pyhive import hive

from civiclake import secrets
from civiclake.engine import analysts
from civiclake.settings import Settings

DATASETS = 6
ROWS = 3000
AT_ONCE = 4
"""As Airflow's `parallelism` by default."""
PASSWORD = "a-word-for-the-tests"
_HEAD = "facility_id,name,kind,district_code,beds,latitude,longitude,opened_on\n"


class Six:
    """Six datasets that are delivered and loaded together, again and again."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.drops = settings.state_dir / "drops"
        self._nights = 0
        self._chance = random.Random(16)

    def deliver(self) -> None:
        """A new file of every dataset: a tenth of the rows has changed."""
        self._nights += 1
        for number in range(DATASETS):
            folder = self.drops / str(number)
            folder.mkdir(parents=True, exist_ok=True)
            lines = []
            for n in range(ROWS):
                beds = self._nights if self._chance.random() < 0.1 else 0
                lines.append(f"F{n:05d},House {n},clinic,990101,{beds},47.5,-122.3,1990-01-01\n")
            (folder / f"{self._nights}.csv").write_text(_HEAD + "".join(lines))

    def night(self) -> float:
        """Deliver, then extract and load all six; how many seconds that took."""
        self.deliver()
        begun = time.monotonic()
        with ThreadPoolExecutor(AT_ONCE) as tasks:
            codes = list(tasks.map(self._task, range(DATASETS)))
        assert codes == [0] * DATASETS
        return time.monotonic() - begun

    def _task(self, number: int) -> int:
        return self.start(number).wait(600)

    def start(self, number: int) -> subprocess.Popen[bytes]:
        """One dataset's task as a process."""
        engine = self.settings.engine
        env = {
            **os.environ,
            "PYTHONPATH": str(Path(__file__).parents[1] / "spark"),
            secrets.variable("connect_token"): secrets.get(self.settings, "connect_token"),
            "CIVICLAKE_STATE_DIR": str(self.settings.state_dir),
            "CIVICLAKE_ENGINE__CONNECT_PORT": str(engine.connect_port),
        }
        words = [str(self.drops), str(number), f"b{self._nights}"]
        with (self.settings.run_dir / "tasks.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, str(Path(__file__).with_name("one_of_six.py")), *words],
                stdout=log, stderr=log, env=env,
            )  # fmt: skip


def connect(settings: Settings, name: str) -> hive.Connection:
    """As that analyst; made when there is none of the name."""
    if name not in analysts.names(settings):
        analysts.add(settings, name, PASSWORD)
    return hive.connect(
        host=settings.engine.host, port=settings.engine.sql_port, username=name,
        password=PASSWORD, auth="CUSTOM",
    )  # fmt: skip


@contextmanager
def asking(settings: Settings, name: str = "bob") -> Iterator[list[float]]:
    """Another analyst asks each second; how many seconds the answers took, failures included."""
    waits: list[float] = []
    over = threading.Event()

    def ask() -> None:
        while not over.wait(1.0):
            begun = time.monotonic()
            while not _answered(settings, name) and not over.is_set():
                time.sleep(0.2)
            waits.append(time.monotonic() - begun)

    connect(settings, name).close()
    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield waits
    finally:
        over.set()
        thread.join()


def _answered(settings: Settings, name: str) -> bool:
    try:
        connection = connect(settings, name)
        cursor = connection.cursor()
        cursor.execute("SELECT 1")
        found = cursor.fetchall() == [(1,)]
        connection.close()
    except Exception:  # noqa: BLE001 - whatever the driver makes of a door that is not there
        return False
    return found
