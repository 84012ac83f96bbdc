"""From when a night's deadline counts: from the moment its run was made.

Airflow has DAGRUN_QUEUED_AT for that, but in 3.3.2 clearing a run that carries it, and that
has not succeeded, is answered with HTTP 500; DAGRUN_LOGICAL_DATE would call every backfill late.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from airflow.sdk import BaseDeadlineReference


class NightBegun(BaseDeadlineReference):
    """The moment at which Airflow made the run."""

    def _evaluate_with(self, *, session: Any, **_: Any) -> datetime:
        """Airflow's core asks this when it makes a run."""
        return datetime.now(UTC)
