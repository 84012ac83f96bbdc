"""What becomes of a mart's alerts, by what its rows say now: raised, updated, closed, or as before.

Pure: the same rows give the same alerts, however often they are asked.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from civiclake.io.ops.alerts import CLOSED, CONTRACT, DATA, OPEN, AlertRow

Why = Callable[[AlertRow], str]
"""Why an alert's series is no alarm any more."""


@dataclass(frozen=True)
class Case:
    """One series whose newest period alarms, as :class:`AlertRow` has it."""

    name: str
    of: str
    sentence: str
    since: date
    last: date
    sure: float | None
    rows: int
    query: str


def decide(
    known: Sequence[AlertRow],
    cases: Iterable[Case],
    names: Iterable[str],
    facts: Callable[[str], Mapping[str, Any]],
    why: Why,
    now: datetime,
) -> list[AlertRow]:
    """The alerts that are not as they were.

    Args:
        known: all of the mart's so far.
        cases: its series whose newest period alarms.
        names: of the rules in its contract.
        facts: of a rule's name, what all of its alerts say alike: mart, method, owner.
        why: asked of an open alert whose series is no case.
        now: when this is.
    """
    rules, last = set(names), _last(known)
    found = {(case.name, case.of): case for case in cases}
    changed = []
    for place, case in found.items():
        row = _row(case, last.get(place), _ordinal(known, place), facts(case.name), now)
        if row is not None:
            changed.append(row)
    for place, alert in last.items():
        if place not in found and not alert.is_closed:
            changed.append(_closed(alert, why, now, is_ruled=alert.name in rules))
    return changed


def _row(
    case: Case, former: AlertRow | None, ordinal: int, facts: Mapping[str, Any], now: datetime
) -> AlertRow | None:
    """The alert of a case: a new one, the former one brought up to date, or none."""
    said = {
        "name": case.name, "of": case.of, "sentence": case.sentence, "since": case.since,
        "last": case.last, "sure": case.sure, "rows": case.rows, "query": case.query, **facts,
    }  # fmt: skip
    if former is not None and not former.is_closed:
        fresh = former.model_copy(update=said)
        return None if fresh == former else fresh.model_copy(update={"updated_at": now})
    # A person has looked at this run of alarms: only another one is news.
    by_person = former is not None and former.closed_by not in (DATA, CONTRACT)
    if former is not None and by_person and case.since <= former.last:
        return None
    text = "\x1f".join([str(facts["mart"]), case.name, case.of, str(ordinal)])
    key = hashlib.sha256(text.encode()).hexdigest()[:10]
    return AlertRow(alert_id=key, state=OPEN, raised_at=now, updated_at=now, **said)


def _closed(alert: AlertRow, why: Why, now: datetime, *, is_ruled: bool) -> AlertRow:
    reason = why(alert) if is_ruled else f"the mart's contract has no alert {alert.name!r} any more"
    return alert.model_copy(
        update={
            "state": CLOSED,
            "reason": reason,
            "closed_at": now,
            "closed_by": DATA if is_ruled else CONTRACT,
            "updated_at": now,
        }
    )


def _last(known: Iterable[AlertRow]) -> dict[tuple[str, str], AlertRow]:
    """The newest alert of each series."""
    return {(row.name, row.of): row for row in sorted(known, key=lambda r: r.raised_at)}


def _ordinal(known: Iterable[AlertRow], place: tuple[str, str]) -> int:
    """How many alerts of a series there were: the place of the next one."""
    return sum((row.name, row.of) == place for row in known)
