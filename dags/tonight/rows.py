"""What the page is made from: rows of the ledger and of Airflow's runs, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

BATCH_ID_FORMAT = "%Y%m%dT%H%M%SZ"
_REPLAY = "replay-"
_UNRENEWED = "unrenewed"
"""Status of a batch that found the snapshot of the night before."""


def batch_time(batch_id: str) -> datetime | None:
    """The logical date that a scheduled batch is named after; None for any other name."""
    try:
        return datetime.strptime(batch_id, BATCH_ID_FORMAT).replace(tzinfo=UTC)
    except ValueError:
        return None


@dataclass(frozen=True)
class Batch:
    """One row of ``ops.batches``: one attempt at one batch."""

    dataset: str
    batch_id: str
    attempt: int
    """0 when the source could not be read, so that nothing was loaded."""
    status: str
    """``merged``, ``held``, ``failed`` or ``unrenewed``."""
    message: str
    read: int
    inserted: int
    updated: int
    unchanged: int
    superseded: int
    late: int
    quarantined: int
    deleted: int
    started_at: datetime
    seconds: float
    data_docs: str

    @property
    def is_replay(self) -> bool:
        """Whether set-aside rows were judged again: that is no delivery."""
        return self.batch_id.startswith(_REPLAY)

    @property
    def is_delivery(self) -> bool:
        """Whether its department brought something, good or bad."""
        return not self.is_replay and self.status != _UNRENEWED

    @property
    def night(self) -> datetime:
        """What orders the deliveries: a batch that is loaded again does not become newer."""
        return batch_time(self.batch_id) or self.started_at

    @property
    def finished_at(self) -> datetime:
        """When its account was closed."""
        return self.started_at + timedelta(seconds=self.seconds)

    @property
    def merged(self) -> int:
        """Rows that the served table now holds as they were delivered."""
        return self.inserted + self.updated + self.unchanged


@dataclass(frozen=True)
class Count:
    """One row of ``ops.outcomes`` that counts rows: how many took a way."""

    dataset: str
    batch_id: str
    attempt: int
    step: str
    outcome: str
    rows: int


@dataclass(frozen=True)
class Due:
    """One row of ``ops.deliveries``: what was due, and what became of it."""

    dataset: str
    due_at: datetime
    deadline_at: datetime
    state: str
    """``delivered``, ``empty``, ``late``, ``held`` or ``absent``."""
    delivered_at: datetime | None
    told_at: datetime | None
    """When the owner was told of the absence."""


@dataclass(frozen=True)
class Alarm:
    """One row of ``marts.alerts`` that is not closed."""

    alert_id: str
    mart: str
    """Id of the mart whose rows alarm."""
    of: str
    """Of which series."""
    sentence: str
    since: date
    last: date
    """Its newest alarming period."""
    sure: float | None
    rows: int
    """How many rows its query returns."""
    query: str
    method: str
    owner: str
    contact: str
    state: str
    """``open`` or ``acknowledged``."""
    acknowledged_by: str | None
    raised_at: datetime


@dataclass(frozen=True)
class Run:
    """One run of a department's DAG."""

    department: str
    run_id: str
    batch_id: str
    tasks: Mapping[str, str | None] = field(default_factory=dict)
    """State by task; only of the department's newest run."""


@dataclass(frozen=True)
class Ledger:
    """What ``ops.*`` and ``marts.alerts`` hold of the datasets' newest batches."""

    batches: tuple[Batch, ...] = ()
    counts: tuple[Count, ...] = ()
    """Of each dataset's newest batch."""
    due: tuple[Due, ...] = ()
    """What was due of late; empty where nobody writes it down."""
    alarms: tuple[Alarm, ...] = ()
    """What marts alarm of and nobody has closed, the open ones first, the newest of each first."""
    fault: str = ""
    """Why it can't be read now; then the rest is as it was read last."""
