"""Marked lines of the door's log become sentences, once."""

from __future__ import annotations

from pathlib import Path

from civiclake.engine.door_alerts import DoorAlerts

LINE = "2026-11-29T18:47:47.530Z WARN WrongLogins: CIVICLAKE_ALERT 5 from 10.0.0.9\n"


def test_what_came_since_is_told_once(tmp_path: Path) -> None:
    log = tmp_path / "engine-sql.log"
    log.write_text(LINE)
    alerts = DoorAlerts(log)
    assert alerts.new() == []  # it was told by whoever watched then
    with log.open("a") as file:
        file.write("something else\n" + LINE + LINE[:70])
    assert alerts.new() == ["5 from 10.0.0.9"]
    with log.open("a") as file:
        file.write(LINE[70:])
    assert alerts.new() == ["5 from 10.0.0.9"]
    assert alerts.new() == []


def test_a_new_log_is_read_from_its_start(tmp_path: Path) -> None:
    log = tmp_path / "engine-sql.log"
    log.write_text(LINE * 3)
    alerts = DoorAlerts(log)
    log.write_text(LINE.replace("9\n", "\x1b9\n"))
    assert alerts.new() == ["5 from 10.0.0. 9"]
    log.unlink()
    assert alerts.new() == []
    assert DoorAlerts(log).new() == []
