"""The operator, run for real on a program that stands in the place of `civiclake`."""

from __future__ import annotations

import json
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import Asset
from airflow.sdk._shared.secrets_masker import redact
from airflow.sdk.exceptions import AirflowException, AirflowFailException
from airflow.sdk.execution_time.context import OutletEventAccessors

from nightly.command import CivicLakeCommand, batch_id

ASSET = Asset(name="unified.health_visits", uri="civiclake://unified/health_visits")
NIGHT = datetime(2016, 1, 1, 2, tzinfo=UTC)


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Write a shell script and have the tasks run it."""

    def write(text: str) -> Path:
        path = tmp_path / "civiclake"
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        monkeypatch.setenv("CIVICLAKE_COMMAND", str(path))
        return path

    return write


def context(**more: Any) -> dict[str, Any]:
    run = SimpleNamespace(logical_date=NIGHT, run_after=NIGHT)
    return {"dag_run": run, "outlet_events": OutletEventAccessors(), **more}


def task(**more: Any) -> CivicLakeCommand:
    arguments = more.pop("arguments", ["load", "health.visits"])
    return CivicLakeCommand(task_id="load", arguments=arguments, outlets=[ASSET], **more)


def test_the_last_json_line_is_the_result_and_the_assets_extra(
    program: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    program("""echo "INFO stage: 3 rows" >&2
echo '{"read": 1}'
echo '{"args": "'"$*"'", "read": 3}'
echo 'not {json'""")
    told = context()
    result = task().execute(told)
    wanted = {"args": "load health.visits --batch-id 20160101T020000Z", "read": 3}
    assert result == wanted
    assert told["outlet_events"][ASSET].extra == wanted
    assert "INFO stage: 3 rows" in "".join(capfd.readouterr())


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (1, AirflowException),
        (2, AirflowFailException),
        (3, AirflowFailException),
        (75, AirflowException),
    ],
)
def test_exit_codes_decide_whether_it_is_tried_again(
    code: int, kind: type[Exception], program: Any
) -> None:
    program(f"""echo '{{"error": "health.visits: column sex is missing"}}'
echo "civiclake: the same again" >&2
exit {code}""")
    told = context()
    with pytest.raises(AirflowException) as caught:
        task().execute(told)
    assert type(caught.value) is kind
    assert str(caught.value) == "health.visits: column sex is missing"
    assert told["outlet_events"][ASSET].extra == {}


def test_without_a_word_of_its_own_the_last_line_is_the_reason(program: Any) -> None:
    program("echo first >&2; echo 'civiclake: no such table' >&2; echo; exit 1")
    with pytest.raises(AirflowException, match=r"^civiclake: no such table$"):
        task().execute(context())


def test_success_without_numbers_is_a_failure(program: Any) -> None:
    program("echo all is well")
    with pytest.raises(AirflowFailException, match=r"load health.visits ended without its numbers"):
        task().execute(context())


def test_a_program_that_is_killed_may_be_tried_again(program: Any) -> None:
    program("kill -9 $$")
    with pytest.raises(AirflowException, match=r"^ended by SIGKILL: ") as caught:
        task().execute(context())
    assert not isinstance(caught.value, AirflowFailException)


def test_killing_the_task_ends_the_command_by_its_own_handler(program: Any, tmp_path: Path) -> None:
    begun, cleaned = tmp_path / "begun", tmp_path / "cleaned"
    program(f"""trap 'echo spark work is cancelled; touch {cleaned}; exit 143' TERM
touch {begun}
while :; do sleep 0.05; done""")
    operator, caught = task(), []

    def run() -> None:
        try:
            operator.execute(context())
        except AirflowException as error:
            caught.append(str(error))

    thread = threading.Thread(target=run)
    thread.start()
    deadline = time.monotonic() + 10
    while not begun.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    operator.on_kill()
    thread.join(10)
    assert cleaned.exists()
    assert caught == ["ended by SIGTERM: spark work is cancelled"]


def test_a_long_log_is_passed_on_whole(program: Any, capfd: pytest.CaptureFixture[str]) -> None:
    program("""seq 1 5000; printf 'torn \\377 byte\\n'; echo '{"read": 0}'""")
    assert task().execute(context()) == {"read": 0}
    text = "".join(capfd.readouterr())
    assert [number for number in range(1, 5001) if f"] {number} " not in text] == []
    assert "torn \N{REPLACEMENT CHARACTER} byte" in text


def test_credentials_go_into_the_childs_environment_and_not_into_the_log(
    program: Any, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    connection = {
        "conn_type": "postgres",
        "host": "db.example",
        "port": 5433,
        "login": "reader",
        "password": "correct horse battery",
    }
    monkeypatch.setenv("AIRFLOW_CONN_HEALTH_DB", json.dumps(connection))
    monkeypatch.setenv("AIRFLOW__API__SECRET_KEY", "airflow's own")
    program("""[ "$HEALTH_DB_PASSWORD" = "correct horse battery" ] || exit 1
env | grep -q AIRFLOW && exit 1
echo "{\\"where\\": \\"$HEALTH_DB_USER@$HEALTH_DB_HOST:$HEALTH_DB_PORT\\"}" """)
    result = task(arguments=["extract", "health.visits"], connection="health_db").execute(context())
    assert result == {"where": "reader@db.example:5433"}
    text = "".join(capfd.readouterr())
    assert "$ " in text
    assert "correct horse battery" not in text
    # Should a command print it all the same, Airflow hides it.
    assert redact("password correct horse battery") == "password ***"


def test_s3_credentials_have_s3_names(program: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = {
        "conn_type": "aws",
        "login": "reader",
        "password": "s3cret key",
        "extra": {
            "endpoint_url": "http://127.0.0.1:9",
            "aws_session_token": "t0ken",
            "region_name": "eu-west-1",
        },
    }
    monkeypatch.setenv("AIRFLOW_CONN_TRANSPORT_S3", json.dumps(connection))
    program("""[ "$TRANSPORT_S3_SECRET_KEY" = "s3cret key" ] || exit 1
[ "$TRANSPORT_S3_SESSION_TOKEN,$TRANSPORT_S3_REGION" = "t0ken,eu-west-1" ] || exit 1
echo "{\\"where\\": \\"$TRANSPORT_S3_ACCESS_KEY@$TRANSPORT_S3_ENDPOINT\\"}" """)
    result = task(connection="transport_s3").execute(context())
    assert result == {"where": "reader@http://127.0.0.1:9"}


def test_sftp_credentials_have_their_keys(
    program: Any, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    key = "-----BEGIN KEY-----\nb3BlbnNzaC1rZXktdjEA\n-----END KEY-----\n"
    connection = {
        "conn_type": "sftp",
        "host": "drops.example",
        "port": 22,
        "login": "reader",
        "extra": {"host_key": "ssh-ed25519 AAAA", "private_key": key},
    }
    monkeypatch.setenv("AIRFLOW_CONN_CULTURE_SFTP", json.dumps(connection))
    program("""[ "$(echo "$CULTURE_SFTP_PRIVATE_KEY" | wc -l)" = 4 ] || exit 1
echo "{\\"where\\": \\"$CULTURE_SFTP_USER@$CULTURE_SFTP_HOST $CULTURE_SFTP_HOST_KEY\\"}" """)
    result = task(connection="culture_sftp").execute(context())
    assert result == {"where": "reader@drops.example ssh-ed25519 AAAA"}
    assert "b3BlbnNzaC1rZXktdjEA" not in "".join(capfd.readouterr())
    assert redact(f"key {key}") == "key ***"


def test_an_api_s_token_is_handed_over_and_never_told(
    program: Any, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    extra = {"url": "http://api.example", "token": "tok-3f9a1c77", "api_key": "key-81bb20d4"}
    connection = {"conn_type": "http", "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_CULTURE_API", json.dumps(connection))
    program("""[ "$CULTURE_API_TOKEN$CULTURE_API_API_KEY" = tok-3f9a1c77key-81bb20d4 ] || exit 1
echo "{\\"where\\": \\"$CULTURE_API_URL\\"}" """)
    result = task(connection="culture_api").execute(context())
    assert result == {"where": "http://api.example"}
    assert "tok-3f9a1c77" not in "".join(capfd.readouterr())
    assert redact("sent tok-3f9a1c77 and key-81bb20d4") == "sent *** and ***"


def test_a_marts_batch_is_the_newest_of_the_batches_that_made_it_run() -> None:
    def event(batch: str | None) -> SimpleNamespace:
        return SimpleNamespace(extra={"batch_id": batch} if batch else None)

    events = {
        "visits": [event("20160101T020000Z"), event("20160102T020000Z")],
        "daily": [event("20160101T020000Z"), event(None)],
    }
    assert batch_id(context(triggering_asset_events=events)) == "20160102T020000Z"
    assert batch_id(context(triggering_asset_events={"daily": [event(None)]})) == "20160101T020000Z"
    by_hand = SimpleNamespace(logical_date=None, run_after=NIGHT)
    assert batch_id({"dag_run": by_hand}) == "20160101T020000Z"
