"""What all hosts remember alike."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from civiclake.pipeline.watch import watched
from civiclake.settings import Settings

NOW = datetime(2026, 11, 29, 8, tzinfo=UTC)


def test_hosts_know_alike_since_when_datasets_are_watched(shared: Settings, tmp_path: Path) -> None:
    other = shared.model_copy(update={"state_dir": tmp_path / "host-b"})
    landed = NOW - timedelta(days=2)
    first = watched.since(shared, {"a.b": landed, "marts.c": None}, NOW)
    assert watched.known(other) == first == {"a.b": landed, "marts.c": NOW}
    later = watched.since(other, {"marts.c": None, "d.e": None}, NOW + timedelta(days=1))
    assert later == {**first, "d.e": NOW + timedelta(days=1)}
    assert watched.known(shared) == later
    assert not any(path.is_file() for path in tmp_path.rglob("watched*"))
