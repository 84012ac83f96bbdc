"""The MariaDB and the REST server of this machine: whole lives, and never someone else's."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pymysql
import pytest

from civiclake.errors import UserError
from civiclake.local import objects, ports, process
from demo import mariadb, rest_server

ROOT = Path(__file__).resolve().parents[2]


def test_a_mariadb_s_whole_life(tmp_path: Path) -> None:
    data, run, port = tmp_path / "maria" / "data", tmp_path / "run", ports.free_port(0)
    server = mariadb.start(data, port, "first", run_dir=run)
    try:
        running = process.status(mariadb.NAME, run)
        assert running is not None
        assert mariadb.start(data, port, "first", run_dir=run) == server
        assert process.status(mariadb.NAME, run) == running
        mariadb.create_reader(server, "kept", "ann", "one", "SELECT")
        with server.connect("kept") as connection, connection.cursor() as cursor:
            cursor.execute("CREATE TABLE one AS SELECT 1 AS one")
            cursor.execute("SELECT @@bind_address, @@datadir, @@local_infile")
            assert cursor.fetchone() == ("127.0.0.1", f"{data}/", 0)
            cursor.execute("SELECT user FROM mysql.global_priv WHERE user IN ('', 'root')")
            assert cursor.fetchall() == ()
        with pytest.raises(pymysql.err.OperationalError, match="Access denied"):
            mariadb.Server(port, "guessed").connect()
        with pytest.raises(UserError, match="refuses the password of its administrator"):
            mariadb.start(data, port, "second", run_dir=run)
        assert "first" not in repr(server) + (data / "first_start.sql").read_text()
    finally:
        assert mariadb.stop(run)
    assert not ports.port_open(server.host, port)
    assert not mariadb.stop(run)
    again = mariadb.start(data, port, "first", run_dir=run)
    try:
        with again.connect("kept") as connection, connection.cursor() as cursor:
            assert cursor.execute("SELECT one FROM one") == 1
    finally:
        mariadb.stop(run)


def test_what_is_taken_or_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "precious").write_text("x")
    with pytest.raises(UserError, match="is no whole MariaDB data folder: move it away"):
        mariadb.start(tmp_path / "data", ports.free_port(0), "x", run_dir=tmp_path / "run")
    assert (tmp_path / "data" / "precious").read_text() == "x"
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(UserError, match=f"port {port} of mariadb is taken: free it, or"):
            mariadb.start(tmp_path / "new", port, "x", run_dir=tmp_path / "run")
        logins = rest_server.Logins("a", "b", "c")
        with pytest.raises(UserError, match=f"port {port} of rest-server is taken"):
            rest_server.start(tmp_path / "rest", port, logins, run_dir=tmp_path / "run")
        keys = objects.Login("a", "b")
        with pytest.raises(UserError, match=f"port {port} of seaweedfs is taken"):
            objects.start(
                tmp_path / "objects", tmp_path / "run", port=ports.free_port(0),
                internal=[port], owner=keys, readers={},
            )  # fmt: skip
        assert not (tmp_path / "objects").exists()


def test_a_rest_server_by_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CIVICLAKE_STATE_DIR", str(tmp_path / "state"))
    folder, port = tmp_path / "registers", str(ports.free_port(0))

    def command(what: str) -> str:
        call = [sys.executable, "-m", "demo.rest_server", what, str(folder), "--port", port]
        done = subprocess.run(call, capture_output=True, text=True, check=True, cwd=ROOT)
        return done.stdout.strip().splitlines()[-1]

    try:
        assert command("start").startswith("pid ")
        rest_server.write_register(folder, "parks", [{"id": 1}], key="id", auth="bearer")
        address = f"http://127.0.0.1:{port}"
        assert httpx.get(f"{address}/page/parks").status_code == 401
        token = (tmp_path / "state" / "secrets" / "demo_rest_token").read_text().strip()
        headers = {"Authorization": f"Bearer {token}"}
        answer = httpx.get(f"{address}/page/parks", headers=headers).json()
        assert answer == {"data": [{"id": 1}], "meta": {"total": 1}}
        # Without its key in the environment there is no control, not even with an empty one.
        assert httpx.post(f"{address}/control", json=[], headers={"X-Control": ""}).is_error
        assert command("status").startswith("pid ")
    finally:
        assert command("stop") == "down"
