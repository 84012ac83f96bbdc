"""The city's calendar: night 1 is that of 2016-01-01."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

FIRST_NIGHT = datetime(2016, 1, 1, tzinfo=UTC)
OVERLAP = timedelta(hours=1)
"""As the contract of health.visits says."""


def midnight(night: int) -> datetime:
    """The midnight on which a night's day begins."""
    return FIRST_NIGHT + timedelta(days=night - 1)


def newest(night: int) -> datetime:
    """When the health department last wrote a row before that night's run."""
    return midnight(night) + timedelta(hours=1)


def logical_date(night: int) -> datetime:
    """When the run of that night is due."""
    return midnight(night) + timedelta(hours=2)


def batch_id(night: int) -> str:
    """The batches' id of that night."""
    return f"{logical_date(night):%Y%m%dT%H%M%SZ}"


def stamp(when: datetime) -> str:
    """How a department's database writes a time."""
    return f"{when:%Y-%m-%d %H:%M:%S}+00"
