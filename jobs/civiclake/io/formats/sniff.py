"""What a file is by its first bytes, whatever its name says."""

from __future__ import annotations

import io
import re

from civiclake.contracts.model import FileFormat
from civiclake.io.reading.inspect import Unreadable

_ZIP = b"PK\x03\x04"
_TEXTS = (FileFormat.CSV, FileFormat.JSON, FileFormat.JSONL, FileFormat.XML)
_WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff")
"""UTF-16 and UTF-32 begin with them; every other byte of theirs may be zero."""
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_MAGIC = (
    (b"\x00\x00\x27\x0a", "a shapefile (.shp or .shx)"),
    (b"\x89PNG\r\n", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF87a", "a GIF picture"),
    (b"GIF89a", "a GIF picture"),
    (b"SQLite format 3\x00", "an SQLite database (such as a GeoPackage)"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard file"),
    (b"Obj\x01", "an Avro file"),
    (b"{\\rtf", "a document (RTF)"),
    (_OLE, "an old Excel file (.xls) or one under a password"),
    (b"\x1f\x8b\x08", "a gzip file"),
    (b"%PDF-", "a PDF"),
)
_PX = re.compile(
    rb"(CHARSET|AXIS-VERSION|CODEPAGE|LANGUAGE|CREATION-DATE|MATRIX|TITLE)(\[\w+\])?=\""
)
"""Keywords of which one opens a PC-Axis file."""
_HTML = re.compile(rb"<(!doctype html|html)\b", re.IGNORECASE)
_JSON = re.compile(rb'(\[\s*)?\{\s*"')
"""No line of names begins so: an answer of an interface, or its error, saved as a table."""
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
    binary: io.BufferedReader,
    wanted: FileFormat,
    *,
    said_by: str = "the contract's `format`",
    encoding: str = "utf-8",
) -> None:
    """Refuse a file that is plainly of another kind; nothing is consumed.

    Args:
        binary: the file's bytes.
        wanted: what it should be.
        said_by: who says so, for the sentence.
        encoding: of a text; in some of them every other byte is zero.

    Raises:
        Unreadable: its first bytes say that it is something else.
    """
    head = binary.peek(512)[:512]
    if not head:
        raise Unreadable("it is empty: 0 bytes")
    found = _kind(head) or (_record_kind(head) if wanted is FileFormat.CSV else None)
    if wanted is FileFormat.XLSX and head.startswith(_ZIP):
        return  # what is inside shows when it is opened
    if found is None and wanted in (FileFormat.XLSX, FileFormat.PARQUET):
        found = "text" if _is_text(head) else "something else"
    if found is None and wanted in _TEXTS and "16" not in encoding and "32" not in encoding:
        found = None if _is_text(head) else "a binary file"
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
    found = next((name for magic, name in _MAGIC if head.startswith(magic)), None)
    return found or _text_kind(head)


def _text_kind(head: bytes) -> str | None:
    """Texts that are no tables."""
    words = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if _PX.match(words):
        return "a PC-Axis file (.px)"
    return "a web page (HTML)" if _HTML.match(words) else None


def _record_kind(head: bytes) -> str | None:
    """Texts of records, which a reader of lines would take for a table of one column."""
    words = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if words.startswith(b"<?xml"):
        return _NAMES[FileFormat.XML]
    return _NAMES[FileFormat.JSON] if _JSON.match(words) else None


def _is_text(head: bytes) -> bool:
    return head.startswith(_WIDE_MARKS) or not any(byte < 9 for byte in head)
