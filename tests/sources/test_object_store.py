"""What a store says becomes a sentence, and an exit code that says whether to try again."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from civiclake.errors import CivicLakeError
from civiclake.settings import load_settings
from civiclake.state import object_store
from civiclake.state.object_store import Place, client, told

_ANSWER = "<?xml version='1.0'?><Error><Code>{}</Code><Message>of key AKIA</Message></Error>"


class _Refusing(BaseHTTPRequestHandler):
    status, code = 503, "SlowDown"

    def do_GET(self) -> None:
        content = _ANSWER.format(self.code).encode()
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """A bucket of a store that refuses whatever is asked."""
    monkeypatch.setattr(object_store, "_ATTEMPTS", 1)
    monkeypatch.setenv("CIVICLAKE_LAKE_ACCESS_KEY", "AKIA")
    monkeypatch.setenv("CIVICLAKE_LAKE_SECRET_KEY", "hidden")
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Refusing)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    yield Place("lake", "city", endpoint, "us-east-1", "path", "lake_uri", "store.endpoint")
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("status", "code", "said", "exit_code"),
    [
        (503, "SlowDown", r"failed 1 times \(SlowDown\): try again later", 75),
        (500, "InternalError", r"failed 1 times \(InternalError\): try again later", 75),
        (403, "RequestTimeTooSkewed", "this host's clock is wrong", 75),
        (400, "ExpiredToken", "session token has expired for bucket city: correct CIVICLAKE_", 2),
        (403, "InvalidAccessKeyId", "does not know the access key for bucket city", 2),
        (404, "NoSuchBucket", "has no bucket city: make it, or correct lake_uri", 2),
        (400, "EntityTooLarge", r"refuses a request for bucket city \(EntityTooLarge\)", 1),
    ],
)  # fmt: skip
def test_each_refusal_is_a_sentence(
    place: Place, monkeypatch: pytest.MonkeyPatch, status: int, code: str, said: str, exit_code: int
) -> None:
    monkeypatch.setattr(_Refusing, "status", status)
    monkeypatch.setattr(_Refusing, "code", code)
    with pytest.raises(CivicLakeError, match=said) as caught, told(place):
        client(load_settings(), place).list_objects_v2(Bucket="city")
    assert caught.value.exit_code == exit_code
    assert place.endpoint in str(caught.value)
    assert not [hidden for hidden in ("AKIA", "hidden") if hidden in str(caught.value)]
