"""What must come of a batch of visits, worked out without Spark from the rows themselves."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime

from pydantic import BaseModel, Field

from civiclake.io.account import Account
from demo.city.visits import Visit

DUPLICATE_KEY = "duplicate_key"
_DIAGNOSIS = re.compile(r"[A-Z][0-9]{2}(\.[0-9]{1,2})?")


class Expected(Account):
    """The account that a batch must give."""

    reasons: dict[str, int] = Field(default_factory=dict)
    """Rows set aside by rule; their sum is ``quarantined``: a row breaks one rule at most."""


class Truth(BaseModel):
    """What one night must bring, dataset by dataset."""

    night: int
    seed: int
    visits: int
    logical_date: datetime
    batch_id: str
    datasets: dict[str, Expected]


def broken_rule(row: Visit, facilities: frozenset[str]) -> str | None:
    """The rule of the contract that a row breaks, or None."""
    if row.visit_id is None:
        return "required:visit_id"
    if row.citizen_id is None:
        return "required:citizen_id"
    if not 0 <= row.age_years <= 120:
        return "range:age_years"
    if row.cost_amount.startswith("-"):
        return "range:cost_amount"
    if row.sex not in ("M", "F"):
        return "code:sex"
    if row.facility_id not in facilities:
        return "reference:facility_id"
    if not _DIAGNOSIS.fullmatch(row.diagnosis_code):
        return "pattern:diagnosis_code"
    return None if _is_moment(row.visited_at) else "type:visited_at"


def _is_moment(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


class Accountant:
    """Adds up a batch, key by key.

    Args:
        facilities: ids that a visit may name.
        served: the row that the lake serves for a key, or None.
    """

    def __init__(
        self, facilities: frozenset[str], served: Callable[[str], Visit | None] = lambda key: None
    ) -> None:
        self._facilities, self._served = facilities, served
        self._count: Counter[str] = Counter()
        self._reasons: Counter[str] = Counter()
        self.now_served: dict[str, Visit] = {}
        """Rows that this batch inserted or updated."""

    def add(self, rows: Iterable[Visit], *, remember: bool = True) -> None:
        """Account for rows; all rows of a key must come in one call."""
        sound: defaultdict[str, list[Visit]] = defaultdict(list)
        for row in rows:
            self._count["read"] += 1
            rule = broken_rule(row, self._facilities)
            if rule is None:
                sound[str(row.visit_id)].append(row)
            else:
                self._reasons[rule] += 1
        for key, versions in sound.items():
            self._add_key(key, versions, remember)

    def _add_key(self, key: str, versions: list[Visit], remember: bool) -> None:
        newest = max(row.updated_at for row in versions)
        top = [row for row in versions if row.updated_at == newest]
        if len({row.served for row in top}) > 1:
            self._reasons[DUPLICATE_KEY] += len(top)
            self._count["superseded"] += len(versions) - len(top)
            return
        self._count["superseded"] += len(versions) - 1
        row, before = top[0], self._served(key)
        if before is None:
            outcome = "inserted"
        elif row.served == before.served:
            outcome = "unchanged"
        elif row.updated_at < before.updated_at:
            outcome = "late"
        elif row.updated_at > before.updated_at:
            outcome = "updated"
        else:
            self._reasons[DUPLICATE_KEY] += 1
            return
        self._count[outcome] += 1
        if remember and outcome in ("inserted", "updated"):
            self.now_served[key] = row

    @property
    def expected(self) -> Expected:
        """The account so far."""
        reasons = dict(sorted(self._reasons.items()))
        return Expected(**self._count, quarantined=sum(reasons.values()), reasons=reasons)
