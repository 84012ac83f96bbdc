"""How often a task is tried again, and who is told when it failed for good."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from nightly import alerts, plan

OPERATORS = plan.OPERATORS.name
"""Owner of the tasks that belong to no department."""
RETRIES: dict[str, Any] = {
    "retries": 2,
    "retry_delay": timedelta(seconds=15),
    "retry_exponential_backoff": 4,
    "max_retry_delay": timedelta(minutes=30),
    "on_failure_callback": alerts.task_failed,
}
