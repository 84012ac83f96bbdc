"""The gate of the analysts' door: connections, handles, logins, and floods of them."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Iterator
from typing import Any

import pytest
from door import ask, connect, said_of
from pyhive import hive
from TCLIService import ttypes as thrift

from civiclake.engine import analysts, sql_server
from civiclake.settings import Settings

_SILENT = 200
BY_SESSION = (
    "ExecuteStatement",
    "GetInfo",
    "GetTypeInfo",
    "GetCatalogs",
    "GetSchemas",
    "GetTables",
    "GetTableTypes",
    "GetColumns",
    "GetFunctions",
    "GetPrimaryKeys",
    "GetCrossReference",
    "CloseSession",
    "GetDelegationToken",
    "CancelDelegationToken",
    "RenewDelegationToken",
)
BY_OPERATION = (
    "GetOperationStatus",
    "FetchResults",
    "GetResultSetMetadata",
    "CancelOperation",
    "CloseOperation",
)
_MORE: dict[str, dict[str, Any]] = {
    "ExecuteStatement": {"statement": "SELECT 1"},
    "GetInfo": {"infoType": 17},
    "GetFunctions": {"functionName": "%"},
    "GetDelegationToken": {"owner": "analyst", "renewer": "analyst"},
    "CancelDelegationToken": {"delegationToken": "x"},
    "RenewDelegationToken": {"delegationToken": "x"},
    "FetchResults": {"maxRows": 10},
}


@pytest.fixture(scope="module")
def one(lake: Settings) -> Iterator[hive.Connection]:
    connection = connect(lake)
    yield connection
    connection.close()


@pytest.fixture(scope="module")
def other(lake: Settings) -> Iterator[hive.Connection]:
    """Somebody else's connection, of the same login even: that makes no difference."""
    connection = connect(lake)
    yield connection
    connection.close()


def _call(connection: hive.Connection, name: str, **handle: Any) -> Any:
    request = getattr(thrift, f"T{name}Req")(**handle, **_MORE.get(name, {}))
    return getattr(connection.client, name)(request)


def _begun(connection: hive.Connection, sql: str) -> Any:
    return _call_statement(connection, connection.sessionHandle, sql).operationHandle


def _call_statement(connection: hive.Connection, session: Any, sql: str) -> Any:
    request = thrift.TExecuteStatementReq(sessionHandle=session, statement=sql)
    return connection.client.ExecuteStatement(request)


@pytest.mark.parametrize("name", BY_SESSION)
def test_a_session_works_only_from_its_own_connection(
    name: str, one: hive.Connection, other: hive.Connection
) -> None:
    answer = _call(one, name, sessionHandle=other.sessionHandle)
    assert answer.status.statusCode == thrift.TStatusCode.ERROR_STATUS
    assert "this connection did not open" in answer.status.errorMessage
    assert said_of(other, "SELECT 5") == "went through: [(5,)]"


@pytest.mark.parametrize("name", BY_OPERATION)
def test_an_operation_works_only_from_its_own_connection(
    name: str, one: hive.Connection, other: hive.Connection
) -> None:
    begun = _begun(other, "SELECT 6")
    more = {"orientation": thrift.TFetchOrientation.FETCH_NEXT} if name == "FetchResults" else {}
    answer = _call(one, name, operationHandle=begun, **more)
    assert "this connection did not open" in answer.status.errorMessage
    own = other.client.FetchResults(thrift.TFetchResultsReq(operationHandle=begun, maxRows=1))
    assert own.results.columns[0].i32Val.values == [6]
    other.client.CloseOperation(thrift.TCloseOperationReq(operationHandle=begun))


@pytest.mark.parametrize("change", ["guid", "secret", "both", "empty"])
def test_no_handle_can_be_made_up(
    change: str, one: hive.Connection, other: hive.Connection
) -> None:
    known = other.sessionHandle.sessionId
    handle = thrift.THandleIdentifier(
        guid=known.guid if change == "secret" else b"" if change == "empty" else bytes(16),
        secret=known.secret if change == "guid" else b"" if change == "empty" else bytes(16),
    )
    answer = _call_statement(one, thrift.TSessionHandle(sessionId=handle), "SELECT 1")
    assert "this connection did not open" in answer.status.errorMessage


def test_a_closed_session_is_nobodys(one: hive.Connection) -> None:
    opened = one.client.OpenSession(thrift.TOpenSessionReq(username="analyst"))
    _call(one, "CloseSession", sessionHandle=opened.sessionHandle)
    answer = _call_statement(one, opened.sessionHandle, "SELECT 1")
    assert "this connection did not open" in answer.status.errorMessage


def test_a_connection_opens_a_few_sessions(lake: Settings) -> None:
    connection = connect(lake)
    answers = [
        connection.client.OpenSession(thrift.TOpenSessionReq(username="analyst")) for _ in range(9)
    ]
    assert "too many sessions" in answers[-1].status.errorMessage
    assert answers[0].status.statusCode == thrift.TStatusCode.SUCCESS_STATUS
    connection.close()


def test_a_login_has_so_many_connections(lake: Settings) -> None:
    password = analysts.add(lake, "greedy")
    kept = []
    with pytest.raises(Exception, match="Error validating the login"):
        for _ in range(lake.engine.gate.connections_by_login + 1):
            kept.append(_enter(lake, "greedy", password))
    assert len(kept) == lake.engine.gate.connections_by_login
    assert said_of(kept[0], "SELECT 1") == "went through: [(1,)]"
    kept.pop().close()
    _until(lambda: _enters(lake, "greedy", password))
    for connection in kept:
        connection.close()
    analysts.remove(lake, "greedy")


def test_whoever_is_removed_or_gets_another_password_is_out(lake: Settings) -> None:
    open_ones = []
    for name in ("leaver", "changed"):
        open_ones.append(_enter(lake, name, analysts.add(lake, name)))
        assert said_of(open_ones[-1], "SELECT 1") == "went through: [(1,)]"
    analysts.remove(lake, "leaver")
    analysts.add(lake, "changed")
    for connection in open_ones:
        said = said_of(connection, "SELECT 1")
        assert "no analyst's any more" in said or "0 bytes" in said
    _until(lambda: "the session ends" in sql_server.service(lake).log_path.read_text())
    analysts.remove(lake, "changed")


def test_the_silent_go_and_the_others_get_in(lake: Settings) -> None:
    place = (lake.engine.host, lake.engine.sql_port)
    silent = [socket.create_connection(place) for _ in range(_SILENT)]
    try:
        began = time.monotonic()
        connection = connect(lake)
        assert said_of(connection, "SELECT 7") == "went through: [(7,)]"
        assert time.monotonic() - began < 5
        connection.close()
        _until(lambda: sum(map(_is_closed, silent)) >= _SILENT - 32)
        _until(lambda: all(map(_is_closed, silent)))  # the time to log in is over
    finally:
        for one in silent:
            one.close()


def test_who_has_begun_to_log_in_keeps_the_place_when_the_silent_come(lake: Settings) -> None:
    place = (lake.engine.host, lake.engine.sql_port)
    with socket.create_connection(place) as raw:
        raw.send(b"\x01")
        silent = [socket.create_connection(place) for _ in range(_SILENT)]
        try:
            _until(lambda: sum(map(_is_closed, silent)) >= _SILENT - 32)
            assert not _is_closed(raw)
        finally:
            for one in silent:
                one.close()


def test_a_login_that_drips_is_closed_in_time(lake: Settings) -> None:
    with socket.create_connection((lake.engine.host, lake.engine.sql_port)) as raw:
        began = time.monotonic()
        while not _is_closed(raw) and time.monotonic() - began < 30:
            raw.send(b"\x01")
            time.sleep(0.25)
        assert time.monotonic() - began < lake.engine.gate.login_seconds + 10


@pytest.mark.parametrize("length", [-1, 65_537, 50_000_000])
def test_nobody_makes_room_for_what_a_stranger_announces(lake: Settings, length: int) -> None:
    start = 1
    with socket.create_connection((lake.engine.host, lake.engine.sql_port), timeout=10) as raw:
        raw.sendall(struct.pack(">Bi", start, length))
        began = time.monotonic()
        _until(lambda: _is_closed(raw))
        assert time.monotonic() - began < lake.engine.gate.login_seconds - 1


@pytest.mark.parametrize("length", [-1, 20_000_000])
def test_nor_for_what_an_analyst_announces(lake: Settings, length: int) -> None:
    connection = connect(lake)
    assert said_of(connection, "SELECT 8") == "went through: [(8,)]"
    long = "x" * 1_000_000
    assert said_of(connection, f"SELECT length('{long}')") == "went through: [(1000000,)]"
    transport = connection._transport._trans  # below the login
    transport.write(struct.pack(">i", length))
    transport.flush()
    with pytest.raises(Exception, match=r"0 bytes|read"):
        transport.read(1)
    assert ask(lake, "SELECT 9") == [(9,)]


def test_wrong_logins_wait_and_are_told(lake: Settings) -> None:
    for _ in range(5):
        with pytest.raises(Exception, match="Error validating the login"):
            _enter(lake, "guessed", "not-the-password")
    log = sql_server.service(lake).log_path.read_text()
    assert "login refused: guessed from 127.0.0.1" in log
    assert "CIVICLAKE_ALERT wrong logins at the analysts' door" in log
    assert "5 as guessed" in log
    assert "not-the-password" not in log
    alerts = lake.run_dir / "alerts.jsonl"
    _until(lambda: alerts.exists() and "5 as guessed" in alerts.read_text())
    connect(lake).close()  # the right one gets in all the same


def _enter(settings: Settings, name: str, password: str) -> hive.Connection:
    host, port = settings.engine.host, settings.engine.sql_port
    return hive.connect(host=host, port=port, username=name, password=password, auth="CUSTOM")


def _enters(settings: Settings, name: str, password: str) -> bool:
    try:
        _enter(settings, name, password).close()
    except Exception:  # noqa: BLE001 - whatever the driver makes of a refusal
        return False
    return True


def _is_closed(one: socket.socket) -> bool:
    one.setblocking(False)
    try:
        return one.recv(1) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def _until(met: Any, timeout_s: float = 30.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not met():
        assert time.monotonic() < deadline
        time.sleep(0.1)
