"""What another user of the machine finds: no file, no lock, no socket, no process tells anything.

Root asks as an unprivileged user, by the kernel's own word. Whoever is not root can't become
somebody else; the same tests then look for the bits that would let others in.
"""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from civiclake import secrets
from civiclake.engine import analysts, connect_server, sql_server
from civiclake.io.lake.lock import table_lock
from civiclake.local import launcher
from civiclake.settings import Settings

_OTHER = 65534
"""Who has no rights anywhere, on every Unix; it needs no name."""
_BECOME = """
import fcntl, os, socket, sys
who, group = int(sys.argv[1]), int(sys.argv[2])
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(group)
    os.setuid(who)
"""
_OPENS = """
for path in sys.stdin.read().splitlines():
    for way in (os.O_RDONLY, os.O_WRONLY | os.O_APPEND):
        try:
            os.close(os.open(path, way | os.O_NONBLOCK))
        except OSError:
            continue
        print(path)
        break
"""
_HOLDS = "fcntl.flock(open(sys.argv[3]), fcntl.LOCK_EX | fcntl.LOCK_NB)"
_KNOCKS = "socket.socket(socket.AF_UNIX).connect(sys.argv[3])"


def _as(
    who: int, group: int, script: str, *arguments: str, said: str = ""
) -> subprocess.CompletedProcess[str]:
    """Our own Python, which others may not start, becomes the other user and then tries."""
    return subprocess.run(
        [sys.executable, "-IS", "-c", _BECOME + script, str(who), str(group), *arguments],
        input=said, text=True, capture_output=True, check=False, cwd="/",
    )  # fmt: skip


def _opened(paths: list[Path], who: int = _OTHER, group: int = _OTHER) -> list[str]:
    asked = _as(who, group, _OPENS, said="\n".join(map(str, paths)))
    assert asked.returncode == 0, asked.stderr
    return asked.stdout.splitlines()


def _open_to_others(paths: list[Path]) -> list[str]:
    if os.geteuid() == 0:
        return _opened(paths)
    return [str(p) for p in paths if stat.S_IMODE(p.stat().st_mode) & 0o077 and _reached(p)]


def _reached(path: Path) -> bool:
    """Whether nobody above keeps others out."""
    return all(p.stat().st_mode & 0o011 for p in path.parents)


def _fails(script: str, path: Path) -> bool:
    """Whether another user gets nowhere with it."""
    ran = _as(_OTHER, _OTHER, script, str(path))
    return ran.returncode != 0 and "PermissionError" in ran.stderr


def _all(root: Path) -> list[Path]:
    # The tests' own event logs are written there by both engines' users.
    return [p for p in root.rglob("*") if "events" not in p.relative_to(root).parts[:1]]


def test_no_file_opens(spark: SparkSession, lake: Settings) -> None:
    with table_lock(lake, "parks_trees", holder="somebody"):
        paths = _all(lake.state_dir)
        names = {p.name for p in paths}
        assert {"connect_token", "analysts", "engine-sql.args", "parks_trees.lock"} <= names
        assert any(p.suffix == ".parquet" for p in paths)
        assert _open_to_others(paths) == []


def test_no_lock_is_held(spark: SparkSession, lake: Settings) -> None:
    analysts.add(lake, "locked")
    analysts.remove(lake, "locked")
    with table_lock(lake, "parks_trees", holder="somebody"):
        pass
    locks = [*lake.run_dir.glob(".*.lock"), *lake.locks_dir.glob("*.lock")]
    assert len(locks) >= 3
    if os.geteuid() == 0:
        assert all(_fails(_HOLDS, path) for path in locks)
    assert {stat.S_IMODE(path.stat().st_mode) for path in locks} == {0o600}
    assert {stat.S_IMODE(p.parent.stat().st_mode) for p in locks} == {0o700}


def test_no_socket_of_a_command_answers(spark: SparkSession, lake: Settings) -> None:
    path = launcher.socket_path(lake.run_dir)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    if os.geteuid() == 0:
        assert _fails(_KNOCKS, path)


@pytest.mark.parametrize("engine", [connect_server, sql_server])
def test_no_process_tells(engine: object, spark: SparkSession, lake: Settings) -> None:
    record = engine.service(lake).running()  # type: ignore[attr-defined]
    assert record is not None
    process = Path("/proc") / str(record.pid)
    told = (process / "cmdline").read_bytes()
    for name in ("connect_token", "pseudonym_key_k1", "analyst_password"):
        assert secrets.get(lake, name).encode() not in told
    if os.geteuid() == 0:
        closed = [process / name for name in ("environ", "maps", "mem", "fd", "io")]
        assert _open_to_others(closed) == []


def test_the_door_runs_as_a_user_of_its_own(lake: Settings) -> None:
    record = sql_server.service(lake).running()
    assert record is not None
    status = Path(f"/proc/{record.pid}/status").read_text().splitlines()
    owner = int(next(line for line in status if line.startswith("Uid:")).split()[1])
    if os.geteuid() == 0:
        import pwd

        assert pwd.getpwuid(owner).pw_name == "civiclake-door"
        assert record.note == ""
    else:
        assert owner == os.geteuid()
        assert "no second wall" in record.note


def test_the_doors_user_reads_open_tables_and_nothing_else(
    spark: SparkSession, lake: Settings
) -> None:
    if os.geteuid() != 0:
        # The door's user is ours, as its note says; the lake is nobody else's.
        assert stat.S_IMODE(Path(lake.lake).stat().st_mode) == 0o700
        return
    import pwd

    door = pwd.getpwnam("civiclake-door")
    root = Path(lake.state_dir)
    opened = _opened(_all(root), door.pw_uid, door.pw_gid)
    found = {Path(line).relative_to(root).parts[:2] for line in opened}
    shared = {("lake",), ("lake", "unified"), ("lake", "marts"), ("lake", "elsewhere")}
    assert found - shared - {("spark", "sql")} <= {
        ("door",),
        ("door", "analysts"),
        ("door", "limits"),
    }
    links = [line for line in opened if "_link/" in line]
    assert links == []
