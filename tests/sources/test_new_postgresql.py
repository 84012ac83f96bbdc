"""A first contract of a real PostgreSQL's table: its own key and types are believed."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from source_city import READER_PASSWORD
from typer.testing import CliRunner

from civiclake.cli import app
from civiclake.contracts.check import check
from civiclake.errors import SourceUnavailable, UserError
from civiclake.io import samples
from civiclake.local import ports, postgres


@pytest.fixture
def address(server: postgres.Server, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("PGUSER", "parks_reader")
    monkeypatch.setenv("PGPASSWORD", READER_PASSWORD)
    with server.connect("parks") as connection:
        connection.execute("CREATE SCHEMA IF NOT EXISTS green")
        connection.execute("DROP TABLE IF EXISTS green.benches")
        connection.execute(
            "CREATE TABLE green.benches (park text, number int, cost numeric(8,2),"
            " sponsor_phone text, updated_at timestamptz NOT NULL, PRIMARY KEY (park, number))"
        )
        connection.execute(
            "INSERT INTO green.benches SELECT 'p' || n % 3, n, n, '1380000' || n + 1000, now()"
            " FROM generate_series(1, 30) n"
        )
        connection.execute("GRANT USAGE ON SCHEMA green TO parks_reader")
        connection.execute("GRANT SELECT ON green.benches TO parks_reader")
    return f"postgresql://{server.host}:{server.port}/parks"


def test_a_table_becomes_a_contract_that_the_check_passes(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    schemas = tmp_path / "schemas"
    monkeypatch.setenv("CIVICLAKE_SCHEMAS_DIR", str(schemas))
    words = [
        "new",
        "parks.benches",
        "--from",
        f"{address}/green.benches",
        "--owner",
        "ann@parks.example",
    ]
    done = CliRunner().invoke(app, words)
    assert done.exception is None, done.exception
    assert check(schemas, tmp_path / "no-suites") == []
    text = (schemas / "parks/benches.yaml").read_text()
    assert READER_PASSWORD not in text
    contract = yaml.safe_load(text)
    table = contract["schema"][0]
    columns = {c["name"]: c for c in table["properties"]}
    assert table["physicalName"] == "green.benches"
    assert contract["servers"][0]["host"] == "${PARKS_DB_HOST}"
    assert [n for n, c in columns.items() if c.get("primaryKey")] == ["park", "number"]
    assert columns["cost"]["physicalType"] == "numeric(8,2)"
    assert columns["sponsor_phone"]["classification"] == "restricted"
    loading = contract["customProperties"][0]["value"]
    assert (loading["load"], loading["sequence"]) == ("incremental", "updated_at")
    assert loading["connection"] == "parks_db"
    assert contract["team"]["members"][0]["username"] == "ann@parks.example"


def test_what_is_not_there_is_one_sentence(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match=r"the database parks has no table green\.chairs"):
        samples.take(f"{address}/green.chairs", "parks")
    with pytest.raises(SourceUnavailable, match="does not let us look"):
        samples.take(f"postgresql://127.0.0.1:{ports.free_port(0)}/parks/x", "parks")
    monkeypatch.setenv("PGPASSWORD", "wrong")
    with pytest.raises(SourceUnavailable, match="does not let us look") as refused:
        samples.take(f"{address}/green.benches", "parks")
    assert "wrong" not in str(refused.value)
