"""A MariaDB server of this machine, from Debian's packages of its server and client cores.

Neither ``mariadb-server-core`` nor ``mariadb-client-core`` starts a service of its own.
Loopback only, password always, its own data folder and none of the system's settings. Under
root it runs as a system user made for it. ``python -m demo.mariadb start FOLDER`` starts
one by hand; ``stop`` and ``status`` do what they say.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pymysql

from civiclake import secrets
from civiclake.errors import CivicLakeError, UserError
from civiclake.local import ports, process, system_user
from civiclake.local.files import write_whole
from civiclake.settings import load_settings

HOST = "127.0.0.1"
NAME = "mariadb"
ADMIN = "civiclake_admin"
SYSTEM_USER = "embedded_mariadb"
_ACCESS_DENIED = 1045
_SMALL = {
    "bind-address": HOST,
    "socket": "mariadb.sock",
    "pid-file": "mariadb.pid",
    "character-set-server": "utf8mb4",
    "innodb-buffer-pool-size": "64M",
    "innodb-log-file-size": "64M",
    "performance-schema": "off",
    "max-connections": "60",
    "local-infile": "0",
    "default-time-zone": "+00:00",
}


@dataclass(frozen=True)
class Server:
    """How to reach a server as its administrator."""

    port: int
    password: str = field(repr=False)
    host: str = HOST
    user: str = ADMIN

    def connect(self, database: str | None = None) -> Any:
        """A connection that commits every statement."""
        return pymysql.connect(
            host=self.host,
            port=self.port,
            user=self.user,
            password=self.password,
            database=database,
            charset="utf8mb4",
            connect_timeout=10,
            autocommit=True,
        )


def start(
    data_dir: Path,
    port: int,
    password: str,
    *,
    run_dir: Path,
    name: str = NAME,
    options: Mapping[str, str] | None = None,
) -> Server:
    """Start a server and wait until it answers; make its data folder the first time.

    Args:
        data_dir: folder of its files; made with the administrator's password when new.
        port: TCP port on the loopback.
        password: of the administrator, as at the first start.
        run_dir: folder of process ids and logs.
        name: name of the process in ``run_dir``.
        options: server settings over the small defaults.
    """
    server = Server(port, password)
    user = system_user.ensure(SYSTEM_USER, "MariaDB")
    settings = {**_SMALL, "datadir": str(data_dir), "port": str(port), **(options or {})}
    if process.status(name, run_dir) is None:
        ports.refuse_taken(name, [port], host=HOST)
        settings["init-file"] = str(_init(data_dir, password, user))
    flags = [f"--{key}={value}" for key, value in settings.items()]
    running = process.start(
        name,
        # Without --no-defaults the settings of a system-wide MariaDB would count here too.
        [_program("mariadbd"), "--no-defaults", "--skip-name-resolve", *flags],
        run_dir=run_dir,
        cwd=data_dir,
        user=user,
    )
    process.wait_port(HOST, port, timeout_s=60, running=running, what=f"MariaDB ({name})")
    _wait_ready(server, running)
    return server


def stop(run_dir: Path, *, name: str = NAME) -> bool:
    """Stop the server; whether it was running."""
    return process.stop(name, run_dir, timeout_s=30)


def create_reader(server: Server, database: str, reader: str, password: str, rights: str) -> None:
    """Make a database and a login that has these rights (such as ``SELECT``) in it."""
    with server.connect() as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE IF NOT EXISTS `{database}`")
        login, known = f"{reader}@'{HOST}'", _native(password)
        cursor.execute(f"CREATE OR REPLACE USER {login} IDENTIFIED BY PASSWORD '{known}'")
        cursor.execute(f"GRANT {rights} ON `{database}`.* TO {login}")


def _native(password: str) -> str:
    """What the server keeps of a password: sent or written like this, none stands in a log."""
    inner = hashlib.sha1(password.encode(), usedforsecurity=False).digest()
    return "*" + hashlib.sha1(inner, usedforsecurity=False).hexdigest().upper()


def _init(data_dir: Path, password: str, user: str | None) -> Path:
    """Make the data folder unless it is there; returns the statements of the first start."""
    first = data_dir / "first_start.sql"
    if user:
        system_user.let_pass(data_dir.parent)
    if (data_dir / "mysql").exists() and first.exists():
        return first
    if data_dir.exists() and any(data_dir.iterdir()):
        raise UserError(f"{data_dir} is no whole MariaDB data folder: move it away")
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    if user:
        system_user.let_pass(data_dir.parent)
        system_user.give(user, data_dir)
    _install(data_dir, user)
    write_whole(  # its being there says that the folder is whole
        first,
        # Known at every start; no anonymous login and no root without a password stay.
        "DELETE FROM mysql.global_priv WHERE User IN ('', 'root');\n"
        "FLUSH PRIVILEGES;\n"
        f"CREATE USER IF NOT EXISTS {ADMIN}@'{HOST}' IDENTIFIED BY PASSWORD"
        f" '{_native(password)}';\n"
        f"GRANT ALL ON *.* TO {ADMIN}@'{HOST}' WITH GRANT OPTION;\n",
    )
    if user:
        system_user.give(user, first)
    return first


def _install(data_dir: Path, user: str | None) -> None:
    command = [_program("mariadb-install-db"), "--no-defaults", f"--datadir={data_dir}"]
    command += ["--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve"]
    made = system_user.run(command, user=user, cwd=data_dir)
    if made.returncode:
        said = (made.stderr or made.stdout).strip()
        raise CivicLakeError(f"mariadb-install-db could not make {data_dir}: {said}")


def _program(name: str) -> str:
    found = shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"]))
    if found is None:
        raise UserError(f"{name} is missing: run `make setup`, or install mariadb-server-core")
    return found


def _wait_ready(server: Server, running: process.Running) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            server.connect().close()
            return
        except pymysql.err.OperationalError as error:
            if error.args[0] == _ACCESS_DENIED:
                raise UserError(
                    f"MariaDB ({running.name}) refuses the password of its administrator: "
                    "its data folder was made with another one"
                ) from None
            if time.monotonic() > deadline or not process.is_alive(running):
                raise CivicLakeError(
                    f"MariaDB ({running.name}) does not answer; see {running.log}"
                ) from None
            time.sleep(0.1)


def main() -> None:
    """Start, stop or look at one by hand."""
    parser = argparse.ArgumentParser(prog="python -m demo.mariadb")
    parser.add_argument("what", choices=["start", "stop", "status"])
    parser.add_argument("folder", type=Path, help="of its files, process id and log")
    parser.add_argument("--port", type=int, default=54360)
    asked = parser.parse_args()
    folder = asked.folder.absolute()
    if asked.what == "start":
        password = secrets.ensure(load_settings(), "demo_mariadb_admin")
        start(folder / "data", ports.free_port(asked.port), password, run_dir=folder / "run")
    if asked.what == "stop":
        stop(folder / "run")
    running = process.status(NAME, folder / "run")
    print(f"pid {running.pid}, log {running.log}" if running else "down")


if __name__ == "__main__":
    main()
