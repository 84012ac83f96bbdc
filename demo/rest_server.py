"""A department's registers over HTTP: a small real server, with every paging and login there is.

A register is a file ``<name>.json`` in the server's folder, ``{"key": ..., "updated": ...,
"auth": ..., "records": [...]}``; it is read again when it changes. ``/page/<name>``,
``/offset/<name>``, ``/cursor/<name>`` and ``/link/<name>`` give its records page by page,
``/whole/<name>`` at once. Each takes ``per_page`` and ``updated_since``.

With the key of the test's control in its environment, ``POST /control`` takes a list of faults
and edits, one for each request that follows; without it there is no such address.
"""

from __future__ import annotations

import argparse
import base64
import bisect
import hmac
import json
import os
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from civiclake import secrets
from civiclake.local import ports, process
from civiclake.settings import load_settings

HOST = "127.0.0.1"
NAME = "rest-server"
MOST_PER_PAGE = 1000
_VARIABLES = {"token": "REST_SERVER_TOKEN", "user": "REST_SERVER_USER",
              "password": "REST_SERVER_PASSWORD", "api_key": "REST_SERVER_API_KEY",
              "control": "REST_SERVER_CONTROL"}  # fmt: skip
Record = dict[str, Any]


@dataclass(frozen=True)
class Logins:
    """What callers must know; ``control`` opens the tests' control."""

    token: str = field(repr=False)
    password: str = field(repr=False)
    api_key: str = field(repr=False)
    user: str = "civiclake"
    control: str = field(default="", repr=False)


def start(
    folder: Path,
    port: int,
    logins: Logins,
    *,
    run_dir: Path,
    name: str = NAME,
    requests_per_second: float = 1000,
) -> str:
    """Start a server and wait until it listens; returns its address.

    Args:
        folder: of the registers.
        port: TCP port on the loopback.
        logins: what callers must know.
        run_dir: folder of process ids and logs.
        name: name of the process in ``run_dir``.
        requests_per_second: who asks more often gets 429 and ``Retry-After``.
    """
    if process.status(name, run_dir) is None:
        ports.refuse_taken(name, [port], host=HOST)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    command = [sys.executable, "-m", "demo.rest_server", "serve", str(folder)]
    command += ["--port", str(port), "--rate", str(requests_per_second)]
    known = {_VARIABLES[part]: value for part, value in vars(logins).items() if value}
    root = Path(__file__).resolve().parents[1]
    env = {**os.environ, **known}
    running = process.start(name, command, run_dir=run_dir, env=env, cwd=root)
    process.wait_port(HOST, port, timeout_s=30, running=running)
    return f"http://{HOST}:{port}"


def stop(run_dir: Path, *, name: str = NAME) -> bool:
    """Stop the server; whether it was running."""
    return process.stop(name, run_dir)


def write_register(
    folder: Path, name: str, records: list[Record], *, key: str, updated: str = "", auth: str = ""
) -> None:
    """Put a register there, or a new state of it, in one step."""
    held = {"key": key, "updated": updated, "auth": auth, "records": records}
    fresh = folder / f".{name}.{os.getpid()}"
    fresh.write_text(json.dumps(held, ensure_ascii=False))
    fresh.replace(folder / f"{name}.json")


class _Registers:
    """The files, as they were last read."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: dict[str, tuple[int, dict[str, Any]]] = {}
        self._lock = threading.Lock()

    def get(self, name: str) -> dict[str, Any] | None:
        """A register, or None."""
        path = self._folder / f"{name}.json"
        if not name.isidentifier() or not path.exists():
            return None
        with self._lock:
            stamp = path.stat().st_mtime_ns
            if self._held.get(name, (0, {}))[0] != stamp:
                register = json.loads(path.read_text())
                self._held[name] = (stamp, {**register, **_ordered(register)})
            return self._held[name][1]

    def edit(self, name: str, edit: Mapping[str, Any]) -> None:
        """Delete and put records, as a clerk does while somebody else pages."""
        register = self.get(name) or {}
        gone = set(edit.get("delete", ()))
        kept = [r for r in register["records"] if r[register["key"]] not in gone]
        register["records"] = [*edit.get("first", ()), *kept, *edit.get("last", ())]
        register.update(_ordered(register))


def _ordered(register: dict[str, Any]) -> dict[str, Any]:
    """The records by key, and the keys: what a cursor leads into."""
    key = register["key"]
    ordered = sorted(register["records"], key=lambda r: str(r[key]))
    return {"ordered": ordered, "keys": [str(r[key]) for r in ordered]}


class _Rate:
    """A second's requests."""

    def __init__(self, per_second: float) -> None:
        self._per_second = per_second
        self._left, self._at = per_second, time.monotonic()
        self._lock = threading.Lock()

    def take(self) -> bool:
        """Whether one more is allowed."""
        with self._lock:
            now = time.monotonic()
            self._left = min(self._per_second, self._left + (now - self._at) * self._per_second)
            self._at = now
            if self._left < 1:
                return False
            self._left -= 1
            return True


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    registers: _Registers
    rate: _Rate
    logins: Mapping[str, str]
    faults: list[Any]
    log: list[str]

    def do_GET(self) -> None:
        """A page."""
        fault = self.faults.pop(0) if self.faults else None
        self.log.append(self.path)
        if not self.rate.take():
            self._send(HTTPStatus.TOO_MANY_REQUESTS, {"error": "slow down"}, {"Retry-After": "1"})
            return
        asked = urlsplit(self.path)
        style, _, name = asked.path.strip("/").partition("/")
        if isinstance(fault, dict):
            self.registers.edit(name, fault)
        elif fault:
            self._fail(str(fault))
            return
        register = self.registers.get(name)
        if register is None or style not in _STYLES:
            self._send(HTTPStatus.NOT_FOUND, {"error": f"there is no {asked.path}"})
            return
        if not self._may(register["auth"]):
            self._send(HTTPStatus.UNAUTHORIZED, {"error": "who are you?"})
            return
        parameters = {key: values[-1] for key, values in parse_qs(asked.query).items()}
        try:
            body, headers = _page(style, register, parameters, self._address(asked.path))
        except ValueError:
            self._send(HTTPStatus.BAD_REQUEST, {"error": "a parameter is wrong, or has expired"})
            return
        self._send(HTTPStatus.OK, body, headers)

    def do_POST(self) -> None:
        """The tests' control."""
        control, given = self.logins.get("control"), self.headers.get("X-Control", "")
        if not control or self.path != "/control" or not hmac.compare_digest(control, given):
            self._send(HTTPStatus.NOT_FOUND, {"error": "there is nothing here"})
            return
        body = self.rfile.read(int(self.headers["Content-Length"]))
        log = list(self.log)
        self.faults[:], self.log[:] = json.loads(body), []
        self._send(HTTPStatus.OK, {"log": log})

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: an address may hold what nobody should read."""

    def _may(self, auth: str) -> bool:
        given, known = self.headers.get("Authorization", ""), self.logins
        if auth == "bearer":
            return hmac.compare_digest(given, f"Bearer {known['token']}")
        if auth == "basic":
            pair = f"{known['user']}:{known['password']}".encode()
            return hmac.compare_digest(given, f"Basic {base64.b64encode(pair).decode()}")
        if auth == "api_key":
            return hmac.compare_digest(self.headers.get("X-Api-Key", ""), known["api_key"])
        return auth == ""

    def _address(self, path: str) -> str:
        return f"http://{self.headers['Host']}{path}"

    def _send(self, status: int, body: Any, headers: Mapping[str, str] | None = None) -> None:
        raw = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
        self.send_response(status)
        plain = {"Content-Type": "application/json", "Content-Length": str(len(raw))}
        for key, value in {**plain, **(headers or {})}.items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(raw)

    def _fail(self, fault: str) -> None:
        """What servers do on bad days."""
        kind, _, detail = fault.partition(":")
        if kind == "status":
            status, _, after = detail.partition(":")
            self._send(int(status), {"error": "bad day"}, {"Retry-After": after} if after else {})
        elif kind == "redirect":
            self._send(HTTPStatus.FOUND, b"", {"Location": detail})
        elif kind == "body":
            self._send(HTTPStatus.OK, detail.encode())
        elif kind == "bare":
            self._send(HTTPStatus(int(detail)), b"")
        elif kind == "huge":
            self._send(HTTPStatus.OK, b'["' + b"x" * int(detail) + b'"]')
        else:
            self._break(kind)

    def _break(self, kind: str) -> None:
        self.close_connection = True
        if kind == "drop":
            return
        self.send_response(HTTPStatus.OK)
        if kind == "cut":  # it promises more than it gives
            self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b'{"data": [{"id": "p')
        if kind == "drip":
            for _ in range(100):
                time.sleep(0.1)
                self.wfile.write(b" ")
                self.wfile.flush()


_STYLES = ("whole", "page", "offset", "cursor", "link")


def _page(
    style: str, register: dict[str, Any], parameters: Mapping[str, str], address: str
) -> tuple[Any, dict[str, str]]:
    since = parameters.get("updated_since")
    records = _since(register, register["records"], since)
    size = min(int(parameters.get("per_page", 100)), MOST_PER_PAGE)
    if style == "whole":
        return {"data": records, "meta": {"total": len(records)}}, {}
    if style in ("page", "offset"):
        number = int(parameters.get(style, 1 if style == "page" else 0))
        start = (number - 1) * size if style == "page" else number
        return {"data": records[start : start + size], "meta": {"total": len(records)}}, {}
    total, after = len(records), _unpacked(parameters.get("cursor", ""))
    start = 0 if after is None else bisect.bisect_right(register["keys"], after)
    records = _since(register, register["ordered"][start:], since)
    more = len(records) > size
    following = _packed(str(records[size - 1][register["key"]])) if more else None
    meta = {"total": total, **({"next": following} if style == "cursor" else {})}
    headers = {}
    if style == "link" and following:
        query = urlencode({**parameters, "cursor": following})
        headers["Link"] = f'<{address}?{query}>; rel="next"'
    return {"data": records[:size], "meta": meta}, headers


def _since(register: dict[str, Any], records: list[Record], since: str | None) -> list[Record]:
    if since is None:
        return records
    mark, column = datetime.fromisoformat(since), register["updated"]
    return [r for r in records if r[column] and datetime.fromisoformat(r[column]) >= mark]


def _packed(word: str) -> str:
    return base64.urlsafe_b64encode(word.encode()).decode()


def _unpacked(cursor: str) -> str | None:
    return base64.urlsafe_b64decode(cursor).decode() if cursor else None


def serve(folder: Path, port: int, rate: float) -> None:
    """Serve until the process is told to end."""
    logins = {part: os.environ[name] for part, name in _VARIABLES.items() if name in os.environ}
    parts = {"registers": _Registers(folder), "rate": _Rate(rate), "logins": logins}
    handler = type("Handler", (_Handler,), {**parts, "faults": [], "log": []})
    ThreadingHTTPServer((HOST, port), handler).serve_forever()


def main() -> None:
    """Serve, or start, stop or look at one by hand."""
    parser = argparse.ArgumentParser(prog="python -m demo.rest_server")
    parser.add_argument("what", choices=["serve", "start", "stop", "status"])
    parser.add_argument("folder", type=Path, help="of the registers")
    parser.add_argument("--port", type=int, default=54370)
    parser.add_argument("--rate", type=float, default=1000, help="requests per second")
    asked = parser.parse_args()
    if asked.what == "serve":
        serve(asked.folder, asked.port, asked.rate)
        return
    settings, run_dir = load_settings(), asked.folder.absolute() / ".run"
    if asked.what == "start":
        names = ("token", "password", "api_key")
        made = {part: secrets.ensure(settings, f"demo_rest_{part}") for part in names}
        port, folder = ports.free_port(asked.port), asked.folder.absolute()
        print(start(folder, port, Logins(**made), run_dir=run_dir, requests_per_second=asked.rate))
    if asked.what == "stop":
        stop(run_dir)
    running = process.status(NAME, run_dir)
    print(f"pid {running.pid}, log {running.log}" if running else "down")


if __name__ == "__main__":
    main()
