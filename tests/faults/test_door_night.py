"""What one analyst does at the door, while a night runs: the night and the others hardly notice.

The figures are printed at the end; they hold for a machine that does nothing else.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from night_of_six import Six, asking, connect
from TCLIService import ttypes as thrift

from civiclake import engine
from civiclake.engine import jars, sql_server
from civiclake.engine.service import Service
from civiclake.local.ports import free_ports
from civiclake.settings import Settings, load_settings
from civiclake.settings_engine import DoorLimits, LoginLimits

ROUNDS = 3
"""Nights of one kind swing by a fifth: medians of so many are held against each other. Of answers
every one is held."""
NIGHT_LONGER = 1.1
ANSWER_S, RESTART_S = 5.0, 30.0
RUNAWAY = "SELECT count(*) FROM range(9000000) a CROSS JOIN range(9000000) b WHERE a.id + b.id < 0"
# One row, one expression: a task that ends by itself only, after half a minute or so.
STUBBORN = (
    "SELECT aggregate(sequence(1L, 40000L + id), 0L, (a, x) -> a + aggregate(sequence(1L, 100000L),"
    " 0L, (b, y) -> b + (x * y) % 7)) FROM range(1)"
)
HUGE = "SELECT id, repeat('x', 100) AS text FROM range(20000000)"


@pytest.fixture(scope="module")
def door() -> Iterator[Settings]:
    """Both engines as an installation has them."""
    root = Path(tempfile.mkdtemp(prefix="civiclake-test-"))
    root.chmod(0o755)
    connect_port, sql_port = free_ports(2)
    base = load_settings()
    hasty = LoginLimits(seconds=2)
    limits = DoorLimits(rows=1_000_000, survivor_seconds=5, login={"hasty": hasty})
    changes = {"connect_port": connect_port, "sql_port": sql_port, "remote": None}
    changes |= {"jobs_memory": "3g", "sql_memory": "1g", "limits": limits}
    changes |= {"restarts_an_hour": 20}
    made = base.model_copy(
        update={
            "state_dir": root, "lake_uri": None,
            "engine": base.engine.model_copy(update=changes),
        }
    )  # fmt: skip
    jars.compile_jvm(made.jars_dir)
    try:
        engine.up(made)
        yield made
    finally:
        engine.down(made)
        shutil.rmtree(root, ignore_errors=True)


@contextmanager
def _again(work: Callable[[], None]) -> Iterator[None]:
    """Do something again and again in the background; what it fails by is what it is for."""
    over = threading.Event()

    def go_on() -> None:
        while not over.wait(0.5):
            with contextlib.suppress(Exception):
                work()

    thread = threading.Thread(target=go_on, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(1.0)


def runaway(door: Settings) -> AbstractContextManager[None]:
    return _again(lambda: connect(door, "ana").cursor().execute(RUNAWAY))


def huge(door: Settings) -> AbstractContextManager[None]:
    def fetch() -> None:
        connection = connect(door, "ana")
        cursor = connection.cursor()
        cursor.execute(HUGE)
        asked = thrift.TFetchResultsReq(operationHandle=cursor._operationHandle, maxRows=20_000_000)
        while connection.client.FetchResults(asked).results:
            pass
        connection.close()

    return _again(fetch)


@contextmanager
def silent(door: Settings) -> Iterator[None]:
    """Five hundred connections that say nothing; those that are closed are opened again."""
    held: list[socket.socket] = []

    def fill() -> None:
        for one in held:
            one.close()
        held[:] = [
            socket.create_connection((door.engine.host, door.engine.sql_port), timeout=5)
            for _ in range(500)
        ]
        time.sleep(5)

    with _again(fill):
        yield
    for one in held:
        one.close()


@contextmanager
def killed(door: Settings) -> Iterator[None]:
    def kill() -> None:
        record = sql_server.service(door).running()
        assert record is not None
        os.kill(record.pid, signal.SIGKILL)

    timer = threading.Timer(5, kill)
    timer.start()
    yield
    timer.cancel()


FAULTS = {"runaway": runaway, "huge result": huge, "500 silent": silent, "killed door": killed}


def test_nights_beside_faults(door: Settings) -> None:
    six = Six(door)
    with asking(door):  # an engine's first nights are its slowest, and a door's first answers
        six.night()
        six.night()
    kinds = {"undisturbed": contextlib.nullcontext, **FAULTS}
    walls: dict[str, list[float]] = {name: [] for name in kinds}
    waits: dict[str, list[float]] = {name: [] for name in kinds}
    for number in range(ROUNDS):
        # Another kind begins each round, so that no kind has the quieter part of an hour.
        for name in [*kinds][number % len(kinds) :] + [*kinds][: number % len(kinds)]:
            with kinds[name](door), asking(door) as waited:
                walls[name].append(six.night())
            waits[name].append(max(waited))
            print(
                f"night {name:12} {walls[name][-1]:5.1f} s, SELECT 1 {max(waited):4.1f} s",
                flush=True,
            )
            _until_open(sql_server.service(door))
    usual = statistics.median(walls["undisturbed"])
    for name in kinds:
        times = statistics.median(walls[name]) / usual
        print(
            f"{name:12} {times:.2f} times ({_range(walls[name])} s);"
            f" slowest SELECT 1 of a night {_range(waits[name])} s",
            flush=True,
        )
    for name in FAULTS:
        most = RESTART_S if name == "killed door" else ANSWER_S
        assert max(waits[name]) < most, name
        assert statistics.median(walls[name]) <= NIGHT_LONGER * usual, name


def _range(seconds: list[float]) -> str:
    least, *_, most = sorted(seconds)
    return f"{least:.1f} to {most:.1f}, median {statistics.median(seconds):.1f}"


def test_a_task_that_goes_on_though_it_was_cancelled_ends_with_the_door(door: Settings) -> None:
    service = sql_server.service(door)
    before = service.running()
    assert before is not None
    with asking(door) as waits:
        cursor = connect(door, "hasty").cursor()
        with pytest.raises(Exception, match=r"the most for hasty|TSocket|closed"):
            cursor.execute(STUBBORN)
            cursor.fetchall()
        _until_open(service, other_than=before.pid)
        time.sleep(2)
    told = (door.run_dir / "alerts.jsonl").read_text().splitlines()[-1]
    assert "a cancelled query went on for more than 5 s" in told
    print(f"slowest SELECT 1 {max(waits):.1f} s")
    assert max(waits) < RESTART_S


def _until_open(service: Service, other_than: int | None = None) -> None:
    """Until the door is open, or (``other_than``) another process than that one is."""
    end = time.monotonic() + 120
    while time.monotonic() < end:
        record = service.running()
        if record and record.pid != other_than and service.is_open():
            return
        time.sleep(0.2)
    raise AssertionError(f"nobody started the {service.name} engine again")
