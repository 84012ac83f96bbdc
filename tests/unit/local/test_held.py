"""Short locks: waited for so long, and their holder named."""

from __future__ import annotations

import fcntl
import os
import stat
import time
from pathlib import Path

import pytest

from civiclake.engine import analysts
from civiclake.errors import LockHeld
from civiclake.io.lake.lock import table_lock
from civiclake.local.held import held
from civiclake.settings import Settings


def test_a_held_lock_names_its_holder_in_time(tmp_path: Path) -> None:
    path = tmp_path / "run" / ".lock"
    path.parent.mkdir()
    began = time.monotonic()
    with (
        path.open("w") as stranger,
        pytest.raises(LockHeld, match=rf"doing it waited 0\.1 s for .* process {os.getpid()} \("),
    ):
        fcntl.flock(stranger, fcntl.LOCK_EX)
        with held(path, "doing it", timeout_s=0.1):
            pass
    assert time.monotonic() - began < 5


def test_a_lock_is_ours_alone_and_closes_one_that_stood_open(tmp_path: Path) -> None:
    old = tmp_path / "old.lock"
    old.touch(0o644)
    for path in (tmp_path / "locks" / "new.lock", old):
        with held(path, "doing it"):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "locks").stat().st_mode) == 0o700


def test_whoever_holds_a_tables_lock_without_a_word_is_named(tmp_path: Path) -> None:
    settings = Settings(state_dir=tmp_path)
    with table_lock(settings, "parks_trees", holder="n1"):
        pass
    path = settings.locks_dir / "parks_trees.lock"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with path.open("w") as stranger:
        fcntl.flock(stranger, fcntl.LOCK_EX)
        with (
            pytest.raises(LockHeld, match=f"being written by process {os.getpid()}"),
            table_lock(settings, "parks_trees", holder="n2"),
        ):
            pass


def test_the_list_of_analysts_is_locked_where_its_reader_can_not_go(tmp_path: Path) -> None:
    settings = Settings(state_dir=tmp_path)
    analysts.add(settings, "anna")
    assert [p.name for p in analysts.path(settings).parent.iterdir()] == ["analysts"]
    assert stat.S_IMODE(settings.run_dir.stat().st_mode) == 0o700
