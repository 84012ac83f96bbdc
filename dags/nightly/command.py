"""One task: one `civiclake` command of the Spark environment, run as a child process.

Its log becomes the task's log line by line, its last JSON line the task's result. The child
stays in the task's process group, which Airflow signals as a whole when a task is killed, so
no Spark work is left behind.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from airflow.sdk import BaseOperator, Connection
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from nightly.plan import root

EXIT_USER = 2
EXIT_HELD = 3
EXIT_RETRYABLE = 75

_PARTS = {
    "host": "HOST",
    "port": "PORT",
    "login": "USER",
    "password": "PASSWORD",
}
_S3_PARTS = {"login": "ACCESS_KEY", "password": "SECRET_KEY"}


class CivicLakeCommand(BaseOperator):
    """Run ``civiclake <arguments> --batch-id <batch>`` and hand back its numbers.

    Args:
        arguments: words of the command, such as ``("load", "health.visits")``.
        connection: Airflow connection whose fields the command gets as
            ``<ID>_HOST`` and its kin; None when it needs none.
    """

    ui_color = "#e8f1ee"

    def __init__(self, *, arguments: Sequence[str], connection: str | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.arguments = list(arguments)
        self.connection = connection
        self._child: subprocess.Popen[str] | None = None

    @property
    def subject(self) -> str:
        """The dataset or mart."""
        return self.arguments[-1]

    def execute(self, context: Any) -> dict[str, Any]:
        """Run the command; outlets' events carry its numbers."""
        program = os.environ.get("CIVICLAKE_COMMAND") or str(root() / "bin" / "civiclake")
        command = [program, *self.arguments]
        command += ["--batch-id", batch_id(context)]
        self.log.info("$ %s", " ".join(command))
        code, lines = self._run(command)
        result = _last_json(lines)
        if code:
            raise _failure(code, _sentence(lines, result))
        if result is None:
            raise AirflowFailException(f"{' '.join(self.arguments)} ended without its numbers")
        for outlet in self.outlets:
            context["outlet_events"][outlet].extra = result
        return result

    def on_kill(self) -> None:
        """Airflow kills or times out this task: end the command, which cancels its Spark work."""
        child = self._child
        if child and child.poll() is None:
            child.send_signal(signal.SIGTERM)

    def _run(self, command: list[str]) -> tuple[int, list[str]]:
        """Run to the end; the exit code and the last lines."""
        tail: list[str] = []
        self._child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=self._environment(),
        )
        assert self._child.stdout is not None
        try:
            for line in self._child.stdout:
                _log_line(self.log.info, line.rstrip())
                tail = [*tail[-49:], line.rstrip()]
            return self._child.wait(), tail
        finally:
            self.on_kill()

    def _environment(self) -> dict[str, str]:
        """This process's, less what is Airflow's own, plus the source's credentials."""
        kept = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("AIRFLOW", "_AIRFLOW", "PYTHON"))
        }
        return {**kept, "PYTHONUNBUFFERED": "1", **_credentials(self.connection)}


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
    if connection_id is None:
        return {}
    connection = Connection.get(connection_id)
    parts = _S3_PARTS if connection.conn_type == "aws" else _PARTS
    found = {name: getattr(connection, part) for part, name in parts.items()}
    found["ENDPOINT"] = connection.extra_dejson.get("endpoint_url")
    return {f"{connection_id.upper()}_{name}": str(v) for name, v in found.items() if v}


def _log_line(log: Callable[..., None], line: str) -> None:
    if line:
        log("%s", line)


def _last_json(lines: Sequence[str]) -> dict[str, Any] | None:
    for line in reversed(lines):
        if line.startswith("{"):
            try:
                found = json.loads(line)
            except ValueError:
                continue
            if isinstance(found, dict):
                return found
    return None


def _sentence(lines: Sequence[str], result: dict[str, Any] | None) -> str:
    """Why a command failed: its own word for it, else its last line."""
    if result and result.get("error"):
        return str(result["error"])
    spoken = [line for line in lines if line.strip() and not line.startswith("{")]
    return spoken[-1].strip() if spoken else "the command said nothing"


def _failure(code: int, sentence: str) -> AirflowException:
    """What a person must mend, or what is held, is not tried again by itself."""
    if code in (EXIT_USER, EXIT_HELD):
        return AirflowFailException(sentence)
    if code < 0:
        return AirflowException(f"ended by {signal.Signals(-code).name}: {sentence}")
    return AirflowException(sentence)
