"""A small client of Airflow's REST API: what `make demo` and the tests ask of it."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from civiclake.errors import CivicLakeError

_PAGE = 100
# A task's row may be written by a transaction that began before we asked.
_OVERLAP = timedelta(seconds=5)
_HEALTH = ("metadatabase", "scheduler", "dag_processor", "triggerer")
ENDED = frozenset({"success", "failed"})
TASK_ENDED = frozenset({"success", "failed", "upstream_failed", "skipped", "removed"})

# Everything is on the loopback: no proxy of the environment may come between.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class AirflowApiError(CivicLakeError):
    """Airflow refused a request."""

    def __init__(self, message: str, status: int) -> None:
        self.status = status
        super().__init__(message)


@dataclass(frozen=True)
class Task:
    """One task of a run, as it stands now."""

    dag_id: str
    task_id: str
    state: str | None
    tries: int
    seconds: float | None


@dataclass
class Client:
    """The REST API of one installation, logged in on first use."""

    url: str
    user: str
    password: str = field(repr=False)
    _token: str | None = field(default=None, repr=False)

    def call(
        self, method: str, path: str, body: object = None, query: Mapping[str, Any] | None = None
    ) -> Any:
        """One request below ``/api/v2``; the decoded answer.

        Raises:
            AirflowApiError: any answer that is not a success.
        """
        where = f"/api/v2{path}" + (f"?{urlencode(query, doseq=True)}" if query else "")
        if self._token is None:
            self._log_in()
        try:
            return self._send(method, where, body)
        except AirflowApiError as error:
            if error.status != 401:
                raise
        self._log_in()
        return self._send(method, where, body)

    def unhealthy(self) -> list[str]:
        """Names of the parts that are not healthy (all of them while nothing answers)."""
        try:
            told = self._send("GET", "/api/v2/monitor/health", None)
        except (AirflowApiError, OSError):
            return list(_HEALTH)
        return [part for part in _HEALTH if (told.get(part) or {}).get("status") != "healthy"]

    def pools(self) -> dict[str, int]:
        """All pools, with their slots."""
        return {p["name"]: p["slots"] for p in self._pages("/pools", "pools")}

    def set_pools(self, slots: Mapping[str, int]) -> None:
        """Make or resize pools."""
        known = self.pools()
        for name, count in slots.items():
            body = {"name": name, "slots": count, "include_deferred": False}
            if name not in known:
                self.call("POST", "/pools", body)
            elif known[name] != count:
                self.call("PATCH", f"/pools/{quote(name)}", {**body, "pool": name})

    def wait_parsed(
        self, dag_ids: Sequence[str], since: datetime, *, timeout_s: float = 120
    ) -> None:
        """Wait until every DAG was parsed after ``since``.

        Raises:
            CivicLakeError: a DAG does not come; holds Airflow's import errors.
        """
        deadline = time.monotonic() + timeout_s
        missing = set(dag_ids)
        while missing:
            for dag in self._pages("/dags", "dags", {"exclude_stale": True}):
                parsed = dag.get("last_parsed_time")
                if parsed and datetime.fromisoformat(parsed) >= since:
                    missing.discard(dag["dag_id"])
            if missing and time.monotonic() > deadline:
                told = " ".join(e["stack_trace"] for e in self.import_errors())
                raise CivicLakeError(
                    f"Airflow did not parse {', '.join(sorted(missing))} within "
                    f"{timeout_s:.0f} s. {told}".strip()
                )
            if missing:
                time.sleep(0.5)

    def import_errors(self) -> list[dict[str, Any]]:
        """What the DAG processor could not read."""
        return list(self._pages("/importErrors", "import_errors"))

    def unpause(self, dag_id: str) -> None:
        """Let the scheduler run a DAG."""
        self.call("PATCH", f"/dags/{quote(dag_id)}", {"is_paused": False})

    def run(self, dag_id: str, run_id: str) -> dict[str, Any] | None:
        """A run, or None."""
        try:
            found = self.call("GET", _run_path(dag_id, run_id))
        except AirflowApiError as error:
            if error.status == 404:
                return None
            raise
        return dict(found)

    def start_run(self, dag_id: str, logical_date: datetime, run_id: str) -> str:
        """Start the run of a logical date; one that is there is cleared and runs again.

        Returns:
            The id of the run.
        """
        date = logical_date.astimezone(UTC).isoformat()
        known = self.run(dag_id, run_id)
        if known is None:
            query = {"logical_date_gte": date, "logical_date_lte": date}
            found = list(self._pages(f"/dags/{quote(dag_id)}/dagRuns", "dag_runs", query))
            known = found[0] if found else None
        if known:
            run_id = str(known["dag_run_id"])
            self.clear(dag_id, run_id)
            return run_id
        body = {"dag_run_id": run_id, "logical_date": date}
        return str(self.call("POST", f"/dags/{quote(dag_id)}/dagRuns", body)["dag_run_id"])

    def clear(self, dag_id: str, run_id: str) -> None:
        """Run every task of a run again."""
        self.call("POST", f"{_run_path(dag_id, run_id)}/clear", {"dry_run": False})

    def runs(self, dag_id: str, *, since: datetime | None = None) -> list[dict[str, Any]]:
        """Runs of a DAG, newest first; only those that began after ``since``."""
        query: dict[str, Any] = {"order_by": "-id"}
        if since:
            query["run_after_gte"] = since.astimezone(UTC).isoformat()
        return list(self._pages(f"/dags/{quote(dag_id)}/dagRuns", "dag_runs", query))

    def tasks(self, dag_id: str, run_id: str) -> list[Task]:
        """The tasks of a run."""
        path = f"{_run_path(dag_id, run_id)}/taskInstances"
        return [_task(told) for told in self._pages(path, "task_instances")]

    def xcom(self, dag_id: str, run_id: str, task_id: str) -> Any:
        """What a task handed back, or None."""
        path = f"{_run_path(dag_id, run_id)}/taskInstances/{quote(task_id)}/xcomEntries"
        try:
            found = self.call("GET", f"{path}/return_value", query={"deserialize": "false"})
        except AirflowApiError as error:
            if error.status == 404:
                return None
            raise
        value = found["value"]
        if isinstance(value, str):
            try:
                return json.loads(value)
            except ValueError:
                return value
        return value

    def log(self, dag_id: str, run_id: str, task_id: str, attempt: int = 1) -> str:
        """The text of a task's log."""
        path = f"{_run_path(dag_id, run_id)}/taskInstances/{quote(task_id)}/logs/{attempt}"
        content = self.call("GET", path, query={"full_content": "true"})["content"]
        lines = [e if isinstance(e, str) else str(e.get("event", "")) for e in content]
        return "\n".join(lines)

    def asset_events(self, uri: str) -> list[dict[str, Any]]:
        """Events of an asset, newest first."""
        assets = [a for a in self._pages("/assets", "assets") if a["uri"] == uri]
        if not assets:
            return []
        query = {"asset_id": assets[0]["id"], "order_by": "-timestamp"}
        return list(self._pages("/assets/events", "asset_events", query))

    def wait_runs(
        self,
        runs: Mapping[str, str],
        *,
        timeout_s: float,
        seen: Callable[[list[Task]], None] | None = None,
    ) -> dict[str, str]:
        """Wait until every run (DAG id to run id) has ended.

        Args:
            runs: what to wait for.
            timeout_s: how long.
            seen: called about once a second with the tasks that may have changed: the first
                time all of them, and all of a run's once it has ended.

        Returns:
            DAG id to end state.
        """
        deadline = time.monotonic() + timeout_s
        states: dict[str, str] = {}
        asked: datetime | None = None
        while True:
            since, asked = asked, datetime.now(UTC)
            ended = self._ended({d: r for d, r in runs.items() if d not in states})
            states |= ended
            if seen:
                whole = runs if since is None else {dag: runs[dag] for dag in ended}
                tasks = [task for dag, run in whole.items() for task in self.tasks(dag, run)]
                seen(tasks + (self._touched(runs, since - _OVERLAP) if since else []))
            if len(states) == len(runs):
                return states
            if time.monotonic() > deadline:
                late = [f"{d} ({self._state(d, r)})" for d, r in runs.items() if d not in states]
                raise CivicLakeError(f"not ended after {timeout_s:.0f} s: {', '.join(late)}")
            time.sleep(1.0)

    def _ended(self, runs: Mapping[str, str]) -> dict[str, str]:
        """End states of those runs that have ended. However many they are, while they run one
        request tells: the scheduler's machine is busy with their work."""
        query = {"state": ("queued", "running")}
        found = self._pages("/dags/~/dagRuns", "dag_runs", query)
        active = {(run["dag_id"], run["dag_run_id"]) for run in found}
        quiet = [(dag, run) for dag, run in runs.items() if (dag, run) not in active]
        states = {dag: self._state(dag, run) for dag, run in quiet}
        return {dag: state for dag, state in states.items() if state in ENDED}

    def _state(self, dag_id: str, run_id: str) -> str:
        return str((self.run(dag_id, run_id) or {}).get("state"))

    def _touched(self, runs: Mapping[str, str], since: datetime) -> list[Task]:
        """Tasks of these runs that were written to since then."""
        query = {"updated_at_gte": since.isoformat()}
        found = self._pages("/dags/~/dagRuns/~/taskInstances", "task_instances", query)
        return [_task(told) for told in found if runs.get(told["dag_id"]) == told["dag_run_id"]]

    def _pages(
        self, path: str, key: str, query: Mapping[str, Any] | None = None
    ) -> Iterator[dict[str, Any]]:
        offset = 0
        while True:
            page = self.call(
                "GET", path, query={**(query or {}), "limit": _PAGE, "offset": offset}
            )[key]
            yield from page
            offset += len(page)
            if len(page) < _PAGE:
                return

    def _log_in(self) -> None:
        body = {"username": self.user, "password": self.password}
        self._token = str(self._send("POST", "/auth/token", body)["access_token"])

    def _send(self, method: str, where: str, body: object) -> Any:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        request = urllib.request.Request(  # noqa: S310 - the address is our own, never a file's
            self.url + where,
            method=method,
            headers=headers,
            data=None if body is None else json.dumps(body).encode(),
        )
        try:
            with _OPENER.open(request, timeout=30) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            told = error.read().decode(errors="replace")[:500]
            raise AirflowApiError(
                f"Airflow answered {error.code} to {method} {where}: {told}", error.code
            ) from None
        return json.loads(text) if text else None


def _task(told: Mapping[str, Any]) -> Task:
    tries, seconds = told.get("try_number") or 0, told.get("duration")
    return Task(told["dag_id"], told["task_id"], told.get("state"), tries, seconds)


def _run_path(dag_id: str, run_id: str) -> str:
    return f"/dags/{quote(dag_id)}/dagRuns/{quote(run_id)}"
