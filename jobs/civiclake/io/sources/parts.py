"""A stream of CSV lines, cut into compressed parts; counted and hashed on the way."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from threading import Event

from civiclake.errors import SourceError
from civiclake.io.landing.drafts import Draft
from civiclake.io.landing.manifest import RENDITIONS, LandedFile
from civiclake.io.reading.csv_header import Wanted
from civiclake.io.reading.csv_records import Form, render
from civiclake.io.reading.inspect import Inspection
from civiclake.io.reading.rendition import SUFFIX, Lineage

ROWS_PER_PART = 250_000
"""A gzip file can't be split: parts of this size keep all of Spark's cores busy."""
_FLUSH_BYTES = 1 << 20
_FLUSH_LINES = 10_000

Line = bytes | bytearray | memoryview
"""One record, with its line end."""
Lines = Generator[Line, None, None]
"""Closed when it is read, or when it won't be: a server may be waiting at its other end."""


class Stopped(Exception):
    """Another reader of the same table has failed."""


@dataclass(frozen=True)
class Parts:
    """Writes the parts of one table (or of what else comes as records)."""

    draft: Draft
    name: str
    header: tuple[str, ...]
    origin: str
    moment: datetime
    version: str
    as_came: str | None = None

    def fill(self, lines: Lines) -> tuple[LandedFile, ...]:
        """Write all lines; there is at least one part, if only with its header."""
        return self._fill(lines, alone=True)

    def _fill(self, lines: Lines, *, alone: bool) -> tuple[LandedFile, ...]:
        files: list[LandedFile] = []
        with contextlib.closing(lines):
            while not files or files[-1].rows == ROWS_PER_PART:
                # Of several readers, nobody knows how many parts the ones before have.
                files.append(self._part(lines, len(files) if alone else None))
        return self.kept(files)

    def fill_at_once(self, readers: Sequence[Callable[[], Lines]]) -> tuple[LandedFile, ...]:
        """Write what several readers bring at the same time; the first failure ends all."""
        failed = Event()

        def read(reader: Callable[[], Lines]) -> tuple[LandedFile, ...]:
            try:
                return self._fill(_until(failed, reader()), alone=False)
            except BaseException:
                failed.set()
                raise

        with ThreadPoolExecutor(len(readers)) as pool:
            futures = [pool.submit(read, reader) for reader in readers]
        errors = [f.exception() for f in futures]
        for error in sorted(filter(None, errors), key=lambda e: isinstance(e, Stopped)):
            raise error
        return self.kept([file for future in futures for file in future.result()])

    def rendered(self, path: str, place: int | None) -> Inspection:
        """Let landing's reader make its rendition of a part.

        Args:
            path: of the part, within the draft.
            place: how many parts come before it, where that is known.

        Raises:
            Unreadable: the part is no CSV.
        """
        lineage = None
        if place is not None:
            lineage = Lineage(self.draft.batch_id, place, path, self.moment)
        form = Form(Wanted(known=self.header), written_here=True, lineage=lineage)
        with gzip.open(self.draft.path(path)) as binary:
            stream = io.BufferedReader(binary, _FLUSH_BYTES)
            return render(stream, self.draft.path(rendition_of(path)), form)

    def kept(self, files: Sequence[LandedFile]) -> tuple[LandedFile, ...]:
        """The parts that hold rows, or else one with the header alone."""
        full = [file for file in files if file.rows] or list(files[:1])
        for file in files:
            if file not in full:
                for path in filter(None, (file.path, file.rendition)):
                    self.draft.path(path).unlink()
        return tuple(full)

    def _part(self, lines: Iterator[Line], place: int | None) -> LandedFile:
        path = self.draft.place(f"{self.name}.csv.gz")
        digest, packer = hashlib.sha256(), zlib.compressobj(1, wbits=31)
        rows = size = 0
        with self.draft.path(path).open("wb") as file:

            def write(data: bytes) -> None:
                nonlocal size
                digest.update(data)
                size += file.write(data)

            write(packer.compress(csv_line(self.header)))
            for chunk, count in _chunks(islice(lines, ROWS_PER_PART)):
                rows += count
                write(packer.compress(chunk))
            write(packer.flush())
        found = self.rendered(path, place)
        if found.rows != rows:
            raise SourceError(
                f"{self.origin}: {rows} rows came, but {found.rows} are read back from {path}: "
                "run the batch again"
            )
        return LandedFile(
            path=path,
            rendition=rendition_of(path),
            origin=self.origin,
            size_bytes=size,
            sha256=digest.hexdigest(),
            rows=rows,
            header=self.header,
            modified_at=self.moment,
            version=self.version,
            multiline=found.multiline,
            compressed=True,
            as_came=self.as_came,
        )


def rendition_of(path: str) -> str:
    """Where the rendition of a part stands."""
    return f"{RENDITIONS}/{path.removesuffix('.csv.gz')}{SUFFIX}"


def csv_line(values: Iterable[str | None]) -> bytes:
    """One record: an empty text is quoted, and what is missing is nothing at all."""
    return (",".join(map(_field, values)) + "\n").encode()


def _field(value: str | None) -> str:
    if value is None:
        return ""
    if value and not any(mark in value for mark in ',"\n\r'):
        return value
    return '"' + value.replace('"', '""') + '"'


def _chunks(lines: Iterator[Line]) -> Iterator[tuple[bytes, int]]:
    """Pieces worth compressing."""
    held: list[Line] = []
    size = 0
    for line in lines:
        held.append(line)
        size += len(line)
        if size >= _FLUSH_BYTES or len(held) >= _FLUSH_LINES:
            yield b"".join(held), len(held)
            held.clear()
            size = 0
    if held:
        yield b"".join(held), len(held)


def _until(failed: Event, lines: Lines) -> Lines:
    with contextlib.closing(lines):
        for line in lines:
            if failed.is_set():
                raise Stopped
            yield line
