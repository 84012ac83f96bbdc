"""A proxy before an object store that counts what clients ask for."""

from __future__ import annotations

import contextlib
import http.client
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    target: int
    seen: Counter[str]


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.seen[self.command] += 1
        there = http.client.HTTPConnection("127.0.0.1", self.server.target, timeout=60)
        headers = {k: v for k, v in self.headers.items() if k.lower() != "expect"}
        with contextlib.closing(there):
            there.request(self.command, self.path, body=body, headers=headers)
            told = there.getresponse()
            content, found = told.read(), told.getheaders()
        self.send_response_only(told.status)
        for name, value in found:
            if name.lower() not in ("transfer-encoding", "connection"):
                self.send_header(name, value)
        if not any(name.lower() == "content-length" for name, _ in found):
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _serve  # noqa: N815 - as its base calls it

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def counted(port: int) -> Iterator[tuple[int, Counter[str]]]:
    """A proxy before the store at a port: its own port, and what was asked so far by method."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.target, server.seen = port, Counter()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1], server.seen
    finally:
        server.shutdown()
        server.server_close()
