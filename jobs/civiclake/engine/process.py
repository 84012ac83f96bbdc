"""A detached process with a record of its own: start it, ask for it, stop it and only it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from civiclake.errors import EngineError, UserError

_TAIL_LINES = 15
_TAIL_BYTES = 16_384


@dataclass(frozen=True)
class Record:
    """What identifies a process that we started, even after its id was given to another."""

    pid: int
    started: str
    """The kernel's start time of that process."""
    port: int
    note: str
    """A plain word about how it had to be started; empty when all is well."""


@dataclass(frozen=True)
class Service:
    """One long-lived process of the engine."""

    name: str
    """For people: ``jobs`` or ``sql``."""
    run_dir: Path
    host: str
    port: int
    port_setting: str
    """The environment variable that moves the port."""

    @property
    def record_path(self) -> Path:
        """Where the record of the running process stands."""
        return self.run_dir / f"engine-{self.name}.json"

    @property
    def log_path(self) -> Path:
        """Where its output goes."""
        return self.run_dir / f"engine-{self.name}.log"

    def running(self) -> Record | None:
        """The process, if the one that we started still runs."""
        try:
            said = json.loads(self.record_path.read_text())
            record = Record(said["pid"], said["started"], said["port"], said.get("note", ""))
        except (FileNotFoundError, ValueError, KeyError):
            return None
        return record if _start_time(record.pid) == record.started else None

    def ready(self) -> bool:
        """Whether the process that we started answers at its port."""
        record = self.running()
        return record is not None and listening(self.host, record.port)

    def start(
        self,
        command: Sequence[str],
        env: Mapping[str, str],
        *,
        user: tuple[int, int] | None = None,
        cwd: Path,
        note: str = "",
    ) -> Record:
        """Start it detached; ``user`` is (uid, gid) when it runs as another."""
        if listening(self.host, self.port):
            raise UserError(
                f"port {self.port} of {self.host}, which the {self.name} engine wants, is taken"
                f" by another program: stop that one, or set {self.port_setting} to a free port"
            )
        self.run_dir.mkdir(parents=True, exist_ok=True)
        uid, gid = user if user else (None, None)
        with self.log_path.open("wb") as log:
            process = subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=dict(env),
                cwd=cwd,
                start_new_session=True,
                umask=0o022,
                user=uid,
                group=gid,
                extra_groups=[] if user else None,
            )
        started = _start_time(process.pid) or ""
        record = Record(process.pid, started, self.port, note)
        _write_atomically(self.record_path, json.dumps(record.__dict__))
        return record

    def wait(self, timeout_s: float) -> float:
        """Wait until it answers; returns the seconds that took.

        Raises:
            EngineError: it ended, or did not answer in time; with the end of its log.
        """
        begun = time.monotonic()
        while time.monotonic() - begun < timeout_s:
            if self.ready():
                return time.monotonic() - begun
            if self.running() is None:
                raise EngineError(f"the {self.name} engine ended while starting; {self._tail()}")
            time.sleep(0.1)
        self.stop()
        raise EngineError(
            f"the {self.name} engine did not answer at {self.host}:{self.port} within"
            f" {timeout_s:.0f} s and was stopped; {self._tail()}"
        )

    def stop(self, patience_s: float = 20.0) -> bool:
        """End the process that we started and no other; false if there was none."""
        record = self.running()
        if record is None:
            self.record_path.unlink(missing_ok=True)
            return False
        os.kill(record.pid, signal.SIGTERM)
        if not _until(lambda: self.running() is None, patience_s):
            os.kill(record.pid, signal.SIGKILL)
            _until(lambda: self.running() is None, 5.0)
        self.record_path.unlink(missing_ok=True)
        return True

    def _tail(self) -> str:
        try:
            with self.log_path.open("rb") as file:
                file.seek(max(0, self.log_path.stat().st_size - _TAIL_BYTES))
                lines = file.read().decode(errors="replace").splitlines()[-_TAIL_LINES:]
        except FileNotFoundError:
            lines = []
        shown = "\n".join(f"  | {line}" for line in lines) or "  | (nothing)"
        return f"the end of {self.log_path}:\n{shown}"


def listening(host: str, port: int) -> bool:
    """Whether something accepts connections there."""
    try:
        with socket.create_connection((host, port), timeout=2.0):
            return True
    except OSError:
        return False


def _until(done: Callable[[], bool], patience_s: float) -> bool:
    end = time.monotonic() + patience_s
    while time.monotonic() < end:
        if done():
            return True
        time.sleep(0.05)
    return done()


def _start_time(pid: int) -> str | None:
    """When the kernel started that process; None when it runs no more (or is a zombie)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return None if Path("/proc/self/stat").exists() else _start_time_by_ps(pid)
    return None if fields[0] in "ZX" else fields[19]


def _start_time_by_ps(pid: int) -> str | None:
    """Where there is no /proc (macOS)."""
    command = ["ps", "-o", "stat=,lstart=", "-p", str(pid)]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stdout.split()
    return None if not said or said[0].startswith("Z") else " ".join(said[1:])


def _write_atomically(path: Path, text: str) -> None:
    made = path.with_name(f".{path.name}.{os.getpid()}")
    made.write_text(text)
    made.replace(path)
