"""Long-lived processes of this machine: started detached, found again, stopped, never mistaken.

A process is known by its id and its start time together: ids are used again after a
restart, and nothing that CivicLake did not start is ever signalled.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from civiclake.errors import CivicLakeError, UserError
from civiclake.local.files import write_whole
from civiclake.local.held import held
from civiclake.local.ports import port_open


@dataclass(frozen=True)
class Running:
    """A process that was started here and still lives."""

    name: str
    pid: int
    born: str
    """Start time as the system tells it; with the id it names one process for good."""
    log: Path
    facts: Mapping[str, str] = field(default_factory=dict, compare=False)
    """What whoever started it wanted to be told again."""


def start(
    name: str,
    command: Sequence[str],
    *,
    run_dir: Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    user: str | None = None,
    umask: int = -1,
    facts: Mapping[str, str] | None = None,
) -> Running:
    """Start a process that outlives this one; if it already runs, leave it as it is.

    Args:
        name: short name; the files are ``<run_dir>/<name>.pid`` and ``<name>.log``.
        command: program and arguments; secrets belong in ``env``.
        run_dir: folder of process ids and logs.
        env: the whole environment of the process; default: this one's.
        cwd: folder in which it runs.
        user: system user to run it as; only root may ask for that.
        umask: mask of the files it makes; default: this process's.
        facts: kept beside the process id; :func:`status` tells them again.
    """
    # Until its id is written down, a second starter would find none and start one more.
    with held(run_dir / f".{name}.starting", f"starting {name}"):
        found = status(name, run_dir)
        if found:
            return found
        return _start(name, command, run_dir, env, cwd, user, umask, facts or {})


def _start(
    name: str,
    command: Sequence[str],
    run_dir: Path,
    env: Mapping[str, str] | None,
    cwd: Path | None,
    user: str | None,
    umask: int,
    facts: Mapping[str, str],
) -> Running:
    log = run_dir / f"{name}.log"
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        child = subprocess.Popen(
            as_user(user, command),
            stdin=subprocess.DEVNULL,
            stdout=handle,
            stderr=handle,
            env=dict(env) if env is not None else None,
            cwd=cwd,
            start_new_session=True,
            umask=umask,
        )
    except OSError as error:
        reason = error.strerror or str(error)
        raise UserError(f"{name} can't be started with {command[0]}: {reason}") from error
    finally:
        os.close(handle)
    running = Running(name, child.pid, _born(child.pid) or "", log, dict(facts))
    child.returncode = 0  # it is meant to live on: no ResourceWarning when forgotten
    _write_pid(run_dir, running)
    return running


def status(name: str, run_dir: Path) -> Running | None:
    """The process of that name, or None when it does not run (any more)."""
    try:
        saved = json.loads((run_dir / f"{name}.pid").read_text())
        pid, born, facts = int(saved["pid"]), str(saved["born"]), dict(saved.get("facts", {}))
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
    running = Running(name, pid, born, run_dir / f"{name}.log", facts)
    return running if is_alive(running) else None


def is_alive(running: Running) -> bool:
    """Whether exactly this process still runs."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(running.pid, os.WNOHANG)  # a child of ours would stay as a zombie
    return bool(running.born) and _born(running.pid) == running.born


def stop(
    name: str,
    run_dir: Path,
    *,
    timeout_s: float = 20.0,
    first: signal.Signals = signal.SIGTERM,
) -> bool:
    """Stop a process that was started here, then what is left of its group.

    Args:
        name: as given to :func:`start`.
        run_dir: as given to :func:`start`.
        timeout_s: how long it may take to end by itself before it is killed.
        first: the signal that asks it to end.

    Returns:
        Whether it was running.
    """
    running = status(name, run_dir)
    if running:
        with contextlib.suppress(ProcessLookupError):
            os.kill(running.pid, first)
        if not _gone(running, timeout_s):
            _signal_group(running, signal.SIGKILL)
            _gone(running, 5.0)
        elif _members(running.pid):
            _signal_group(running, signal.SIGTERM)
            _wait(lambda: not _members(running.pid), 5.0)
            _signal_group(running, signal.SIGKILL)
    (run_dir / f"{name}.pid").unlink(missing_ok=True)
    return running is not None


def wait_port(
    host: str, port: int, *, timeout_s: float, running: Running | None = None, what: str = ""
) -> None:
    """Wait until something listens; give up at once when the process has died.

    Raises:
        CivicLakeError: nothing listened in time; names the process's log.
    """
    name = what or (running.name if running else "a service")
    where = f"; see {running.log}" if running else ""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if running and not is_alive(running):
            raise CivicLakeError(f"{name} ended while it started{where}")
        if port_open(host, port):
            return
        time.sleep(0.05)
    raise CivicLakeError(f"{name} did not listen on {host}:{port} within {timeout_s:.0f} s{where}")


_SWITCH = """\
import os, pwd, sys
who = pwd.getpwnam(sys.argv[1])
os.setgroups([])
os.setgid(who.pw_gid)
os.setuid(who.pw_uid)
os.execvp(sys.argv[2], sys.argv[2:])
"""


def as_user(user: str | None, command: Sequence[str]) -> list[str]:
    """The command as that system user runs it (None: as ourselves); only root may ask for that.

    A Python of its own changes the user and then becomes the command. ``subprocess`` could
    change it, but only by a plain fork, which now and then crashes where Spark's client has
    its threads.

    Raises:
        FileNotFoundError: there is no such program; the other Python could only log that.
    """
    if user and shutil.which(command[0]) is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), command[0])
    return [*([sys.executable, "-IS", "-c", _SWITCH, user] if user else ()), *command]


def group_of(user: str | None) -> int | None:
    """The primary group of a system user."""
    if user is None:
        return None
    import pwd

    return pwd.getpwnam(user).pw_gid


def _write_pid(run_dir: Path, running: Running) -> None:
    saved = {"pid": running.pid, "born": running.born, "facts": running.facts}
    write_whole(run_dir / f"{running.name}.pid", json.dumps(saved))


def _born(pid: int) -> str | None:
    """When a process started, in the system's own words; None for the dead and for zombies."""
    fields = _stat(pid)
    if fields is not None:
        return None if fields[0] in "ZX" else f"{_boot()}:{fields[19]}"
    if Path("/proc/self/stat").exists():
        return None
    shown = subprocess.run(
        ["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout.split(maxsplit=1)
    return shown[1].strip() if len(shown) == 2 and not shown[0].startswith("Z") else None


def _stat(pid: int) -> list[str] | None:
    """Fields of ``/proc/<pid>/stat`` from the state on: the name before it may hold anything."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return None
    return text.rpartition(")")[2].split()


def _boot() -> str:
    """Start times count from the boot: without its id they could meet again after the next."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def _members(group: int) -> list[int]:
    """Living processes of a group (Linux only; elsewhere the leader's end must do)."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        fields = _stat(int(entry.name))
        if fields and fields[0] not in "ZX" and int(fields[2]) == group:
            found.append(int(entry.name))
    return found


def _signal_group(running: Running, number: signal.Signals) -> None:
    if _members(running.pid) or is_alive(running):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(running.pid, number)


def _gone(running: Running, timeout_s: float) -> bool:
    return _wait(lambda: not is_alive(running), timeout_s)


def _wait(met: Callable[[], bool], timeout_s: float) -> bool:
    deadline = time.monotonic() + timeout_s
    while not met():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
