"""What a piece of work costs on this machine: wall and CPU seconds, and peak memory."""

from __future__ import annotations

import resource
import threading
import time
from collections.abc import Iterable
from types import TracebackType
from typing import Any

import psutil

from bench.results import Cost
from civiclake import engine
from civiclake.local import launcher, process
from civiclake.settings import Settings

_PERIOD_SECONDS = 0.25


def of_engine(settings: Settings) -> list[int]:
    """The processes of an installation that work for a task: the jobs' engine, the launcher."""
    pids = [s.pid for s in engine.status(settings) if s.name == "jobs"]
    warm = process.status(launcher.NAME, settings.run_dir)
    pids.append(warm.pid if warm else None)
    return [pid for pid in pids if pid]


class Meter:
    """Watches processes that run already, and what this process starts while it measures.

    Memory is sampled: of a JVM its resident set, of all others what each holds alone and its
    share of the rest (PSS), so that pages they share are counted once.

    Args:
        pids: processes that run already; their children are watched with them.
        with_itself: whether this process works, too, and does not only wait.
    """

    def __init__(self, pids: Iterable[int] = (), *, with_itself: bool = False) -> None:
        self._with_itself = with_itself
        self._roots = [psutil.Process(pid) for pid in pids]
        self._others = set(_children(psutil.Process()))
        self._done = threading.Event()
        self._sampler = threading.Thread(target=self._sample, daemon=True)
        self.wall_seconds = 0.0
        self.cpu_seconds = 0.0
        self.peak_mb = 0

    def __enter__(self) -> Meter:
        self._began, self._cpu = time.monotonic(), self._cpu_so_far()
        self._sampler.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.wall_seconds = time.monotonic() - self._began
        self._done.set()
        self._sampler.join()
        time.sleep(0.5)  # a command's time is its parent's once it has wholly ended
        self.cpu_seconds = self._cpu_so_far() - self._cpu

    def cost(self, work: str, rows: int, bytes_written: int, **own: Any) -> Cost:
        """What was measured, as the results keep it.

        Args:
            work: what was done, as the results name it.
            rows: of it.
            bytes_written: by it.
            own: further fields of the cost.
        """
        return Cost(
            work=work,
            rows=rows,
            wall_seconds=round(self.wall_seconds, 2),
            cpu_seconds=round(self.cpu_seconds, 2),
            peak_mb=self.peak_mb,
            bytes_written=bytes_written,
            **own,
        )

    def _cpu_so_far(self) -> float:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        total = used.ru_utime + used.ru_stime
        if self._with_itself:
            own = resource.getrusage(resource.RUSAGE_SELF)
            total += own.ru_utime + own.ru_stime
        return total + sum(_cpu(one) for root in self._roots for one in [root, *_children(root)])

    def _sample(self) -> None:
        while not self._done.wait(_PERIOD_SECONDS):
            everyone = {p for root in self._roots for p in [root, *_children(root)]}
            everyone |= set(_children(psutil.Process())) - self._others
            self.peak_mb = max(self.peak_mb, sum(map(_pss, everyone)) >> 20)


def _children(parent: psutil.Process) -> list[psutil.Process]:
    try:
        return list(parent.children(recursive=True))
    except psutil.NoSuchProcess:
        return []


def _cpu(one: psutil.Process) -> float:
    """Of a process and of those children of it that have ended."""
    try:
        times = one.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system + times.children_user + times.children_system)


def _pss(one: psutil.Process) -> int:
    try:
        if one.name() == "java":  # gigabytes: to walk its pages would cost what is measured
            return int(one.memory_info().rss)
        return int(one.memory_full_info().pss)
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return 0
