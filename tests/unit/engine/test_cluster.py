"""A cluster by settings: half of a profile is refused, and no secret stands where others read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from civiclake.engine import cluster, connect_server, lifecycle
from civiclake.engine.services import services
from civiclake.errors import UserError
from civiclake.local import objects, process, stores
from civiclake.settings import Settings, load_settings

WHOLE = {
    "CIVICLAKE_ENGINE__MASTER": "spark://127.0.0.1:7077",
    "CIVICLAKE_LAKE_URI": "s3a://city/lake",
    "CIVICLAKE_STORE__ENDPOINT": "http://127.0.0.1:8333",
    "CIVICLAKE_ENGINE__CLUSTER__WORKERS": "2",
}


def load(monkeypatch: pytest.MonkeyPatch, **changes: str | None) -> Settings:
    for name, value in {**WHOLE, **changes}.items():
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    return load_settings()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"CIVICLAKE_LAKE_URI": None, "CIVICLAKE_STORE__ENDPOINT": None},
         "engine.master is spark://127.0.0.1:7077, but lake_uri is not set"),
        ({"CIVICLAKE_LAKE_URI": None, "CIVICLAKE_ENGINE__MASTER": "local[2]",
          "CIVICLAKE_ENGINE__CLUSTER__WORKERS": "0"},
         "store.endpoint is set, but lake_uri is not"),
        ({"CIVICLAKE_ENGINE__MASTER": "local[*]"}, "cluster.workers is 2, but master is local"),
        ({"CIVICLAKE_ENGINE__MASTER": "spark:127.0.0.1"}, "allowed are local[*]"),
        ({"CIVICLAKE_ENGINE__CLUSTER__MEMORY": "2 GB"}, "engine.cluster.memory"),
        ({"CIVICLAKE_STORE__IS_HERE": "true", "CIVICLAKE_STORE__ENDPOINT": "https://s3.example"},
         "is_here is set, but endpoint is 'https://s3.example'"),
    ],
)  # fmt: skip
def test_half_a_profile_is_refused(
    changes: dict[str, Any], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UserError) as error:
        load(monkeypatch, **changes)
    assert told in str(error.value).replace("\n", " ")


def test_the_profile_cluster_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CIVICLAKE_PROFILE", "cluster")
    found = load_settings()
    assert found.engine.is_clustered
    assert found.landing.url and found.state.is_shared and found.store.is_here
    names = [service.name for service, _ in services(found)]
    assert names == ["master", "worker-1", "worker-2", "jobs", "sql"]


def test_one_machine_knows_no_cluster() -> None:
    found = load_settings()
    assert cluster.spark(found) == cluster.environment(found) == {}
    assert [service.name for service, _ in services(found)] == ["jobs", "sql"]


def test_a_cluster_of_others_is_not_started(monkeypatch: pytest.MonkeyPatch) -> None:
    found = load(monkeypatch, CIVICLAKE_ENGINE__CLUSTER__WORKERS="0")
    assert [service.name for service, _ in services(found)] == ["jobs", "sql"]
    assert cluster.spark(found)["spark.authenticate"] == "true"


def test_executors_get_secrets_by_their_environment_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    secrets = {
        "CIVICLAKE_LAKE_ACCESS_KEY": "key-of-the-lake",
        "CIVICLAKE_LAKE_SECRET_KEY": "secret-of-the-lake",
        "CIVICLAKE_CLUSTER_SECRET": "secret-of-the-cluster",
        "CIVICLAKE_PSEUDONYM_KEY_K1": "key-of-pseudonyms",
        "CIVICLAKE_CONNECT_TOKEN": "token",
    }
    found = load(monkeypatch, **secrets, CIVICLAKE_STATE_DIR=str(tmp_path))
    given = connect_server._environment(found)
    assert set(given["CIVICLAKE_EXECUTOR_VARIABLES"].split(",")) == {
        "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
        "CIVICLAKE_PSEUDONYM_KEY_ID", "CIVICLAKE_PSEUDONYM_KEY_K1",
    }  # fmt: skip
    path = connect_server.write_arguments(
        tmp_path / "arguments", found, connect_server._options(found), ["Main"], []
    )
    text = path.read_text()
    assert not [value for value in secrets.values() if value in text]
    assert path.stat().st_mode & 0o777 == 0o600


def test_down_stops_what_another_profile_started(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CIVICLAKE_STATE_DIR", str(tmp_path))
    found = load_settings()
    found.run_dir.mkdir()
    for name in ("engine-worker-1", objects.NAME):
        process.start(name, ["sleep", "60"], run_dir=found.run_dir)
    said: list[str] = []
    lifecycle.down(found, echo=said.append)
    assert said == ["engine-worker-1, which another profile started, is stopped"]
    assert stores.stop(found)
    assert [process.status(n, found.run_dir) for n in ("engine-worker-1", objects.NAME)] == [
        None
    ] * 2
