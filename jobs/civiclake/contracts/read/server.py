"""The one server of a contract: where its dataset is read."""

from __future__ import annotations

from typing import Any

from civiclake.contracts.model import FileFormat, Load, ObjectStore, Source, SourceKind
from civiclake.contracts.read import connectors, extension
from civiclake.contracts.read.document import Document
from civiclake.contracts.read.extension import DatasetExtension
from civiclake.contracts.read.faults import Faults, Place, choice, did_you_mean
from civiclake.contracts.read.file_format import read_format
from civiclake.contracts.rest import Auth, Rest

_KINDS = {
    "postgresql": SourceKind.POSTGRESQL,
    "postgres": SourceKind.POSTGRESQL,
    "mysql": SourceKind.MYSQL,
    "s3": SourceKind.S3,
    "local": SourceKind.FILES,
    "sftp": SourceKind.SFTP,
    "api": SourceKind.API,
    "custom": SourceKind.CUSTOM,
}
_TABLES = (Load.INCREMENTAL, Load.SNAPSHOT, Load.CHANGES)
_DROPS = (Load.FILES, Load.SNAPSHOT, Load.CHANGES)
_LOADS = {
    SourceKind.POSTGRESQL: _TABLES,
    SourceKind.MYSQL: _TABLES,
    SourceKind.S3: _DROPS,
    SourceKind.FILES: _DROPS,
    SourceKind.SFTP: _DROPS,
    SourceKind.API: _TABLES,
    SourceKind.CUSTOM: tuple(Load),
}
_DATABASES = (SourceKind.POSTGRESQL, SourceKind.MYSQL)


def read_source(
    data: dict[str, Any],
    table: dict[str, Any],
    name: str,
    own: DatasetExtension | None,
    document: Document,
    faults: Faults,
) -> Source | None:
    """Where the dataset is read; None (and a fault) when that can't be told.

    Args:
        data: the contract.
        table: its one table.
        name: the dataset's name within its department.
        own: the contract's ``civiclake`` entry.
        document: the file, for places.
        faults: where faults are noted.
    """
    found = _server(data, document, faults)
    if found is None:
        return None
    server, kind = found
    database = kind in _DATABASES
    file_format = FileFormat.CSV if database else read_format(server, own, data, document, faults)
    if own is not None:
        _check_fit(kind, server, own, data, document, faults)
    named = database or kind is SourceKind.CUSTOM
    physical = str(table.get("physicalName") or name)
    db_schema, _, bare = physical.rpartition(".")
    return Source(
        kind=kind,
        connection=own.connection if own else None,
        host=_text(server.get("host")),
        port=_text(server.get("port")),
        database=_text(server.get("database")),
        db_schema=(db_schema or _text(server.get("schema"))) if named else None,
        table=bare if named else None,
        query=own.query if own else None,
        partition=own.partition if own else None,
        tls=own.tls if own else None,
        endpoint_url=_text(server.get("endpointUrl")),
        s3=own.s3 if own else ObjectStore(),
        location=_text(server.get("location") or server.get("path")),
        format=file_format,
        member=own.member if own else None,
        records=own.records if own else None,
        sheet=own.sheet if own else None,
        delimiter=own.delimiter if own else ",",
        header_row=own.header_row if own else None,
        encoding=str(server.get("encoding") or "utf-8").lower(),
        rest=own.rest if own else Rest(),
        connector=own.connector if own else None,
        options=own.options if own else {},
    )


def _server(
    data: dict[str, Any], document: Document, faults: Faults
) -> tuple[dict[str, Any], SourceKind] | None:
    """The one server of a contract, and what kind of system it is."""
    servers = [s for s in data.get("servers") or [] if isinstance(s, dict)]
    if len(servers) != 1:
        message = f"holds {len(servers)} servers; allowed is one, the source"
        document.fault(faults, ("servers",), message)
        return None
    server: dict[str, Any] = servers[0]
    kind = _KINDS.get(server.get("type", ""))
    if kind is None:
        hint = did_you_mean(server.get("type"), _KINDS)
        message = f"is {server.get('type')!r}; allowed are {choice(_KINDS)}{hint}"
        document.fault(faults, ("servers", 0, "type"), message)
        return None
    return server, kind


def _check_fit(
    kind: SourceKind,
    server: dict[str, Any],
    own: DatasetExtension,
    data: dict[str, Any],
    document: Document,
    faults: Faults,
) -> None:
    """What the source is and what civiclake says of it go together."""
    found = extension.find(data.get("customProperties"), ())
    here = found[1] if found else ("customProperties",)
    database = kind in _DATABASES
    _check_connector(kind, server, own, here, document, faults)
    _check_tables(kind, own, here, document, faults)
    _check_rest(kind, own, here, document, faults)
    _check_connection(kind, own, here, document, faults)
    open_to_all = kind is SourceKind.API and own.rest.auth is Auth.NONE
    may_lack = open_to_all or kind in (SourceKind.FILES, SourceKind.CUSTOM)
    if not may_lack and own.connection is None:
        message = "'connection' is missing: the id of the credentials, such as 'health_db'"
        document.fault(faults, (*here, "connection"), message)
    if kind is SourceKind.FILES and own.connection is not None:
        document.fault(faults, (*here, "connection"), "dropped files need none; leave it out")
    if own.load not in _LOADS[kind]:
        message = f"is {own.load.value!r}; allowed for {kind.value!r} are " + choice(
            str(x) for x in _LOADS[kind]
        )
        document.fault(faults, (*here, "load"), message)
    for field in ("member", "records", "sheet", "header_row"):
        if database and getattr(own, field) is not None:
            message = f"a database has no {field}; leave it out"
            document.fault(faults, (*here, field), message)


def _check_tables(
    kind: SourceKind, own: DatasetExtension, here: Place, document: Document, faults: Faults
) -> None:
    """Query and partition are words of databases."""
    for field in ("query", "partition"):
        if getattr(own, field) and kind not in (*_DATABASES, SourceKind.CUSTOM):
            document.fault(faults, (*here, field), "goes with a database; leave it out")
    if kind is SourceKind.MYSQL and own.query and own.partition:
        message = "does not go with a query of MariaDB or MySQL; make the query a view"
        document.fault(faults, (*here, "partition"), message)


def _check_connection(
    kind: SourceKind, own: DatasetExtension, here: Place, document: Document, faults: Faults
) -> None:
    """How a source is reached is said in the words of its kind."""
    if own.tls is not None and kind not in _DATABASES:
        message = f"goes with a server of type {choice(map(str, _DATABASES))}; leave it out"
        document.fault(faults, (*here, "tls"), message)
    if own.s3 != ObjectStore() and kind is not SourceKind.S3:
        message = f"goes with a server of type 's3', not {kind.value!r}; leave it out"
        document.fault(faults, (*here, "s3"), message)


def _check_rest(
    kind: SourceKind, own: DatasetExtension, here: Place, document: Document, faults: Faults
) -> None:
    """Only an API has pages; and it must be able to tell new records from old ones."""
    place = (*here, "rest")
    if kind is not SourceKind.API:
        if own.rest != Rest():
            message = f"goes with a server of type 'api', not {kind.value!r}; leave it out"
            document.fault(faults, place, message)
        return
    if own.goes_by_sequence and own.rest.since_parameter is None:
        message = "'since_parameter' is missing: the name under which it is asked for what is new"
        document.fault(faults, (*place, "since_parameter"), message)
    if not own.goes_by_sequence and own.rest.since_parameter is not None:
        message = f"does not go with the load {own.load.value!r}, which is read whole; leave it out"
        document.fault(faults, (*place, "since_parameter"), message)


def _check_connector(
    kind: SourceKind,
    server: dict[str, Any],
    own: DatasetExtension,
    here: Place,
    document: Document,
    faults: Faults,
) -> None:
    """A custom source names a connector that is installed, and nobody else does."""
    if kind is not SourceKind.CUSTOM:
        for field in ("connector", "options"):
            if getattr(own, field):
                message = f"goes with a server of type 'custom', not {kind.value!r}; leave it out"
                document.fault(faults, (*here, field), message)
        return
    known = connectors.names()  # every package of the environment is asked
    if own.connector is None:
        message = f"'connector' is missing: who reads it; allowed are {choice(known)}"
        document.fault(faults, (*here, "connector"), message)
    elif own.connector not in known:
        hint = did_you_mean(own.connector, known)
        message = f"is {own.connector!r}, which is not installed; allowed are {choice(known)}{hint}"
        document.fault(faults, (*here, "connector"), message)
    elif own.connector == "jdbc":
        _check_jdbc(server, own, here, document, faults)


def _check_jdbc(
    server: dict[str, Any], own: DatasetExtension, here: Place, document: Document, faults: Faults
) -> None:
    """A driver is told by its class, and where to go."""
    if "driver" not in own.options:
        message = "'driver' is missing: the class of the driver, such as 'org.postgresql.Driver'"
        document.fault(faults, (*here, "options"), message)
    if not str(server.get("location") or "").startswith("jdbc:"):
        message = f"is {server.get('location')!r}; allowed is an address such as 'jdbc:name://...'"
        document.fault(faults, ("servers", 0, "location"), message)
    if own.connection is None:
        message = "'connection' is missing: the id of the credentials, such as 'erp_db'"
        document.fault(faults, (*here, "connection"), message)
    if own.load not in _TABLES:
        message = f"is {own.load.value!r}; allowed for 'jdbc' are {choice(map(str, _TABLES))}"
        document.fault(faults, (*here, "load"), message)


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
