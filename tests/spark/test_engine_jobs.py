from __future__ import annotations

import hashlib
import hmac
import os
import socket
from pathlib import Path

import ports
import psutil
import pytest
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from civiclake import engine, secrets
from civiclake.engine import class_archive, connect_server, session, sql_server, watch
from civiclake.engine.ping import Answer, ping
from civiclake.errors import EngineError
from civiclake.settings import Settings


def _lake_text(settings: Settings) -> bytes:
    files = [p for p in Path(settings.lake).rglob("*") if p.is_file()]
    return b"".join(p.read_bytes() for p in files)


def test_pseudonym_is_the_hmac_of_domain_and_value(spark: SparkSession, settings: Settings) -> None:
    key = secrets.get(settings, "pseudonym_key_k1").encode()
    made = hmac.new(key, "citizen\x1fÄnne 7".encode(), hashlib.sha256).hexdigest()
    row = spark.sql(
        "SELECT civiclake_pseudonym('Änne 7', 'citizen') AS a, civiclake_pseudonym(NULL, 'x') AS b"
    ).first()
    assert row is not None
    assert (row.a, row.b) == (f"k1:{made}", None)


def test_key_stands_in_no_plan_setting_log_table_or_command_line(
    spark: SparkSession, settings: Settings
) -> None:
    key = secrets.get(settings, "pseudonym_key_k1")
    where = f"{settings.lake}/unified/engine_key"
    frame = spark.sql(
        "SELECT civiclake_pseudonym(CAST(id AS string), 'citizen') AS p FROM range(9)"
    )
    frame.write.format("delta").mode("overwrite").save(where)
    plan = spark.sql(
        "EXPLAIN EXTENDED SELECT civiclake_pseudonym(CAST(id AS string), 'c') FROM range(9)"
    ).collect()[0][0]
    confs = "\n".join(str(row) for row in spark.sql("SET -v").collect())
    logs = b"".join(p.read_bytes() for p in settings.run_dir.iterdir() if p.is_file())
    record = connect_server.service(settings).running()
    assert record is not None
    command = Path(f"/proc/{record.pid}/cmdline").read_bytes()
    assert "civiclake_pseudonym" in plan
    assert key not in plan + confs
    for text in (logs, _lake_text(settings), command):
        assert key.encode() not in text


def test_token_stands_in_no_log_or_command_line(spark: SparkSession, settings: Settings) -> None:
    token = secrets.get(settings, "connect_token").encode()
    record = connect_server.service(settings).running()
    assert record is not None
    assert token not in Path(f"/proc/{record.pid}/cmdline").read_bytes()
    for path in settings.run_dir.iterdir():
        if path.is_file():
            assert token not in path.read_bytes(), path


@pytest.mark.parametrize("token", ["wrong", None])
def test_wrong_or_no_token_is_refused(settings: Settings, token: str | None) -> None:
    # Spark's own client falls back on this variable; here it must not.
    address = f"sc://localhost:{settings.engine.connect_port}/"
    address += f";token={token}" if token else ""
    with pytest.raises((PySparkException, Exception), match=r"(?i)unauthenticated|token"):
        SparkSession.builder.remote(address).create().sql("SELECT 1").collect()


def test_no_port_inside_of_an_engine_answers_without_a_credential(
    spark: SparkSession, settings: Settings
) -> None:
    for service in (connect_server.service(settings), sql_server.service(settings)):
        record = service.running()
        assert record is not None
        inner = [port for port in ports.listening(record.pid) if port != record.port]
        assert len(inner) >= 2  # the driver's, and that of its blocks
        for said in ports.answers(inner).values():
            # Without a login Spark would have read the request, and failed at that.
            assert "SaslRpcHandler" in said
            assert "NettyRpcHandler" not in said


def test_an_engine_answers_a_greeting_and_a_port_alone_does_not(
    spark: SparkSession, settings: Settings
) -> None:
    host = settings.engine.host
    assert ping("jobs", host, settings.engine.connect_port) is Answer.ANSWERED
    assert ping("sql", host, settings.engine.sql_port) is Answer.ANSWERED
    with socket.create_server((host, 0)) as standing_still:
        port = standing_still.getsockname()[1]
        assert ping("jobs", host, port, timeout_s=0.1) is Answer.SILENT
    assert ping("jobs", host, port) is Answer.REFUSED


def test_both_are_watched(spark: SparkSession, settings: Settings) -> None:
    assert watch.is_up(settings.run_dir)
    assert not [s.note for s in engine.status(settings) if "watched" in s.note]


def test_both_start_from_the_kept_classes(spark: SparkSession, settings: Settings) -> None:
    archive = class_archive.path(settings.jars_dir)
    made = archive.stat().st_mtime if archive.exists() else float("inf")
    for service in (connect_server.service(settings), sql_server.service(settings)):
        record = service.running()
        assert record is not None
        mapped = str(archive) in Path(f"/proc/{record.pid}/maps").read_text()
        # Set-up goes on with it while others begin.
        assert mapped == (made < psutil.Process(record.pid).create_time()), service.name


def test_up_again_starts_nothing(settings: Settings, spark: SparkSession) -> None:
    before = {s.name: s.pid for s in engine.status(settings)}
    after = {s.name: s.pid for s in engine.up(settings)}
    assert before == after
    assert all(s.up for s in engine.status(settings))


def test_closed_layers_are_closed_to_others(settings: Settings) -> None:
    lake = Path(settings.lake)
    modes = {p.name: p.stat().st_mode & 0o777 for p in lake.iterdir()}
    assert {modes[n] for n in ("raw", "quarantine", "ops", "staging", "backfill")} == {0o700}
    # The door's group reads the open layers, and there is no group where there is no such user.
    assert {modes[n] for n in ("unified", "marts")} == {0o750 if os.geteuid() == 0 else 0o700}


def test_no_engine_is_one_sentence(settings: Settings) -> None:
    elsewhere = settings.model_copy(
        update={"engine": settings.engine.model_copy(update={"connect_port": 1})}
    )
    with pytest.raises(EngineError, match="run `civiclake engine up`"):
        session.connect(elsewhere)
