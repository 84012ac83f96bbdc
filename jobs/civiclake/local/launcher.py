"""A warm process that becomes a task: it has imported everything, and forks.

Importing Spark's client and Great Expectations takes four seconds of a core, more than a
small batch's own work. The launcher imports them once; each command is a fork of it with
the caller's arguments, environment, folder and standard streams. It holds no secret, keeps
no session, and where it is missing the command runs as a process of its own.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import signal
import socket
import struct
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import NoReturn

from civiclake.local import process

NAME = "launcher"
_PATIENCE_S = 5.0
_MAX_REQUEST_BYTES = 4 << 20
_MAX_PATH = 100
"""The system's limit for a socket's path is 104 or 108 bytes."""
_GIVEN = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

Run = Callable[[Sequence[str]], int]


def socket_path(run_dir: Path) -> Path:
    """Where the launcher of that run folder listens; ``bin/civiclake`` knows it too."""
    return run_dir / "launcher.sock"


def start(run_dir: Path, command: Sequence[str]) -> bool:
    """Start it, detached; false where this system can't have one.

    Args:
        run_dir: folder of process ids, logs and the socket.
        command: program that calls :func:`serve`; the socket's path is added.
    """
    path = socket_path(run_dir)
    if sys.platform != "linux" or len(os.fsencode(path)) > _MAX_PATH:
        return False
    process.start(NAME, [*command, str(path)], run_dir=run_dir, cwd=run_dir)
    return True


def stop(run_dir: Path) -> bool:
    """Stop it, and the commands that it still runs."""
    was = process.stop(NAME, run_dir)
    socket_path(run_dir).unlink(missing_ok=True)
    return was


@dataclass(frozen=True)
class _Request:
    arguments: list[str]
    environment: dict[str, str]
    folder: str
    mask: int
    streams: tuple[int, int, int]


def serve(path: Path, run: Run, is_stale: Callable[[], bool]) -> None:
    """Fork a command for every caller until this program's own files have changed.

    Args:
        path: the socket, made here for this user alone.
        run: takes a command's arguments to its exit code, in a process of its own.
        is_stale: whether what was imported is no longer what stands on disk.
    """
    signal.signal(signal.SIGCHLD, _reap)
    gc.collect()
    gc.freeze()  # or every child would copy what its first collection touches
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        ours = _listen(listener, path)
        while True:
            connection, _ = listener.accept()
            with connection:
                if is_stale():  # unanswered, the caller runs its command plainly
                    break
                _answer(listener, connection, run)
        with contextlib.suppress(FileNotFoundError):
            if path.stat().st_ino == ours:  # and not of one that was started meanwhile
                path.unlink()


def _listen(listener: socket.socket, path: Path) -> int:
    """Let the socket appear under its name when it listens, for this user alone.

    Whoever finds the name may call at once: bound under it, the socket would refuse callers
    until it listens, and have the mode of the folder's other files until it is changed.

    Returns:
        The number by which the file system knows it.
    """
    fresh = path.with_name(f"l.{os.getpid()}")  # no longer than a path may be that has our name
    fresh.unlink(missing_ok=True)
    mask = os.umask(0o177)
    try:
        listener.bind(str(fresh))
    finally:
        os.umask(mask)
    listener.listen(64)
    fresh.rename(path)
    return path.stat().st_ino


def _reap(number: int, frame: FrameType | None) -> None:
    """Take note that children have ended; their callers know it from themselves."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _answer(listener: socket.socket, connection: socket.socket, run: Run) -> None:
    if _peer(connection) != os.geteuid():
        return
    try:
        request = _receive(connection)
    except (OSError, ValueError, KeyError, TypeError) as error:
        sys.stderr.write(f"launcher: a request that can't be read: {error}\n")
        return
    sys.stdout.flush()
    sys.stderr.flush()
    if os.fork() == 0:
        listener.close()
        _become(connection, request, run)
    for handle in request.streams:
        os.close(handle)


def _peer(connection: socket.socket) -> int:
    """User id of the caller, by the kernel's word."""
    size = struct.calcsize("3i")
    found = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
    return int(struct.unpack("3i", found)[1])


def _receive(connection: socket.socket) -> _Request:
    connection.settimeout(_PATIENCE_S)
    head, handles, _, _ = socket.recv_fds(connection, 4, 3)
    try:
        if len(head) != 4 or len(handles) != 3:
            raise ValueError("its head is not four bytes and three streams")
        left = int.from_bytes(head, "big")
        if left > _MAX_REQUEST_BYTES:
            raise ValueError(f"it has {left} bytes")
        body = bytearray()
        while len(body) < left:
            part = connection.recv(left - len(body))
            if not part:
                raise ValueError("it broke off")
            body += part
        said = json.loads(body)
        streams = (handles[0], handles[1], handles[2])
        return _Request(
            list(said["arguments"]),
            dict(said["environment"]),
            said["folder"],
            said["mask"],
            streams,
        )
    except Exception:
        for handle in handles:
            os.close(handle)
        raise


def _become(connection: socket.socket, request: _Request, run: Run) -> NoReturn:
    """The child: take the caller's place, run, and say how it ended."""
    code = 1
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        # What was started in the background is deaf to it, and so would all its children be.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for number, handle in enumerate(request.streams):
            os.dup2(handle, number)
            os.close(handle)
        sys.stdin, sys.stdout, sys.stderr = (
            open(number, mode, closefd=False, encoding="utf-8", errors="replace")  # noqa: SIM115
            for number, mode in ((0, "r"), (1, "w"), (2, "w"))
        )
        os.environ.clear()
        os.environ.update(request.environment)
        os.umask(request.mask)
        os.chdir(request.folder)
        connection.settimeout(None)
        connection.sendall(b"!")
        threading.Thread(target=_obey, args=(connection,), daemon=True).start()
        code = run(request.arguments)
    except BaseException:  # noqa: BLE001 - nothing may lead back into the launcher's own loop
        traceback.print_exc()
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    with contextlib.suppress(OSError):
        connection.sendall(bytes([code & 0xFF]))
    raise SystemExit(code)


def _obey(connection: socket.socket) -> None:
    """Pass on the caller's signals; a caller that is gone can't want the work any more."""
    while True:
        try:
            said = connection.recv(1)
        except OSError:
            said = b""
        number = signal.Signals(said[0]) if said and said[0] in _GIVEN else signal.SIGTERM
        os.kill(os.getpid(), number)
        if not said:
            return
