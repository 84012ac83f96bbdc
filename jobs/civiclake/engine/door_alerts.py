"""What the analysts' door has to tell an operator: marked lines of its log, each told once."""

from __future__ import annotations

from pathlib import Path

MARK = "CIVICLAKE_ALERT "
_MOST = 1_048_576
"""Bytes that are looked through at once; of a log that grows faster, the end."""
_LONGEST = 300


class DoorAlerts:
    """Reads on in a log from where it stopped.

    Args:
        log: of the analysts' engine; it is made anew at each start of the engine.
    """

    def __init__(self, log: Path) -> None:
        self._log = log
        self._place = self._size()

    def new(self) -> list[str]:
        """The sentences since the last call, at most one line each and printable."""
        size = self._size()
        if size < self._place:
            self._place = 0
        if size == self._place:
            return []
        begin = max(self._place, size - _MOST)
        try:
            with self._log.open("rb") as file:
                file.seek(begin)
                text = file.read(size - begin)
        except OSError:
            return []
        whole = text.rfind(b"\n") + 1  # a line that is being written is read the next time
        self._place = begin + whole
        lines = text[:whole].decode(errors="replace").splitlines()
        return [_printable(line.partition(MARK)[2]) for line in lines if MARK in line]

    def _size(self) -> int:
        try:
            return self._log.stat().st_size
        except OSError:
            return 0


def _printable(said: str) -> str:
    return "".join(c if c.isprintable() else " " for c in said)[:_LONGEST]
