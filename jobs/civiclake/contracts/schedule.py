"""Cron text, as Airflow reads it: at which moments (UTC) a department's night is due."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache

from croniter import CroniterBadDateError, CroniterError, croniter

DEFAULT_SCHEDULE = "0 2 * * *"
"""When a department's contracts don't say otherwise."""
_FIELDS = 5
_JUST_AFTER = timedelta(microseconds=1)
_ANY_DAY = datetime(2000, 1, 1, tzinfo=UTC)


class BadCron(ValueError):
    """The text is no cron; the message ends a sentence that names it."""


@cache
def parse(text: str) -> None:
    """Refuse what is no cron text, or would never fire.

    Raises:
        BadCron: with what is wrong and what is allowed.
    """
    allowed = f"allowed is cron text of five fields, such as {DEFAULT_SCHEDULE!r}"
    if len(text.split()) != _FIELDS:
        raise BadCron(allowed)
    try:
        next(_backwards(text, _ANY_DAY))
    except CroniterBadDateError:
        raise BadCron("names no day that there is") from None
    except CroniterError as error:
        raise BadCron(f"is no cron ({error}); {allowed}") from None


def last_before(text: str, moment: datetime) -> datetime:
    """The newest moment at or before another one at which the cron fires."""
    return next(_backwards(text, moment.astimezone(UTC)))


def between(text: str, after: datetime, until: datetime, limit: int) -> list[datetime]:
    """The newest moments past ``after`` and up to ``until``, oldest first."""
    found: list[datetime] = []
    for moment in _backwards(text, until.astimezone(UTC)):
        if moment <= after or len(found) == limit:
            break
        found.append(moment)
    return found[::-1]


def _backwards(text: str, moment: datetime) -> Iterator[datetime]:
    """Every moment at which the cron fires, from this one on back."""
    fires = croniter(text, moment + _JUST_AFTER, ret_type=datetime)
    while True:
        yield fires.get_prev()
