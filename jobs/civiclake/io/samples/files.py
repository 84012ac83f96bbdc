"""What samples of files share: their bytes, their encoding, and the rows of their table."""

from __future__ import annotations

import contextlib
import gzip
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, cast

from civiclake.contracts.draft.sample import Sample
from civiclake.contracts.model import (
    Dataset,
    FileFormat,
    History,
    Load,
    Owner,
    Source,
    SourceKind,
)
from civiclake.errors import SourceError, UserError
from civiclake.io import formats
from civiclake.io.formats import sniff
from civiclake.io.reading.inspect import READ_FAULTS, Unreadable, check_header, text_blocks, why
from civiclake.io.reading.streams import Bounded
from civiclake.io.samples import encodings
from civiclake.io.samples.asked import Asked
from civiclake.io.samples.collect import Collected, collect
from civiclake.io.samples.encodings import Encoding
from civiclake.io.samples.nested import columns_of_objects, ways_into
from civiclake.io.samples.patterns import pattern

SAID_BY = "its name"
"""Who says what a file is, while there is no contract."""
_OF_RECORDS = (FileFormat.JSON, FileFormat.JSONL)
_WITH_ENCODING = (FileFormat.CSV, FileFormat.JSON, FileFormat.JSONL, FileFormat.XML)


@contextlib.contextmanager
def unpacked(path: Path) -> Iterator[io.BufferedReader]:
    """A file's bytes, taken out of gzip where its name ends so.

    Raises:
        SourceError: the file can't be opened, or what the block reads of it is damaged.
    """
    try:
        with contextlib.ExitStack() as stack:
            binary = stack.enter_context(path.open("rb"))
            if path.suffix.lower() != ".gz":
                yield binary
                return
            packed = stack.enter_context(gzip.GzipFile(fileobj=binary))
            size = path.stat().st_size
            yield io.BufferedReader(Bounded(cast(IO[bytes], packed), lambda: size), 1 << 20)
    except RecursionError:
        raise SourceError(f"{path.name} can't be read: its values are nested too deeply") from None
    except READ_FAULTS as error:
        raise SourceError(f"{path.name} can't be read: {why(error)}") from None
    except OSError as error:
        said = error.strerror or type(error).__name__
        raise SourceError(f"{path.name} can't be read: {said}") from None


def encoding_of(path: Path, kind: FileFormat, asked: Asked, first: Sequence[str] = ()) -> Encoding:
    """In which encoding the file is, and what a person must look at.

    Args:
        path: the file.
        kind: what it should be; that it is nothing else is looked at first.
        asked: who knows it may have said it.
        first: encodings that the file says of itself: one that it can be read in is believed.

    Raises:
        SourceError: it can't be told, or can't be read in the one that was said, or the file is
            something else.
    """
    with unpacked(path) as binary:
        wide = encodings.wide(binary.peek(512)[:512])
        try:
            sniff.check(binary, kind, said_by=SAID_BY, encoding=wide or "utf-8")
        except Unreadable as error:
            advice = ": give it the ending of what it is" if SAID_BY in str(error) else ""
            raise Unreadable(f"{error}{advice}") from None
        if asked.encoding:
            _read_through(path, asked.encoding)
            return Encoding(asked.encoding)
        for encoding in first:
            with contextlib.suppress(SourceError, UserError):
                _read_through(path, encoding)
                return Encoding(encoding)
        return encodings.find(binary, path.name)


def _read_through(path: Path, encoding: str) -> None:
    """Decode a whole file.

    Raises:
        UserError: there is no such encoding.
        SourceError: the file is of another.
    """
    try:
        "".encode(encoding)  # not all codecs are encodings of text: hex, rot13
    except LookupError:
        raise UserError(
            f"{encoding!r} is no encoding; allowed are those of Python, such as 'windows-1252'"
        ) from None
    with unpacked(path) as binary:
        for _ in text_blocks(binary, encoding):
            pass


def described(kind: FileFormat, **source: Any) -> Dataset:
    """What a reader must know of a file that has no contract: the format and where records are."""
    return Dataset(
        id="new.sample",
        department="new",
        name="sample",
        version="0.1.0",
        path="the contract",
        owner=Owner(name="", contact=""),
        source=Source(kind=SourceKind.FILES, format=kind, **source),
        columns=(),
        load=Load.FILES,
        history=History.LATEST,
    )


def look(
    path: Path, department: str, asked: Asked, dataset: Dataset, notes: Iterable[str | None] = ()
) -> Sample:
    """The rows of a file, as the reader of its format gives them.

    Args:
        path: the file.
        department: whose it is.
        asked: how many rows to look at.
        dataset: from :func:`described`.
        notes: what was guessed besides, for whoever reviews it.

    Raises:
        SourceError: it can't be read, or holds no record that would tell its columns.
    """
    source = dataset.source
    header, found = _table(path, dataset, asked)
    objects = columns_of_objects(header, found.rows) if source.format in _OF_RECORDS else ()
    if objects:
        parts = dataset.model_copy(update={"columns": ways_into(objects)})
        header, found = _table(path, parts, asked)
        notes = (*notes, f"the parts of {', '.join(objects)} are columns of their own")
    named = {
        "records": source.records,
        "sheet": source.sheet,
        "header_row": source.header_row,
    }
    return sample(
        path,
        department,
        source,
        found,
        header,
        {k: v for k, v in named.items() if v is not None},
        notes,
    )


def _table(path: Path, dataset: Dataset, asked: Asked) -> tuple[tuple[str, ...], Collected]:
    """Names and rows, all as wide as there are names."""
    with unpacked(path) as binary, formats.reading(dataset, binary, said_by=SAID_BY) as table:
        found = collect(table.rows, asked.rows)
        header = tuple(check_header(table.header))
    rows = found.rows
    if table.grows:  # records that came early lack the names that came late
        header = header[: max(map(len, rows), default=0)]
        rows = tuple((*row, *[None] * (len(header) - len(row))) for row in rows)
    if not header:
        raise SourceError(f"{path.name} holds no record, so nothing tells its columns")
    return header, Collected(tuple(r for r in rows if len(r) == len(header)), found.complete)


def sample(
    path: Path,
    department: str,
    source: Source,
    found: Collected,
    header: tuple[str, ...],
    loading: Mapping[str, Any],
    notes: Iterable[str | None],
) -> Sample:
    """What was found, with the contract's server and the notes of its file pattern."""
    place, note = server(path, department, source.format, source.encoding)
    filled = tuple(row for row in found.rows if any(v and v.strip() for v in row))
    blank = len(found.rows) - len(filled)
    said = f"{blank:,} of its rows are empty and were passed over" if blank else None
    return Sample(
        header=header,
        rows=filled,
        server=place,
        loading={"load": "files", **loading},
        origin=path.name,
        physical_type="file",
        notes=tuple(n for n in (note, *notes, said) if n),
        complete=found.complete,
    )


def server(
    path: Path, department: str, kind: FileFormat, encoding: str
) -> tuple[dict[str, Any], str | None]:
    """The contract's server: the folder where the department drops files that are named so."""
    name, note = pattern(path)
    found = {
        "server": "source",
        "type": "local",
        "path": f"${{CIVICLAKE_DROPS}}/{department}/{name}",
        "format": str(kind),
    }
    return found | ({"encoding": encoding} if kind in _WITH_ENCODING else {}), note
