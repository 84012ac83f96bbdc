"""Weeks by their first day and the name of their system: ISO's and CDC's are not the same.

Sources: ISO 8601-1:2019 (a week begins on Monday and belongs to the year that holds its
Thursday); CDC, "MMWR Weeks" (it begins on Sunday and belongs to the year that holds its
Wednesday). Both have years of 53 weeks, and not the same ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from civiclake.errors import UserError


class System(StrEnum):
    """Who counts the weeks."""

    ISO = "ISO"
    CDC = "CDC"


@dataclass(frozen=True, order=True)
class Week:
    """One week; ordered by its first day."""

    first_day: date
    system: System
    year: int
    """That the week belongs to, which may not be that of its first or last day."""
    number: int

    @property
    def name(self) -> str:
        """Year, number and system: ``2026-W01 (ISO)``."""
        return f"{self.year}-W{self.number:02d} ({self.system})"


def system(name: str) -> System:
    """The system of that name.

    Raises:
        UserError: there is none.
    """
    try:
        return System(name)
    except ValueError:
        raise UserError(f"weeks {name!r}; one of {', '.join(System)} is allowed") from None


def week(day: date, by: System = System.ISO) -> Week:
    """The week that a day lies in."""
    into = day.weekday() if by is System.ISO else (day.weekday() + 1) % 7
    first = day - timedelta(days=into)
    middle = first + timedelta(days=3)
    number = (middle - date(middle.year, 1, 1)).days // 7 + 1
    return Week(first, by, middle.year, number)


def weeks(first: date, last: date, by: System = System.ISO) -> Sequence[Week]:
    """All weeks from the one that holds the first day to the one that holds the last.

    Raises:
        UserError: the last day is before the first.
    """
    if last < first:
        raise UserError(f"weeks from {first} to {last}: the last day must not be before the first")
    start = week(first, by).first_day
    count = (last - start).days // 7 + 1
    return [week(start + timedelta(weeks=n), by) for n in range(count)]


def weeks_of_year(year: int, by: System = System.ISO) -> int:
    """52 or 53."""
    last = week(date(year, 12, 28 if by is System.ISO else 31), by)
    return last.number if last.year == year else week(last.first_day - timedelta(days=1), by).number
