"""One engine as a process: :mod:`civiclake.local.process`, with a port and what to say of it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from civiclake.errors import CivicLakeError, EngineError, UserError
from civiclake.local import ports, process

_TAIL_LINES = 15
_TAIL_BYTES = 16_384
_STOPPING_S = 60.0
_OPEN, _GUARDS_S = b" door is open", 15.0


@dataclass(frozen=True)
class Record:
    """A running engine, as it was started."""

    pid: int
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
    nice: int = 0
    """How far it gives way to others, once it answers."""
    has_door: bool = True
    """Whether its port answers a moment before it is open, which its log says."""

    @property
    def address(self) -> str:
        """Where it is to listen, for people; some take any port."""
        return f"{self.host}:{self.port}" if self.port else self.host

    @property
    def process_name(self) -> str:
        """Its name in the run folder."""
        return f"engine-{self.name}"

    @property
    def log_path(self) -> Path:
        """Where its output goes."""
        return self.run_dir / f"{self.process_name}.log"

    def was_started(self) -> bool:
        """Whether it was started and not stopped: it ought to run."""
        return (self.run_dir / f"{self.process_name}.pid").exists()

    def expect(self) -> None:
        """It ought to run, though it does not: the watch is to try again."""
        (self.run_dir / f"{self.process_name}.pid").touch()

    def is_stopping(self) -> bool:
        """Whether somebody stops it right now; a word that was left behind counts a minute."""
        try:
            age = time.time() - self._stopping.stat().st_mtime
        except FileNotFoundError:
            return False
        return age < _STOPPING_S

    @property
    def _stopping(self) -> Path:
        return self.run_dir / f"{self.process_name}.stopping"

    @property
    def kept_log(self) -> Path:
        """The log of a run that ended badly."""
        return self.log_path.with_suffix(".log.before")

    def keep_log(self) -> None:
        """Put the log of a run that ended badly aside; the next start writes a new one."""
        with contextlib.suppress(FileNotFoundError):
            self.log_path.replace(self.kept_log)

    def running(self) -> Record | None:
        """The process, if the one that we started still runs."""
        found = process.status(self.process_name, self.run_dir)
        if found is None:
            return None
        port = int(found.facts.get("port", self.port))
        return Record(found.pid, port, found.facts.get("note", ""))

    def ready(self) -> bool:
        """Whether the process that we started answers at its port."""
        record = self.running()
        return record is not None and ports.port_open(self.host, record.port)

    def start(
        self,
        command: Sequence[str],
        env: Mapping[str, str],
        *,
        user: str | None = None,
        cwd: Path,
        note: str = "",
    ) -> None:
        """Start it detached; ``user`` is the system user to run it as.

        Raises:
            UserError: another program has the port.
        """
        if ports.port_open(self.host, self.port):
            raise UserError(
                f"port {self.port} of {self.host}, which the {self.name} engine wants, is taken"
                f" by another program: stop that one, or set {self.port_setting} to a free port"
            )
        self.log_path.unlink(missing_ok=True)
        process.start(
            self.process_name,
            command,
            run_dir=self.run_dir,
            env=env,
            cwd=cwd,
            user=user,
            umask=0o027,  # the analysts' engine reads by its group what the jobs' engine writes
            facts={"port": str(self.port), "note": note},
        )

    def wait(self, timeout_s: float) -> float:
        """Wait until it answers; returns the seconds that took.

        Raises:
            EngineError: it ended, or did not answer in time; with the end of its log.
        """
        begun = time.monotonic()
        found = process.status(self.process_name, self.run_dir)
        port = int(found.facts.get("port", self.port)) if found else self.port
        try:
            if found is None:
                raise CivicLakeError(f"the {self.name} engine ended while it started")
            process.wait_port(
                self.host, port, timeout_s=timeout_s, running=found, what=f"the {self.name} engine"
            )
        except CivicLakeError as error:
            self.stop()
            raise EngineError(f"{error}; its last lines:\n{self._tail()}") from None
        if self.has_door:
            self._wait_open()
        return time.monotonic() - begun

    def _wait_open(self) -> None:
        """The port answers a moment before the door's guards stand: until then nobody gets in."""
        end = time.monotonic() + _GUARDS_S
        while not self.is_open() and time.monotonic() < end:
            time.sleep(0.05)

    def is_open(self) -> bool:
        """Whether it has said so in its log."""
        try:
            with self.log_path.open("rb") as file:
                return _OPEN in file.read(_TAIL_BYTES)
        except FileNotFoundError:
            return False

    def stop(self, patience_s: float = 20.0) -> bool:
        """End the process that we started and no other; false if there was none."""
        if not self.was_started():
            return False
        self._stopping.touch()
        try:
            return process.stop(self.process_name, self.run_dir, timeout_s=patience_s)
        finally:
            self._stopping.unlink(missing_ok=True)

    def _tail(self) -> str:
        try:
            with self.log_path.open("rb") as file:
                file.seek(max(0, self.log_path.stat().st_size - _TAIL_BYTES))
                lines = file.read().decode(errors="replace").splitlines()[-_TAIL_LINES:]
        except FileNotFoundError:
            lines = []
        return "\n".join(f"  | {line}" for line in lines) or "  | (nothing)"
