"""What a file is by its first bytes, whatever its name says."""

from __future__ import annotations

import io

from civiclake.contracts.model import FileFormat
from civiclake.io.inspect import Unreadable

_ZIP = b"PK\x03\x04"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_MAGIC = (
    (_OLE, "an old Excel file (.xls) or one under a password"),
    (b"\x1f\x8b\x08", "a gzip file"),
    (b"%PDF-", "a PDF"),
)
_OFFICE = (b"[Content_Types].xml", b"_rels/.rels", b"docProps/", b"xl/")
"""Names of which one stands at the beginning of a workbook."""
_ENCRYPTED = "an encrypted Parquet file, which must be decrypted before it is dropped,"
_NAMES = {
    FileFormat.CSV: "CSV",
    FileFormat.JSON: "JSON",
    FileFormat.JSONL: "JSON lines",
    FileFormat.XML: "XML",
    FileFormat.XLSX: "an XLSX workbook",
    FileFormat.PARQUET: "Parquet",
    FileFormat.GTFS_RT: "a GTFS-Realtime feed",
}


def check(
    binary: io.BufferedReader, wanted: FileFormat, *, said_by: str = "the contract's `format`"
) -> None:
    """Refuse a file that is plainly of another kind; nothing is consumed.

    Args:
        binary: the file's bytes.
        wanted: what it should be.
        said_by: who says so, for the sentence.

    Raises:
        Unreadable: its first bytes say that it is something else.
    """
    head = binary.peek(512)[:512]
    if not head:
        raise Unreadable("it is empty: 0 bytes")
    found = _kind(head)
    if wanted is FileFormat.XLSX and head.startswith(_ZIP):
        return  # what is inside shows when it is opened
    if found is None and wanted in (FileFormat.XLSX, FileFormat.PARQUET):
        found = "text" if _is_text(head) else "something else"
    if found not in (None, _NAMES[wanted]):
        raise Unreadable(f"it is {found}, not {_NAMES[wanted]} as {said_by} says")


def _kind(head: bytes) -> str | None:
    if head.startswith(_ZIP):
        workbook = any(name in head for name in _OFFICE)
        return _NAMES[FileFormat.XLSX] if workbook else "a zip archive"
    # A header of text may begin with these letters too, but no text goes on like this.
    if head.startswith((b"PAR1", b"PARE")) and (0 in head[4:12] or head[4:5] < b" "):
        encrypted = head.startswith(b"PARE")
        return _ENCRYPTED if encrypted else _NAMES[FileFormat.PARQUET]
    return next((name for magic, name in _MAGIC if head.startswith(magic)), None)


def _is_text(head: bytes) -> bool:
    return not any(byte < 9 for byte in head)
