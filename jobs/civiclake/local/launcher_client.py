"""A command of ``civiclake`` run by the warm process of :mod:`civiclake.local.launcher`.

``bin/civiclake`` runs this file by itself, without the environment's packages: what it
imports is what every task waits for. Where nobody listens it becomes the plain command.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from types import FrameType

FORWARDED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def main(path: str, program: str, *arguments: str) -> int:
    """Ask for the command and wait for its end.

    Args:
        path: the launcher's socket.
        program: the plain command, for when nobody listens.
        arguments: of the command.

    Returns:
        The command's exit code.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        try:
            _ask(connection, path, arguments)
            answer = _wait(connection)
        except OSError:
            answer = None
    if answer is None:  # nobody there, or one that has to renew itself: it has begun nothing
        os.execv(program, [program, *arguments])  # noqa: S606 - the same command, without a shell
    return answer


def _ask(connection: socket.socket, path: str, arguments: tuple[str, ...]) -> None:
    connection.connect(path)
    mask = os.umask(0o022)
    os.umask(mask)
    request = {
        "arguments": arguments,
        "environment": dict(os.environ),
        "folder": os.getcwd(),  # noqa: PTH109 - pathlib costs 10 ms
        "mask": mask,
    }
    body = json.dumps(request).encode()
    socket.send_fds(connection, [len(body).to_bytes(4, "big")], [0, 1, 2])
    connection.sendall(body)


def _wait(connection: socket.socket) -> int | None:
    """The exit code; None when the launcher began nothing.

    The first byte says that the command has begun: from there on a silent end is a
    failure, never a reason to run it twice.
    """
    if connection.recv(1) != b"!":
        return None

    sent: list[int] = []

    def forward(number: int, frame: FrameType | None) -> None:
        sent.append(number)
        try:
            connection.send(bytes([number]))
        except OSError:
            sys.exit(128 + number)

    for number in FORWARDED:
        signal.signal(number, forward)
    try:
        code = connection.recv(1)
    except OSError:
        code = b""
    if code:
        return code[0]
    if sent:
        return 128 + sent[-1]
    sys.stderr.write("civiclake: the process that ran this command was killed\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
