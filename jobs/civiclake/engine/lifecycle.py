"""Both doors together: up, down, status."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from civiclake.engine import limits, restarts, rights, watch
from civiclake.engine.service import Service
from civiclake.engine.services import START_TIMEOUT_S, services
from civiclake.local import launcher, process
from civiclake.local.held import held
from civiclake.settings import Settings

_LAUNCHER = (sys.executable, "-m", "civiclake.cli.launcher")

Echo = Callable[[str], None]


@dataclass(frozen=True)
class ServiceStatus:
    """One engine, as ``civiclake engine status`` shows it."""

    name: str
    """``jobs`` or ``sql``."""
    state: str
    """``up``, ``starting`` (runs, but does not answer yet) or ``down``."""
    host: str
    port: int
    pid: int | None
    log: Path
    note: str = ""
    """A plain word about what is not as it should be; empty when all is well."""

    @property
    def up(self) -> bool:
        """Whether it answers."""
        return self.state == "up"


def up(settings: Settings, echo: Echo = lambda line: None) -> list[ServiceStatus]:
    """Start what does not run yet, both at once, and wait until all answer.

    Raises:
        EngineError: one did not start; the end of its log is in the message.
    """
    with _one_at_a_time(settings):
        rights.secure(settings)
        if not launcher.start(settings.run_dir, _LAUNCHER):
            echo("no launcher on this system: every task starts a process of its own")
        started: list[Service] = []
        for service, start in services(settings):
            if service.running() is None:
                restarts.path(settings.run_dir, service.name).unlink(missing_ok=True)
                echo(f"starting the {service.name} engine at {service.address}")
                start(settings)
                record = service.running()
                if record and record.note:
                    echo(f"the {service.name} engine {record.note}")
                started.append(service)
        for service, _ in services(settings):
            seconds = service.wait(START_TIMEOUT_S)
            if service in started:
                echo(f"the {service.name} engine answers ({seconds:.1f} s)")
        limits.write(settings)
        watch.start(settings)
    return status(settings)


def down(settings: Settings, echo: Echo = lambda line: None) -> list[ServiceStatus]:
    """Stop what ``up`` started, and nothing else."""
    if not settings.run_dir.exists():
        return status(settings)
    with _one_at_a_time(settings):
        launcher.stop(settings.run_dir)
        watch.stop(settings.run_dir)
        for service, _ in reversed(services(settings)):  # who needs another ends before it
            if service.stop():
                echo(f"the {service.name} engine is stopped")
        for name in _of_another_profile(settings):
            if process.stop(name, settings.run_dir):
                echo(f"{name}, which another profile started, is stopped")
    return status(settings)


def _of_another_profile(settings: Settings) -> list[str]:
    """What runs here and these settings do not know: a cluster's, when they are one machine's."""
    known = {service.process_name for service, _ in services(settings)}
    found = (path.stem for path in settings.run_dir.glob("engine-*.pid"))
    return sorted(name for name in found if name not in known)


def _one_at_a_time(settings: Settings) -> AbstractContextManager[None]:
    lock = settings.run_dir / ".engine.lock"
    return held(lock, "starting or stopping the engines", timeout_s=2 * START_TIMEOUT_S)


def status(settings: Settings) -> list[ServiceStatus]:
    """How each engine is."""
    watched = watch.is_up(settings.run_dir)
    return [_status(settings, service, watched) for service, _ in services(settings)]


def _status(settings: Settings, service: Service, watched: bool) -> ServiceStatus:
    record = service.running()
    unwatched = "" if watched else "is not watched: run `civiclake engine up`"
    return ServiceStatus(
        name=service.name,
        state="down" if record is None else "up" if service.ready() else "starting",
        host=service.host,
        port=record.port if record else service.port,
        pid=record.pid if record else None,
        log=service.log_path,
        note="; ".join(
            said
            for said in (
                record.note if record else "",
                unwatched if record else "",
                restarts.read(settings.run_dir, service.name).note(),
            )
            if said
        ),
    )
