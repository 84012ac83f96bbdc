"""Real servers for a whole session, and one small city for each test."""

from __future__ import annotations

import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from source_city import (
    API_LOGINS,
    HOST_KEY,
    OWNER_KEYS,
    READER_KEYS,
    READER_PASSWORD,
    SFTP_KEY,
    SFTP_PASSWORD,
    STATE_PASSWORD,
    Api,
    City,
    Drops,
    MariaPlace,
    Store,
)

from civiclake.local import objects, ports, postgres
from civiclake.settings import Settings
from civiclake.settings_stores import LandingSettings, StateSettings
from demo import mariadb, rest_server, sshd

_TREES = """
INSERT INTO trees VALUES ('t1', 'oak', 12.5, '2026-01-01 10:00:00+00'),
    ('t2', 'elm, wych', 8, '2026-01-01 11:30:00.25+00'), ('t3', '', NULL, '2026-01-01 12:00+00')
"""


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[postgres.Server]:
    folder = tmp_path_factory.mktemp("postgres")
    running = postgres.start(
        folder / "data",
        ports.free_port(0),
        secrets.token_urlsafe(16),
        run_dir=folder / "run",
        options={"fsync": "off"},
    )
    try:
        postgres.create_database(running, "parks")
        postgres.create_role(running, "parks_reader", READER_PASSWORD)
        yield running
    finally:
        assert postgres.stop(folder / "run")


@pytest.fixture(scope="session")
def maria_place(tmp_path_factory: pytest.TempPathFactory) -> MariaPlace:
    folder = tmp_path_factory.mktemp("mariadb")
    return MariaPlace(folder, ports.free_port(0), secrets.token_urlsafe(16))


@pytest.fixture(scope="session")
def maria(maria_place: MariaPlace) -> Iterator[mariadb.Server]:
    running = maria_place.start()
    try:
        mariadb.create_reader(running, "parks", "parks_reader", READER_PASSWORD, "SELECT")
        yield running
    finally:
        assert mariadb.stop(maria_place.run_dir)


@pytest.fixture(scope="session")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    folder = tmp_path_factory.mktemp("rest")
    address = rest_server.start(
        folder / "registers", ports.free_port(0), API_LOGINS, run_dir=folder / "run"
    )
    try:
        yield Api(address, folder / "registers")
    finally:
        assert rest_server.stop(folder / "run")


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    folder = tmp_path_factory.mktemp("objects")
    port, *internal = ports.free_ports(objects.INTERNAL_PORTS + 1)
    try:
        objects.start(
            folder / "data",
            folder / "run",
            port=port,
            internal=internal,
            owner=OWNER_KEYS,
            readers={objects.BUCKET: READER_KEYS},
        )
        yield Store(port, objects.client(port, OWNER_KEYS))
    finally:
        assert objects.stop(folder / "run", internal)


@pytest.fixture(scope="session")
def drops() -> Iterator[Drops]:
    # Not in pytest's folder, which is closed to others: the login is another user.
    root = Path(tempfile.mkdtemp(prefix="civiclake-sftp-"))
    port = ports.free_port(0)
    try:
        user = sshd.start(
            root / "sshd",
            root / "run",
            port=port,
            drops=root / "drops",
            host_key=HOST_KEY,
            login=SFTP_KEY,
            password=SFTP_PASSWORD,
        )
        yield Drops(port, user, root / "drops", root / "run")
    finally:
        assert sshd.stop(root / "run")
        shutil.rmtree(root, ignore_errors=True)


@pytest.fixture
def city(tmp_path: Path) -> City:
    return City(tmp_path)


@pytest.fixture
def db(
    server: postgres.Server, monkeypatch: pytest.MonkeyPatch
) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """A small table in a real PostgreSQL."""
    for name, value in {
        "PARKS_DB_HOST": server.host,
        "PARKS_DB_PORT": str(server.port),
        "PARKS_DB_USER": "parks_reader",
        "PARKS_DB_PASSWORD": READER_PASSWORD,
    }.items():
        monkeypatch.setenv(name, value)
    with server.connect("parks") as connection:
        connection.execute("DROP TABLE IF EXISTS trees")
        connection.execute(
            "CREATE TABLE trees"
            " (tree_id text, species text, height numeric, updated_at timestamptz)"
        )
        connection.execute("GRANT SELECT ON trees TO parks_reader")
        connection.execute(_TREES)
        yield connection


@pytest.fixture
def shared(server: postgres.Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings of an installation whose state stands in a database, new for each test."""
    postgres.create_role(server, "civiclake_state", STATE_PASSWORD)
    postgres.create_database(server, "civiclake_state", owner="civiclake_state")
    monkeypatch.setenv("CIVICLAKE_STATE_PASSWORD", STATE_PASSWORD)
    url = f"postgresql://civiclake_state@{server.host}:{server.port}/civiclake_state"
    with server.connect("civiclake_state") as connection:
        connection.execute("DROP SCHEMA IF EXISTS civiclake CASCADE")
    return Settings(state_dir=tmp_path / "host-a", state=StateSettings(url=url))


@pytest.fixture
def stored(shared: Settings, store: Store, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The same with landing in an object store, in a folder of its own for each test."""
    monkeypatch.setenv("CIVICLAKE_LANDING_ACCESS_KEY", OWNER_KEYS.access_key)
    monkeypatch.setenv("CIVICLAKE_LANDING_SECRET_KEY", OWNER_KEYS.secret_key)
    landing = LandingSettings(
        url=f"s3://{objects.BUCKET}/landing-{secrets.token_hex(4)}",
        endpoint=f"http://{objects.HOST}:{store.port}",
    )
    return shared.model_copy(update={"landing": landing})
