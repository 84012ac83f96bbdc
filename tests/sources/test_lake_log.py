"""Delta's log on S3 under several writers in several processes: nothing lost, nothing twice."""

from __future__ import annotations

import os
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from source_city import OWNER_KEYS, Store
from unsound_proxy import FAULTS, unsound

from civiclake.engine import jars, java
from civiclake.engine import store as lake_store
from civiclake.settings import load_settings
from civiclake.settings_stores import StoreSettings

PROCESSES, THREADS, COMMITS = 2, 2, 15
BUCKET = "city-lake"


@pytest.fixture(scope="module")
def bucket(store: Store) -> str:
    store.client.create_bucket(Bucket=BUCKET)
    return BUCKET


def test_writers_lose_no_commit_and_make_none_twice(store: Store, bucket: str) -> None:
    made, unknown = _write(store.port, f"s3a://{bucket}/calm")
    assert not unknown
    assert made == _found(store.client, bucket, "calm")
    assert len(made) == PROCESSES * THREADS * COMMITS


def test_lost_answers_are_told_from_lost_races(store: Store, bucket: str) -> None:
    with unsound(store.port, 0.4) as (port, done):
        made, unknown = _write(port, f"s3a://{bucket}/unsound")
    assert all(done[fault] for fault in FAULTS), done
    found = _found(store.client, bucket, "unsound")
    assert made.items() <= found.items()  # nobody's commit is another's, and none is gone
    assert found.items() - made.items() <= unknown.items()
    assert not [by for by, n in Counter(found.values()).items() if n > 1]
    assert len(made) + len(unknown) == PROCESSES * THREADS * COMMITS


def _write(port: int, log: str) -> tuple[dict[int, str], dict[int, str]]:
    """Let the writers write; what each made, and of what it can't know, by version."""
    place = StoreSettings(endpoint=f"http://127.0.0.1:{port}")
    settings = load_settings().model_copy(update={"lake_uri": log, "store": place})
    prefix = "spark.hadoop."
    options = lake_store.options(settings).items()
    hadoop = [f"{k.removeprefix(prefix)}={v}" for k, v in options if k.startswith(prefix)]
    path = [*jars.classpath(settings.jars_dir), *java.spark_jars()]
    command = [
        str(java.java_home() / "bin" / "java"), "-XX:+UseParallelGC", "-XX:TieredStopAtLevel=1",
        "-cp", os.pathsep.join(map(str, path)), str(Path(__file__).parent / "LogWriters.java"), log,
    ]  # fmt: skip
    keys = {"AWS_ACCESS_KEY_ID": OWNER_KEYS.access_key}
    keys["AWS_SECRET_ACCESS_KEY"] = OWNER_KEYS.secret_key
    running = [
        subprocess.Popen(
            [*command, f"p{n}-", str(THREADS), str(COMMITS), *hadoop],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **keys},
        )
        for n in range(PROCESSES)
    ]  # fmt: skip
    lines: list[str] = []
    for one in running:
        told, wrong = one.communicate(timeout=300)
        assert one.returncode == 0, wrong[-3000:]
        lines += told.splitlines()
    split = [line.split(" ", 3) for line in lines]
    made, unknown = (
        [(int(words[1]), words[2]) for words in split if words[0] == kind]
        for kind in ("made", "unknown")
    )
    assert len(dict(made)) == len(made), "two writers hold one version for theirs"
    return dict(made), dict(unknown)


def _found(client: Any, bucket: str, log: str) -> dict[int, str]:
    keys = client.list_objects_v2(Bucket=bucket, Prefix=f"{log}/")["Contents"]
    found = {}
    for key in (entry["Key"] for entry in keys if entry["Key"].endswith(".json")):
        text = client.get_object(Bucket=bucket, Key=key)["Body"].read().decode()
        found[int(Path(key).stem)] = text.partition('"by":"')[2].partition('"')[0]
    assert sorted(found) == list(range(len(found)))
    return found
