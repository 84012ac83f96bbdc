"""Ports that are free, and none that somebody else may get meanwhile."""

from __future__ import annotations

import socket

from civiclake.local import ports


def test_ports() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert ports.port_open("127.0.0.1", port)
        assert ports.free_port(port) != port
    assert not ports.port_open("127.0.0.1", port)
    assert ports.free_port(port) == port


def test_ports_are_different_and_none_that_is_spoken_for() -> None:
    first = ports.free_ports(3)
    assert len(set(first)) == 3
    assert not set(first) & set(ports.free_ports(3, taken=first))


def test_ports_in_a_row_are_all_free_and_none_that_outgoing_connections_get() -> None:
    """A store's inner ports follow its own: one of them was taken, and the store ended."""
    row = ports.free_row(8)
    assert row == list(range(row[0], row[0] + 8))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", row[3]))
        taken.listen()
        assert ports.free_port(row[3]) != row[3]
        with socket.socket() as outgoing:
            outgoing.connect(("127.0.0.1", row[3]))
            assert outgoing.getsockname()[1] > max(row)
