"""What an engine says to the watch by its log: lines of its own classes with a mark."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

_ENDS = re.compile(r"^\S+Z FATAL \w+: CIVICLAKE_ENDS (.*)")
"""Why it ends itself."""
_ALERT = re.compile(r"^\S+Z [A-Z]+ \w+: CIVICLAKE_ALERT (.*)")
"""What the operator has to know."""
_NO_MEMORY = "Terminating due to java.lang.OutOfMemoryError"
_TAIL_BYTES = 32_768
_LONGEST = 300


def reason_of(log: Path) -> str:
    """Why an engine ended, by the end of its log."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - _TAIL_BYTES))
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        lines = []
    for line in reversed(lines):
        found = _ENDS.match(line)
        if found:
            return _shown(found[1])
        if line.startswith(_NO_MEMORY):
            return "it ran out of memory"
    return "it was killed, or ended without a word"


class Alerts:
    """Reads on in a log, and in the next one when an engine is started again."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._file = 0
        self._place = log.stat().st_size if log.exists() else 0
        self._file = log.stat().st_ino if log.exists() else 0

    def more(self) -> Iterator[str]:
        """The sentences of the lines that came since it was asked last."""
        try:
            with self._log.open("rb") as file:
                known = self._log.stat()
                if known.st_ino != self._file or known.st_size < self._place:
                    self._file, self._place = known.st_ino, 0
                file.seek(self._place)
                read = file.read(1 << 20)
        except OSError:
            return
        whole = read[: read.rfind(b"\n") + 1]
        self._place += len(whole)
        for line in whole.decode(errors="replace").splitlines():
            found = _ALERT.match(line)
            if found:
                yield _shown(found[1])


def _shown(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text.strip())[:_LONGEST]
