"""The warm process: a command run by it is the command, to everyone who can tell."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from civiclake.local import launcher, launcher_client

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="launchers are for Linux")

SERVER = """
import json, os, sys, time
from pathlib import Path
from civiclake.local import launcher

def run(arguments):
    verb, *rest = arguments
    if verb == "tell":
        mask = os.umask(0)
        facts = {"rest": rest, "folder": os.getcwd(), "mask": mask, "pid": os.getpid(),
                 "environment": dict(os.environ), "said": sys.stdin.read()}
        print(json.dumps(facts))
        print("aside", file=sys.stderr)
    elif verb == "raise":
        raise RuntimeError("broken")
    elif verb == "sleep":
        Path(rest[0]).write_text(str(os.getpid()))
        try:
            time.sleep(30)
        except KeyboardInterrupt:
            return 9
    return int(rest[-1]) if verb == "exit" else 0

marker = Path(sys.argv[2])
launcher.serve(Path(sys.argv[1]), run, marker.exists)
"""
PLAIN = '#!/bin/sh\necho plain "$@"\n'


class Warm:
    """A launcher of its own, and callers of it."""

    def __init__(self, folder: Path) -> None:
        self.socket = folder / "l.sock"
        self.stale = folder / "stale"
        self.plain = folder / "plain"
        self.plain.write_text(PLAIN)
        self.plain.chmod(0o755)
        script = folder / "server.py"
        script.write_text(SERVER)
        self.server = subprocess.Popen([sys.executable, script, self.socket, self.stale])
        until(self.socket.exists)

    def call(self, *arguments: str, **options: object) -> subprocess.Popen[str]:
        client = Path(launcher_client.__file__)
        command = [sys.executable, "-IS", client, self.socket, self.plain, *arguments]
        return subprocess.Popen(
            command,
            stdout=-1,
            stderr=-1,
            stdin=-1,
            text=True,
            **options,  # type: ignore[call-overload]
        )


def until(met: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not met():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


def alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


@pytest.fixture
def warm(tmp_path: Path) -> Iterator[Warm]:
    made = Warm(tmp_path)
    yield made
    made.server.kill()
    made.server.wait()


def test_command_has_its_callers_place(warm: Warm, tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    environment = {"ONLY": "this", "LANG": "C"}
    called = warm.call("tell", "a b", "ä", cwd=folder, env=environment, umask=0o027)
    out, aside = called.communicate("given\n", timeout=20)
    facts = json.loads(out)
    assert facts.pop("pid") != called.pid
    assert {k: facts["environment"].get(k) for k in environment} == environment
    assert "PATH" not in facts.pop("environment")
    assert facts == {"rest": ["a b", "ä"], "folder": str(folder), "mask": 0o027, "said": "given\n"}
    assert (aside, called.returncode) == ("aside\n", 0)


def test_exit_code_and_traceback_come_back(warm: Warm) -> None:
    assert warm.call("exit", "75").wait(20) == 75
    broken = warm.call("raise")
    assert "RuntimeError: broken" in broken.communicate(timeout=20)[1]
    assert broken.returncode == 1
    assert warm.call("exit", "3").wait(20) == 3  # the launcher itself is unharmed


def test_many_run_at_once(warm: Warm) -> None:
    calls = [warm.call("exit", str(number)) for number in range(12)]
    assert [call.wait(20) for call in calls] == list(range(12))


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 9), (signal.SIGTERM, 143)])
def test_signal_to_the_caller_reaches_the_command(
    warm: Warm, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    called = warm.call("sleep", str(tmp_path / "pid"))
    until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text() != "")
    pid = int((tmp_path / "pid").read_text())
    called.send_signal(number)
    assert called.wait(20) == code
    until(lambda: not alive(pid))


def test_command_ends_with_a_caller_that_is_killed(warm: Warm, tmp_path: Path) -> None:
    called = warm.call("sleep", str(tmp_path / "pid"))
    until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text() != "")
    pid = int((tmp_path / "pid").read_text())
    called.kill()
    until(lambda: not alive(pid))


def test_killed_command_is_a_failure_and_not_run_again(warm: Warm, tmp_path: Path) -> None:
    called = warm.call("sleep", str(tmp_path / "pid"))
    until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text() != "")
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)
    out, aside = called.communicate(timeout=20)
    assert (out, called.returncode) == ("", 1)
    assert "was killed" in aside


def test_without_a_launcher_the_command_runs_plainly(warm: Warm) -> None:
    warm.server.kill()
    warm.server.wait()
    assert warm.call("exit", "3").communicate(timeout=20)[0] == "plain exit 3\n"
    warm.socket.unlink()
    assert warm.call("exit", "3").communicate(timeout=20)[0] == "plain exit 3\n"


def test_launcher_whose_files_have_changed_runs_nothing(warm: Warm) -> None:
    warm.stale.touch()
    assert warm.call("exit", "3").communicate(timeout=20)[0] == "plain exit 3\n"
    assert warm.server.wait(20) == 0
    assert not warm.socket.exists()


def test_request_that_can_not_be_read_harms_nobody(warm: Warm) -> None:
    for head in (b"", b"abc", b"\x00\x00\x00\x02{}", b"\xff\xff\xff\xff"):
        with socket.socket(socket.AF_UNIX) as caller:
            caller.connect(str(warm.socket))
            if head:
                socket.send_fds(caller, [head], [0, 1, 2])
    assert warm.call("exit", "4").wait(20) == 4


def test_socket_is_for_its_user_alone(warm: Warm) -> None:
    assert warm.socket.stat().st_mode & 0o777 == 0o600


HESITANT = """
import sys, time
from pathlib import Path
from civiclake.local import launcher

class Hesitant(launcher.socket.socket):
    def listen(self, backlog):
        while not Path(sys.argv[2]).exists():
            time.sleep(0.005)
        super().listen(backlog)

launcher.socket.socket = Hesitant
launcher.serve(Path(sys.argv[1]), lambda arguments: 5, lambda: False)
"""


def test_socket_has_its_name_only_once_it_listens(tmp_path: Path) -> None:
    at, may_listen = tmp_path / "l.sock", tmp_path / "may"
    at.touch()  # what a launcher that was killed leaves is in nobody's way
    command = [sys.executable, "-c", HESITANT, str(at), str(may_listen)]
    with subprocess.Popen(command) as server:
        bound = tmp_path / f"l.{server.pid}"
        until(bound.exists)
        assert bound.stat().st_mode & 0o777 == 0o600
        assert at.is_file()
        may_listen.touch()
        until(at.is_socket)
        with socket.socket(socket.AF_UNIX) as caller:
            caller.connect(str(at))  # refused, it would raise
        assert at.stat().st_mode & 0o777 == 0o600
        assert not bound.exists()
        server.kill()


def test_launcher_that_ends_leaves_the_name_to_its_successor(warm: Warm) -> None:
    first, before = warm.server, warm.socket.stat().st_ino
    script, never = warm.socket.with_name("server.py"), warm.socket.with_name("never")
    with socket.socket(socket.AF_UNIX) as slow, socket.socket(socket.AF_UNIX) as waiting:
        slow.connect(str(warm.socket))  # keeps the first one busy
        waiting.connect(str(warm.socket))
        warm.server = subprocess.Popen([sys.executable, script, warm.socket, never])
        until(lambda: warm.socket.stat().st_ino != before)
        warm.stale.touch()
        slow.close()
        assert first.wait(20) == 0
    assert warm.call("exit", "6").wait(20) == 6


def test_run_folder_too_deep_for_a_socket_has_no_launcher(tmp_path: Path) -> None:
    assert not launcher.start(tmp_path / ("x" * 120), ["never", "started"])
