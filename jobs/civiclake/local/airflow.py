"""Airflow's four services on this machine: api-server, scheduler, dag-processor, triggerer.

Each is a process of its own: `airflow standalone` leaves its children behind when it is
asked to stop. Everything is configured through the environment, so there is no airflow.cfg
that could fall behind the settings.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from civiclake import secrets
from civiclake.contracts.model import Manifest
from civiclake.errors import CivicLakeError, UserError
from civiclake.local import airflow_api, ports, postgres, process
from civiclake.local.airflow_env import (
    DATABASE,
    USER,
    environment,
    home,
    login_file,
    program,
    url,
)
from civiclake.local.files import write_whole
from civiclake.settings import Settings, project_root

STOP_ORDER = ("scheduler", "triggerer", "dag-processor", "api-server")
"""The API server ends last, because running tasks report to it."""


def password(settings: Settings) -> str:
    """The login of :data:`USER`, made at the first start."""
    return secrets.ensure(settings, "airflow_admin_password", length_bytes=12)


def client(settings: Settings) -> airflow_api.Client:
    """The REST API, logged in on first use."""
    return airflow_api.Client(url(settings), USER, password(settings))


def up(
    settings: Settings,
    manifest: Manifest,
    metadata: postgres.Server,
    *,
    sources: Mapping[str, str] | None = None,
) -> None:
    """Start what does not run yet and wait until all four are healthy.

    Args:
        settings: where and on which port.
        manifest: the city; its tables become pools, its connections Airflow connections.
        metadata: the PostgreSQL server that keeps Airflow's metadata.
        sources: environment of the source systems, such as ``HEALTH_DB_HOST``;
            default: this process's environment.
    """
    env = environment(settings, manifest, metadata, sources=os.environ | dict(sources or {}))
    mark = settings.run_dir / "airflow.env"
    told = hashlib.sha256(json.dumps(env, sort_keys=True).encode()).hexdigest()
    if any(status(settings).values()) and (not mark.exists() or mark.read_text() != told):
        down(settings)  # a service reads its environment once: a changed one needs a new start
    _write_login(settings)
    _migrate(settings, metadata, env)
    if not process.status(_process_name("api-server"), settings.run_dir):
        _refuse_taken_port(settings)
    for service, arguments in _services(settings).items():
        process.start(
            _process_name(service),
            [str(program()), service, *arguments],
            run_dir=settings.run_dir,
            env=env,
            cwd=home(settings),
        )
    mark.write_text(told)
    _wait_healthy(settings)
    client(settings).set_pools(pools(manifest))


def down(settings: Settings) -> list[str]:
    """Stop the services and the tasks they still run; the names of those that ran."""
    *others, api_server = STOP_ORDER
    with ThreadPoolExecutor(len(others)) as pool:
        stopped = list(pool.map(lambda service: _stop(settings, service), others))
    stopped.append(_stop(settings, api_server))
    return [service for service, ran in zip(STOP_ORDER, stopped, strict=True) if ran]


def _stop(settings: Settings, service: str) -> bool:
    name = _process_name(service)
    running = process.status(name, settings.run_dir)
    stopped = process.stop(name, settings.run_dir, timeout_s=15)
    if running:
        _end_session(running.pid)
    return stopped


def status(settings: Settings) -> dict[str, process.Running | None]:
    """The four services' processes."""
    return {s: process.status(_process_name(s), settings.run_dir) for s in reversed(STOP_ORDER)}


def pools(manifest: Manifest) -> dict[str, int]:
    """One slot for each table, so that a table has one writer; few for reading sources."""
    tables = {f"table_{d.table}": 1 for d in manifest.datasets}
    marts = {f"mart_{m.name}": 1 for m in manifest.marts}
    links = {f"link_{link.name}": 1 for link in manifest.links}
    return {"sources": 4, "maintenance": 1, "brief": 1, **tables, **marts, **links}


def _process_name(service: str) -> str:
    return f"airflow-{service}"


def _services(settings: Settings) -> dict[str, list[str]]:
    # The log servers of scheduler and triggerer would listen on every address; on one
    # machine the API server reads the log files itself.
    return {
        "api-server": ["--host", settings.airflow.host, "--port", str(settings.airflow.port)],
        "scheduler": ["--skip-serve-logs"],
        "dag-processor": [],
        "triggerer": ["--skip-serve-logs"],
    }


def _write_login(settings: Settings) -> None:
    text = json.dumps({USER: password(settings)})
    settings.secrets_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = login_file(settings)
    if not path.exists() or path.read_text() != text:
        write_whole(path, text)  # the API server may be reading it


def _migrate(settings: Settings, metadata: postgres.Server, env: Mapping[str, str]) -> None:
    """Make the metadata tables, once for each version of the lock."""
    home(settings).mkdir(parents=True, exist_ok=True)
    lock = project_root() / "conf" / "locks" / "airflow.txt"
    mark = home(settings) / ".migrated"
    told = hashlib.sha256(lock.read_bytes()).hexdigest()
    if mark.exists() and mark.read_text() == told:
        return
    postgres.create_role(metadata, DATABASE, secrets.get(settings, "airflow_db_password"))
    postgres.create_database(metadata, DATABASE, owner=DATABASE)
    done = subprocess.run(
        [str(program()), "db", "migrate"],
        env=dict(env),
        cwd=home(settings),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:]
        raise CivicLakeError(f"airflow db migrate failed: {' '.join(last)}")
    mark.write_text(told)


def _refuse_taken_port(settings: Settings) -> None:
    where = settings.airflow
    if ports.port_open(where.host, where.port):
        raise UserError(
            f"port {where.port} of the Airflow UI is taken: free it, or set "
            "CIVICLAKE_AIRFLOW__PORT to another"
        )


def _wait_healthy(settings: Settings, timeout_s: float = 180) -> None:
    deadline = time.monotonic() + timeout_s
    while True:
        for service, running in status(settings).items():
            if running is None:
                log = settings.run_dir / f"{_process_name(service)}.log"
                raise CivicLakeError(f"Airflow's {service} ended while it started; see {log}")
        sick = client(settings).unhealthy()
        if not sick:
            return
        if time.monotonic() > deadline:
            raise CivicLakeError(
                f"Airflow is not healthy after {timeout_s:.0f} s ({', '.join(sick)}); "
                f"see {settings.run_dir}/airflow-*.log"
            )
        time.sleep(0.5)


def _end_session(session: int) -> None:
    """End what a stopped service left: tasks have groups of their own in its session."""
    for number, wait_s in ((signal.SIGTERM, 8.0), (signal.SIGKILL, 2.0)):
        left = list(_session(session))
        for pid in left:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, number)
        deadline = time.monotonic() + wait_s
        while left and time.monotonic() < deadline:
            time.sleep(0.05)
            left = list(_session(session))


def _session(session: int) -> Iterable[int]:
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        if fields and fields[0] not in "ZX" and int(fields[3]) == session:
            yield int(entry.name)
