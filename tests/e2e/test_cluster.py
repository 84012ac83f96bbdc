"""A night of six datasets, by the scheduler: on a cluster over S3 the same as on one machine."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import e2e_cluster
import httpx
import psutil
import pytest
from e2e_city import City

from civiclake import engine
from civiclake.contracts.load import load_city
from civiclake.contracts.model import Dataset
from civiclake.io.lake import objects, quarantine, tables
from civiclake.local import stores
from civiclake.local.objects import Login, client
from civiclake.settings import Settings
from civiclake.state import database
from demo import sources
from demo.city import clock
from demo.cluster import LAKE

ACCOUNT = (
    "read",
    "inserted",
    "updated",
    "unchanged",
    "superseded",
    "late",
    "quarantined",
    "deleted",
)


@pytest.fixture(scope="module")
def cluster(city: City, first_night: object) -> Iterator[City]:
    root = Path(tempfile.mkdtemp(prefix="civiclake-cluster-"))
    root.chmod(0o755)
    made = e2e_cluster.on_a_cluster(city, root, set())
    try:
        e2e_cluster.up(made, city)
        night = clock.logical_date(1)
        made.succeed({d: made.start(d, night) for d in e2e_cluster.DEPARTMENTS})
        yield made
    finally:
        e2e_cluster.down(made.settings)
    assert made.processes() == {}
    shutil.rmtree(root)


def test_the_night_is_the_same_on_a_cluster(city: City, cluster: City) -> None:
    assert sources.read_truth(city.settings, 1).night == 1
    found = load_city(cluster.settings.schemas_dir, cluster.settings.expectations_dir)
    assert len(found.datasets) == 6
    for dataset in found.datasets:
        there, here = (
            {n: one.numbers(dataset.id, 1)[n] for n in (*ACCOUNT, "reasons", "warnings")}
            for one in (cluster, city)
        )
        assert there == here, dataset.id
        assert there["read"] > 0
    for asked in (_served(found.datasets), _set_aside(city, found.datasets)):
        assert cluster.trusted(asked) == city.trusted(asked)


def test_nothing_of_it_stays_on_the_host(cluster: City) -> None:
    settings = cluster.settings
    assert not (settings.state_dir / "lake").exists()
    # Upkeep and the watch over deliveries may be at work just now.
    cluster.wait(lambda: not _files(settings.landing_dir), "a landing that is empty here")
    staging = f"{settings.lake}/{tables.STAGING}"
    cluster.wait(lambda: not list(objects.names(settings, staging)), "staging that is empty")
    cluster.wait(lambda: set(_locks(settings).values()) == {"true"}, "locks that are released")
    assert len(_locks(settings)) >= len(e2e_cluster.DEPARTMENTS)


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def _locks(settings: Settings) -> dict[str, str]:
    """Every table that was ever locked, and whether it is free."""
    with database.asking(settings) as connection:
        query = "SELECT name, record->>'released' FROM civiclake.locks"
        return dict(connection.execute(query).fetchall())


def test_every_process_of_the_cluster_is_up_and_on_the_loopback(cluster: City) -> None:
    states = {one.name: one.state for one in engine.status(cluster.settings)}
    assert states == dict.fromkeys(("master", "worker-1", "worker-2", "jobs", "sql"), "up")
    assert {address for _, address in cluster.listening()} <= {"127.0.0.1", "::ffff:127.0.0.1"}


def test_pages_of_the_cluster_are_shown_to_nobody_without_a_token(cluster: City) -> None:
    """They show logs, and any user of the machine may connect to them."""
    pids = {one.name: one.pid for one in engine.status(cluster.settings)}
    for name in ("master", "worker-1"):
        open_ports = [
            c.laddr.port
            for c in psutil.Process(pids[name]).net_connections(kind="tcp")
            if c.status == psutil.CONN_LISTEN
        ]
        told = []
        for port in open_ports:
            with contextlib.suppress(httpx.HTTPError):  # that of the protocol between them
                told.append(httpx.get(f"http://127.0.0.1:{port}/", trust_env=False).status_code)
        assert told == [httpx.codes.FORBIDDEN], (name, open_ports)


def test_analysts_read_what_stands_in_s3_and_no_more(cluster: City) -> None:
    (rows,) = cluster.query("SELECT count(*) FROM unified.statistics_population")
    assert rows[0] > 0
    keys = _doors_keys(cluster)
    for layer in (tables.RAW, tables.QUARANTINE, tables.OPS):
        with pytest.raises(Exception, match=r"AccessDenied|403"):
            keys.list_objects_v2(Bucket=LAKE, Prefix=f"lake/{layer}/")


def _doors_keys(cluster: City) -> Any:
    """A client with the keys of the analysts' door."""
    found = stores.reading(cluster.settings, "door")
    login = Login(found["AWS_ACCESS_KEY_ID"], found["AWS_SECRET_ACCESS_KEY"])
    return client(urlsplit(found["AWS_ENDPOINT_URL"]).port or 0, login)


def _served(datasets: tuple[Dataset, ...]) -> str:
    """How many rows every table has, and a hash of all that their contracts name."""
    parts = []
    for dataset in datasets:
        names = ", ".join(f"`{column.name}`" for column in dataset.unified_columns)
        every = f"sum(CAST(xxhash64({names}) AS decimal(38,0)))"
        parts.append(f"SELECT '{dataset.id}', count(*), {every} FROM {{unified.{dataset.table}}}")
    return " UNION ALL ".join(parts) + " ORDER BY 1"


def _set_aside(city: City, datasets: tuple[Dataset, ...]) -> str:
    """The same of what is set aside: records as they came, and why."""
    spark = city.session()
    try:
        kept = [d for d in datasets if quarantine.exists(spark, city.settings, d)]
    finally:
        spark.stop()
    assert kept
    every = "sum(CAST(xxhash64(_row, status, sort_array(reasons), to_json(raw)) AS decimal(38,0)))"
    parts = [f"SELECT '{d.id}', count(*), {every} FROM {{quarantine.{d.table}}}" for d in kept]
    return " UNION ALL ".join(parts) + " ORDER BY 1"
