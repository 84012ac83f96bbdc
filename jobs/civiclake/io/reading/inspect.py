"""What reading a delivered file finds; its text decoded; and why it can't be read."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

FIRST_RAGGED = 10
"""How many ragged records are named."""
LONGEST_LINE = 8 << 20
"""Characters; a longer line is refused, so that no file can fill the memory."""
LONGEST_VALUE = LONGEST_LINE
"""Characters; a delivered file holds no longer value. The outline of a district or of a coast
has several hundred thousand."""
csv.field_size_limit(LONGEST_VALUE)  # of the whole process: Python's library has no other way


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
    """What one pass over a delivered file found."""

    header: tuple[str, ...]
    """In the contract's words; columns without a name and without any value are left out."""
    rows: int
    ragged_rows: tuple[int, ...]
    ragged_count: int
    multiline: bool
    delimiter: str = ","
    header_line: int = 1
    """Where the names stand, counted from 1."""
    names_line: int | None = None
    """Where all of the contract's names stand, if that is further down."""


_UNICODE = ("utf-8", "utf8", "ascii", "us-ascii")
_BLOCK = 1 << 18
_SURE = 3
"""Characters of three bytes and more, all of them sound: so much UTF-8 is no accident."""


def text_lines(binary: io.BufferedIOBase, encoding: str) -> Iterator[str]:
    """Decode strictly, line by line, line ends kept; a byte-order mark is dropped."""
    source, codec = _source(binary, encoding)
    text = io.TextIOWrapper(source, encoding=codec, errors="strict", newline="")  # type: ignore[type-var]
    for line in iter(partial(text.readline, LONGEST_LINE), ""):
        if len(line) == LONGEST_LINE and line[-1] not in "\r\n":
            raise Unreadable(f"it holds a line of over {LONGEST_LINE >> 20} MiB")
        yield line


def text_blocks(binary: io.BufferedIOBase, encoding: str, size: int = _BLOCK) -> Iterator[str]:
    """Decode strictly, block by block; a byte-order mark is dropped.

    Raises:
        Unreadable: the bytes are not of that encoding; the sentence says in which line.
    """
    source, codec = _source(binary, encoding)
    decoder, lines = codecs.getincrementaldecoder(codec)(), 0
    while True:
        data = source.read(size)
        try:
            block = decoder.decode(data, final=not data)
        except UnicodeError as error:
            raise Unreadable(undecodable(error, lines)) from None
        if block:
            yield block
        if not data:
            return
        lines += block.count("\n")


def is_utf8(encoding: str) -> bool:
    """Whether text of that encoding can stay as it is."""
    return encoding.lower().replace("_", "-") in _UNICODE


def _source(binary: io.BufferedIOBase, encoding: str) -> tuple[io.BufferedIOBase, str]:
    """The bytes to decode, and the name of their codec."""
    if is_utf8(encoding):
        return binary, "ascii" if "ascii" in encoding.lower() else "utf-8-sig"
    return io.BufferedReader(_Watched(binary, encoding), _BLOCK), encoding


class _Watched(io.RawIOBase):
    """Bytes said to be of an older encoding. Most of those read UTF-8 without a word, as
    gibberish; the other way round next to no text does."""

    def __init__(self, source: io.BufferedIOBase, encoding: str) -> None:
        self._source, self._encoding = source, encoding
        self._utf8 = codecs.getincrementaldecoder("utf-8")()
        self._sound = True
        self._wide = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._source.read(len(buffer)) or b""
        if self._sound:
            self._watch(data)
        buffer[: len(data)] = data
        return len(data)

    def _watch(self, data: bytes) -> None:
        try:
            text = self._utf8.decode(data, final=not data)
        except UnicodeDecodeError:
            self._sound = False
            return
        self._wide += 0 if text.isascii() else sum(sign >= "\u0800" for sign in text)
        if not data and self._wide >= _SURE:
            raise Unreadable(
                f"it is utf-8, not {self._encoding}: correct `encoding` in the contract, or it "
                "would be read as gibberish"
            )


def check_header(names: Iterable[str]) -> list[str]:
    """The names of a header, trimmed.

    Raises:
        Unreadable: one stands there twice, for tables that tell no capitals from small letters.
    """
    header = [name.strip() for name in names]
    folded = Counter(name.casefold() for name in header)
    doubled = sorted({name for name in header if folded[name.casefold()] > 1})
    if doubled:
        raise Unreadable(f"its header names {', '.join(doubled)} more than once")
    return header


def why(error: BaseException) -> str:
    """The reason in a reader's words."""
    if isinstance(error, Unreadable):
        return str(error)
    if isinstance(error, EOFError):
        return "it is cut off before its end"
    if isinstance(error, UnicodeError):
        return undecodable(error, 0)
    if isinstance(error, zipfile.BadZipFile):
        return f"it is no whole zip file ({error})"
    if isinstance(error, RuntimeError):
        return f"it can't be unpacked ({error})"
    return f"it is damaged ({error})"


def unparsable(error: csv.Error, begins: int, ends: int) -> str:
    """What is wrong with the quoting of the record that begins in one line and ends in another."""
    lines = f"in line {begins}" if begins == ends else f"in the record of lines {begins} to {ends}"
    if "field limit" in str(error):
        return (
            f"{lines} stands a value of over {LONGEST_VALUE >> 20} MiB: "
            "a quotation mark is never closed, or the value is too long"
        )
    if "unexpected end" in str(error):
        return f"its quoting is broken: a quotation mark in line {begins} is never closed"
    return f"its quoting is broken {lines} ({error})"


def undecodable(error: UnicodeError, lines: int) -> str:
    """Which byte in which line is not of the encoding.

    Decoding goes ahead of reading by a block: the line is counted on inside it.
    """
    if not isinstance(error, UnicodeDecodeError):
        return f"its text can't be decoded ({error})"
    byte = error.object[error.start : error.start + 1].hex()
    codec = "utf-8" if error.encoding.startswith("utf-8") else error.encoding
    line = lines + 1 + error.object[: error.start].count(b"\n")
    return f"it is not {codec}: byte 0x{byte} in line {line} ({error.reason})"
