"""Where a dataset is read: the kind of system, the place in it, and the form of its files."""

from __future__ import annotations

import re
from enum import StrEnum

from pydantic import Field, model_validator

from civiclake.contracts.frozen import Frozen
from civiclake.contracts.rest import Rest

_PATTERN = re.compile(r"[*?\[]")


class SourceKind(StrEnum):
    """The kinds of system a department keeps its records in."""

    POSTGRESQL = "postgresql"
    MYSQL = "mysql"
    """MariaDB as well."""
    S3 = "s3"
    FILES = "local"
    SFTP = "sftp"
    API = "api"
    """REST."""
    CUSTOM = "custom"
    """What :attr:`Source.connector` names: our own for any JDBC driver, or a third party's."""


class FileFormat(StrEnum):
    """What a delivered file is."""

    CSV = "csv"
    JSON = "json"
    """One document that holds a list of objects."""
    JSONL = "jsonl"
    """One object a line."""
    XML = "xml"
    XLSX = "xlsx"
    PARQUET = "parquet"
    GTFS_RT = "gtfs_rt"
    """A GTFS-Realtime snapshot (protobuf)."""


class Partition(Frozen):
    """Ranges of a column that are read at the same time."""

    column: str
    """Name in the source; whole numbers."""
    parts: int = Field(ge=2, le=16)


class Addressing(StrEnum):
    """Where an address of an object store names the bucket."""

    PATH = "path"
    """``https://store/bucket/key``."""
    VIRTUAL = "virtual"
    """``https://bucket.store/key``; buckets of AWS want it."""


class ObjectStore(Frozen):
    """How an object store wants to be asked."""

    region: str | None = Field(default=None, min_length=1)
    """None: ``<ID>_REGION`` of the connection, else ``us-east-1``."""
    addressing: Addressing = Addressing.PATH


class TlsMode(StrEnum):
    """What a connection to a database must prove before a login is sent."""

    REQUIRED = "required"
    """That it is encrypted; who answers is not asked."""
    VERIFY_CA = "verify_ca"
    """Besides, that this authority has vouched for the server."""
    VERIFY_IDENTITY = "verify_identity"
    """Besides, that it has vouched for a server of this name."""


class Tls(Frozen):
    """TLS as a contract demands it of a database."""

    mode: TlsMode = TlsMode.VERIFY_IDENTITY
    ca: str | None = Field(default=None, min_length=1)
    """File (PEM) of the authorities that are believed; None: those of this machine."""

    @model_validator(mode="after")
    def _fits(self) -> Tls:
        if self.mode is TlsMode.VERIFY_CA and self.ca is None:
            raise ValueError("mode verify_ca wants `ca`: the file of the authority's certificate")
        if self.mode is TlsMode.REQUIRED and self.ca is not None:
            raise ValueError("mode required looks at no `ca`: take verify_ca or verify_identity")
        return self


def naming(location: str) -> int | None:
    """How many parts of its path, from its end, name a file for good; None: the whole path.

    The folder that a location begins with may move with an installation; what stands from its
    first pattern on is the file's name.

    Args:
        location: the contract's pattern, such as ``${DROPS}/health/*/cases-*.csv``.
    """
    wanted = location.rstrip("/").split("/")
    first = next((i for i, part in enumerate(wanted) if _PATTERN.search(part)), len(wanted) - 1)
    return None if "**" in wanted[first:] else len(wanted) - first


class Source(Frozen):
    """Where a dataset is read, as the contract's ``servers`` entry says it.

    Values may hold ``${NAME}``: they are looked up in the environment when read,
    so a contract carries no secret and no host of one installation.
    """

    kind: SourceKind
    connection: str | None = None
    """Id of the credentials: an Airflow connection, or ``<ID>_USER`` and ``<ID>_PASSWORD``
    (databases), ``<ID>_ACCESS_KEY``, ``<ID>_SECRET_KEY`` and, of temporary ones,
    ``<ID>_SESSION_TOKEN`` (S3), ``<ID>_USER``,
    ``<ID>_HOST_KEY`` and ``<ID>_PASSWORD`` or ``<ID>_PRIVATE_KEY`` (SFTP) in the environment."""
    host: str | None = None
    port: str | None = None
    database: str | None = None
    db_schema: str | None = None
    table: str | None = None
    query: str | None = None
    """A SELECT that is read instead of the table."""
    partition: Partition | None = None
    tls: Tls | None = None
    """Of databases; None: encrypted where the server offers it, and nothing is verified."""
    endpoint_url: str | None = None
    s3: ObjectStore = ObjectStore()
    location: str | None = None
    """``s3://bucket/prefix*.zip``, ``sftp://host:port/folder/*.csv`` or a folder pattern such as
    ``${DROPS}/meteorology/*.csv``."""
    format: FileFormat = FileFormat.CSV
    member: str | None = None
    """Name inside a zip, or a pattern such as ``visits_*.csv``."""
    records: str | None = None
    """Where the records are: dotted keys to a list (JSON), an element's name (XML), or the
    kind of entity (GTFS-Realtime)."""
    sheet: str | None = None
    """Name of a workbook's sheet (XLSX)."""
    delimiter: str = ","
    header_row: int | None = None
    """Line (CSV) or row (XLSX) of the column names, counted from 1; what is above is skipped.
    None: the first one that holds a text."""
    encoding: str = "utf-8"
    rest: Rest = Rest()
    connector: str | None = None
    """Name of the connector, for sources of kind ``custom`` alone."""
    options: dict[str, str] = Field(default_factory=dict)
    """What that connector wants to know besides."""
