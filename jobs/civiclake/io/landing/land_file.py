"""Landing one delivered file: copied, hashed, unpacked, decoded and rendered in one pass."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import IO, cast

from civiclake.contracts.model import Dataset, DriftAction, FileFormat
from civiclake.errors import BatchHeld, SourceError
from civiclake.io import formats
from civiclake.io.formats import sniff
from civiclake.io.landing.delivery import Delivery, ask
from civiclake.io.landing.drafts import Draft
from civiclake.io.landing.drift import refuse_columns
from civiclake.io.landing.manifest import RENDITIONS, LandedFile
from civiclake.io.reading import csv_records
from civiclake.io.reading.archive import find_member
from civiclake.io.reading.csv_header import Wanted
from civiclake.io.reading.inspect import READ_FAULTS, Inspection, Unreadable, why
from civiclake.io.reading.rendition import SUFFIX, Lineage
from civiclake.io.reading.streams import Bounded, Tee

_CHUNK = 1 << 20


@dataclass(frozen=True)
class _Read:
    sha256: str
    size_bytes: int
    rendition: str
    compressed: bool
    found: Inspection


def land(draft: Draft, dataset: Dataset, delivery: Delivery, lineage: Lineage) -> LandedFile:
    """Bring one delivered file into the draft and read it through.

    Args:
        draft: the batch's folder.
        dataset: the compiled contract.
        delivery: the file.
        lineage: as what raw will know it; its place in the draft is there.

    Raises:
        SourceError: it can't be read; the sentence says why and whom to ask.
    """
    came = lineage.file
    try:
        with delivery.open() as source, draft.path(came).open("wb") as sink:
            read = _reader(delivery)(draft, dataset, lineage, Tee(source, sink))
    except READ_FAULTS as error:
        raise SourceError(
            f"{dataset.id}: {delivery.name} can't be read: {why(error)}; "
            f"{ask(dataset)} to deliver it again"
        ) from None
    found = read.found
    return LandedFile(
        path=came,
        rendition=read.rendition,
        origin=delivery.origin,
        size_bytes=read.size_bytes,
        sha256=read.sha256,
        rows=found.rows,
        header=found.header,
        modified_at=delivery.modified_at,
        version=delivery.version,
        ragged_rows=found.ragged_rows,
        ragged_count=found.ragged_count,
        multiline=found.multiline,
        delimiter=found.delimiter,
        encoding=dataset.source.encoding,
        header_line=found.header_line,
        names_line=found.names_line,
        compressed=read.compressed,
    )


def in_contract_s_words(dataset: Dataset, header: tuple[str, ...]) -> tuple[str, ...]:
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
    refuse_columns(dataset, name, file.header, _place(dataset, file))
    if file.ragged_count and dataset.drift.ragged_row is DriftAction.HOLD:
        raise BatchHeld(
            f"{dataset.id}: {name} has {file.ragged_count} of {file.rows} records without "
            f"{len(file.header)} values, the first is record {file.ragged_rows[0]}: "
            f"{ask(dataset)} to deliver it again, or set drift.ragged_row to ignore"
        )


def _place(dataset: Dataset, file: LandedFile) -> str:
    """Where the names were found, when they don't look like the contract's."""
    if dataset.source.format is FileFormat.XLSX:
        return f"; row {file.header_line} of its sheet was taken for the header"
    if file.names_line is not None:
        return (
            f"; line {file.header_line} was taken for the header, but line {file.names_line} has "
            f"all names of the contract: set `header_row: {file.names_line}` in the contract"
        )
    if dataset.source.format is FileFormat.CSV and (file.header_line > 1 or len(file.header) == 1):
        return (
            f"; line {file.header_line} was taken for the header: if it is none, set `header_row` "
            "in the contract"
        )
    return ""


def _reader(delivery: Delivery) -> Callable[[Draft, Dataset, Lineage, Tee], _Read]:
    name = delivery.name.lower()
    if name.endswith(".zip"):
        return _read_zip
    return _read_gzip if name.endswith(".gz") else _read_plain


def _read_plain(draft: Draft, dataset: Dataset, lineage: Lineage, tee: Tee) -> _Read:
    text = _rendition(lineage.file)
    found = _render(draft, dataset, io.BufferedReader(tee, _CHUNK), text, lineage)
    return _Read(tee.sha256, tee.count, text, False, found)


def _read_gzip(draft: Draft, dataset: Dataset, lineage: Lineage, tee: Tee) -> _Read:
    packed = io.BufferedReader(tee, _CHUNK)
    text = _rendition(lineage.file.removesuffix(".gz"))
    with gzip.GzipFile(fileobj=cast(IO[bytes], packed)) as opened:
        stream = Bounded(cast(IO[bytes], opened), lambda: tee.count)
        found = _render(draft, dataset, io.BufferedReader(stream, _CHUNK), text, lineage)
    if packed.read(1):
        raise Unreadable("something follows the end of its gzip stream")
    return _Read(tee.sha256, tee.count, text, True, found)


def _read_zip(draft: Draft, dataset: Dataset, lineage: Lineage, tee: Tee) -> _Read:
    copied = io.BufferedReader(tee, _CHUNK)
    while copied.read(_CHUNK):
        pass
    tee.flush_sink()
    with zipfile.ZipFile(draft.path(lineage.file)) as archive:
        member = find_member(archive, dataset.source.member)
        text = _rendition(draft.place(member.filename.rpartition("/")[2]))
        with archive.open(member) as opened:
            stream = Bounded(opened, lambda: tee.count)
            found = _render(draft, dataset, io.BufferedReader(stream, _CHUNK), text, lineage)
    return _Read(tee.sha256, tee.count, text, False, found)


def _rendition(name: str) -> str:
    """Where the rendition of a file stands."""
    return f"{RENDITIONS}/{name}{SUFFIX}"


def _render(
    draft: Draft, dataset: Dataset, binary: io.BufferedReader, text: str, lineage: Lineage
) -> Inspection:
    """Read the file to its end, and write its rendition."""
    rename = partial(in_contract_s_words, dataset)
    source, target = dataset.source, draft.path(text)
    if source.format is not FileFormat.CSV:
        return formats.render(dataset, binary, target, rename, lineage)
    sniff.check(binary, FileFormat.CSV, encoding=source.encoding)
    spellings = [(column.source_name, *column.also) for column in dataset.columns]
    wanted = Wanted(source.delimiter, source.header_row, spellings)
    form = csv_records.Form(wanted, source.encoding, rename, lineage=lineage)
    return csv_records.render(binary, target, form)
