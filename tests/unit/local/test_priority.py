"""A process gives way by all its threads, and by a worker that never ends furthest."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from civiclake.local import priority
from civiclake.local.priority import Courtesy

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems have no /proc")

_CHILD = """
import ctypes, sys, threading, time
over = threading.Event()
def named(name, work):
    def run():
        ctypes.CDLL(None).prctl(15, name, 0, 0, 0)
        work()
    threading.Thread(target=run, daemon=True).start()
def spin():
    while not over.is_set():
        pass
    time.sleep(60)
named(b"Worker 1", spin)
named(b"Worker 2", lambda: time.sleep(60))
named(b"answers", spin)
print("up", flush=True)
sys.stdin.readline()
over.set()
print("over", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def child() -> Iterator[subprocess.Popen[str]]:
    made = subprocess.Popen(
        [sys.executable, "-c", _CHILD],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    assert made.stdout is not None
    made.stdout.readline()
    yield made
    made.kill()
    made.communicate()


def _nice(pid: int) -> dict[str, int]:
    """By the thread's name."""
    return {
        (thread / "comm").read_text().strip(): os.getpriority(os.PRIO_PROCESS, int(thread.name))
        for thread in Path(f"/proc/{pid}/task").iterdir()
    }


def _group(pid: int) -> int:
    """Of its session."""
    path = Path(f"/proc/{pid}/autogroup")
    if not path.exists():
        pytest.skip("this kernel weighs no sessions")
    return int(path.read_text().split()[-1])


def _look_until(courtesy: Courtesy, pid: int, wanted: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not wanted():
        assert time.monotonic() < end, (_nice(pid), _group(pid))
        time.sleep(0.3)
        courtesy.look(pid)


@pytest.fixture(autouse=True)
def _short_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """And little is much: this machine may be busy."""
    monkeypatch.setattr(priority, "_WINDOW_S", 2.0)
    monkeypatch.setattr(priority, "_MUCH", 0.02)
    monkeypatch.setattr(priority, "_TICKS", 1)


def test_whoever_never_ends_comes_last_and_the_others_only_give_way(
    child: subprocess.Popen[str],
) -> None:
    courtesy = Courtesy(7, workers="Worker")
    courtesy.look(child.pid)
    assert set(_nice(child.pid).values()) == {7}
    _look_until(courtesy, child.pid, lambda: _nice(child.pid)["Worker 1"] == 19)
    found = _nice(child.pid)
    assert (found["Worker 2"], found["answers"]) == (7, 7)


def test_who_takes_much_gives_way_further_until_it_takes_less(child: subprocess.Popen[str]) -> None:
    courtesy = Courtesy(7, workers="Worker")
    courtesy.look(child.pid)
    assert _group(child.pid) == 7
    _look_until(courtesy, child.pid, lambda: _group(child.pid) == 10)
    _end_work(child)
    _look_until(courtesy, child.pid, lambda: _group(child.pid) == 7)


def test_what_has_ended_its_work_comes_back_where_we_may(child: subprocess.Popen[str]) -> None:
    courtesy = Courtesy(7, workers="Worker")
    _look_until(courtesy, child.pid, lambda: _nice(child.pid)["Worker 1"] == 19)
    _end_work(child)
    courtesy.look(child.pid)
    time.sleep(0.3)
    courtesy.look(child.pid)
    assert _nice(child.pid)["Worker 1"] == (7 if os.geteuid() == 0 else 19)


def _end_work(child: subprocess.Popen[str]) -> None:
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write("\n")
    child.stdin.flush()
    child.stdout.readline()
    time.sleep(0.2)


def test_nought_changes_nothing(child: subprocess.Popen[str]) -> None:
    before = _nice(child.pid)
    for _ in range(4):
        Courtesy(0, workers="Worker").look(child.pid)
    assert _nice(child.pid) == before
