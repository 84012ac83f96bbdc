"""What a contract says of the files that are delivered: their format, and where records are."""

from __future__ import annotations

from typing import Any

from civiclake.contracts.model import FileFormat
from civiclake.contracts.read import extension
from civiclake.contracts.read.document import Document
from civiclake.contracts.read.extension import DatasetExtension
from civiclake.contracts.read.faults import Faults, Place, choice, did_you_mean

ENTITIES = ("vehicle", "trip_update", "stop_time_update", "alert")
"""Kinds of records in a GTFS-Realtime feed."""

_WITH_RECORDS = (FileFormat.JSON, FileFormat.XML, FileFormat.GTFS_RT)
_TEXT = (FileFormat.CSV, FileFormat.JSON, FileFormat.JSONL, FileFormat.XML)
_WITH_HEADER_ROW = (FileFormat.CSV, FileFormat.XLSX)
_NO_DELIMITERS = '"\r\n\0'
_MISSING_RECORDS = {
    FileFormat.XML: "the name of the element that is one record",
    FileFormat.GTFS_RT: f"one of {choice(ENTITIES)}",
}


def read_format(
    server: dict[str, Any],
    own: DatasetExtension | None,
    data: dict[str, Any],
    document: Document,
    faults: Faults,
) -> FileFormat:
    """The format of the files; what else the contract says must go with it.

    Args:
        server: the contract's one server.
        own: the contract's ``civiclake`` entry.
        data: the contract.
        document: the file, for places.
        faults: where faults are noted.
    """
    place: Place = ("servers", 0)
    said = server.get("format") or ("json" if server.get("type") == "api" else "csv")
    known = {str(f): f for f in FileFormat}
    _check_encoding(server.get("encoding"), known.get(said), place, document, faults)
    if said not in known:
        message = f"is {said!r}; allowed are {choice(known)}{did_you_mean(said, known)}"
        document.fault(faults, (*place, "format"), message)
        return FileFormat.CSV
    found = known[said]
    if own is not None:
        entry = extension.find(data.get("customProperties"), ())
        here = entry[1] if entry else ("customProperties",)
        _check_records(own.records, found, (*here, "records"), document, faults)
        if own.sheet is not None and found is not FileFormat.XLSX:
            message = f"only a workbook has sheets, and the format is '{found}'; leave it out"
            document.fault(faults, (*here, "sheet"), message)
        if own.delimiter != "," and found is not FileFormat.CSV:
            message = f"only CSV has a delimiter, and the format is '{found}'; leave it out"
            document.fault(faults, (*here, "delimiter"), message)
        if own.delimiter in _NO_DELIMITERS:
            message = (
                f"is {own.delimiter!r}; allowed is a sign that quotes nothing and ends no line"
            )
            document.fault(faults, (*here, "delimiter"), message)
        if own.header_row is not None and found not in _WITH_HEADER_ROW:
            message = (
                f"only {choice(_WITH_HEADER_ROW)} has a row of names, and the format is "
                f"'{found}'; leave it out"
            )
            document.fault(faults, (*here, "header_row"), message)
    return found


def _check_records(
    said: str | None, found: FileFormat, place: Place, document: Document, faults: Faults
) -> None:
    if said is None:
        if found in _MISSING_RECORDS:
            message = f"'records' is missing: {_MISSING_RECORDS[found]}"
            document.fault(faults, place, message)
    elif found not in _WITH_RECORDS:
        message = f"is {said!r}, but every row of '{found}' is a record; leave it out"
        document.fault(faults, place, message)
    elif found is FileFormat.GTFS_RT and said not in ENTITIES:
        message = f"is {said!r}; allowed are {choice(ENTITIES)}{did_you_mean(said, ENTITIES)}"
        document.fault(faults, place, message)
    elif found is FileFormat.JSON and "" in said.split("."):
        message = f"is {said!r}; allowed are keys with points between, such as 'data.items'"
        document.fault(faults, place, message)


def _check_encoding(
    said: Any, found: FileFormat | None, place: Place, document: Document, faults: Faults
) -> None:
    if not isinstance(said, str):
        return
    here = (*place, "encoding")
    if found is not None and found not in _TEXT:
        document.fault(faults, here, f"'{found}' has an encoding of its own; leave it out")
    elif not _is_encoding(said):
        message = f"is {said!r}; allowed is an encoding such as 'utf-8' or 'gb18030'"
        document.fault(faults, here, message)


def _is_encoding(name: str) -> bool:
    try:
        "".encode(name)  # and not only a codec, such as base64
    except LookupError:
        return False
    return True
