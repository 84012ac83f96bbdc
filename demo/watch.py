"""Telling a person what the scheduler does, as it does it."""

from __future__ import annotations

import time
from collections.abc import Callable

from civiclake.cli.console import say
from civiclake.local.airflow_api import TASK_ENDED, Task

_SHOWN = {"running": "runs", "success": "done", "up_for_retry": "failed, will be tried again"}


class Watch:
    """Called about once a second, first with the tasks of all runs, then with those that may
    have changed; prints what has.

    Args:
        alive: called each time; raises when what is waited for can't come any more.
    """

    def __init__(self, alive: Callable[[], None]) -> None:
        self._alive = alive
        self._began = time.monotonic()
        self._states: dict[tuple[str, str], str | None] = {}
        self.failed: list[str] = []
        """Tasks that failed for good."""

    def __call__(self, tasks: list[Task]) -> None:
        """Print one line for each task whose state has changed."""
        self._alive()
        for task in tasks:
            key = (task.dag_id, task.task_id)
            if task.state == self._states.get(key):
                continue
            self._states[key] = task.state
            name = f"{task.dag_id}.{task.task_id}"
            if task.state == "failed":
                self.failed.append(name)
            if task.state in _SHOWN or task.state in TASK_ENDED:
                self._print(name, task)

    def _print(self, name: str, task: Task) -> None:
        ended = sum(state in TASK_ENDED for state in self._states.values())
        took = f" {task.seconds:.1f} s" if task.seconds and task.state in TASK_ENDED else ""
        word = _SHOWN.get(str(task.state), str(task.state))
        passed = time.monotonic() - self._began
        say(f"  {passed:5.0f} s  [{ended:2d}/{len(self._states):2d}]  {name}: {word}{took}")
