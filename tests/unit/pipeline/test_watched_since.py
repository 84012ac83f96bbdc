"""Since when datasets are watched, whatever became of the file that says it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from civiclake.pipeline.watch import watched
from civiclake.settings import Settings

NOW = datetime(2026, 11, 29, 8, tzinfo=UTC)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(state_dir=tmp_path)


def test_the_first_look_or_the_first_batch_counts(settings: Settings) -> None:
    landed = NOW - timedelta(days=2)
    first = watched.since(settings, {"a.b": landed, "marts.c": None}, NOW)
    assert first == {"a.b": landed, "marts.c": NOW}
    later = watched.since(settings, {"marts.c": None, "d.e": None}, NOW + timedelta(days=1))
    assert later == {**first, "d.e": NOW + timedelta(days=1)}
    assert watched.known(settings) == later


@pytest.mark.parametrize("torn", ["", '{"a.b": "2026-11', "[1]", '{"a.b": 7}', '{"a.b": "then"}'])
def test_a_torn_file_is_told_and_made_anew(
    settings: Settings, torn: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = settings.run_dir / "watched.json"
    path.parent.mkdir(parents=True)
    path.write_text(torn)
    landed = NOW - timedelta(days=2)
    found = watched.since(settings, {"a.b": landed, "d.e": None}, NOW)
    assert found == {"a.b": landed, "d.e": NOW}
    assert f"{path} can't be read" in caplog.text
    assert "datasets are watched from their first batch" in caplog.text
    caplog.clear()
    assert watched.known(settings) == found
    assert caplog.text == ""


def test_a_write_that_is_killed_leaves_what_was_there(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = watched.since(settings, {"a.b": None}, NOW)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("os.fsync", killed)
    with pytest.raises(KeyboardInterrupt):
        watched.since(settings, {"d.e": None}, NOW)
    assert watched.known(settings) == found
    assert [p.name for p in settings.run_dir.glob("*watched.json*")] == ["watched.json"]
