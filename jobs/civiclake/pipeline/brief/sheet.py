"""What the pages of the brief hold, before anything is drawn."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from civiclake.contracts.page import Chart

Value = str | int | float | bool | None


@dataclass(frozen=True)
class Head:
    """One column of a table."""

    name: str
    meaning: str
    is_number: bool


@dataclass(frozen=True)
class Table:
    """Rows of a query, all of them, in its order."""

    heads: tuple[Head, ...]
    rows: tuple[tuple[Value, ...], ...]
    withheld: int = 0
    """Rows of too few persons, which are not here."""
    smallest: int = 0
    """How many persons are enough; 0: the marts know no such bound."""

    def column(self, name: str) -> list[Value]:
        """The values of one column.

        Raises:
            KeyError: there is none of that name.
        """
        place = {head.name: n for n, head in enumerate(self.heads)}[name]
        return [row[place] for row in self.rows]


@dataclass(frozen=True)
class Input:
    """What a mart was made from."""

    id: str
    version: int
    made_at: datetime | None
    """None: it is no longer told."""
    set_aside: int
    """Rows of it that wait in quarantine now."""


@dataclass(frozen=True)
class Source:
    """Where a part's numbers come from."""

    mart: str
    description: str
    limitations: str
    version: int
    published_at: datetime
    batch_id: str
    method: str
    owner: str
    contact: str
    inputs: tuple[Input, ...]


@dataclass(frozen=True)
class Part:
    """One question of a page."""

    title: str
    table: Table
    query: str
    shown_rows: int
    chart: Chart | None = None


@dataclass(frozen=True)
class Alarm:
    """An alert that nobody has closed."""

    alert_id: str
    of: str
    """Of which series, such as ``disease_code=B05.9, district_code=530102``."""
    sentence: str
    since: str
    state: str
    owner: str
    rows: int


@dataclass(frozen=True)
class Sheet:
    """One application's page."""

    application: str
    title: str
    purpose: str
    changed: tuple[str, ...]
    """What has changed since it was published before, a sentence each."""
    stale: tuple[str, ...]
    """Which marts are older than promised, and which have never been made."""
    alarms: tuple[Alarm, ...]
    parts: tuple[Part, ...]
    sources: tuple[Source, ...]
    dags: tuple[str, ...]
    """Ids of the DAGs that its reader must be allowed to see."""


@dataclass(frozen=True)
class Delivery:
    """How a dataset stands."""

    id: str
    description: str
    owner: str
    contact: str
    state: str
    """Of its newest batch; ``never delivered`` where there is none."""
    at: datetime | None
    is_late: bool
    promise: str
    read: int = 0
    served: int = 0
    set_aside: int = 0
    reasons: tuple[tuple[str, str, int], ...] = ()
    """Name of a rule, what it means, and how many rows of the newest batch broke it."""
    readers: tuple[str, ...] = ()
    """Ids of the marts and kinds of links that are made from it."""


@dataclass(frozen=True)
class Department:
    """One department's page."""

    name: str
    deliveries: tuple[Delivery, ...]

    @property
    def late(self) -> int:
        """How many of its datasets are not there as promised."""
        return sum(one.is_late for one in self.deliveries)


@dataclass(frozen=True)
class Brief:
    """All pages."""

    made_at: datetime
    sheets: tuple[Sheet, ...]
    departments: tuple[Department, ...]
    areas: dict[str, str] = field(default_factory=dict)
    """Boundaries of the districts as well-known text, by code."""
    names: dict[str, str] = field(default_factory=dict)
    """Names of the districts, by code."""
    faults: tuple[str, ...] = ()
    """Why pages could not be made; they say so themselves, and all others are as they should."""
