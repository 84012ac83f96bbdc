"""Reading through CSV text once: header, number of records, records of another length."""

from __future__ import annotations

import csv
import gzip
import io
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial

FIRST_RAGGED = 10
"""How many ragged records are named."""
LONGEST_LINE = 8 << 20
"""Characters; a longer line is refused, so that no file can fill the memory."""


class Unreadable(Exception):
    """The file can't be read as what it should be; the message says why."""


READ_FAULTS = (
    Unreadable,
    EOFError,
    UnicodeError,
    csv.Error,
    zlib.error,
    zipfile.BadZipFile,
    RuntimeError,
    NotImplementedError,
    gzip.BadGzipFile,
)
"""What reading through a broken file may raise."""


@dataclass(frozen=True)
class Inspection:
    """What one pass over a CSV text found."""

    header: tuple[str, ...]
    rows: int
    ragged_rows: tuple[int, ...]
    ragged_count: int
    multiline: bool


def text_lines(binary: io.BufferedIOBase, encoding: str) -> Iterator[str]:
    """Decode strictly, line by line, line ends kept; a byte-order mark is dropped."""
    codec = "utf-8-sig" if encoding.lower().replace("_", "-") in ("utf-8", "utf8") else encoding
    text = io.TextIOWrapper(binary, encoding=codec, errors="strict", newline="")  # type: ignore[type-var]
    for line in iter(partial(text.readline, LONGEST_LINE), ""):
        if len(line) == LONGEST_LINE and line[-1] not in "\r\n":
            raise Unreadable(f"it holds a line of over {LONGEST_LINE >> 20} MiB")
        yield line


def inspect_csv(lines: Iterable[str], delimiter: str) -> Inspection:
    """Read CSV text to its end in constant memory.

    Args:
        lines: the text, line ends kept.
        delimiter: what stands between values; quoting is RFC 4180's.

    Raises:
        Unreadable: there is no header, or the quoting is broken.
    """
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    rows = blank = ragged = 0
    first: list[int] = []
    try:
        header = tuple(name.strip() for name in next(reader, []))
        if not header:
            raise Unreadable("it is empty: the first line must name the columns")
        start, width = reader.line_num, len(header)
        for row in reader:
            rows += 1
            if len(row) != width:
                if not row:
                    rows -= 1
                    blank += 1
                    continue
                ragged += 1
                if ragged <= FIRST_RAGGED:
                    first.append(rows)
    except csv.Error as error:
        raise Unreadable(_unparsable(error, reader.line_num)) from None
    except UnicodeError as error:
        raise Unreadable(_undecodable(error, reader.line_num)) from None
    doubled = sorted({name for name in header if header.count(name) > 1})
    if doubled:
        raise Unreadable(f"its header names {', '.join(doubled)} more than once")
    multiline = reader.line_num - start != rows + blank
    return Inspection(header, rows, tuple(first), ragged, multiline)


def why(error: BaseException) -> str:
    """The reason in a reader's words."""
    if isinstance(error, Unreadable):
        return str(error)
    if isinstance(error, EOFError):
        return "it is cut off before its end"
    if isinstance(error, UnicodeError):
        return _undecodable(error, 0)
    if isinstance(error, zipfile.BadZipFile):
        return f"it is no whole zip file ({error})"
    if isinstance(error, RuntimeError):
        return f"it can't be unpacked ({error})"
    return f"it is damaged ({error})"


def _unparsable(error: csv.Error, line: int) -> str:
    if "field limit" in str(error):
        limit = csv.field_size_limit()
        return (
            f"up to line {line} stands a value of over {limit:,} characters: "
            "a quotation mark is never closed, or the value is too long"
        )
    return f"its quoting is broken in or before line {line} ({error})"


def _undecodable(error: UnicodeError, lines: int) -> str:
    """Decoding goes ahead of reading by a block: the line is counted on inside it."""
    if not isinstance(error, UnicodeDecodeError):
        return f"its text can't be decoded ({error})"
    byte = error.object[error.start : error.start + 1].hex()
    codec = "utf-8" if error.encoding.startswith("utf-8") else error.encoding
    line = lines + 1 + error.object[: error.start].count(b"\n")
    return f"it is not {codec}: byte 0x{byte} in line {line} ({error.reason})"
