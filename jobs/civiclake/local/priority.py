"""How far a process gives way to others when processors are scarce (Linux; elsewhere nothing)."""

from __future__ import annotations

import contextlib
import os
import time
from collections import deque
from pathlib import Path

import psutil

_LAST = 19
_LONG = 3
"""A worker that had something to do at so many looks in a row has work that does not end soon."""
_TICKS = 3
_FURTHER = 3
_MUCH = 0.3
_WINDOW_S = 10.0
"""From so many processors on, on average over so long, it gives way further."""


class Courtesy:
    """Lets a process give way, and further while it takes much of the processors.

    Linux weighs whole sessions first, where it groups them (``sched_autogroup_enabled``), and
    threads within them, or else all threads: both are told. A little work is done soon so, and does
    not wait behind much. Not at a start: on a busy machine a server that gives way does not
    come up.

    Args:
        nice: 1 to 16, the more the further; 0 changes nothing.
        workers: how the names of the threads begin that come last when they are busy for long. They
            come back when they have ended that, where we may (as root).
    """

    def __init__(self, nice: int, workers: str) -> None:
        self._nice = nice
        self._workers = workers
        self._spent: dict[int, int] = {}
        self._busy: dict[int, int] = {}
        self._had: deque[tuple[float, float]] = deque()

    def look(self, pid: int) -> None:
        """Once a second or so: set the priorities of a process's threads as they should be.

        Args:
            pid: the process.
        """
        if not self._nice:
            return
        spent: dict[int, int] = {}
        busy: dict[int, int] = {}
        for thread in Path(f"/proc/{pid}/task").glob("[0-9]*"):
            with contextlib.suppress(OSError):  # it has ended, or may not come forward again
                number = int(thread.name)
                name, spent[number] = _seen(thread)
                is_busy = spent[number] - self._spent.get(number, spent[number]) >= _TICKS
                busy[number] = self._busy.get(number, 0) + 1 if is_busy else 0
                is_last = busy[number] >= _LONG and name.startswith(self._workers)
                wanted = _LAST if is_last else self._nice
                if os.getpriority(os.PRIO_PROCESS, number) != wanted:
                    os.setpriority(os.PRIO_PROCESS, number, wanted)
        self._spent, self._busy = spent, busy
        group = self._nice + (_FURTHER if self._takes_much(pid) else 0)
        with contextlib.suppress(OSError):  # no such file where sessions are no groups
            Path(f"/proc/{pid}/autogroup").write_text(str(group))

    def _takes_much(self, pid: int) -> bool:
        try:
            times = psutil.Process(pid).cpu_times()
        except psutil.Error:
            return False
        now, had = time.monotonic(), times.user + times.system
        if self._had and had < self._had[-1][1]:  # it is another one, started again
            self._had.clear()
        self._had.append((now, had))
        while now - self._had[0][0] > _WINDOW_S:
            self._had.popleft()
        return had - self._had[0][1] > _MUCH * _WINDOW_S


def _seen(thread: Path) -> tuple[str, int]:
    """A thread's name, and the processor time it has had in the system's ticks."""
    text = (thread / "stat").read_text()
    name, rest = text[text.index("(") + 1 :].rsplit(")", 1)
    numbers = rest.split()
    return name, int(numbers[11]) + int(numbers[12])
