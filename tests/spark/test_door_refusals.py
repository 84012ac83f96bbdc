"""Ways round the analysts' door: each is refused with a sentence, and nothing has changed."""

from __future__ import annotations

import os
import re
import socket
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

import door_attacks as attacks
import pytest
from door import SECRET, ask, connect, fingerprint, said_of
from pyhive import hive
from TCLIService import ttypes as thrift

from civiclake import secrets
from civiclake.engine import analysts, client, sql_server
from civiclake.errors import UserError
from civiclake.settings import Settings

GUARDED = {**attacks.CHANGES, **attacks.SETTINGS}
CLOSED = {**attacks.PATHS, **attacks.CODE, **attacks.STRANGE}


@pytest.fixture(scope="module")
def analyst(lake: Settings) -> Iterator[hive.Connection]:
    connection = connect(lake)
    yield connection
    connection.close()


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("out")
    folder.chmod(0o777)
    return folder


@pytest.fixture(autouse=True)
def untouched(lake: Settings, out: Path) -> Iterator[None]:
    before = fingerprint(Path(lake.lake))
    yield
    assert fingerprint(Path(lake.lake)) == before
    assert not list(out.iterdir())


def _sql(text: str, lake: Settings, out: Path) -> str:
    return text.replace("{lake}", lake.lake).replace("{out}", str(out))


@pytest.mark.parametrize("name", GUARDED)
def test_statement_is_refused_by_the_guard(
    name: str, analyst: hive.Connection, lake: Settings, out: Path
) -> None:
    said = said_of(analyst, _sql(GUARDED[name], lake, out))
    assert attacks.REFUSED in said
    assert "\n" not in said


@pytest.mark.parametrize("name", CLOSED)
def test_no_path_name_or_function_leads_out(
    name: str, analyst: hive.Connection, lake: Settings, out: Path
) -> None:
    said = said_of(analyst, _sql(CLOSED[name], lake, out))
    assert not said.startswith("went through"), said
    assert re.search(attacks.CLOSED, said), said
    assert SECRET not in said
    assert "root:x:0" not in said


def test_the_guard_itself_closes_a_table_that_its_user_could_read(
    analyst: hive.Connection, lake: Settings
) -> None:
    for statement in ("HISTORY", "DETAIL"):
        said = said_of(analyst, f"DESCRIBE {statement} '{lake.lake}/elsewhere/visits'")
        assert "a place in place of a table's name is refused" in said


def test_settings_are_not_substituted_into_a_query(analyst: hive.Connection) -> None:
    cursor = analyst.cursor()
    cursor.execute("SELECT '${env:PATH}', '${system:user.name}', '${spark.app.name}'")
    assert cursor.fetchall() == [("${env:PATH}", "${system:user.name}", "${spark.app.name}")]


def test_what_is_set_at_login_is_refused(lake: Settings, out: Path) -> None:
    victim = f"{lake.lake}/unified/visits"
    for configuration in (
        {"set:hiveconf:spark.sql.runSQLOnFiles": "true"},
        {"spark.sql.runSQLOnFiles": "true"},
        {"set:spark.sql.catalog.evil": "java.lang.String"},
        {"set:hivevar:spark.sql.runSQLOnFiles": "true"},
        {"set:system:civiclake.lake": "/"},
        {"set:system:civiclake.analysts": str(out / "mine")},
        {"set:env:PATH": "/"},
        # Hive deletes these folders when the session closes.
        {"hive.downloaded.resources.dir": victim},
        {"set:hiveconf:hive.downloaded.resources.dir": victim},
        {"hive.exec.local.scratchdir": victim},
        {"hive.server2.proxy.user": "root"},
        {"use:database": "raw"},
        {"use:database": "unified; DROP TABLE unified.visits"},
    ):
        with pytest.raises(hive.OperationalError) as refused:
            connect(lake, configuration=configuration).close()
        said = client.sentence(refused.value)
        assert any(
            word in said for word in ("refused", "Cannot", "cannot", "not allowed", "Syntax")
        )


def test_what_comes_beside_a_statement_is_refused(lake: Settings) -> None:
    connection = connect(lake)
    overlay = {"spark.sql.runSQLOnFiles": "true"}
    request = thrift.TExecuteStatementReq(
        sessionHandle=connection.sessionHandle,
        statement="SELECT * FROM text.`/etc/passwd`",
        confOverlay=overlay,
    )
    answer = connection.client.ExecuteStatement(request)
    connection.close()
    assert answer.status.statusCode == thrift.TStatusCode.ERROR_STATUS


def test_nobody_opens_a_session_in_anothers_name(lake: Settings) -> None:
    connection = connect(lake)
    request = thrift.TOpenSessionReq(
        client_protocol=thrift.TProtocolVersion.HIVE_CLI_SERVICE_PROTOCOL_V6, username="mayor"
    )
    opened = connection.client.OpenSession(request)
    asked = connection.client.ExecuteStatement(
        thrift.TExecuteStatementReq(sessionHandle=opened.sessionHandle, statement="SELECT user()")
    )
    fetched = connection.client.FetchResults(
        thrift.TFetchResultsReq(operationHandle=asked.operationHandle, maxRows=1)
    )
    connection.close()
    assert fetched.results.columns[0].stringVal.values == [analysts.DEFAULT]


@pytest.mark.parametrize(
    ("user", "password"),
    [
        ("analyst", "wrong-password"),
        ("analyst", ""),
        ("analyst", "x" * 5000),
        ("nobody-we-know", "own"),
        ("second", "own"),
        ("", "own"),
        ("ANALYST", "own"),
        ("analyst:210000", "own"),
        ("anonymous", ""),
        ("root", ""),
    ],
)
def test_login_is_refused(lake: Settings, user: str, password: str) -> None:
    analysts.add(lake, "second", "second-has-another-one")
    own = analysts.default_password(lake) if password == "own" else password
    with pytest.raises(UserError, match="wrong user name or password"):
        client.query(lake, "SELECT 1", user, own)
    with pytest.raises(Exception, match="Error validating the login"):
        hive.connect(
            host=lake.engine.host, port=lake.engine.sql_port, username=user or " ",
            password=own or " ", auth="CUSTOM",
        )  # fmt: skip
    analysts.remove(lake, "second")


@pytest.mark.parametrize("mechanism", [b"ANONYMOUS", b"NOSASL", b"EXTERNAL", b"KERBEROS"])
def test_no_other_way_of_login_is_open(lake: Settings, mechanism: bytes) -> None:
    start, bad = 1, 3
    with socket.create_connection((lake.engine.host, lake.engine.sql_port), timeout=10) as raw:
        raw.sendall(struct.pack(">BI", start, len(mechanism)) + mechanism)
        raw.sendall(struct.pack(">BI", start, 0))
        answer = raw.recv(1024)
    assert answer[0] >= bad


def test_a_client_without_login_gets_nothing(lake: Settings) -> None:
    request = b"\x80\x01\x00\x01\x00\x00\x00\x0bOpenSession\x00\x00\x00\x00\x00"
    with socket.create_connection((lake.engine.host, lake.engine.sql_port), timeout=10) as raw:
        raw.sendall(request)
        raw.shutdown(socket.SHUT_WR)
        answer = raw.recv(1024)
    assert b"OpenSession" not in answer


def test_server_has_no_secret_and_no_rights(lake: Settings) -> None:
    record = sql_server.service(lake).running()
    assert record is not None
    process = Path(f"/proc/{record.pid}")
    told = (process / "environ").read_bytes() + (process / "cmdline").read_bytes()
    for name in ("connect_token", "pseudonym_key_k1", "analyst_password"):
        assert secrets.get(lake, name).encode() not in told
    if os.geteuid() != 0:
        assert "no second wall" in record.note
        return
    uids = next(line for line in (process / "status").read_text().splitlines() if "Uid:" in line)
    uid = int(uids.split()[1])
    assert uid != 0
    closed = [
        f"{lake.lake}/raw/visits/_delta_log",
        f"{lake.lake}/quarantine",
        f"{lake.lake}/ops",
        str(lake.landing_dir),
        str(lake.secrets_dir / "connect_token"),
    ]
    for path in closed:
        assert Path(path).exists()
        assert subprocess.run(["cat", path], user=uid, capture_output=True).returncode
        listed = subprocess.run(["ls", path], user=uid, capture_output=True, check=False)
        assert listed.returncode
    unified = Path(lake.lake) / "unified" / "visits"
    wrote = subprocess.run(["touch", unified / "x"], user=uid, capture_output=True, check=False)
    assert wrote.returncode


def test_refusals_are_in_the_log_with_the_name(analyst: hive.Connection, lake: Settings) -> None:
    path = sql_server.service(lake).log_path
    before = path.stat().st_size
    said_of(analyst, "DROP TABLE unified.visits")
    log = path.read_bytes()[before:].decode()
    assert "analyst: DROP TABLE is refused" in log
    assert "\tat " not in log


def test_after_all_this_the_analyst_still_reads(lake: Settings) -> None:
    assert ask(lake, "SELECT count(*) FROM unified.visits") == [(111,)]
