"""Long-lived processes: real ones, started and stopped."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from civiclake.errors import CivicLakeError, UserError
from civiclake.local import process

SLEEP = ["sleep", "60"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    " print('ready', flush=True); time.sleep(60)",
]


def _living(group: int) -> list[str]:
    states = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, pgid, *_ = stat.read_text().rpartition(")")[2].split()
            if int(pgid) == group and state != "Z":
                states.append(state)
    return states


def test_started_found_and_stopped(tmp_path: Path) -> None:
    started = process.start("one", SLEEP, run_dir=tmp_path, facts={"port": "7", "note": "x"})
    assert process.start("one", SLEEP, run_dir=tmp_path) == started
    found = process.status("one", tmp_path)
    assert found == started
    assert found is not None
    assert found.facts == {"port": "7", "note": "x"}
    assert process.stop("one", tmp_path)
    assert process.status("one", tmp_path) is None
    assert not process.stop("one", tmp_path)


def test_several_who_start_at_once_start_one(tmp_path: Path) -> None:
    with ThreadPoolExecutor(6) as pool:
        started = list(pool.map(lambda _: process.start("one", SLEEP, run_dir=tmp_path), range(6)))
    try:
        assert len({one.pid for one in started}) == 1
    finally:
        process.stop("one", tmp_path)


def test_another_process_with_the_same_id_is_left_alone(tmp_path: Path) -> None:
    with subprocess.Popen(SLEEP) as other:
        record = {"pid": other.pid, "born": "in another life"}
        (tmp_path / "one.pid").write_text(json.dumps(record))
        assert process.status("one", tmp_path) is None
        assert not process.stop("one", tmp_path)
        assert other.poll() is None
        other.kill()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}', '{"pid": "x", "born": "y"}'])
def test_broken_record_is_no_process(tmp_path: Path, text: str) -> None:
    (tmp_path / "one.pid").write_text(text)
    assert process.status("one", tmp_path) is None


def test_what_does_not_end_by_itself_is_killed_with_its_children(tmp_path: Path) -> None:
    log = tmp_path / "one.log"
    command = ["/bin/sh", "-c", 'trap "" TERM; sleep 61 & "$@"', "sh", *STUBBORN]
    running = process.start("one", command, run_dir=tmp_path)
    end = time.monotonic() + 20
    while "ready" not in log.read_text() and time.monotonic() < end:
        time.sleep(0.05)
    assert process.stop("one", tmp_path, timeout_s=0.3, first=signal.SIGTERM)
    assert not process.is_alive(running)
    while _living(running.pid) and time.monotonic() < end:
        time.sleep(0.05)
    assert _living(running.pid) == []


def test_program_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="one can't be started with /no/such/program: No such file"):
        process.start("one", ["/no/such/program"], run_dir=tmp_path)


def test_waiting_ends_when_the_process_does(tmp_path: Path) -> None:
    running = process.start("one", ["false"], run_dir=tmp_path)
    with pytest.raises(CivicLakeError, match=r"one ended while it started; see .*one.log"):
        process.wait_port("127.0.0.1", 1, timeout_s=20, running=running)


def test_waiting_ends_in_time(tmp_path: Path) -> None:
    running = process.start("one", SLEEP, run_dir=tmp_path)
    with pytest.raises(CivicLakeError, match=r"did not listen on 127.0.0.1:1 within 0 s"):
        process.wait_port("127.0.0.1", 1, timeout_s=0.2, running=running)
    process.stop("one", tmp_path)


def test_a_program_that_is_not_there_is_told_for_another_user_too(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="x can't be started with /no/program: No such file"):
        process.start("x", ["/no/program"], run_dir=tmp_path, user="nobody")
