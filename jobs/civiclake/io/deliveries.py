"""Landing one delivered file: copied, hashed, unpacked, decoded and counted in one pass."""

from __future__ import annotations

import contextlib
import gzip
import io
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO, cast

from civiclake.contracts.model import Dataset, DriftAction, FileFormat
from civiclake.errors import BatchHeld, SourceError
from civiclake.io import formats
from civiclake.io.drift import refuse_columns
from civiclake.io.formats import sniff
from civiclake.io.inspect import (
    READ_FAULTS,
    Inspection,
    Unreadable,
    inspect_csv,
    is_utf8,
    text_lines,
    why,
)
from civiclake.io.landing import Draft, LandedFile
from civiclake.io.sources.common import Delivery, ask
from civiclake.io.streams import Bounded, Tee

_CHUNK = 1 << 20


@dataclass(frozen=True)
class _Read:
    sha256: str
    size_bytes: int
    path: str
    as_came: str | None
    compressed: bool
    found: Inspection


def land(draft: Draft, dataset: Dataset, delivery: Delivery) -> LandedFile:
    """Bring one delivered file into the draft and read it through.

    Raises:
        SourceError: it can't be read; the sentence says why and whom to ask.
    """
    came = draft.place(delivery.name)
    try:
        with delivery.open() as source, draft.path(came).open("wb") as sink:
            read = _reader(dataset, delivery)(draft, dataset, came, Tee(source, sink))
        header = _in_contract_s_words(dataset, read.found.header)
    except READ_FAULTS as error:
        raise SourceError(
            f"{dataset.id}: {delivery.name} can't be read: {why(error)}; "
            f"{ask(dataset)} to deliver it again"
        ) from None
    return LandedFile(
        path=read.path,
        origin=delivery.origin,
        size_bytes=read.size_bytes,
        sha256=read.sha256,
        rows=read.found.rows,
        header=header,
        modified_at=delivery.modified_at,
        version=delivery.version,
        ragged_rows=read.found.ragged_rows,
        ragged_count=read.found.ragged_count,
        multiline=read.found.multiline,
        delimiter=dataset.source.delimiter if _is_csv(dataset) else ",",
        compressed=read.compressed,
        as_came=read.as_came,
    )


def _in_contract_s_words(dataset: Dataset, header: tuple[str, ...]) -> tuple[str, ...]:
    """The header with the contract's name for every accepted spelling.

    Raises:
        Unreadable: two spellings of one column stand beside each other.
    """
    known = {other: column.source_name for column in dataset.columns for other in column.also}
    found = tuple(known.get(name, name) for name in header)
    for name in found:
        if found.count(name) > 1:
            both = [came for came, said in zip(header, found, strict=True) if said == name]
            raise Unreadable(f"its header names {name} more than once, as {' and '.join(both)}")
    return found


def check_shape(dataset: Dataset, file: LandedFile) -> None:
    """Hold a delivery whose shape is not the contract's.

    Raises:
        BatchHeld: columns are missing or new, or rows are ragged, and the contract does
            not say that this may be.
    """
    name = file.origin.rpartition("/")[2]
    refuse_columns(dataset, name, file.header)
    if file.ragged_count and dataset.drift.ragged_row is DriftAction.HOLD:
        raise BatchHeld(
            f"{dataset.id}: {name} has {file.ragged_count} of {file.rows} records without "
            f"{len(file.header)} values, the first is record {file.ragged_rows[0]}: "
            f"{ask(dataset)} to deliver it again, or set drift.ragged_row to ignore"
        )


def _reader(dataset: Dataset, delivery: Delivery) -> Callable[[Draft, Dataset, str, Tee], _Read]:
    name = delivery.name.lower()
    if name.endswith(".zip"):
        return _read_zip
    return _read_gzip if name.endswith(".gz") else _read_plain


def _read_plain(draft: Draft, dataset: Dataset, came: str, tee: Tee) -> _Read:
    text = None if _can_stay(dataset) else _rendition(dataset, came)
    found = _inspect(draft, dataset, io.BufferedReader(tee, _CHUNK), text)
    return _Read(tee.sha256, tee.count, text or came, text and came, False, found)


def _read_gzip(draft: Draft, dataset: Dataset, came: str, tee: Tee) -> _Read:
    packed = io.BufferedReader(tee, _CHUNK)
    text = None if _can_stay(dataset) else _rendition(dataset, came.removesuffix(".gz"))
    with gzip.GzipFile(fileobj=cast(IO[bytes], packed)) as opened:
        stream = Bounded(cast(IO[bytes], opened), lambda: tee.count)
        found = _inspect(draft, dataset, io.BufferedReader(stream, _CHUNK), text)
    if packed.read(1):
        raise Unreadable("something follows the end of its gzip stream")
    return _Read(tee.sha256, tee.count, text or came, text and came, not text, found)


def _read_zip(draft: Draft, dataset: Dataset, came: str, tee: Tee) -> _Read:
    copied = io.BufferedReader(tee, _CHUNK)
    while copied.read(_CHUNK):
        pass
    tee.flush_sink()
    with zipfile.ZipFile(draft.path(came)) as archive:
        member = _member(archive, dataset.source.member)
        name = draft.place(member.filename.rpartition("/")[2])
        path = _rendition(dataset, name)
        with contextlib.ExitStack() as stack:
            opened = stack.enter_context(archive.open(member))
            # A member that can stay as it is gets unpacked on the way.
            stays = _can_stay(dataset)
            sink = stack.enter_context(draft.path(path).open("wb")) if stays else None
            stream = Bounded(opened, lambda: tee.count, sink)
            text = None if stays else path
            found = _inspect(draft, dataset, io.BufferedReader(stream, _CHUNK), text)
    return _Read(tee.sha256, tee.count, path, came, False, found)


def _rendition(dataset: Dataset, name: str) -> str:
    """Where the text of a file stands that is not read as it came."""
    return f"parts/{name}" if _is_csv(dataset) else f"parts/{name}.csv"


def _inspect(
    draft: Draft, dataset: Dataset, binary: io.BufferedReader, text: str | None
) -> Inspection:
    """Read the file to its end; write it anew when it isn't UTF-8 CSV yet."""
    if text is not None and not _is_csv(dataset):
        return formats.render(dataset, binary, draft.path(text))
    sniff.check(binary, FileFormat.CSV)
    lines = text_lines(binary, dataset.source.encoding)
    if text is None:
        return inspect_csv(lines, dataset.source.delimiter)
    with draft.path(text).open("w", encoding="utf-8", newline="") as file:
        return inspect_csv(_copied(lines, file), dataset.source.delimiter)


def _copied(lines: Iterator[str], file: IO[str]) -> Iterator[str]:
    for line in lines:
        file.write(line)
        yield line


def _member(archive: zipfile.ZipFile, wanted: str | None) -> zipfile.ZipInfo:
    files = [info for info in archive.infolist() if not info.is_dir()]
    found = [info for info in files if wanted is None or info.filename == wanted]
    if len(found) == 1:
        return found[0]
    names = ", ".join(info.filename for info in files[:10]) or "nothing"
    if wanted is None:
        raise Unreadable(f"it holds {len(files)} files ({names}): name one as `member`")
    problem = "no" if not found else "more than one"
    raise Unreadable(f"it holds {problem} {wanted} (it holds {names})")


def _is_csv(dataset: Dataset) -> bool:
    return dataset.source.format is FileFormat.CSV


def _can_stay(dataset: Dataset) -> bool:
    return _is_csv(dataset) and is_utf8(dataset.source.encoding)
