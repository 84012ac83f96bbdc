"""A small city of one dataset, extracted as the nightly task does it."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pyarrow.parquet as pq
import yaml

from civiclake.contracts.load import load_city
from civiclake.contracts.model import Dataset
from civiclake.io.extract import extract
from civiclake.io.landing.manifest import BatchManifest, LandedFile
from civiclake.io.landing.store import Landing
from civiclake.io.reading.raw_names import stored
from civiclake.local import objects
from civiclake.settings import Settings
from demo import mariadb, rest_server, sshd

OWNER = "data@parks.example.org"
READER_PASSWORD = f"pg-{secrets.token_urlsafe(16)}"
STATE_PASSWORD = f"state-{secrets.token_urlsafe(16)}"
OWNER_KEYS = objects.Login("parks-owner", f"s3-{secrets.token_urlsafe(16)}")
SFTP_PASSWORD = f"sftp-{secrets.token_urlsafe(16)}"
HOST_KEY, SFTP_KEY = sshd.Key(secrets.token_hex()), sshd.Key(secrets.token_hex())
READER_KEYS = objects.Login("parks-reader", f"s3-{secrets.token_urlsafe(16)}")
COLUMNS = [
    {"name": "tree_id", "logicalType": "string", "primaryKey": True, "required": True},
    {"name": "species", "logicalType": "string"},
    {"name": "height_m", "physicalName": "height", "logicalType": "number"},
]
QUOTED_NAMES = (
    "Permit No", "Fee (EUR)", "50% [of] all, %s", 'said "so"', "it's; --", "a.b",
    "größe\u00a0{m}=`1`",
)  # fmt: skip
"""Names that a database takes for columns, and that mean something to one tool or another."""
QUOTED_COLUMNS = [
    {"name": f"c{n}", "physicalName": name, "logicalType": "string",
     **({"primaryKey": True, "required": True} if n == 0 else {})}
    for n, name in enumerate(QUOTED_NAMES)
]  # fmt: skip
UPDATED = {"name": "updated_at", "logicalType": "timestamp", "required": True}
ODD_NAMES = ("Permit No", "Fee (EUR), net", "% of; total", "a`b.c")
"""Names that a source may give and a Delta table does not take."""
ODD_COLUMNS = [
    {**COLUMNS[0], "physicalName": ODD_NAMES[0]},
    *(
        {"name": f"c{n}", "physicalName": name, "logicalType": "string"}
        for n, name in enumerate(ODD_NAMES[1:])
    ),
]


@dataclass(frozen=True)
class Store:
    """The object store: where it listens, and its owner's client."""

    port: int
    client: Any


@dataclass(frozen=True)
class MariaPlace:
    """Where the MariaDB lies, so that it can be started anew with other options."""

    folder: Path
    port: int
    password: str

    @property
    def run_dir(self) -> Path:
        return self.folder / "run"

    def start(self, **more: str) -> mariadb.Server:
        """Start it; options with ``_`` for ``-``."""
        options = {"innodb-flush-log-at-trx-commit": "0", "innodb-flush-method": "nosync"}
        options |= {name.replace("_", "-"): value for name, value in more.items()}
        place, run_dir = self.folder / "data", self.run_dir
        return mariadb.start(place, self.port, self.password, run_dir=run_dir, options=options)


@dataclass(frozen=True)
class Drops:
    """The SFTP server: where it listens, who may log in, and the folder that it shows."""

    port: int
    user: str
    folder: Path
    run_dir: Path


API_LOGINS = rest_server.Logins(
    token=f"tk-{secrets.token_urlsafe(16)}",
    password=f"pw-{secrets.token_urlsafe(16)}",
    api_key=f"ak-{secrets.token_urlsafe(16)}",
    control=secrets.token_urlsafe(16),
)


@dataclass(frozen=True)
class Api:
    """The REST server: its address, the folder of its registers, and its bad days."""

    address: str
    folder: Path

    def put(self, records: list[dict[str, Any]], auth: str = "") -> None:
        """A new state of the trees' register."""
        rest_server.write_register(
            self.folder, "trees", records, key="tree_id", updated="updated_at", auth=auth
        )

    def plan(self, *faults: Any) -> list[str]:
        """What becomes of the requests that follow; returns the paths asked for before."""
        headers = {"X-Control": API_LOGINS.control}
        answer = httpx.post(f"{self.address}/control", json=faults, headers=headers)
        return list(answer.raise_for_status().json()["log"])


class City:
    """One dataset at a time, extracted as the nightly task does it."""

    def __init__(self, root: Path) -> None:
        self.settings = Settings(state_dir=root / "state")
        self.landing = Landing(self.settings)
        self.drops = root / "drops"
        self.drops.mkdir()
        self._root = root

    def dataset(
        self,
        server: dict[str, Any],
        own: dict[str, Any],
        columns: list[dict[str, Any]] | None = None,
        physical: str = "public.trees",
    ) -> Dataset:
        """Compile a contract ``parks.trees`` with this source and this civiclake entry."""
        contract = {
            "apiVersion": "v3.2.0",
            "kind": "DataContract",
            "id": "parks.trees",
            "version": "1.0.0",
            "status": "active",
            "domain": "parks",
            "servers": [{"server": "source", **server}],
            "schema": [
                {"name": "trees", "physicalName": physical, "properties": columns or COLUMNS}
            ],
            "team": {"name": "Parks office", "members": [{"username": OWNER, "role": "owner"}]},
            "customProperties": [{"property": "civiclake", "value": own}],
        }
        path = self._root / "schemas" / "parks" / "trees.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(contract))
        city = load_city(self._root / "schemas", self._root / "expectations", self._root / "marts")
        return city.dataset("parks.trees")

    def table(self, **own: Any) -> Dataset:
        """The trees in a database, incremental by ``updated_at`` unless said otherwise."""
        kind = own.pop("kind", "postgresql")
        columns = own.pop("columns", [*COLUMNS, UPDATED])
        physical = own.pop("physical", "public.trees" if kind == "postgresql" else "trees")
        wanted = {"load": "incremental", "sequence": "updated_at", "overlap": "1h", **own}
        if wanted["load"] == "snapshot":
            wanted = {"load": "snapshot", **own}
        server = {
            "type": kind,
            "host": "${PARKS_DB_HOST}",
            "port": "${PARKS_DB_PORT}",
            "database": own.pop("database", "parks"),
            **({"schema": "public"} if kind == "postgresql" else {}),
        }
        wanted.pop("database", None)
        return self.dataset(server, {"connection": "parks_db", **wanted}, columns, physical)

    def api(self, style: str, paging: dict[str, Any] | None = None, **own: Any) -> Dataset:
        """The trees behind a REST API, incremental by ``updated_at`` unless said otherwise."""
        more = own.pop("rest", {})
        ways: dict[str, dict[str, Any]] = {
            "whole": {},
            "page": {"total": "meta.total"},
            "offset": {"total": "meta.total"},
            "cursor": {"next": "meta.next", "total": "meta.total"},
            "link": {"total": "meta.total"},
        }
        kind = "none" if style == "whole" else style
        way = {"kind": kind, "size": 4, **ways[style], **(paging or {})}
        rest = {"paging": way, "requests_per_second": 1000, **more}
        wanted = {"load": "incremental", "sequence": "updated_at", "overlap": "1h", **own}
        if wanted["load"] == "snapshot":
            wanted = {"load": "snapshot", **own}
        else:
            rest = {"since_parameter": "updated_since", **rest}
        server = {"type": "api", "location": "${PARKS_API_URL}/" + style + "/trees"}
        columns = wanted.pop("columns", [*COLUMNS, UPDATED])
        return self.dataset(server, {"records": "data", "rest": rest, **wanted}, columns)

    def bucket(self, location: str, **own: Any) -> Dataset:
        """The trees in objects of a bucket."""
        server = {
            "type": "s3",
            "location": location,
            "endpointUrl": "${PARKS_S3_ENDPOINT}",
            "format": "csv",
        }
        return self.dataset(server, {"load": "files", "connection": "parks_s3", **own})

    def files(self, pattern: str = "*.csv", encoding: str | None = None, **own: Any) -> Dataset:
        """The trees in dropped files."""
        path, form = f"{self.drops}/{pattern}", own.pop("format", "csv")
        server = {"type": "local", "path": path, "format": form}
        if encoding:
            server["encoding"] = encoding
        columns = own.pop("columns", None)
        return self.dataset(server, {"load": "files", **own}, columns)

    def sftp(self, pattern: str = "~/*.csv", **own: Any) -> Dataset:
        """The trees in files on an SFTP server."""
        location = f"sftp://${{PARKS_SFTP_HOST}}:${{PARKS_SFTP_PORT}}/{pattern}"
        server = {"type": "sftp", "location": location, "format": own.pop("format", "csv")}
        return self.dataset(server, {"load": "files", "connection": "parks_sftp", **own})

    def extract(self, dataset: Dataset, batch_id: str, **options: Any) -> BatchManifest:
        """Extract a batch; dropped files count as finished at once."""
        return extract(self.settings, dataset, batch_id, **{"settle_seconds": 0, **options})

    def commit(self, dataset: Dataset, batch_id: str) -> BatchManifest:
        """Extract a batch and count it as merged."""
        manifest = self.extract(dataset, batch_id)
        self.landing.mark_committed(dataset.id, batch_id)
        return manifest

    def records(self, manifest: BatchManifest) -> list[list[str]]:
        """All records of a batch, after its bytes were held against the manifest."""
        found: list[list[str]] = []
        for file in manifest.files:
            path = self.landing.batch_dir(manifest.dataset, manifest.batch_id) / file.path
            data = path.read_bytes()
            assert (len(data), hashlib.sha256(data).hexdigest()) == (file.size_bytes, file.sha256)
            text = io.StringIO(gzip.decompress(data).decode(), newline="")
            header, *rows = csv.reader(text)
            assert tuple(header) == file.header
            assert len(rows) == file.rows
            read = read_back(path.parent, file)
            assert [[value or "" for value in row.values()] for row in read] == rows
            found += rows
        assert len(found) == manifest.rows
        return found

    def ids(self, manifest: BatchManifest) -> list[str]:
        """The first value of every record, sorted."""
        return sorted(row[0] for row in self.records(manifest))

    def landed(self) -> list[str]:
        """Names of everything that landing holds of the dataset, drafts included."""
        folder = self.landing.dataset_dir("parks.trees")
        drafts = folder.with_name(f".{folder.name}.drafts")
        return sorted(
            p.name for place in (folder, drafts) if place.exists() for p in place.iterdir()
        )


def assert_odd(city: City, manifest: BatchManifest) -> None:
    """The one row of a source with names of any sign came under these names."""
    (file,) = manifest.files
    folder = city.landing.batch_dir(manifest.dataset, manifest.batch_id)
    assert read_back(folder, file) == [dict(zip(ODD_NAMES, "1234", strict=True))]


def read_back(folder: Path, file: LandedFile) -> list[dict[str, str | None]]:
    """What stage reads of a landed file: its records, by their columns' names."""
    read = pq.read_table(folder / str(file.rendition))
    assert read["_row"].to_pylist() == list(range(1, file.rows + 1))
    chosen = read.select([stored(name) for name in file.header])
    return chosen.rename_columns(list(file.header)).to_pylist()  # type: ignore[no-any-return]
