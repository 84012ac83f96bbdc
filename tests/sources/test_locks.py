"""One writer per table, by files and by a database alike: held, handed on, taken from the dead."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from civiclake.errors import FencedError, LockHeld
from civiclake.io.lake.lock import table_lock
from civiclake.local import postgres
from civiclake.settings import Settings
from civiclake.state import database
from civiclake.state.held import held

HOLDER = """
import sys, time
from pathlib import Path
from civiclake.io.lake.lock import table_lock
from civiclake.settings import Settings
from civiclake.settings_stores import StateSettings

settings = Settings(state_dir=Path(sys.argv[1]), state=StateSettings(url=sys.argv[2]))
with table_lock(settings, "parks_trees", holder="batch n1") as lock:
    lock.note(session="session-of-n1")
    print("held", lock.token, flush=True)
    time.sleep(60)
"""


@pytest.fixture(params=["files", "database"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    if request.param == "files":
        return Settings(state_dir=tmp_path)
    shared: Settings = request.getfixturevalue("shared")
    return shared


def _other_process(settings: Settings) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", HOLDER, str(settings.state_dir), settings.state.url]
    started = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert started.stdout is not None
    assert started.stdout.readline().startswith("held")
    return started


def test_tokens_only_grow(settings: Settings) -> None:
    tokens = []
    for number in range(3):
        with table_lock(settings, "parks_trees", holder=f"n{number}") as lock:
            lock.check()
            tokens.append(lock.token)
            assert lock.former is None  # the one before let go itself
    assert tokens == [1, 2, 3]


def test_tables_do_not_wait_for_each_other(settings: Settings) -> None:
    with (
        table_lock(settings, "parks_trees", holder="a") as one,
        table_lock(settings, "parks_parks", holder="b") as two,
    ):
        one.check()
        two.check()


def test_a_held_table_names_its_writer_and_is_taken_over_from_the_dead(
    settings: Settings,
) -> None:
    other = _other_process(settings)
    try:
        with (
            pytest.raises(LockHeld) as caught,
            table_lock(settings, "parks_trees", holder="batch n2"),
        ):
            pass
        at = f" on {socket.gethostname()}" if settings.state.url else ""
        assert str(caught.value) == (
            f"table parks_trees is being written by batch n1 (process {other.pid}{at});"
            " try again when it is done"
        )
    finally:
        other.send_signal(signal.SIGKILL)
        other.wait()
    stopped: list[dict[str, Any]] = []
    with table_lock(settings, "parks_trees", holder="batch n2", stop_former=stopped.append) as lock:
        assert lock.token == 2
        assert lock.former == stopped[0]
        assert stopped[0]["session"] == "session-of-n1"
        assert stopped[0]["pid"] == other.pid != os.getpid()


def test_a_waiting_writer_gets_the_table_when_it_is_free(settings: Settings) -> None:
    other = _other_process(settings)
    began = time.monotonic()
    try:
        with (
            pytest.raises(LockHeld),
            table_lock(settings, "parks_trees", holder="n2", timeout_seconds=0.3),
        ):
            pass
        assert time.monotonic() - began >= 0.3
    finally:
        other.terminate()
        other.wait()
    with table_lock(settings, "parks_trees", holder="n3", timeout_seconds=5):
        pass


def test_a_writer_that_lost_its_lock_must_not_commit(settings: Settings) -> None:
    with table_lock(settings, "parks_trees", holder="n1") as lock:
        lock.kept.claim({**lock.kept.read(), "token": 2})
        with pytest.raises(FencedError, match="holds token 1, but token 2 was given out since"):
            lock.check()


def test_a_writer_that_failed_lets_go(settings: Settings) -> None:
    with pytest.raises(ZeroDivisionError), table_lock(settings, "t", holder="n1"):
        raise ZeroDivisionError
    with table_lock(settings, "t", holder="n2") as lock:
        assert lock.former is None


def test_the_dead_stay_on_record_until_their_work_is_stopped(settings: Settings) -> None:
    other = _other_process(settings)
    other.kill()
    other.wait()

    def engine_is_down(record: dict[str, Any]) -> None:
        raise ConnectionError(record["session"])

    for _ in range(2):
        with (
            pytest.raises(ConnectionError, match="session-of-n1"),
            table_lock(settings, "parks_trees", holder="n2", stop_former=engine_is_down),
        ):
            pass
    stopped: list[dict[str, Any]] = []
    for _ in range(2):
        with table_lock(settings, "parks_trees", holder="n3", stop_former=stopped.append):
            pass
    assert [record["session"] for record in stopped] == ["session-of-n1"]


def test_who_gives_way_is_asked_and_waited_for(settings: Settings) -> None:
    held, seen = threading.Event(), []

    def maintain() -> None:
        with table_lock(settings, "parks_trees", holder="maintenance", gives_way=True) as lock:
            seen.append(lock.is_wanted())
            held.set()
            while not lock.is_wanted():
                time.sleep(0.01)
            seen.append(lock.is_wanted())

    holder = threading.Thread(target=maintain)
    holder.start()
    assert held.wait(10)
    began = time.monotonic()
    with table_lock(settings, "parks_trees", holder="n1") as lock:
        assert time.monotonic() - began < 5
        assert lock.token == 2
        assert not lock.is_wanted()  # the word is taken back
        # Who gives way waits for nobody, and asks nobody to.
        with (
            pytest.raises(LockHeld, match="being written by n1"),
            table_lock(settings, "parks_trees", holder="maintenance", gives_way=True),
        ):
            pass
        assert not lock.is_wanted()
    holder.join(10)
    assert seen == [False, True]


def test_the_word_of_one_that_was_killed_is_forgotten(tmp_path: Path) -> None:
    settings = Settings(state_dir=tmp_path)
    with table_lock(settings, "parks_trees", holder="maintenance", gives_way=True) as lock:
        word = settings.locks_dir / "parks_trees.wanted"
        word.touch()
        assert lock.is_wanted()
        old = time.time() - 3600
        os.utime(word, (old, old))
        assert not lock.is_wanted()


def test_a_word_goes_by_the_server_s_clock(
    shared: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with table_lock(shared, "parks_trees", holder="maintenance", gives_way=True) as lock:
        with database.asking(shared) as connection:
            connection.execute("UPDATE civiclake.locks SET wanted_at = clock_timestamp()")
        now = time.time
        for wrong in (-300, 300):  # this host's clock is five minutes off, either way
            monkeypatch.setattr(time, "time", lambda off=wrong: now() + off)
            assert lock.is_wanted()
        with database.asking(shared) as connection:
            connection.execute("UPDATE civiclake.locks SET wanted_at = now() - interval '61 s'")
        assert not lock.is_wanted()


def test_a_holder_whose_connection_was_lost_goes_on_when_nobody_came(
    shared: Settings, server: postgres.Server
) -> None:
    with table_lock(shared, "parks_trees", holder="n1") as lock:
        _cut(server)
        lock.check()
        _cut(server)
        lock.renew()
        _cut(server)
        lock.note(session="s")
        with (
            pytest.raises(LockHeld, match="being written by n1"),
            table_lock(shared, "parks_trees", holder="n2"),
        ):
            pass
    with table_lock(shared, "parks_trees", holder="n3") as lock:
        assert (lock.token, lock.former) == (3, None)


def test_a_late_writer_is_refused_and_leaves_the_younger_one_s_record(
    shared: Settings, server: postgres.Server
) -> None:
    with table_lock(shared, "parks_trees", holder="late") as late:
        _cut(server)
        with table_lock(shared, "parks_trees", holder="young") as young:
            for act in (late.check, late.renew, late.note_accounted):
                with pytest.raises(FencedError, match="a younger writer has taken the lock"):
                    act()
            young.check()
            assert young.kept.read()["holder"] == "young"
        # Neither does it find its way back when the other one is done.
        with pytest.raises(FencedError):
            late.check()
    with table_lock(shared, "parks_trees", holder="n3") as lock:
        assert (lock.token, lock.former) == (3, None)  # what was late has not unlocked anything


def test_short_work_waits_for_other_hosts_too(shared: Settings, tmp_path: Path) -> None:
    file = shared.locks_dir / ".create"
    with held(shared, file, "making a table"), pytest.raises(LockHeld) as caught:
        other = shared.model_copy(update={"state_dir": shared.state_dir})
        with held(other, file, "making another", timeout_s=0.2):
            pass
    assert "making another waited 0.2 s for the lock locks/.create in the state's" in str(
        caught.value
    )
    with held(shared, file, "making a table", timeout_s=0.2):
        pass


def _cut(server: postgres.Server) -> None:
    """What the server does when a connection breaks: it ends, and its locks are free."""
    cut = (
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE application_name LIKE 'civiclake-lock-%'"
    )
    with server.connect() as connection:
        assert connection.execute(cut).fetchall()
