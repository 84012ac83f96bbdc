"""Locks for short work: waited for so long and no longer, and who holds one is named.

A lock file stands where no other user can open it, because whoever can open a file can hold it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from civiclake.errors import LockHeld

WAIT_S = 60.0
"""The longest that somebody is waited for whose work takes a second."""


@contextmanager
def held(path: Path, what: str, *, timeout_s: float = WAIT_S) -> Iterator[None]:
    """Hold a lock until the ``with`` block ends.

    Args:
        path: the lock file; its folder is made (mode 0700) where there is none.
        what: the work that waits, as a sentence begins.
        timeout_s: how many seconds to wait.

    Raises:
        LockHeld: another process has it for longer than that; with its id and command.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = FileLock(path, timeout=timeout_s, mode=0o600)
    try:
        lock.acquire()
    except Timeout:
        raise LockHeld(
            f"{what} waited {timeout_s:g} s for the lock {path}, which {holder(path)} holds:"
            " try again when that is done, or end it"
        ) from None
    try:
        path.chmod(0o600)  # one that a former version made may be open to others
        yield
    finally:
        lock.release()


def holder(path: Path) -> str:
    """Who holds a lock file, by the kernel's word: ``process 4711 (civiclake)``."""
    try:
        inode = path.stat().st_ino
        lines = Path("/proc/locks").read_text().splitlines()
    except OSError:
        return "another process"
    for line in lines:
        fields = line.split()
        # 1: FLOCK ADVISORY WRITE <pid> <major>:<minor>:<inode> 0 EOF
        if len(fields) > 5 and fields[1] == "FLOCK" and fields[5].endswith(f":{inode}"):
            return f"process {fields[4]}{_command(fields[4])}"
    return "another process"


def _command(pid: str) -> str:
    try:
        return f" ({Path(f'/proc/{pid}/comm').read_text().strip()})"
    except OSError:
        return ""
