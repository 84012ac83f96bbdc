"""How far a process gives way to others when processors are scarce (Linux; elsewhere nothing)."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


def give_way(pid: int, nice: int, *, workers: str = "") -> None:
    """Let all threads of a process give way, and those that it starts from now on.

    Not at its start: on a busy machine a server that gives way does not come up. Linux weighs
    whole sessions first, where it groups them (``sched_autogroup_enabled``), so the session that
    the process leads gives way too.

    Args:
        pid: the process.
        nice: 1 to 19, the more the further; 0 changes nothing.
        workers: how the names of threads begin that give way even within the process.
    """
    if not nice:
        return
    with contextlib.suppress(OSError):  # no such file where sessions are no groups
        Path(f"/proc/{pid}/autogroup").write_text(str(nice))
    for thread in Path(f"/proc/{pid}/task").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended
            name = (thread / "comm").read_text()
            is_worker = bool(workers) and name.startswith(workers)
            wanted, number = (19 if is_worker else nice), int(thread.name)
            if os.getpriority(os.PRIO_PROCESS, number) < wanted:
                os.setpriority(os.PRIO_PROCESS, number, wanted)
