"""Cron text of five fields: at which moments (UTC) a department's night is due."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache

DEFAULT_SCHEDULE = "0 2 * * *"
"""When a department's contracts don't say otherwise."""
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_LONGEST_GAP_DAYS = 4 * 366 * 2
"""29 February comes after eight years at most."""


class BadCron(ValueError):
    """The text is no cron; the message ends a sentence that names it."""


@dataclass(frozen=True)
class Cron:
    """A parsed cron text."""

    times: tuple[time, ...]
    """Of a day, in order."""
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    """0 is Sunday."""
    either: bool
    """Whether day of month and day of week are both said: then one of the two is enough."""

    def has(self, day: date) -> bool:
        """Whether it fires on that day."""
        if day.month not in self.months:
            return False
        of_month, of_week = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        return of_month or of_week if self.either else of_month and of_week


@cache
def parse(text: str) -> Cron:
    """Read cron text.

    Raises:
        BadCron: it can't be read, or would never fire.
    """
    fields = text.lower().split()
    if len(fields) != 5:
        raise BadCron(f"allowed is cron text of five fields, such as {DEFAULT_SCHEDULE!r}")
    minutes, hours, days = _set(fields[0], 0, 59), _set(fields[1], 0, 23), _set(fields[2], 1, 31)
    months = _set(fields[3], 1, 12, _MONTHS, names_from=1)
    weekdays = frozenset(d % 7 for d in _set(fields[4], 0, 7, _DAYS))
    found = Cron(
        times=tuple(time(h, m) for h in sorted(hours) for m in sorted(minutes)),
        days=days,
        months=months,
        weekdays=weekdays,
        either=not fields[2].startswith("*") and not fields[4].startswith("*"),
    )
    first = date(2000, 1, 1)
    if not any(found.has(first + timedelta(days=n)) for n in range(_LONGEST_GAP_DAYS)):
        raise BadCron("names no day that there is")
    return found


def _set(
    field: str, low: int, high: int, names: tuple[str, ...] = (), names_from: int = 0
) -> frozenset[int]:
    found: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        first, dash, last = span.partition("-")
        start = low if span == "*" else _number(first, names, names_from)
        single = not dash and not step and span != "*"
        end = start if single else _number(last, names, names_from) if dash else high
        every = int(step) if step.isdigit() else 0 if step or "/" in part else 1
        if not (low <= start <= end <= high and every > 0):
            raise BadCron(f"holds {part!r}; allowed are {low} to {high}, '*', ranges and steps")
        found.update(range(start, end + 1, every))
    return frozenset(found)


def _number(word: str, names: tuple[str, ...], names_from: int) -> int:
    if word in names:
        return names.index(word) + names_from
    return int(word) if word.isdigit() else -1


def last_before(text: str, moment: datetime) -> datetime:
    """The newest moment at or before another one at which the cron fires."""
    return next(_backwards(parse(text), moment.astimezone(UTC)))


def between(text: str, after: datetime, until: datetime, limit: int) -> list[datetime]:
    """The newest moments past ``after`` and up to ``until``, oldest first."""
    found: list[datetime] = []
    for moment in _backwards(parse(text), until.astimezone(UTC)):
        if moment <= after or len(found) == limit:
            break
        found.append(moment)
    return found[::-1]


def _backwards(cron: Cron, moment: datetime) -> Iterator[datetime]:
    day = moment.date()
    while True:
        if cron.has(day):
            for at in reversed(cron.times):
                fired = datetime.combine(day, at, UTC)
                if fired <= moment:
                    yield fired
        day -= timedelta(days=1)
