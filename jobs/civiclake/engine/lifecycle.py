"""Both doors together: up, down, status."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from civiclake.engine import connect_server, rights, sql_server
from civiclake.engine.service import Service
from civiclake.local import launcher
from civiclake.local.held import held
from civiclake.settings import Settings

START_TIMEOUT_S = 120.0
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
        for service, start in _services(settings):
            if service.running() is None:
                echo(f"starting the {service.name} engine at {service.host}:{service.port}")
                start(settings)
                record = service.running()
                if record and record.note:
                    echo(f"the {service.name} engine {record.note}")
                started.append(service)
        for service, _ in _services(settings):
            seconds = service.wait(START_TIMEOUT_S)
            if service in started:
                echo(f"the {service.name} engine answers ({seconds:.1f} s)")
    return status(settings)


def down(settings: Settings, echo: Echo = lambda line: None) -> list[ServiceStatus]:
    """Stop what ``up`` started, and nothing else."""
    if not settings.run_dir.exists():
        return status(settings)
    with _one_at_a_time(settings):
        launcher.stop(settings.run_dir)
        for service, _ in _services(settings):
            if service.stop():
                echo(f"the {service.name} engine is stopped")
    return status(settings)


def _one_at_a_time(settings: Settings) -> AbstractContextManager[None]:
    lock = settings.run_dir / ".engine.lock"
    return held(lock, "starting or stopping the engines", timeout_s=2 * START_TIMEOUT_S)


def status(settings: Settings) -> list[ServiceStatus]:
    """How each engine is."""
    return [_status(settings, service) for service, _ in _services(settings)]


def _status(settings: Settings, service: Service) -> ServiceStatus:
    record = service.running()
    return ServiceStatus(
        name=service.name,
        state="down" if record is None else "up" if service.ready() else "starting",
        host=service.host,
        port=record.port if record else service.port,
        pid=record.pid if record else None,
        log=service.log_path,
        note=record.note if record else "",
    )


def _services(settings: Settings) -> list[tuple[Service, Callable[[Settings], None]]]:
    services: list[tuple[Service, Callable[[Settings], None]]] = []
    if settings.engine.remote is None:
        services.append((connect_server.service(settings), connect_server.start))
    services.append((sql_server.service(settings), sql_server.start))
    return services
