"""The jobs' door: no call of Spark Connect works without the token, whatever it asks."""

from __future__ import annotations

from collections.abc import Iterator

import grpc
import pytest
from pyspark.sql.connect.proto import base_pb2, base_pb2_grpc

from civiclake import secrets
from civiclake.settings import Settings

_SESSION = "00000000-0000-4000-8000-000000000000"
CALLS = (
    "ExecutePlan",
    "AnalyzePlan",
    "Config",
    "AddArtifacts",
    "ArtifactStatus",
    "Interrupt",
    "ReattachExecute",
    "ReleaseExecute",
    "ReleaseSession",
    "FetchErrorDetails",
    "CloneSession",
)
_REQUESTS = {"ArtifactStatus": "ArtifactStatuses"}


@pytest.fixture(scope="module")
def channel(settings: Settings) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(f"127.0.0.1:{settings.engine.connect_port}") as made:
        yield made


def _headers(kind: str, settings: Settings) -> list[tuple[str, str]]:
    token = secrets.get(settings, "connect_token")
    return {
        "none": [],
        "wrong": [("authorization", "Bearer wrong")],
        "empty": [("authorization", "Bearer ")],
        "bare": [("authorization", token)],
        "basic": [("authorization", f"Basic {token}")],
        "shorter": [("authorization", f"Bearer {token[:-1]}")],
        "longer": [("authorization", f"Bearer {token}x")],
        "elsewhere": [("x-authorization", f"Bearer {token}")],
    }[kind]


@pytest.mark.parametrize("kind", ["none", "wrong"])
@pytest.mark.parametrize("call", CALLS)
def test_no_call_without_the_token(
    call: str, kind: str, channel: grpc.Channel, settings: Settings
) -> None:
    assert _refused(call, kind, channel, settings)


@pytest.mark.parametrize("kind", ["empty", "bare", "basic", "shorter", "longer", "elsewhere"])
def test_nothing_like_the_token_will_do(
    kind: str, channel: grpc.Channel, settings: Settings
) -> None:
    assert _refused("Config", kind, channel, settings)


def _refused(call: str, kind: str, channel: grpc.Channel, settings: Settings) -> bool:
    request = getattr(base_pb2, f"{_REQUESTS.get(call, call)}Request")(session_id=_SESSION)
    method = getattr(base_pb2_grpc.SparkConnectServiceStub(channel), call)
    given = iter([request]) if call == "AddArtifacts" else request
    with pytest.raises(grpc.RpcError) as refused:
        answer = method(given, metadata=_headers(kind, settings), timeout=20)
        list(answer) if hasattr(answer, "__iter__") else answer
    return refused.value.code() == grpc.StatusCode.UNAUTHENTICATED
