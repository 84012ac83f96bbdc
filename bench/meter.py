"""What a piece of work costs on this machine: wall and CPU seconds, and peak memory."""

from __future__ import annotations

import resource
import threading
import time
from types import TracebackType

import psutil

from civiclake import engine
from civiclake.local import launcher, process
from civiclake.settings import Settings

_PERIOD_SECONDS = 0.25


class Meter:
    """Watches the jobs' engine, the launcher and its commands, and this process's children.

    Memory is sampled: the engine's resident set, and of the forked commands what each holds
    alone and its share of the rest (PSS), so that pages they share are counted once.
    """

    def __init__(self, settings: Settings) -> None:
        pids = [s.pid for s in engine.status(settings) if s.name == "jobs"]
        warm = process.status(launcher.NAME, settings.run_dir)
        pids.append(warm.pid if warm else None)
        self._roots = [psutil.Process(pid) for pid in pids if pid]
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

    def _cpu_so_far(self) -> float:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        total = used.ru_utime + used.ru_stime
        for root in self._roots:
            times = root.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
        return total

    def _sample(self) -> None:
        while not self._done.wait(_PERIOD_SECONDS):
            everyone = {p for root in self._roots for p in [root, *_children(root)]}
            everyone |= set(_children(psutil.Process()))
            self.peak_mb = max(self.peak_mb, sum(map(_pss, everyone)) >> 20)


def _children(parent: psutil.Process) -> list[psutil.Process]:
    try:
        return list(parent.children(recursive=True))
    except psutil.NoSuchProcess:
        return []


def _pss(one: psutil.Process) -> int:
    try:
        if one.name() == "java":  # gigabytes: to walk its pages would cost what is measured
            return int(one.memory_info().rss)
        return int(one.memory_full_info().pss)
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return 0
