"""A delivered text, line by line or in blocks of whole lines, whichever its reader needs."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator

from civiclake.io.reading.inspect import LONGEST_LINE, Unreadable

_ENDS = "\r\n"


class Text:
    """Text that comes in pieces; a line ends with LF, CRLF or CR, wherever it stands.

    Args:
        pieces: the decoded text, cut anywhere.
        longest: characters that a line may have; None: any line may be there.
    """

    def __init__(self, pieces: Iterator[str], longest: int | None = LONGEST_LINE) -> None:
        self._pieces, self._longest = pieces, longest
        self._rest = ""
        self._block, self._at = "", 0
        """Whole lines, and up to where they were handed out one by one."""
        self._back: list[str] = []
        """Lines that come again, the next one last."""
        self.taken = 0
        """Lines handed out so far."""

    def line(self) -> str | None:
        """The next line with its end; None when there is no more.

        Raises:
            Unreadable: it is longer than any line may be.
        """
        found = self._back.pop() if self._back else self._next_line()
        self.taken += bool(found)
        return found or None

    def give_back(self, lines: list[str]) -> None:
        """Let the lines come again, before all others."""
        self._back.extend(reversed(lines))
        self.taken -= len(lines)

    def block(self) -> str:
        """Some whole lines, at once; empty when there is no more.

        Raises:
            Unreadable: a line is longer than any may be.
        """
        found = "".join(reversed(self._back)) + self._block[self._at :]
        self._back, self._block, self._at = [], "", 0
        found = found or self._more()
        self.taken += count_lines(found)
        return found

    def _next_line(self) -> str:
        if self._at == len(self._block):
            self._block, self._at = self._more(), 0
        begins, block = self._at, self._block
        ends = block.find("\n", begins) + 1 or len(block)
        odd = block.find("\r", begins, ends) + 1
        if odd and not block.startswith("\n", odd):
            ends = odd
        self._at = ends
        return block[begins:ends]

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
            if self._longest is not None and sum(map(len, parts)) > self._longest:
                raise Unreadable(f"it holds a line of over {self._longest >> 20} MiB")
        self._rest = ""
        return "".join(parts)


def lines_of(block: str) -> Iterable[str]:
    """The block's lines with their ends; no sign but LF and CR ends a line."""
    return io.StringIO(block, newline="")


def count_lines(block: str) -> int:
    """How many lines a block of whole lines has."""
    count = block.count("\n")
    if "\r" in block:
        count += block.count("\r") - block.count("\r\n")
    return count + (bool(block) and block[-1] not in _ENDS)
