"""Whether an engine answers: by the first bytes of its own protocol, without a login.

A port alone says little: the system accepts connections for a process that is stopped, or
that does nothing but collect garbage.
"""

from __future__ import annotations

import socket
import struct
from enum import Enum

_HTTP2_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
"""What begins every connection of gRPC; the server's settings come back."""
_MECHANISM = b"CIVICLAKE-PING"
_SASL_START = struct.pack(">BI", 1, len(_MECHANISM)) + _MECHANISM + struct.pack(">BI", 1, 0)
"""A way of login that does not exist: it is refused without looking anybody up."""
_GREETINGS = {"jobs": _HTTP2_PREFACE, "sql": _SASL_START}


class Answer(Enum):
    """What became of a greeting."""

    ANSWERED = "answers"
    REFUSED = "is not there"
    SILENT = "does not answer"


def ping(name: str, host: str, port: int, timeout_s: float = 5.0) -> Answer:
    """Greet an engine.

    Args:
        name: ``jobs`` or ``sql``; of others it is enough that they take a connection.
        host: where it listens.
        port: where it listens.
        timeout_s: how long it may take, in seconds.
    """
    try:
        with socket.create_connection((host, port), timeout=timeout_s) as connection:
            if name not in _GREETINGS:
                return Answer.ANSWERED
            connection.settimeout(timeout_s)
            connection.sendall(_GREETINGS[name])
            connection.recv(1)  # a byte, or its end: either way somebody is at home
            return Answer.ANSWERED
    except TimeoutError:
        return Answer.SILENT
    except ConnectionResetError:
        return Answer.ANSWERED
    except OSError:
        return Answer.REFUSED
