"""Ports of this machine: which ones are free, and a sentence where one is not."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Collection, Sequence
from pathlib import Path

from civiclake.errors import CivicLakeError, UserError

_LOWEST = 10_000


def port_open(host: str, port: int) -> bool:
    """Whether something accepts connections there."""
    try:
        with socket.create_connection((host, port), timeout=1.0):
            return True
    except OSError:
        return False


def free_port(preferred: int, *, host: str = "127.0.0.1") -> int:
    """The preferred port if nobody has it, else any free one."""
    return preferred if preferred and _is_free(preferred, host) else free_row(1, host=host)[0]


def free_ports(count: int, *, taken: Collection[int] = ()) -> list[int]:
    """So many different ports that nobody has.

    Args:
        count: how many.
        taken: ports that are spoken for: until somebody listens, one may be given twice.
    """
    found: list[int] = []
    while len(found) < count:
        found += free_row(1, taken={*taken, *found})
    return found


def free_row(count: int, *, host: str = "127.0.0.1", taken: Collection[int] = ()) -> list[int]:
    """So many ports one after the other that nobody has.

    They are none that the system gives to outgoing connections: whichever of those is free now
    may be somebody's end of a connection before its server listens.

    Args:
        count: how many.
        host: where they shall be free.
        taken: ports that are spoken for.
    """
    below = _first_outgoing() - count
    for _ in range(1000):
        first = _LOWEST + secrets.randbelow(below - _LOWEST)
        row = list(range(first, first + count))
        if not set(row) & set(taken) and all(_is_free(port, host) for port in row):
            return row
    raise CivicLakeError(f"no {count} ports in a row are free on {host}")


def _first_outgoing() -> int:
    """The first port that the system gives to outgoing connections."""
    try:
        low = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    except (OSError, ValueError):
        return 32_768  # Linux's own; other systems begin higher
    return low if low >= _LOWEST + 2_000 else 32_768


def _is_free(port: int, host: str) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def refuse_taken(name: str, ports: Sequence[int], *, host: str = "127.0.0.1") -> None:
    """Before a server starts that would end by it: somebody else listens there.

    Args:
        name: the server's, as people know it.
        ports: all that it needs.
        host: where it listens.

    Raises:
        UserError: names the ports that are taken.
    """
    taken = [str(port) for port in ports if port_open(host, port)]
    if taken:
        needed = f" (it needs {', '.join(map(str, ports))})" if len(ports) > 1 else ""
        raise UserError(
            f"port {' and '.join(taken)} of {name} is taken: free it, or choose another port"
            f"{needed}"
        )
