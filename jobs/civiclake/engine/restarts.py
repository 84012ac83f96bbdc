"""What the watch did: when an engine was started again, and why; a small file of the run folder."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import BaseModel, Field, ValidationError

from civiclake.local.files import write_whole

SHOWN_FOR = timedelta(hours=1)


class Restarts(BaseModel):
    """One engine's."""

    at: list[datetime] = Field(default_factory=list)
    """When it was started again, the newest last; those of the last hour."""
    reason: str = ""
    """Why it had ended, the last time."""
    waits_until: datetime | None = None
    """It was started too often: not before then."""

    def within_an_hour(self, now: datetime) -> list[datetime]:
        """Those that count against the limit."""
        return [moment for moment in self.at if now - moment < SHOWN_FOR]

    def note(self, now: datetime | None = None) -> str:
        """A plain word for people; empty when nothing has happened within the hour."""
        moment = now or datetime.now(UTC)
        if self.waits_until and self.waits_until > moment:
            return (
                f"ended too often ({self.reason}): it stays down until"
                f" {self.waits_until:%H:%M:%S}Z, or until somebody starts it"
            )
        recent = self.within_an_hour(moment)
        if not recent:
            return ""
        times = "once" if len(recent) == 1 else f"{len(recent)} times"
        last = f"{recent[-1]:%H:%M:%S}Z"
        return f"was started again {times} within the hour, last at {last}: {self.reason}"


def path(run_dir: Path, name: str) -> Path:
    """The file of one engine."""
    return run_dir / f"engine-{name}.restarts.json"


def read(run_dir: Path, name: str) -> Restarts:
    """What is known of an engine; nothing, where nothing was written or it can't be read."""
    try:
        return Restarts.model_validate_json(path(run_dir, name).read_text())
    except (OSError, ValidationError):
        return Restarts()


def write(run_dir: Path, name: str, restarts: Restarts) -> None:
    """Whole or not at all."""
    write_whole(path(run_dir, name), json.dumps(restarts.model_dump(mode="json")))
