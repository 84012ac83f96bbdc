"""The watch: starts an engine again that ended or stands still, so often an hour and no oftener.

One small process for both engines, started by ``engine up`` and ended by ``engine down``. What it
does is told by an alert, by ``engine status`` and to whoever finds the door closed.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from civiclake.engine import restarts
from civiclake.engine.engine_log import Alerts, reason_of
from civiclake.engine.ping import Answer, ping
from civiclake.engine.service import Service
from civiclake.engine.services import START_TIMEOUT_S, services
from civiclake.errors import CivicLakeError, LockHeld
from civiclake.local import alerts, process
from civiclake.local.held import held
from civiclake.local.priority import Courtesy
from civiclake.settings import Settings

NAME = "watch"
SETTINGS_VARIABLE = "CIVICLAKE_WATCH_SETTINGS"
"""The whole settings as JSON: by the environment, for they may hold passwords."""
EVERY_S = 1.0
PING_EVERY_S = 5.0
SILENT_S = 60.0
"""An engine that leaves greetings unanswered for so long is ended, and started again."""


def start(settings: Settings) -> None:
    """Start it, detached, unless it runs."""
    environment = {**os.environ, SETTINGS_VARIABLE: settings.model_dump_json()}
    process.start(
        NAME,
        [sys.executable, "-m", "civiclake.engine.watch"],
        run_dir=settings.run_dir,
        env=environment,
    )


def stop(run_dir: Path) -> bool:
    """Stop it: before the engines, or it would start them again."""
    return process.stop(NAME, run_dir)


def is_up(run_dir: Path) -> bool:
    """Whether it runs."""
    return process.status(NAME, run_dir) is not None


class Watch:
    """One engine under watch."""

    def __init__(
        self, settings: Settings, service: Service, start: Callable[[Settings], None]
    ) -> None:
        self._settings = settings
        self._service = service
        self._start = start
        self._heard = time.monotonic()
        self._asked = 0.0
        self._answers = 0
        self._courtesy = Courtesy(service.nice, workers="Executor task")
        self._said = Alerts(service.log_path)

    def look(self) -> None:
        """Once a second: is it there, does it answer, may it be started again?"""
        service = self._service
        for sentence in self._said.more():
            alerts.tell(self._settings.run_dir, sentence, engine=service.name)
        if not service.was_started() or service.is_stopping():
            self._answers, self._heard = 0, time.monotonic()
            return
        reason = self._trouble()
        if not reason:
            return
        try:
            with held(self._settings.run_dir / ".engine.lock", "the watch", timeout_s=0):
                # Whoever held the lock until now may have stopped it or started it.
                if service.was_started() and not service.is_stopping() and self._trouble():
                    self._again(reason)
        except LockHeld:
            return

    def _trouble(self) -> str:
        """Why it must be started again; empty when all is well."""
        record = self._service.running()
        now = time.monotonic()
        if record is None:
            return reason_of(self._service.log_path)
        if self._answers > 1:  # those who wait for a new door get their first answers soon
            self._courtesy.look(record.pid)
        if now - self._asked < PING_EVERY_S:
            return ""
        self._asked = now
        answer = ping(self._service.name, self._service.host, record.port)
        if answer is Answer.ANSWERED:
            self._answers, self._heard = self._answers + 1, now
            return ""
        patience = SILENT_S if self._answers else START_TIMEOUT_S
        silent = now - self._heard
        return f"it did not answer for {silent:.0f} s" if silent > patience else ""

    def _again(self, reason: str) -> None:
        """Start it again, if it may be; tell so either way."""
        name, run_dir = self._service.name, self._settings.run_dir
        limit = self._settings.engine.restarts_an_hour
        now = datetime.now(UTC)
        known = restarts.read(run_dir, name)
        recent = known.within_an_hour(now)
        if len(recent) >= limit:
            self._wait(restarts.Restarts(at=recent, reason=reason, waits_until=known.waits_until))
            return
        self._service.stop(patience_s=5.0)
        restarts.write(run_dir, name, restarts.Restarts(at=[*recent, now], reason=reason))
        said = f"the {name} engine ended ({reason})"
        try:
            self._service.keep_log()
            self._start(self._settings)
            seconds = self._service.wait(START_TIMEOUT_S)
        except CivicLakeError as error:
            first = str(error).splitlines()[0]
            alerts.tell(run_dir, f"{said} and could not be started again: {first}", engine=name)
            self._service.expect()
            return
        finally:
            self._answers, self._heard = 0, time.monotonic()
        alerts.tell(
            run_dir,
            f"{said} and was started again within {seconds:.0f} s"
            f" ({len(recent) + 1} of {limit} times an hour)",
            f"see {self._service.kept_log}",
            engine=name,
        )

    def _wait(self, known: restarts.Restarts) -> None:
        """Too often: stay down until there is room within the hour again; told once."""
        if known.waits_until is None and known.at:
            known.waits_until = known.at[0] + timedelta(hours=1)
            restarts.write(self._settings.run_dir, self._service.name, known)
            alerts.tell(
                self._settings.run_dir,
                f"the {self._service.name} engine {known.note()}",
                f"see {self._service.log_path}, then run `civiclake engine up`",
                engine=self._service.name,
            )


def main() -> None:
    """Watch until somebody stops this process."""
    settings = Settings.model_validate_json(os.environ.pop(SETTINGS_VARIABLE))
    watched = [Watch(settings, service, start) for service, start in services(settings)]
    while True:
        for one in watched:
            try:
                one.look()
            except Exception:  # whatever it is: the watch itself must not end by it
                logging.exception("the watch goes on")
        time.sleep(EVERY_S)


if __name__ == "__main__":
    main()
