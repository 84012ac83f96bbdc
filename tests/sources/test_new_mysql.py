"""A first contract of a real MariaDB's table: its own key and types are believed."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from source_city import READER_PASSWORD, City
from typer.testing import CliRunner

from civiclake.cli import app
from civiclake.contracts.check import check
from civiclake.contracts.load import load_city
from civiclake.errors import SourceUnavailable, UserError
from civiclake.io import samples
from civiclake.io.samples.asked import Asked
from civiclake.local import ports
from demo import mariadb


@pytest.fixture
def address(maria: mariadb.Server, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("MYSQL_USER", "parks_reader")
    monkeypatch.setenv("MYSQL_PWD", READER_PASSWORD)
    with maria.connect("parks") as connection, connection.cursor() as cursor:
        cursor.execute("SET time_zone = '+00:00'")
        # Another test may have taken the right away.
        cursor.execute(f"GRANT SELECT ON parks.* TO parks_reader@'{mariadb.HOST}'")
        cursor.execute("DROP TABLE IF EXISTS benches")
        cursor.execute(
            "CREATE TABLE benches (number int unsigned, park varchar(20), cost decimal(8,2),"
            " `odd ``name` text, sponsor_phone text, raw blob,"
            " updated_at timestamp(3) NOT NULL, PRIMARY KEY (park, number))"
        )
        cursor.executemany(
            "INSERT INTO benches VALUES (%s, %s, %s, %s, %s, %s, '2016-01-01 10:00:00.5')",
            [
                (n, f"p{n % 3}", n, 'a "b",\n橡' if n % 2 else None, f"1380000{n + 1000}", b"\xff")
                for n in range(1, 31)
            ],
        )
        connection.commit()
    return f"mysql://{maria.host}:{maria.port}/parks"


def test_a_table_becomes_a_contract_that_the_check_passes(
    address: str, city: City, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    schemas = tmp_path / "schemas"
    monkeypatch.setenv("CIVICLAKE_SCHEMAS_DIR", str(schemas))
    done = CliRunner().invoke(app, ["new", "parks.benches", "--from", f"{address}/benches"])
    assert done.exception is None, done.exception
    assert check(schemas, tmp_path / "no-suites") == []
    text = (schemas / "parks/benches.yaml").read_text()
    assert READER_PASSWORD not in text
    contract = yaml.safe_load(text)
    (server,), (table,) = contract["servers"], contract["schema"]
    assert (server["type"], server["host"]) == ("mysql", "${PARKS_DB_HOST}")
    assert (server["database"], table["physicalName"]) == ("parks", "benches")
    columns = {c["name"]: c for c in table["properties"]}
    keyed = sorted(
        (c for c in columns.values() if c.get("primaryKey")),
        key=lambda c: c["primaryKeyPosition"],
    )
    assert [c["name"] for c in keyed] == ["park", "number"]
    assert columns["number"]["physicalType"] == "bigint"
    assert columns["cost"]["physicalType"] == "numeric(8,2)"
    assert columns["updated_at"]["logicalType"] == "timestamp"
    assert columns["odd_name"]["physicalName"] == "odd `name"
    assert columns["sponsor_phone"]["classification"] == "restricted"
    loading = contract["customProperties"][0]["value"]
    assert (loading["load"], loading["sequence"]) == ("incremental", "updated_at")
    assert loading["connection"] == "parks_db"
    host, _, port = address.removeprefix("mysql://").removesuffix("/parks").partition(":")
    for part, value in {
        "HOST": host, "PORT": port, "USER": "parks_reader", "PASSWORD": READER_PASSWORD,
    }.items():  # fmt: skip
        monkeypatch.setenv(f"PARKS_DB_{part}", value)
    dataset = load_city(schemas, tmp_path / "no-suites").dataset("parks.benches")
    assert city.extract(dataset, "n1").rows == 30


def test_rows_are_the_text_that_every_night_will_read(address: str) -> None:
    found = samples.take(f"{address}/benches", "parks", Asked(30))
    first = next(row for row in found.rows if row[0] == "1")
    assert first == (
        "1", "p1", "1.00", 'a "b",\n橡', "13800001001", "\\xff", "2016-01-01 10:00:00.500+00:00",
    )  # fmt: skip
    part = samples.take(f"{address}/benches", "parks", Asked(7))
    assert (len(part.rows), part.complete) == (7, False)


def test_what_is_not_there_is_one_sentence(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match="the database parks has no table chairs"):
        samples.take(f"{address}/chairs", "parks")
    with pytest.raises(SourceUnavailable, match="does not let us look"):
        samples.take(f"{address}_of_another/chairs", "parks")
    with pytest.raises(SourceUnavailable, match="does not let us look"):
        samples.take(f"mysql://127.0.0.1:{ports.free_port(0)}/parks/x", "parks")
    monkeypatch.setenv("MYSQL_PWD", "wrong")
    with pytest.raises(SourceUnavailable, match="does not let us look") as refused:
        samples.take(f"{address}/benches", "parks")
    assert "wrong" not in str(refused.value)
