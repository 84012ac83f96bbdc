"""A database by its JDBC driver alone: PostgreSQL's, taken as one that nobody has heard of."""

from __future__ import annotations

import csv
import gzip
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from psycopg import sql

from civiclake.contracts.load import load_city
from civiclake.contracts.model import Dataset
from civiclake.engine import jars
from civiclake.engine.session import connect
from civiclake.errors import BatchHeld, EngineError, SourceError, SourceUnavailable, UserError
from civiclake.io.extract import extract
from civiclake.io.landing.manifest import BatchManifest
from civiclake.io.landing.store import Landing
from civiclake.local import ports, postgres
from civiclake.settings import Settings

PASSWORD = f"jdbc-{secrets.token_urlsafe(16)}"
DRIVER = "org.postgresql.Driver"
COLUMNS = [
    {"name": "tree_id", "logicalType": "integer", "primaryKey": True, "required": True},
    {"name": "species", "logicalType": "string"},
    {"name": "height_m", "physicalName": "height", "logicalType": "number"},
    {"name": "planted", "logicalType": "timestamp"},
    {"name": "updated_at", "logicalType": "timestamp", "required": True},
]


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Iterator[psycopg.Connection[Any]]:
    folder, port = tmp_path_factory.mktemp("jdbc"), ports.free_port(0)
    server = postgres.start(folder / "data", port, PASSWORD, run_dir=folder / "run")
    try:
        with server.connect() as connection, pytest.MonkeyPatch.context() as patch:
            patch.setenv("ERP_ADDRESS", f"{server.host}:{port}")
            patch.setenv("ERP_USER", server.user)
            patch.setenv("ERP_PASSWORD", PASSWORD)
            connection.execute(
                "CREATE TABLE trees (tree_id int, species text, height numeric(5,2), planted"
                " timestamp, updated_at timestamptz)"
            )
            yield connection
    finally:
        postgres.stop(folder / "run")


@pytest.fixture
def rows(db: psycopg.Connection[Any]) -> psycopg.Connection[Any]:
    db.execute("TRUNCATE trees")
    db.execute(
        "INSERT INTO trees VALUES (1, 'oak', 12.5, '2020-03-01 08:00', '2026-01-01 10:00+00'),"
        " (2, E' elm, \"wych\"\\n', NULL, NULL, '2026-01-01 11:30:00.25+00'),"
        " (3, '', 8, '1800-01-01', '2026-01-01 12:00+00'), (NULL, NULL, 1, NULL, NULL)"
    )
    return db


class City:
    """The dataset, extracted with the engine of these tests."""

    def __init__(self, settings: Settings, state: Path) -> None:
        self.engine = settings
        self.settings = settings.model_copy(update={"state_dir": state / "state"})
        self.landing = Landing(self.settings)
        self._root = state

    def dataset(self, **own: Any) -> Dataset:
        wanted = {"load": "snapshot", "connection": "erp", "connector": "jdbc", **own}
        wanted = {"options": {"driver": DRIVER}, **wanted}
        columns, physical = wanted.pop("columns", COLUMNS), wanted.pop("physical", "public.trees")
        server = {
            "server": "s",
            "type": "custom",
            "location": "jdbc:postgresql://${ERP_ADDRESS}/postgres",
        }
        contract = {
            "apiVersion": "v3.2.0",
            "kind": "DataContract",
            "id": "parks.trees",
            "version": "1.0.0",
            "status": "active",
            "domain": "parks",
            "servers": [server],
            "schema": [
                {"name": "trees", "physicalName": physical, "properties": columns},
            ],
            "team": {"members": [{"username": "ann@parks.example", "role": "owner"}]},
            "customProperties": [{"property": "civiclake", "value": wanted}],
        }
        path = self._root / "schemas" / "parks" / "trees.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(contract))
        city = load_city(self._root / "schemas", self._root / "expectations", self._root / "marts")
        return city.dataset("parks.trees")

    def extract(self, dataset: Dataset, batch_id: str) -> BatchManifest:
        return extract(
            self.settings, dataset, batch_id, connect=lambda settings: connect(self.engine)
        )

    def records(self, manifest: BatchManifest) -> list[list[str]]:
        folder, found = self.landing.batch_dir(manifest.dataset, manifest.batch_id), []
        for file in manifest.files:
            with gzip.open(folder / file.path, "rt", newline="") as lines:
                found += list(csv.reader(lines))[1:]
        assert len(found) == manifest.rows
        return sorted(found)


@pytest.fixture
def city(settings: Settings, tmp_path: Path) -> City:
    return City(settings, tmp_path)


def test_a_whole_table_and_what_is_new_of_it(
    city: City, rows: psycopg.Connection[Any], settings: Settings
) -> None:
    own = {"load": "incremental", "sequence": "updated_at", "overlap": "45m"}
    dataset = city.dataset(**own)
    first = city.extract(dataset, "n1")
    stamp = "2026-01-01 12:00:00.000000+00:00"
    assert city.records(first) == [
        ["", "", "1.00", "", ""],
        ["1", "oak", "12.50", "2020-03-01 08:00:00", "2026-01-01 10:00:00.000000+00:00"],
        ["2", ' elm, "wych"\n', "", "", "2026-01-01 11:30:00.250000+00:00"],
        ["3", "", "8.00", "1800-01-01 00:00:00", stamp],
    ]
    assert first.watermark_to == stamp
    folder = city.landing.batch_dir(dataset.id, "n1")
    text = gzip.decompress((folder / first.files[0].path).read_bytes()).decode()
    assert '3,"",8.00' in text and ",,1.00" in text  # an empty text is not NULL
    assert sorted(p.name for p in folder.iterdir()) == [
        first.files[0].path,
        "manifest.json",
        "parts",
    ]
    city.landing.mark_committed(dataset.id, "n1")
    rows.execute("INSERT INTO trees VALUES (4, 'ash', 3, NULL, '2026-01-01 11:15+00')")
    rows.execute("INSERT INTO trees VALUES (5, 'ash', 3, NULL, '2026-01-01 11:14+00')")
    rows.execute("INSERT INTO trees VALUES (6, 'ash', 3, NULL, now() + interval '9 d')")
    second = city.extract(dataset, "n2")
    assert [row[0] for row in city.records(second)] == ["", "2", "3", "4", "6"]
    assert second.watermark_to == stamp
    logs = "".join(p.read_text() for p in settings.run_dir.rglob("*.log"))
    assert logs and PASSWORD not in logs and PASSWORD not in second.model_dump_json()


def test_ranges_and_queries(city: City, rows: psycopg.Connection[Any]) -> None:
    rows.execute("INSERT INTO trees SELECT n, 'x', 1, now(), now() FROM generate_series(11, 90) n")
    partition = {"column": "tree_id", "parts": 3}
    manifest = city.extract(city.dataset(partition=partition), "n1")
    assert manifest.rows == 84 and len(manifest.files) == 3
    query = "SELECT t.*, height AS old FROM trees t WHERE tree_id > 80"
    tolerant = city.dataset(query=query, partition=partition, drift={"new_column": "ignore"})
    assert city.extract(tolerant, "n2").rows == 10
    rows.execute("TRUNCATE trees")
    empty = city.dataset(partition=partition, limits={"allow_empty": True})
    assert [file.rows for file in city.extract(empty, "n3").files] == [0]


def test_names_that_must_be_quoted_and_other_spellings(
    city: City, db: psycopg.Connection[Any]
) -> None:
    names = ["Permit No", "Fee (EUR)", "50% [of] all, %s", "it's; --", "a.b", "größe `1`", "№ %d"]
    table = '"the ""permits"", 50%"'
    columns = ", ".join(f'"{name}" int' for name in names)
    db.execute(sql.SQL(f'CREATE TABLE {table} ({columns}, "Changed (UTC)" timestamptz)'))
    db.execute(sql.SQL(f"INSERT INTO {table} VALUES (1,2,3,4,5,6,7,'2026-01-01 10:00+00')"))
    properties: list[dict[str, Any]] = [
        {"name": f"c{n}", "physicalName": name, "logicalType": "integer"}
        for n, name in enumerate(names)
    ]
    properties[0] |= {"primaryKey": True, "required": True}
    also = [{"property": "civiclake", "value": {"also": ["Changed (UTC)"]}}]
    properties.append({**COLUMNS[-1], "customProperties": also})
    dataset = city.dataset(
        physical=f"public.{table}", columns=properties, load="incremental", sequence="updated_at",
        partition={"column": "№ %d", "parts": 2},
    )  # fmt: skip
    manifest = city.extract(dataset, "n1")
    assert manifest.files[0].header == (*names, "updated_at")
    wanted = [[*"1234567", "2026-01-01 10:00:00.000000+00:00"]]
    assert city.records(manifest) == wanted
    city.landing.mark_committed(dataset.id, "n1")
    assert city.records(city.extract(dataset, "n2")) == wanted
    db.execute(sql.SQL(f"DROP TABLE {table}"))


def test_what_is_refused(
    city: City, rows: psycopg.Connection[Any], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(kind: type[Exception], words: str, **own: Any) -> None:
        with pytest.raises(kind, match=words) as caught:
            city.extract(city.dataset(**own), "bad")
        assert type(caught.value) is kind and "\n" not in str(caught.value)
        assert PASSWORD not in str(caught.value)

    unknown = {"driver": "city.example.Driver"}
    refused(UserError, "engine has no driver city.example.Driver", options=unknown)
    short = "SELECT 1 AS tree_id, 'x' species, now() planted, now() updated_at"
    refused(BatchHeld, "lacks the column height", query=short)
    refused(BatchHeld, "has the column crown, unknown", query="SELECT *, 1 AS crown FROM trees")
    refused(SourceError, "is not what it was", query="SELECT * FROM tres")
    refused(SourceError, "division by zero", query="SELECT tree_id, species, 1 / (tree_id - 3) AS"
            " height, planted, updated_at FROM trees")  # fmt: skip
    with monkeypatch.context() as patch:
        patch.setenv("ERP_PASSWORD", "guessed")
        refused(SourceError, "refuses the login: check ERP_USER and ERP_PASSWORD")
    with monkeypatch.context() as patch:
        patch.setenv("ERP_ADDRESS", f"127.0.0.1:{ports.free_port(0)}")
        refused(SourceUnavailable, "does not answer")
    with monkeypatch.context() as patch:
        patch.setenv("ERP_ADDRESS", "127.0.0.1/x?user=a&password=hidden&y=")
        refused(UserError, "holds a login: leave it out")
    with pytest.raises(EngineError, match="run `civiclake engine up`"):
        extract(city.settings, city.dataset(), "bad")
    logs = "".join(p.read_text() for p in settings.run_dir.rglob("*.log"))
    assert logs and PASSWORD not in logs


def test_a_driver_s_jar_stands_on_the_jobs_engine_s_class_path(tmp_path: Path) -> None:
    jar = tmp_path / "driver.jar"
    with pytest.raises(UserError, match=r"engine\.jars names .*driver\.jar, which is not there"):
        jars.drivers([jar])
    jar.write_bytes(b"PK")
    assert jars.drivers([jar]) == [jar]
