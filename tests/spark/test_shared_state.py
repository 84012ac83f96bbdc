"""Two nights whose landing and locks every host reaches equal those of one host's files."""

from __future__ import annotations

import secrets as random
from collections.abc import Iterator
from pathlib import Path

import pytest
from nights import Nights, city, counts
from pyspark.sql import SparkSession

from civiclake.io.landing.store import Landing
from civiclake.local import objects, postgres, process
from civiclake.settings import Settings
from civiclake.settings_stores import LandingSettings, StateSettings
from civiclake.state import database

HEAD = "date,precipitation,temp_max,temp_min,wind,weather\n"
_DAYS = [f"2016/01/{day:02d},0.0,5.0,1.0,2.0,sun\n" for day in range(1, 12)]
NIGHTS = {
    "20160113T020000Z": "".join([HEAD, *_DAYS, "2016/01/12,x,5.0,1.0,2.0,sun\n"]),
    "20160114T020000Z": "".join([HEAD, "2016/01/01,3.5,5.0,1.0,2.0,rain\n", *_DAYS[1:]]),
}


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, object]]:
    """A database and an object store, as settings say them."""
    port, *internal = process.free_ports(objects.INTERNAL_PORTS + 1)
    password, run = random.token_urlsafe(16), tmp_path / "run"
    login = objects.Login("landing", random.token_urlsafe(16))
    monkeypatch.setenv("CIVICLAKE_STATE_PASSWORD", password)
    monkeypatch.setenv("CIVICLAKE_LANDING_ACCESS_KEY", login.access_key)
    monkeypatch.setenv("CIVICLAKE_LANDING_SECRET_KEY", login.secret_key)
    try:
        server = postgres.start(
            tmp_path / "postgres", process.free_port(0), password, run_dir=run,
            options={"fsync": "off"},
        )  # fmt: skip
        objects.start(
            tmp_path / "objects", run, port=port, internal=internal, owner=login,
            readers={"lake": objects.Login("reader", random.token_urlsafe(16))},
        )  # fmt: skip
        where = f"postgresql://{server.user}@{server.host}:{server.port}/postgres"
        yield {
            "state": StateSettings(url=where),
            "landing": LandingSettings(
                url="s3://lake/landing", endpoint=f"http://{objects.HOST}:{port}"
            ),
        }
    finally:
        objects.stop(run, internal)
        postgres.stop(run)


def _nights(settings: Settings, spark: SparkSession, folder: Path) -> Nights:
    return Nights(settings, spark, folder, city().dataset("meteorology.daily"))


def test_nights_by_a_database_and_an_object_store_equal_those_by_files(
    settings: Settings, spark: SparkSession, tmp_path: Path, shared: dict[str, object]
) -> None:
    files = _nights(settings, spark, tmp_path / "files")
    hosts = _nights(settings.model_copy(update=shared), spark, tmp_path / "hosts")
    for batch_id, content in NIGHTS.items():
        by_files, by_hosts = files.run(batch_id, content), hosts.run(batch_id, content)
        assert counts(by_hosts) == counts(by_files)
        assert by_hosts.reasons == by_files.reasons
    assert len(files.table()) == 11
    assert hosts.table() == files.table()
    assert hosts.quarantine() == files.quarantine() != []

    landing, name = Landing(hosts.settings), hosts.dataset.id
    assert [m.batch_id for m in landing.committed(name)] == list(NIGHTS)
    here = landing.dataset_dir(name)
    assert not any(here.iterdir())  # nothing of a batch stays on this host
    assert not any(path for path in landing._drafts_dir(name).iterdir())
    assert not any(hosts.settings.locks_dir.glob("*"))
    with database.asking(hosts.settings) as connection:
        query = "SELECT token, record->>'released' FROM civiclake.locks WHERE name = %s"
        found = connection.execute(query, [hosts.dataset.table]).fetchone()
    assert found == (2, "true")
