"""One task: one `civiclake` command of the Spark environment, run as a child process.

Its log becomes the task's log line by line, its last JSON line the task's result. The child
stays in the task's process group, which Airflow signals as a whole when a task is killed, so
no Spark work is left behind.
"""

from __future__ import annotations

import signal
import subprocess
from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from airflow.sdk import BaseOperator, Connection
from airflow.sdk.exceptions import AirflowException, AirflowFailException
from airflow.sdk.log import mask_secret

from nightly import child, telling
from nightly.plan import OwnerPlan

_PARTS = {
    "host": "HOST",
    "port": "PORT",
    "login": "USER",
    "password": "PASSWORD",
}
_S3_PARTS = {"login": "ACCESS_KEY", "password": "SECRET_KEY"}
_EXTRAS = {
    "endpoint_url": "ENDPOINT",
    "aws_session_token": "SESSION_TOKEN",
    "region_name": "REGION",
    "host_key": "HOST_KEY",
    "private_key": "PRIVATE_KEY",
    "url": "URL",
    "token": "TOKEN",
    "api_key": "API_KEY",
}
"""Fields of a connection's extra; S3's and SSH's as Airflow's own hooks read them."""
_SECRET_EXTRAS = ("private_key", "token", "api_key", "aws_session_token")
_TAIL_LINES = 50
_KILLED = 128
"""A program that ends because of signal N says so with 128 + N."""


class CivicLakeCommand(BaseOperator):
    """Run ``civiclake <arguments> --batch-id <batch>`` and hand back its numbers.

    Args:
        arguments: words of the command, such as ``("load", "health.visits")``.
        connection: Airflow connection whose fields the command gets as
            ``<ID>_HOST`` and its kin; None when it needs none.
        answers: who is told when it failed; None: the operators.
    """

    ui_color = "#e8f1ee"

    def __init__(
        self,
        *,
        arguments: Sequence[str],
        connection: str | None = None,
        answers: OwnerPlan | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.arguments = list(arguments)
        self.connection = connection
        self.answers = answers
        self._child: subprocess.Popen[str] | None = None

    @property
    def subject(self) -> str:
        """The dataset or mart."""
        return self.arguments[-1]

    def execute(self, context: Any) -> dict[str, Any]:
        """Run the command; outlets' events carry its numbers."""
        result = self.run_words(self.words(context))
        for outlet in self.outlets:
            context["outlet_events"][outlet].extra = result
        return result

    def words(self, context: Any) -> list[str]:
        """The command's words in this run."""
        return [*self.arguments, "--batch-id", batch_id(context)]

    def run_words(self, words: Sequence[str]) -> dict[str, Any]:
        """Run ``civiclake <words>``; what it reports.

        Raises:
            AirflowException: it failed; :class:`AirflowFailException` when trying again is vain.
        """
        command = child.command(*words)
        self.log.info("$ %s", " ".join(command))
        code, lines = self._run(command)
        result = child.last_json(lines)
        if code:
            raise _failure(code, child.reason(lines, result))
        if result is None:
            raise AirflowFailException(f"{' '.join(self.arguments)} ended without its numbers")
        return result

    def on_kill(self) -> None:
        """Airflow kills or times out this task: end the command, which cancels its Spark work."""
        if self._child and self._child.poll() is None:
            self._child.send_signal(signal.SIGTERM)

    def _run(self, command: list[str]) -> tuple[int, list[str]]:
        """Run to the end; the exit code and the last lines."""
        tail: deque[str] = deque(maxlen=_TAIL_LINES)
        self._child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=child.environment(_credentials(self.connection)),
        )
        assert self._child.stdout is not None
        try:
            for line in self._child.stdout:
                said = line.rstrip()
                if said:
                    self.log.info("%s", said)
                    tail.append(said)
            return self._child.wait(), list(tail)
        finally:
            self.on_kill()


class DetectorCommand(CivicLakeCommand):
    """Run a command that may write alerts, and send them at once."""

    def execute(self, context: Any) -> dict[str, Any]:
        """Run the command; what waits to be told is sent however it ended."""
        try:
            return super().execute(context)
        finally:
            telling.tell_waiting()


class CityCommand(CivicLakeCommand):
    """Run a command that looks at the whole city as it is now, whatever night the run is of."""

    def words(self, context: Any) -> list[str]:
        """The arguments alone."""
        return self.arguments


def batch_id(context: Any) -> str:
    """The batch of a run: its logical date, or that of the assets which made it run."""
    events = context.get("triggering_asset_events") or {}
    found = [
        str(event.extra["batch_id"])
        for asset in events
        for event in events[asset]
        if (event.extra or {}).get("batch_id")
    ]
    if found:
        return max(found)
    run = context["dag_run"]
    date: datetime = run.logical_date or run.run_after
    return date.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _credentials(connection_id: str | None) -> dict[str, str]:
    """A connection's fields by the names under which the contracts look for them."""
    if connection_id is None:
        return {}
    connection = Connection.get(connection_id)
    extra = connection.extra_dejson
    for secret in (connection.password, *(extra.get(name) for name in _SECRET_EXTRAS)):
        if secret:
            mask_secret(secret)
    parts = _S3_PARTS if connection.conn_type == "aws" else _PARTS
    found = {name: getattr(connection, part) for part, name in parts.items()}
    found |= {name: extra.get(field) for field, name in _EXTRAS.items()}
    return {f"{connection_id.upper()}_{name}": str(v) for name, v in found.items() if v}


def _failure(code: int, sentence: str) -> AirflowException:
    """What a person must mend, or what is held, is not tried again by itself."""
    if code in (child.EXIT_USER, child.EXIT_HELD):
        return AirflowFailException(sentence)
    number = -code if code < 0 else code - _KILLED
    if number in set(signal.Signals):
        return AirflowException(f"ended by {signal.Signals(number).name}: {sentence}")
    return AirflowException(sentence)
