"""What somebody else on the machine gets from the ports of an engine, without a credential."""

from __future__ import annotations

import json
import os
import pwd
import subprocess
import sys

import psutil

_ASK = """\
import encodings.idna, json, os, socket, struct, sys
ports, user = json.loads(sys.argv[1]), int(sys.argv[2])
if user:
    os.setgroups([])
    os.setgid(user)
    os.setuid(user)
said = {}
for port in ports:
    # A request (kind 3) of Spark's RPC to an endpoint that does not exist.
    body = b"\\0" * 4
    frame = struct.pack(">BqI", 3, 7, len(body)) + body
    with socket.create_connection(("127.0.0.1", port), timeout=10) as asked:
        asked.sendall(struct.pack(">q", len(frame) + 8) + frame)
        asked.shutdown(socket.SHUT_WR)
        found = b""
        while part := asked.recv(65536):
            found += part
    said[port] = found.decode(errors="replace")
print(json.dumps(said))
"""


def listening(pid: int) -> list[int]:
    """The ports at which a process listens."""
    connections = psutil.Process(pid).net_connections("tcp")
    return sorted(c.laddr.port for c in connections if c.status == psutil.CONN_LISTEN)


def answers(ports: list[int]) -> dict[int, str]:
    """What each port says to a request without a credential; as root, of the user ``nobody``."""
    user = pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else 0
    ran = subprocess.run(
        [sys.executable, "-IS", "-c", _ASK, json.dumps(ports), str(user)],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    return {int(port): said for port, said in json.loads(ran.stdout).items()}
