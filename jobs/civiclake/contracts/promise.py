"""What a contract promises of time: when a delivery is due, and what became of it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Protocol

from pydantic import BaseModel, ConfigDict

from civiclake.contracts import schedule
from civiclake.contracts.model import Owner

LONGEST_LOOK_BACK = 31
"""After a standstill, so many missed due dates of a dataset are told, and no older ones."""


class Promised(Protocol):
    """What is due at times: a dataset, or what is made from datasets."""

    @property
    def id(self) -> str:
        """As the ledger has it."""

    @property
    def schedule(self) -> str | None:
        """Cron text in UTC; None: the default."""

    @property
    def latency_seconds(self) -> int:
        """How long after it is due it must be served."""

    @property
    def owner(self) -> Owner:
        """Who is asked."""


class State(StrEnum):
    """What became of one due delivery, worst first."""

    ABSENT = "absent"
    """The deadline has passed and nothing was delivered."""
    HELD = "held"
    """Something was delivered, but is not served: it is not to be believed, or failed to load."""
    LATE = "late"
    """It is served, but came after the deadline."""
    EMPTY = "empty"
    """The source answered in time and had nothing new, which its contract allows."""
    DELIVERED = "delivered"


class Promise(BaseModel):
    """One row of ``ops.deliveries``: what was due, and what became of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: str
    due_at: datetime
    """When the department's night was to begin."""
    deadline_at: datetime
    """``due_at`` plus the latency of the contract."""
    state: State
    batch_id: str | None = None
    delivered_at: datetime | None = None
    """When the batch was merged; None while nothing of it is served."""
    age_seconds: float
    """From ``due_at`` to the delivery or, while there is none, to when this was written."""
    owner: str
    contact: str
    told_at: datetime | None = None
    """When the owner was told of the absence."""
    recorded_at: datetime


def cron(dataset: Promised) -> str:
    """When the dataset is due, as cron text in UTC."""
    return dataset.schedule or schedule.DEFAULT_SCHEDULE


def due_of(dataset: Promised, batch_id: str, landed_at: datetime, first_at: datetime) -> datetime:
    """For which due date a batch counts: that of its id's time, else of its landing.

    A batch of a time before the dataset's first one was landed fills in history (so do all
    nights of a sample city): it counts for the night in which it came.

    Args:
        dataset: what was due.
        batch_id: such as ``20160101T020000Z``, the due date itself; a person may say otherwise.
        landed_at: when it was landed.
        first_at: when the dataset's first batch was landed.
    """
    try:
        moment = datetime.strptime(batch_id, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        moment = landed_at
    if not first_at <= moment <= landed_at:
        moment = landed_at
    return schedule.last_before(cron(dataset), moment)


def delivered(
    dataset: Promised, batch_id: str, due_at: datetime, at: datetime, rows: int
) -> Promise:
    """What a merged batch makes of its due date."""
    state = State.DELIVERED if rows else State.EMPTY
    if at > deadline(dataset, due_at):
        state = State.LATE
    return _promise(dataset, due_at, state, at, batch_id=batch_id, delivered_at=at)


def held(dataset: Promised, batch_id: str, due_at: datetime, at: datetime) -> Promise:
    """What a batch that is not served makes of its due date."""
    return _promise(dataset, due_at, State.HELD, at, batch_id=batch_id)


def unrenewed(dataset: Promised, batch_id: str, due_at: datetime, at: datetime) -> Promise:
    """A due date for which a file lay there that is served already; the contract allows it.

    It has no time of delivery: what is served stays as old as it is.
    """
    return _promise(dataset, due_at, State.EMPTY, at, batch_id=batch_id)


def absent(dataset: Promised, due_at: datetime, at: datetime) -> Promise:
    """A due date whose deadline passed without a delivery."""
    return _promise(dataset, due_at, State.ABSENT, at)


def deadline(dataset: Promised, due_at: datetime) -> datetime:
    """Until when a delivery must be served."""
    return due_at + timedelta(seconds=dataset.latency_seconds)


def missed(
    dataset: Promised, known: Collection[datetime], since: datetime, at: datetime
) -> list[datetime]:
    """Due dates whose deadline has passed and of which nothing is known, oldest first.

    Args:
        dataset: what was due.
        known: due dates that are answered for.
        since: when the dataset began to be watched; what was due before is no debt.
        at: now.
    """
    latest = at - timedelta(seconds=dataset.latency_seconds)
    passed = schedule.between(cron(dataset), since, latest, LONGEST_LOOK_BACK)
    return [moment for moment in passed if moment not in known]


def sentence(promise: Promise, served_at: datetime | None, why: str = "") -> str:
    """The absence in words: what, since when, what is served instead, why, and whom to ask.

    Args:
        promise: the row.
        served_at: when what is served now was delivered; None when nothing ever was.
        why: more that is known of it.
    """
    if served_at is None:
        served = "nothing of it was ever served"
    else:
        age = promise.recorded_at - served_at
        served = f"the table served is {span(age.total_seconds())} old"
    return (
        f"{promise.dataset} did not deliver what was due {promise.due_at:%Y-%m-%d %H:%M} UTC"
        f" by its deadline {promise.deadline_at:%Y-%m-%d %H:%M} UTC; {served}"
        f"{'; ' if why else ''}{why}: ask {promise.owner} ({promise.contact})"
    )


def span(seconds: float) -> str:
    """A length of time in the largest unit that gives a number above one."""
    for size, word in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= size:
            return f"{seconds / size:.1f} {word}"
    return f"{seconds:.0f} seconds"


def _promise(
    dataset: Promised,
    due_at: datetime,
    state: State,
    at: datetime,
    *,
    batch_id: str | None = None,
    delivered_at: datetime | None = None,
) -> Promise:
    return Promise(
        dataset=dataset.id,
        due_at=due_at,
        deadline_at=deadline(dataset, due_at),
        state=state,
        batch_id=batch_id,
        delivered_at=delivered_at,
        age_seconds=(at - due_at).total_seconds(),
        owner=dataset.owner.name,
        contact=dataset.owner.contact,
        recorded_at=at,
    )
