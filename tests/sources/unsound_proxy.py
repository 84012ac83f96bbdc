"""A proxy before a store that loses, delays and doubles what clients ask for, by a seed."""

from __future__ import annotations

import contextlib
import http.client
import random
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

FAULTS = ("answer lost", "late", "doubled", "reset before", "busy")


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    target: int
    share: float
    seed: random.Random
    done: Counter[str]

    def handle_error(self, request: object, client_address: object) -> None:
        """Broken connections are what it is for."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        is_hit = self.command == "PUT" and self.server.seed.random() < self.server.share
        fault = self.server.seed.choice(FAULTS) if is_hit else "none"
        self.server.done[fault] += 1
        if fault == "reset before":
            return self._reset()
        if fault == "busy":
            return self._answer(503, [("Content-Length", "0")], b"")
        answer = self._ask(body)
        if fault == "doubled":
            answer = self._ask(body)
        if fault == "late":
            time.sleep(0.5)
        if fault == "answer lost":
            return self._reset()
        return self._answer(*answer)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _serve  # noqa: N815 - as its base calls it

    def _ask(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        there = http.client.HTTPConnection("127.0.0.1", self.server.target, timeout=30)
        with contextlib.closing(there):
            headers = {k: v for k, v in self.headers.items() if k.lower() != "expect"}
            there.request(self.command, self.path, body=body, headers=headers)
            told = there.getresponse()
            return told.status, told.getheaders(), told.read()

    def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in ("transfer-encoding", "connection", "content-length"):
                self.send_header(name, value)
        length = {k.lower(): v for k, v in headers}.get("content-length", str(len(body)))
        self.send_header("Content-Length", length if self.command == "HEAD" else str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _reset(self) -> None:
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def log_message(self, *told: object) -> None:
        """Nothing: a request holds signatures."""


@contextlib.contextmanager
def unsound(target: int, share: float, seed: int = 1) -> Iterator[tuple[int, Counter[str]]]:
    """The proxy's port, and how often it did what.

    Args:
        target: port of the store.
        share: of the requests that write which are not served as they should be.
        seed: of the choice.
    """
    server = _Server(("127.0.0.1", 0), _Handler)
    server.target, server.share, server.done = target, share, Counter()
    server.seed = random.Random(seed)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield int(server.server_address[1]), server.done
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
