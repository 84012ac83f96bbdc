"""The `civiclake` command of the Spark environment, as a child of one of Airflow's processes."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

from nightly.places import root

EXIT_USER = 2
EXIT_HELD = 3
EXIT_RETRYABLE = 75


def command(*arguments: str) -> list[str]:
    """The command line; ``CIVICLAKE_COMMAND`` names another program."""
    program = os.environ.get("CIVICLAKE_COMMAND") or str(root() / "bin" / "civiclake")
    return [program, *arguments]


def environment(credentials: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment, less what is Airflow's own, plus a source's credentials."""
    kept = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("AIRFLOW", "_AIRFLOW", "PYTHON"))
    }
    return {**kept, "PYTHONUNBUFFERED": "1", **(credentials or {})}


def last_json(lines: Sequence[str]) -> dict[str, Any] | None:
    """What a command reports: its last line that is a JSON object."""
    for line in reversed(lines):
        if line.startswith("{"):
            try:
                found = json.loads(line)
            except ValueError:
                continue
            if isinstance(found, dict):
                return found
    return None


def reason(lines: Sequence[str], result: Mapping[str, Any] | None) -> str:
    """Why a command failed: its own word for it, else its last line."""
    if result and result.get("error"):
        return str(result["error"])
    spoken = [line for line in lines if line.strip() and not line.startswith("{")]
    return spoken[-1].strip() if spoken else "the command said nothing"
