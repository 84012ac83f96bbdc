"""The watch gives up after its limit, and goes on when an hour has passed: with real processes."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from civiclake.engine import restarts
from civiclake.engine.service import Service
from civiclake.engine.watch import Watch
from civiclake.local.ports import free_ports
from civiclake.settings import Settings, load_settings

LIMIT = 2


def _watch(root: Path) -> tuple[Watch, Service, list[int]]:
    """Of an engine that ends whenever it is started; and how often it was."""
    base = load_settings()
    engine = base.engine.model_copy(update={"restarts_an_hour": LIMIT})
    settings = base.model_copy(update={"state_dir": root, "engine": engine})
    service = Service("sql", settings.run_dir, "127.0.0.1", free_ports(1)[0], "A_PORT")
    starts: list[int] = []

    def start(_: Settings) -> None:
        starts.append(len(starts))
        service.start([sys.executable, "-c", "print('no luck')"], {}, cwd=root)

    return Watch(settings, service, start), service, starts


def _told(service: Service) -> list[str]:
    lines = (service.run_dir / "alerts.jsonl").read_text().splitlines()
    return [json.loads(line)["alert"] for line in lines]


def test_an_engine_that_ends_again_and_again_is_left_alone_for_an_hour(tmp_path: Path) -> None:
    watch, service, starts = _watch(tmp_path)
    service.run_dir.mkdir(parents=True, exist_ok=True)
    service.expect()
    for _ in range(LIMIT + 3):
        watch.look()
    assert len(starts) == LIMIT
    told = _told(service)
    assert len(told) == LIMIT + 1
    assert all("could not be started again" in one for one in told[:LIMIT])
    assert "it stays down until" in told[LIMIT]
    assert "it stays down until" in restarts.read(service.run_dir, "sql").note()

    an_hour_ago = datetime.now(UTC) - timedelta(minutes=61)
    known = restarts.read(service.run_dir, "sql")
    known.at = [an_hour_ago] * LIMIT
    restarts.write(service.run_dir, "sql", known)
    watch.look()
    assert len(starts) == LIMIT + 1
    assert restarts.read(service.run_dir, "sql").waits_until is None


def test_an_engine_that_was_stopped_is_left_alone(tmp_path: Path) -> None:
    watch, service, starts = _watch(tmp_path)
    service.run_dir.mkdir(parents=True, exist_ok=True)
    watch.look()
    assert starts == []
