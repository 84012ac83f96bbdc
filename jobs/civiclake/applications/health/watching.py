"""How outbreaks are watched for, as the parameters of a mart say it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from civiclake.errors import UserError
from civiclake.statistics.farrington import FLEXIBLE, ORIGINAL, Rule
from civiclake.statistics.weeks import System, system

_NUMBERS: Mapping[str, tuple[float, float]] = {
    "days_shown": (1, 366),
    "weeks_shown": (1, 53),
    "years": (1, 20),
    "least_cases_in_seven_days": (1, 1000),
    "least_cases_in_four_weeks": (1, 1000),
    "longest_delay_days": (1, 366),
    "complete_from_share": (0.5, 1),
    "alarm_alpha": (1e-9, 0.5),
    "alarm_stands_days": (1, 60),
}
"""Bounds of each number."""


@dataclass(frozen=True)
class Watching:
    """What is watched, and what is a signal."""

    city_code: str
    """Under which the whole city's figures stand."""
    by: System
    days_shown: int
    weeks_shown: int
    years: int
    least_cases_in_seven_days: int
    """There is no signal of EARS below."""
    least_cases_in_four_weeks: int
    """There is no signal of Farrington's algorithms below."""
    longest_delay_days: int
    complete_from_share: float
    alarm_alpha: float
    """One-sided, of one night and series."""
    alarm_stands_days: int
    """After the last signal."""

    @property
    def original(self) -> Rule:
        """Farrington's algorithm of 1996."""
        return replace(ORIGINAL, years=self.years, least_cases=self.least_cases_in_four_weeks)

    @property
    def flexible(self) -> Rule:
        """Noufaily's of 2013."""
        return replace(FLEXIBLE, years=self.years, least_cases=self.least_cases_in_four_weeks)

    @property
    def alarm(self) -> Rule:
        """The flexible one, asked every night."""
        return replace(self.flexible, alpha=self.alarm_alpha)


def watching(parameters: Mapping[str, Any]) -> Watching:
    """What the parameters of a mart say.

    Raises:
        UserError: one is missing or is none.
    """
    city = parameters.get("city_code")
    if not isinstance(city, str) or not city:
        raise UserError(f"parameters: city_code: {city!r}; a code is wanted, such as '530100'")
    found = {name: _number(parameters, name) for name in _NUMBERS}
    whole = {n: v if isinstance(_NUMBERS[n][0], float) else int(v) for n, v in found.items()}
    whole["complete_from_share"] = found["complete_from_share"]
    return Watching(city_code=city, by=system(str(parameters.get("weeks"))), **whole)  # type: ignore[arg-type]


def _number(parameters: Mapping[str, Any], name: str) -> float:
    low, high = _NUMBERS[name]
    said = parameters.get(name)
    if isinstance(said, bool) or not isinstance(said, int | float) or not low <= said <= high:
        raise UserError(f"parameters: {name}: {said!r}; {low:g} to {high:g} is allowed")
    return float(said)
