"""``python -m bench.connectors``: rows per second of each connector, from a real server to landing.

The same table (ten columns of what departments keep) stands in a PostgreSQL, a MariaDB and
behind a REST server, all on this machine. What is measured is ``civiclake extract``'s own
work: read, written as compressed parts, counted, hashed, synced. Results go to
``bench/results/connectors.json``.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from civiclake import secrets
from civiclake.cli.console import put, say, show_table
from civiclake.contracts.load import load_city
from civiclake.io.extract import extract
from civiclake.local import postgres
from civiclake.local.ports import free_ports
from civiclake.settings import Settings
from demo import mariadb, rest_server

RESULT = Path(__file__).parent / "results" / "connectors.json"
_TYPES = {
    "permit_id": ("bigint", "integer"),
    "street": ("varchar(80)", "string"),
    "district": ("char(6)", "string"),
    "kind": ("varchar(20)", "string"),
    "applicant": ("varchar(80)", "string"),
    "area_m2": ("decimal(10,2)", "number"),
    "fee": ("decimal(10,2)", "number"),
    "granted_on": ("date", "date"),
    "note": ("text", "string"),
    "updated_at": ("timestamp", "timestamp"),
}
_VALUES = (
    "{n}, CONCAT('Longquan Road ', {n}), '530102', CONCAT('kind ', MOD({n}, 9)),"
    " CONCAT('Applicant \"', {n}, '\"'), MOD({n}, 90000) / 7.0, 12.5, '2026-01-01',"
    " NULL, '2026-01-02 03:04:05'"
)
_PARTITION = {"column": "permit_id", "parts": 2}
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, help=__doc__)


@dataclass
class Speed:
    """What one connector did."""

    connector: str
    rows: int
    seconds: float
    rows_per_second: int
    landed_mb: float


@app.command()
def main(
    rows: Annotated[int, typer.Option(help="rows of the databases' table")] = 1_000_000,
    records: Annotated[int, typer.Option(help="records behind the REST server")] = 100_000,
) -> None:
    """Measure all, each in a landing of its own."""
    root = Path(tempfile.mkdtemp(prefix="civiclake-bench-"))
    root.chmod(0o755)
    try:
        with _servers(root, rows, records) as servers:
            found = [_measured(root, name, server, own) for name, server, own in _sources(servers)]
    finally:
        shutil.rmtree(root, ignore_errors=True)
    RESULT.write_text(json.dumps([asdict(speed) for speed in found], indent=1) + "\n")
    show_table(tuple(asdict(found[0])), [tuple(asdict(speed).values()) for speed in found])
    put(f"written to {RESULT}")


def _sources(servers: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    own = {"load": "snapshot", "connection": "bench"}
    for kind in ("postgresql", "mysql"):
        server = {"type": kind, "host": "127.0.0.1", "port": servers[kind], "database": "bench"}
        server |= {"schema": "public"} if kind == "postgresql" else {}
        yield kind, server, own
        yield f"{kind}, 2 parts", server, {**own, "partition": _PARTITION}
    api = {"type": "api", "location": f"{servers['api']}/cursor/permits"}
    paging = {"kind": "cursor", "size": 1000, "next": "meta.next", "total": "meta.total"}
    rest = {"auth": "bearer", "paging": paging, "requests_per_second": 1000}
    yield "api, 1,000 a page", api, {**own, "records": "data", "rest": rest}


def _measured(root: Path, name: str, server: dict[str, Any], own: dict[str, Any]) -> Speed:
    schemas = root / "schemas" / "works"
    schemas.mkdir(parents=True, exist_ok=True)
    columns = [{"name": name, "logicalType": kind} for name, (_, kind) in _TYPES.items()]
    columns[0] |= {"primaryKey": True, "required": True}
    contract = {
        "apiVersion": "v3.2.0",
        "kind": "DataContract",
        "id": "works.permits",
        "version": "1.0.0",
        "status": "active",
        "servers": [{"server": "source", **server}],
        "schema": [{"name": "permits", "properties": columns}],
        "team": {"members": [{"username": "works@city.example", "role": "owner"}]},
        "customProperties": [{"property": "civiclake", "value": own}],
    }
    (schemas / "permits.yaml").write_text(yaml.safe_dump(contract))
    dataset = load_city(root / "schemas", root / "none", root / "none").dataset("works.permits")
    settings = Settings(state_dir=root / name.replace(" ", "_"))
    say(f"reading {name}")
    began = time.monotonic()
    manifest = extract(settings, dataset, "b1")
    seconds = time.monotonic() - began
    speed = round(manifest.rows / seconds)
    return Speed(name, manifest.rows, round(seconds, 2), speed, round(manifest.bytes / 1e6, 1))


@contextmanager
def _servers(root: Path, rows: int, records: int) -> Iterator[dict[str, Any]]:
    """The three servers with the same table; they are gone afterwards."""
    secret = secrets.ensure(Settings(state_dir=root), "bench")
    os.environ |= {"BENCH_USER": "reader", "BENCH_PASSWORD": secret, "BENCH_TOKEN": secret}
    with ExitStack() as stack:
        say(f"filling the servers with {rows:,} rows and {records:,} records")
        run_dir, ports = root / "run", free_ports(3)
        stack.callback(postgres.stop, run_dir)
        stack.callback(mariadb.stop, run_dir)
        stack.callback(rest_server.stop, run_dir)
        _fill_postgresql(root, ports[0], secret, rows)
        _fill_mariadb(root, ports[1], secret, rows)
        address = _fill_api(root, ports[2], secret, records)
        yield {"postgresql": ports[0], "mysql": ports[1], "api": address}


def _fill_postgresql(root: Path, port: int, secret: str, rows: int) -> None:
    server = postgres.start(
        root / "pg", port, secret, run_dir=root / "run", options={"fsync": "off"}
    )
    postgres.create_database(server, "bench")
    postgres.create_role(server, "reader", secret)
    columns = ", ".join(f"{name} {kind}" for name, (kind, _) in _TYPES.items())
    values = _VALUES.format(n="n").replace("'2026-01-01'", "DATE '2026-01-01'")
    values = values.replace("'2026-01-02", "TIMESTAMP '2026-01-02")
    with server.connect("bench") as connection:
        connection.execute(f"CREATE TABLE permits ({columns})")
        connection.execute(
            f"INSERT INTO permits SELECT {values} FROM generate_series(1, {int(rows)}) n"
        )
        connection.execute("CREATE INDEX ON permits (permit_id)")
        connection.execute("GRANT SELECT ON permits TO reader")
        connection.execute("VACUUM ANALYZE permits")


def _fill_mariadb(root: Path, port: int, secret: str, rows: int) -> None:
    options = {"innodb-flush-log-at-trx-commit": "0"}
    server = mariadb.start(root / "maria", port, secret, run_dir=root / "run", options=options)
    mariadb.create_reader(server, "bench", "reader", secret, "SELECT, LOCK TABLES")
    columns = ", ".join(f"{name} {kind}" for name, (kind, _) in _TYPES.items())
    with server.connect("bench") as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE permits ({columns}, PRIMARY KEY (permit_id))")
        values = _VALUES.format(n="seq")
        cursor.execute(f"INSERT INTO permits SELECT {values} FROM seq_1_to_{int(rows)}")


def _fill_api(root: Path, port: int, secret: str, records: int) -> str:
    folder = root / "registers"
    folder.mkdir()
    made = [
        {
            "permit_id": n,
            "street": f"Longquan Road {n}",
            "district": "530102",
            "kind": f"kind {n % 9}",
            "applicant": f'Applicant "{n}"',
            "area_m2": round(n % 90000 / 7, 2),
            "fee": 12.5,
            "granted_on": "2026-01-01",
            "note": None,
            "updated_at": "2026-01-02T03:04:05Z",
        }
        for n in range(1, records + 1)
    ]
    rest_server.write_register(folder, "permits", made, key="permit_id", auth="bearer")
    logins = rest_server.Logins(token=secret, password=secret, api_key=secret)
    return rest_server.start(
        folder, port, logins, run_dir=root / "run", requests_per_second=100_000
    )


if __name__ == "__main__":
    app()
