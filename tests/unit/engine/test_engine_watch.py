"""What is written down and told of engines that end."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from civiclake.engine import limits, restarts
from civiclake.engine.engine_log import Alerts, reason_of
from civiclake.local import alerts
from civiclake.settings import load_settings
from civiclake.settings_engine import DoorLimits, LoginLimits

NOW = datetime(2026, 5, 1, 3, 0, tzinfo=UTC)


def test_only_the_last_hour_counts(tmp_path: Path) -> None:
    at = [NOW - timedelta(minutes=m) for m in (90, 30, 10)]
    restarts.write(tmp_path, "sql", restarts.Restarts(at=at, reason="it was killed"))
    found = restarts.read(tmp_path, "sql")
    assert found.within_an_hour(NOW) == at[1:]
    assert found.note(NOW) == (
        "was started again 2 times within the hour, last at 02:50:00Z: it was killed"
    )
    assert found.note(NOW + timedelta(hours=1)) == ""


def test_an_engine_that_ends_too_often_says_until_when_it_waits() -> None:
    waits = restarts.Restarts(reason="it was killed", waits_until=NOW + timedelta(minutes=5))
    assert "it stays down until 03:05:00Z" in waits.note(NOW)


@pytest.mark.parametrize("text", ["", "{", '{"at": "yesterday"}'])
def test_a_broken_note_is_no_note(tmp_path: Path, text: str) -> None:
    restarts.path(tmp_path, "jobs").write_text(text)
    assert restarts.read(tmp_path, "jobs") == restarts.Restarts()


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        ("", "it was killed, or ended without a word"),
        ("all is well\n", "it was killed, or ended without a word"),
        (
            "Terminating due to java.lang.OutOfMemoryError: Java heap space\n",
            "it ran out of memory",
        ),
        (
            "2026-05-01T03:00:00.000Z FATAL DoorWatch: CIVICLAKE_ENDS Spark gave up\nmore\n",
            "Spark gave up",
        ),
    ],
)
def test_why_an_engine_ended_is_read_from_its_log(tmp_path: Path, log: str, reason: str) -> None:
    path = tmp_path / "engine.log"
    path.write_text(log)
    assert reason_of(path) == reason
    assert reason_of(tmp_path / "none.log") == "it was killed, or ended without a word"


def test_alerts_are_whole_lines(tmp_path: Path) -> None:
    for number in range(3):
        alerts.tell(tmp_path, f"the engine\nended {number}", engine="sql")
    lines = (tmp_path / "alerts.jsonl").read_text().splitlines()
    assert [json.loads(line)["alert"] for line in lines] == [
        f"the engine\nended {n}" for n in range(3)
    ]


def test_limits_are_written_for_everybody_and_for_single_logins(tmp_path: Path) -> None:
    base = load_settings()
    told = DoorLimits(rows=7, login={"ana": LoginLimits(seconds=3)})
    engine = base.engine.model_copy(update={"limits": told})
    settings = base.model_copy(update={"state_dir": tmp_path, "engine": engine})
    lines = limits.write(settings).read_text().splitlines()
    assert "rows=7" in lines
    assert "ana.seconds=3" in lines
    assert not [line for line in lines if line.startswith("ana.rows")]


@pytest.mark.parametrize(("master", "cores"), [("local[3]", 3), ("local[5,2]", 5)])
def test_how_many_processors_a_master_stands_for(master: str, cores: int) -> None:
    assert limits.cores(master) == cores


def test_only_names_of_logins_are_told_of_a_restart(tmp_path: Path) -> None:
    (tmp_path / limits.WORKING).write_text("ana\n-Dx=y\nbob,eve\nbob\n")
    assert limits.interrupted(tmp_path) == ["ana", "bob"]
    assert limits.interrupted(tmp_path / "none") == []


def test_what_an_engine_says_to_its_operator_is_told_once(tmp_path: Path) -> None:
    log = tmp_path / "engine.log"
    log.write_text("2026-05-01T03:00:00.000Z WARN WrongLogins: CIVICLAKE_ALERT before the watch\n")
    said = Alerts(log)
    with log.open("a") as file:
        file.write("2026-05-01T03:00:01.000Z WARN WrongLogins: CIVICLAKE_ALERT 5 wrong logins\n")
        file.write("2026-05-01T03:00:02.000Z INFO Refused: x CIVICLAKE_ALERT not one\n2026-05-01T")
    assert list(said.more()) == ["5 wrong logins"]
    assert list(said.more()) == []
    log.unlink()
    log.write_text("2026-05-01T03:01:00.000Z WARN WrongLogins: CIVICLAKE_ALERT in the next run\n")
    assert list(said.more()) == ["in the next run"]
