"""What samples of files share: their bytes, their encoding, and the first rows of their table."""

from __future__ import annotations

import codecs
import contextlib
import gzip
import io
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import IO, Any, cast

from civiclake.contracts.faults import choice
from civiclake.contracts.model import (
    Dataset,
    FileFormat,
    History,
    Load,
    Owner,
    Source,
    SourceKind,
)
from civiclake.contracts.sample import Sample
from civiclake.errors import SourceError
from civiclake.io import formats
from civiclake.io.formats import sniff
from civiclake.io.inspect import READ_FAULTS, check_header, why
from civiclake.io.streams import Bounded

ENCODINGS = ("utf-8", "gb18030")
SAID_BY = "its name"
"""Who says what a file is, while there is no contract."""
_LOOKED_THROUGH_BYTES = 4 << 20
"""So far a file is decoded to find its encoding; what comes later shows when it is read."""
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


def encoding_of(path: Path, kind: FileFormat, first: Sequence[str] = ()) -> str:
    """The first encoding in which the file's beginning can be read.

    Args:
        path: the file.
        kind: what it should be; that it is nothing else is looked at first.
        first: encodings to try before those that are always tried.

    Raises:
        SourceError: it can be read in none of them, or is something else.
    """
    with unpacked(path) as binary:
        sniff.check(binary, kind, said_by=SAID_BY)
        head = binary.read(_LOOKED_THROUGH_BYTES)
        whole = not binary.read(1)
    tried = (*first, *ENCODINGS)
    for encoding in tried:
        with contextlib.suppress(UnicodeError, LookupError):
            "".encode(encoding)  # not all codecs are encodings of text: hex, rot13
            codecs.getincrementaldecoder(encoding)().decode(head, final=whole)
            return encoding
    raise SourceError(f"{path.name} is neither of {choice(tried)}")


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
    path: Path, department: str, rows: int, dataset: Dataset, notes: tuple[str, ...] = ()
) -> Sample:
    """The first rows of a file, as the reader of its format gives them.

    Args:
        path: the file.
        department: whose it is.
        rows: how many rows to look at.
        dataset: from :func:`described`.
        notes: what was guessed besides, for whoever reviews it.

    Raises:
        SourceError: it can't be read, or holds no record that would tell its columns.
    """
    source = dataset.source
    with unpacked(path) as binary, formats.reading(dataset, binary, said_by=SAID_BY) as table:
        found = list(islice(table.rows, rows))
        header = tuple(check_header(table.header))
    if not header:
        raise SourceError(f"{path.name} holds no record, so nothing tells its columns")
    if table.grows:  # records that came early lack the names that came late
        found = [(*row, *[None] * (len(header) - len(row))) for row in found]
    header_row = source.header_row if source.header_row > 1 else None
    named = {"records": source.records, "sheet": source.sheet, "header_row": header_row}
    return Sample(
        header=header,
        rows=tuple(tuple(row) for row in found if len(row) == len(header)),
        server=server(path, department, source.format, source.encoding),
        loading={"load": "files"} | {k: v for k, v in named.items() if v is not None},
        origin=path.name,
        physical_type="file",
        notes=notes,
    )


def server(path: Path, department: str, kind: FileFormat, encoding: str) -> dict[str, Any]:
    """The contract's server: the folder where the department drops files that end like this."""
    packed = path.suffix.lower() == ".gz"
    ending = "".join(path.suffixes[-2:]) if packed else path.suffix
    found = {
        "server": "source",
        "type": "local",
        "path": f"${{CIVICLAKE_DROPS}}/{department}/*{ending}",
        "format": str(kind),
    }
    return found | ({"encoding": encoding} if kind in _WITH_ENCODING else {})
