"""Landing one delivered file: copied, hashed, unpacked, decoded and counted in one pass."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO, Any, cast

from civiclake.contracts.model import Dataset, DriftAction
from civiclake.errors import BatchHeld, SourceError
from civiclake.io.inspect import (
    READ_FAULTS,
    Inspection,
    Unreadable,
    inspect_csv,
    text_lines,
    why,
)
from civiclake.io.landing import Draft, LandedFile
from civiclake.io.sources.common import Delivery, ask

MAX_UNPACKED_BYTES = 50 << 30
"""No member of an archive may unpack to more."""
MAX_RATIO = 200
"""Nor to so many times its archive (real CSV packs 5 to 50 times), once it is large."""
RATIO_FROM_BYTES = 64 << 20
_CHUNK = 1 << 20


class _Tee(io.RawIOBase):
    """Passes bytes on, and writes, hashes and counts them on the way."""

    def __init__(self, source: io.RawIOBase, sink: IO[bytes]) -> None:
        self._source, self._sink = source, sink
        self._digest = hashlib.sha256()
        self.count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._source.read(len(buffer)) or b""
        buffer[: len(data)] = data
        self._digest.update(data)
        self._sink.write(data)
        self.count += len(data)
        return len(data)

    def flush_sink(self) -> None:
        self._sink.flush()

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()


class _Bounded(io.RawIOBase):
    """Unpacked bytes, up to what an honest archive would hold."""

    def __init__(
        self, source: IO[bytes], packed: Callable[[], int], sink: IO[bytes] | None
    ) -> None:
        self._source, self._packed, self._sink = source, packed, sink
        self._count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._source.read(len(buffer))
        self._count += len(data)
        if self._count > MAX_UNPACKED_BYTES or (
            self._count > RATIO_FROM_BYTES and self._count > MAX_RATIO * max(self._packed(), 1)
        ):
            raise Unreadable(
                f"it unpacks to over {self._count >> 20} MiB from {self._packed() >> 10} KiB, "
                f"more than {MAX_RATIO} times its size"
            )
        if self._sink:
            self._sink.write(data)
        buffer[: len(data)] = data
        return len(data)


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
            read = _reader(dataset, delivery)(draft, dataset, came, _Tee(source, sink))
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
        header=read.found.header,
        modified_at=delivery.modified_at,
        version=delivery.version,
        ragged_rows=read.found.ragged_rows,
        ragged_count=read.found.ragged_count,
        multiline=read.found.multiline,
        delimiter=dataset.source.delimiter,
        compressed=read.compressed,
        as_came=read.as_came,
    )


def check_shape(dataset: Dataset, file: LandedFile) -> None:
    """Hold a delivery whose shape is not the contract's.

    Raises:
        BatchHeld: columns are missing or new, or rows are ragged, and the contract does
            not say that this may be.
    """
    name = file.origin.rpartition("/")[2]
    wanted = [column.source_name for column in dataset.columns]
    missing = [column for column in wanted if column not in file.header]
    if missing:
        raise BatchHeld(
            f"{dataset.id}: {name} lacks the column {', '.join(missing)} (its header is "
            f"{', '.join(file.header)[:300]}): {ask(dataset)} to deliver it again, or "
            f"correct {dataset.path}"
        )
    added = [column for column in file.header if column not in wanted]
    if added and dataset.drift.new_column is DriftAction.HOLD:
        raise BatchHeld(
            f"{dataset.id}: {name} has the column {', '.join(added)}, unknown to the contract: "
            f"add it to {dataset.path} or set drift.new_column to ignore; {ask(dataset)} what it is"
        )
    if file.ragged_count and dataset.drift.ragged_row is DriftAction.HOLD:
        raise BatchHeld(
            f"{dataset.id}: {name} has {file.ragged_count} of {file.rows} records without "
            f"{len(file.header)} values, the first is record {file.ragged_rows[0]}: "
            f"{ask(dataset)} to deliver it again, or set drift.ragged_row to ignore"
        )


def _reader(dataset: Dataset, delivery: Delivery) -> Callable[[Draft, Dataset, str, _Tee], _Read]:
    name = delivery.name.lower()
    if name.endswith(".zip"):
        return _read_zip
    return _read_gzip if name.endswith(".gz") else _read_plain


def _read_plain(draft: Draft, dataset: Dataset, came: str, tee: _Tee) -> _Read:
    unpacked = None if _is_utf8(dataset) else f"parts/{came}"
    found = _inspect(draft, dataset, io.BufferedReader(tee, _CHUNK), unpacked)
    return _Read(tee.sha256, tee.count, unpacked or came, unpacked and came, False, found)


def _read_gzip(draft: Draft, dataset: Dataset, came: str, tee: _Tee) -> _Read:
    packed = io.BufferedReader(tee, _CHUNK)
    unpacked = None if _is_utf8(dataset) else f"parts/{came.removesuffix('.gz')}"
    with gzip.GzipFile(fileobj=cast(IO[bytes], packed)) as opened:
        stream = _Bounded(cast(IO[bytes], opened), lambda: tee.count, None)
        found = _inspect(draft, dataset, io.BufferedReader(stream, _CHUNK), unpacked)
    if packed.read(1):
        raise Unreadable("something follows the end of its gzip stream")
    return _Read(tee.sha256, tee.count, unpacked or came, unpacked and came, not unpacked, found)


def _read_zip(draft: Draft, dataset: Dataset, came: str, tee: _Tee) -> _Read:
    copied = io.BufferedReader(tee, _CHUNK)
    while copied.read(_CHUNK):
        pass
    tee.flush_sink()
    with zipfile.ZipFile(draft.path(came)) as archive:
        member = _member(archive, dataset.source.member)
        path = f"parts/{draft.place(member.filename.rpartition('/')[2])}"
        with contextlib.ExitStack() as stack:
            opened = stack.enter_context(archive.open(member))
            sink = stack.enter_context(draft.path(path).open("wb")) if _is_utf8(dataset) else None
            stream = _Bounded(opened, lambda: tee.count, sink)
            text = None if sink else path
            found = _inspect(draft, dataset, io.BufferedReader(stream, _CHUNK), text)
    return _Read(tee.sha256, tee.count, path, came, False, found)


def _inspect(
    draft: Draft, dataset: Dataset, binary: io.BufferedReader, unpacked: str | None
) -> Inspection:
    """Read the text to its end; write it anew as UTF-8 when it isn't yet."""
    if not binary.peek(1):
        raise Unreadable("it is empty: 0 bytes")
    lines = text_lines(binary, dataset.source.encoding)
    if unpacked is None:
        return inspect_csv(lines, dataset.source.delimiter)
    with draft.path(unpacked).open("w", encoding="utf-8", newline="") as file:
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


def _is_utf8(dataset: Dataset) -> bool:
    return dataset.source.encoding.lower().replace("_", "-") in ("utf-8", "utf8", "ascii")
