"""Alerts reach their owner by a real mail server and a real webhook: once, and not lost."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException
from mail_server import Mails, free_port, running
from test_absence import ABSENT
from test_absence import program as program
from test_command import context

from nightly import alerts, telling
from nightly.absence import AbsentDelivery
from nightly.command import CivicLakeCommand
from nightly.plan import OwnerPlan
from nightly.sending import SendAlerts, alerts_dag

OWNER = OwnerPlan("Health information centre", "data@health.example.org")
FAILED = "health.visits failed at load: {{ 7 * 7 }} <b>rows</b>\nof 50"


@pytest.fixture
def mails(monkeypatch: pytest.MonkeyPatch) -> Mails:
    """A mail server that is configured, and does not run yet."""
    made = Mails(free_port())
    monkeypatch.setenv("AIRFLOW_CONN_CITY_MAIL", made.uri)
    monkeypatch.setenv("CIVICLAKE_ALERTS__CONNECTION", "city_mail")
    monkeypatch.setenv("CIVICLAKE_ALERTS__OPERATORS", "operators@city.example")
    return made


def fail(owner: OwnerPlan | None = OWNER, reason: str = "30 % were set aside") -> None:
    with DAG("health"):
        load = CivicLakeCommand(task_id="load", arguments=["load", "health.visits"], answers=owner)
    alerts.task_failed({"task": load, "exception": RuntimeError(reason)})


def send() -> Any:
    return SendAlerts(task_id="send").execute({})


def test_a_failure_is_mailed_to_its_owner_with_what_happened_and_what_to_do(mails: Mails) -> None:
    with running(mails):
        fail()
        fail(None, "the disk is full")
    (to, mail), (others, _) = mails.taken
    assert to == ["data@health.example.org"]
    assert mail["Subject"] == "CivicLake: health.visits failed at load: 30 % were set aside"
    assert mail["From"] == "lake@city.example"
    text = mails.text(0)
    for said in ("health.visits failed at load", "What to do", "clear the task `load`"):
        assert said in text
    assert "Health information centre (data@health.example.org)" in text
    assert others == ["operators@city.example"]


def test_what_a_source_wrote_is_shown_as_it_is(mails: Mails) -> None:
    with running(mails):
        alerts.tell(FAILED, dataset="health.visits", **OWNER.ways)
    assert mails.taken[0][1]["Subject"] == f"CivicLake: {FAILED}".replace("\n", " ")
    assert "{{ 7 * 7 }} &lt;b&gt;rows&lt;/b&gt;" in mails.text()


def test_a_server_that_is_down_loses_nothing_and_is_told_later_once(mails: Mails) -> None:
    fail()
    fail(reason="again")
    assert len(telling.waiting()) == 2
    with pytest.raises(AirflowException, match="2 alerts wait to be sent, the oldest since 20"):
        send()
    with running(mails):
        assert send() == 2
        with pytest.raises(AirflowSkipException):
            send()
        telling.tell_waiting()
    assert [to for to, _ in mails.taken] == [["data@health.example.org"]] * 2
    assert len({mail["Message-ID"] for _, mail in mails.taken}) == 2


def test_one_address_that_is_refused_keeps_nobody_else_waiting(mails: Mails) -> None:
    mails.refused = "data@health.example.org"
    with running(mails):
        fail()
        fail(replace(OWNER, contact="help@transport.example.org"))
        assert [to for to, _ in mails.taken] == [["help@transport.example.org"]]
        mails.refused = ""
        assert send() == 1
    assert mails.taken[-1][0] == ["data@health.example.org"]


def test_many_at_once_tell_each_alert_once(mails: Mails) -> None:
    for number in range(5):
        alerts.write(f"number {number}", **OWNER.ways)
    with running(mails):
        threads = [threading.Thread(target=telling.tell_waiting) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(mail["Subject"] for _, mail in mails.taken) == [
        f"CivicLake: number {number}" for number in range(5)
    ]


def test_an_absence_counts_as_told_when_its_owner_was(
    mails: Mails, program: Callable[[str], Path]
) -> None:
    called = program("echo '{}'")
    task = AbsentDelivery(task_id="absent", absence=ABSENT)
    with pytest.raises(AirflowFailException):
        task.execute(context())
    assert not called.exists()  # the ledger says untold, so that the next check looks again
    with running(mails):
        for _ in range(2):
            with pytest.raises(AirflowFailException):
                task.execute(context())
    assert len(mails.taken) == 1
    assert called.read_text() == "deliveries told health.visits --due 2016-01-02T02:00:00Z\n" * 2


def test_torn_and_foreign_lines_and_a_torn_account_lose_no_alert(
    mails: Mails, state: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = alerts.alerts_file()
    path.parent.mkdir(parents=True)
    path.write_text('{"alert": "the jobs engine ended", "engine": "jobs"}\n{"at": "2026-11')
    (path.parent / "alerts-told.json").write_text('{"since": "20')
    fail()
    with running(mails):
        telling.tell_waiting()
    subjects = [str(mail["Subject"]) for _, mail in mails.taken]
    assert [s.partition(": ")[2][:13] for s in subjects] == ["the jobs engi", "health.visits"]
    assert mails.taken[0][0] == ["operators@city.example"]
    assert "alerts.jsonl:2 is no alert" in caplog.text
    assert "alerts-told.json can't be read" in caplog.text
    assert json.loads((path.parent / "alerts-told.json").read_text())["since"]


def test_alerts_of_before_there_was_a_connection_stay_lines(
    mails: Mails, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CIVICLAKE_ALERTS__CONNECTION")
    assert alerts.tell("nobody to tell") is True
    path = alerts.alerts_file()
    old = {"at": "2026-01-01T00:00:00+00:00", "alert": "long ago"}
    path.write_text(json.dumps(old) + "\n" + path.read_text())
    assert telling.waiting() == []
    monkeypatch.setenv("CIVICLAKE_ALERTS__CONNECTION", "city_mail")
    assert [line["alert"] for line in telling.waiting()] == ["nobody to tell"]


@pytest.mark.parametrize(
    ("connection", "told"),
    [
        ("nowhere", "no Airflow connection 'nowhere'"),
        ("city_db", "'city_db' is of type 'postgres'; alerts go by 'smtp' or 'apprise'"),
    ],
)
def test_a_connection_that_can_not_take_alerts_is_named(
    connection: str, told: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_CITY_DB", "postgres://127.0.0.1:1/x")
    monkeypatch.setenv("CIVICLAKE_ALERTS__CONNECTION", connection)
    fail()
    assert told in caplog.text
    assert len(telling.waiting()) == 1


@pytest.fixture
def webhook() -> Iterator[list[Any]]:
    """A service of somebody's own, which answers with the first code of its list."""
    got: list[Any] = []

    class Service(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(500 if len(got) == 1 else 200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Service)
    got_at = f"json://127.0.0.1:{server.server_port}/alerts"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    with pytest.MonkeyPatch.context() as patch:
        extra = {"config": {"path": got_at}}
        connection = json.dumps({"conn_type": "apprise", "extra": json.dumps(extra)})
        patch.setenv("AIRFLOW_CONN_HEALTH_PAGER", connection)
        yield got
    server.shutdown()
    thread.join()
    server.server_close()


def test_an_owner_with_a_connection_of_its_own_is_told_by_that(
    mails: Mails, webhook: list[Any]
) -> None:
    with running(mails):
        fail(replace(OWNER, channel="health_pager"))
        assert len(telling.waiting()) == 1  # the service answered 500, which Apprise says as no
        assert send() == 1
    assert mails.taken == []
    assert webhook[1]["title"] == "CivicLake: health.visits failed at load: 30 % were set aside"
    assert "What to do: Mend" in webhook[1]["message"]


def test_the_dag_says_who_is_told_how(
    plan: Any, monkeypatch: pytest.MonkeyPatch, mails: Mails
) -> None:
    dag = alerts_dag(plan)
    assert "owners: told by the Airflow connection city_mail" in str(dag.doc_md)
    assert dag.schedule is not None
    assert dag.get_task("send").retries == 1
    monkeypatch.delenv("CIVICLAKE_ALERTS__CONNECTION")
    dag = alerts_dag(plan)
    assert "no connection is configured" in str(dag.doc_md)
    assert dag.schedule is None
    own = replace(plan.marts[0], answers=OwnerPlan("Planning", channel="planning_chat"))
    dag = alerts_dag(replace(plan, marts=(own,)))
    assert "- Planning: told by the Airflow connection planning_chat" in str(dag.doc_md)
    assert dag.schedule is not None


@pytest.fixture
def plan(compiled: dict[str, Any], deploy: Callable[[dict[str, Any]], None]) -> Any:
    from nightly.plan import read_plan

    deploy(compiled)
    return read_plan()
