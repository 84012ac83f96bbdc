"""A delivered text, line by line or in blocks of whole lines, whichever its reader needs."""

from __future__ import annotations

import io
from collections.abc import Iterator

from civiclake.io.inspect import LONGEST_LINE, Unreadable

_ENDS = "\r\n"


class Text:
    """Text that comes in pieces; a line ends with LF, CRLF or CR, wherever it stands.

    Args:
        pieces: the decoded text, cut anywhere.
    """

    def __init__(self, pieces: Iterator[str]) -> None:
        self._pieces = pieces
        self._rest = ""
        self._lines: list[str] = []  # in reverse: the next one is the last
        self.taken = 0
        """Lines handed out so far."""

    def line(self) -> str | None:
        """The next line with its end; None when there is no more.

        Raises:
            Unreadable: it is longer than any line may be.
        """
        if not self._lines:
            block = self._more()
            self._lines = lines_of(block)[::-1] if block else []
        if not self._lines:
            return None
        self.taken += 1
        return self._lines.pop()

    def give_back(self, lines: list[str]) -> None:
        """Let the lines come again, before all others."""
        self._lines.extend(reversed(lines))
        self.taken -= len(lines)

    def block(self) -> str:
        """Some whole lines, at once; empty when there is no more.

        Raises:
            Unreadable: a line is longer than any may be.
        """
        if not self._lines:
            found = self._more()
            self.taken += count_lines(found)
            return found
        found, count = "".join(reversed(self._lines)), len(self._lines)
        self._lines = []
        self.taken += count
        return found

    def _more(self) -> str:
        parts = [self._rest] if self._rest else []
        for piece in self._pieces:
            # A CR at the very end may be half of a CRLF.
            cut = max(piece.rfind("\n"), piece.rfind("\r", 0, len(piece) - 1)) + 1
            if not cut and parts and parts[-1].endswith("\r"):
                cut = -1  # the line ended before this piece
            if cut:
                found = "".join(parts) if cut < 0 else "".join([*parts, piece[:cut]])
                self._rest = piece if cut < 0 else piece[cut:]
                return found
            parts.append(piece)
            if sum(map(len, parts)) > LONGEST_LINE:
                raise Unreadable(f"it holds a line of over {LONGEST_LINE >> 20} MiB")
        self._rest = ""
        return "".join(parts)


def lines_of(block: str) -> list[str]:
    """The block's lines with their ends; no sign but LF and CR ends a line."""
    return list(io.StringIO(block, newline=""))


def count_lines(block: str) -> int:
    """How many lines a block of whole lines has."""
    count = block.count("\n")
    if "\r" in block:
        count += block.count("\r") - block.count("\r\n")
    return count + (bool(block) and block[-1] not in _ENDS)
