"""Byte streams of a delivery: copied on the way, unpacked within bounds, never swallowed whole."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from typing import IO, Any

from civiclake.io.reading.inspect import Unreadable

MAX_UNPACKED_BYTES = 50 << 30
"""No member of an archive may unpack to more."""
MAX_RATIO = 200
"""Nor to so many times its archive (real records pack 5 to 50 times), once it is large."""
RATIO_FROM_BYTES = 64 << 20


class Tee(io.RawIOBase):
    """Passes bytes on, and writes, hashes and counts them on the way."""

    def __init__(self, source: io.RawIOBase, sink: IO[bytes]) -> None:
        self._source, self._sink = source, sink
        self._digest = hashlib.sha256()
        self.count = 0

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: Any) -> int:
        """As every raw stream has it."""
        data = self._source.read(len(buffer)) or b""
        buffer[: len(data)] = data
        self._digest.update(data)
        self._sink.write(data)
        self.count += len(data)
        return len(data)

    def flush_sink(self) -> None:
        """Let others see what was written so far."""
        self._sink.flush()

    @property
    def sha256(self) -> str:
        """Of all bytes so far."""
        return self._digest.hexdigest()


class Bounded(io.RawIOBase):
    """Unpacked bytes, up to what an honest archive would hold."""

    def __init__(
        self, source: IO[bytes], packed: Callable[[], int], sink: IO[bytes] | None = None
    ) -> None:
        self._source, self._packed, self._sink = source, packed, sink
        self._count = 0

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: Any) -> int:
        """As every raw stream has it.

        Raises:
            Unreadable: more comes out than an honest archive would hold.
        """
        data = self._source.read(len(buffer))
        self._count += len(data)
        check_ratio(self._count, self._packed())
        if self._sink:
            self._sink.write(data)
        buffer[: len(data)] = data
        return len(data)


def check_ratio(unpacked_bytes: int, packed_bytes: int) -> None:
    """Refuse what grows beyond measure.

    Raises:
        Unreadable: no honest archive packs so well.
    """
    if unpacked_bytes > MAX_UNPACKED_BYTES or (
        unpacked_bytes > RATIO_FROM_BYTES and unpacked_bytes > MAX_RATIO * max(packed_bytes, 1)
    ):
        raise Unreadable(
            f"it unpacks to over {unpacked_bytes >> 20} MiB from {packed_bytes >> 10} KiB, "
            f"more than {MAX_RATIO} times its size"
        )
