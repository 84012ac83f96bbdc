"""The PostgreSQL of this machine: started once, behind a password, and never someone else's."""

from __future__ import annotations

import socket
from pathlib import Path

import psycopg
import pytest

from civiclake.errors import UserError
from civiclake.local import ports, postgres


def test_a_server_s_whole_life(tmp_path: Path) -> None:
    data, run, port = tmp_path / "pg" / "data", tmp_path / "run", ports.free_port(0)
    torn = data.with_name(".data.new")  # what an initdb leaves that is killed
    torn.mkdir(parents=True)
    (torn / "PG_VERSION").write_text("18\n")
    server = postgres.start(data, port, "first", run_dir=run)
    try:
        running = postgres.status(run)
        assert running is not None
        # Again: the very same one.
        assert postgres.start(data, port, "first", run_dir=run) == server
        assert postgres.status(run) == running
        with server.connect() as connection:
            connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
            shown = dict(
                connection.execute(
                    "SELECT name, setting FROM pg_settings WHERE name IN"
                    " ('listen_addresses', 'fsync', 'TimeZone')"
                ).fetchall()
            )
        assert shown == {"listen_addresses": "127.0.0.1", "fsync": "on", "TimeZone": "UTC"}
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            postgres.Server(port, "guessed").connect()
        with pytest.raises(UserError, match="refuses the password of its superuser"):
            postgres.start(data, port, "second", run_dir=run)
        assert "first" not in repr(server)
        assert not torn.exists()
    finally:
        assert postgres.stop(run)
    assert not ports.port_open(server.host, port)
    assert postgres.status(run) is None
    assert not postgres.stop(run)
    again = postgres.start(data, port, "first", run_dir=run)
    try:
        with again.connect() as connection:
            assert connection.execute("SELECT one FROM kept").fetchone() == (1,)
    finally:
        postgres.stop(run)


def test_a_taken_port_is_told_and_left_alone(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(UserError, match=f"port {port} of postgres is taken: free it, or"):
            postgres.start(tmp_path / "data", port, "x", run_dir=tmp_path / "run")
    assert not (tmp_path / "data").exists()


def test_a_folder_that_is_something_else_is_left_alone(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "precious").write_text("x")
    with pytest.raises(UserError, match="is no whole PostgreSQL data folder: move it away"):
        postgres.start(data, ports.free_port(0), "x", run_dir=tmp_path / "run")
    assert (data / "precious").read_text() == "x"


def test_roles_and_databases_are_made_once_and_passwords_change(
    server: postgres.Server,
) -> None:
    for password in ("one", "two"):
        postgres.create_role(server, "gardener", password)
        postgres.create_database(server, "flowers", owner="gardener")
        login = postgres.Server(server.port, password, user="gardener")
        with login.connect("flowers") as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS beds (one int)")
    with pytest.raises(psycopg.OperationalError):
        postgres.Server(server.port, "one", user="gardener").connect("flowers")
