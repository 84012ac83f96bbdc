"""A mail server on a port of this machine, which keeps what it is sent."""

from __future__ import annotations

import email
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from typing import Any

from aiosmtpd.controller import Controller


@dataclass
class Mails:
    """What came, and what is to be refused."""

    port: int
    taken: list[tuple[list[str], Message]] = field(default_factory=list)
    refused: str = ""
    """An address that the server does not know."""

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's own name
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        if address == self.refused:
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.taken.append((list(envelope.rcpt_tos), email.message_from_bytes(envelope.content)))
        return "250 OK"

    @property
    def uri(self) -> str:
        """As an Airflow connection."""
        options = "disable_ssl=true&disable_tls=true&retry_limit=0&timeout=5"
        return f"smtp://127.0.0.1:{self.port}?{options}&from_email=lake%40city.example"

    def text(self, number: int = -1) -> str:
        """A mail's body."""
        (part,) = self.taken[number][1].get_payload()
        return part.get_payload(decode=True).decode()  # type: ignore[union-attr]


def free_port() -> int:
    """A port on which nothing listens."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def running(mails: Mails) -> Iterator[Mails]:
    """Take mails until the block ends."""
    server = Controller(mails, hostname="127.0.0.1", port=mails.port)
    server.start()
    try:
        yield mails
    finally:
        server.stop()
