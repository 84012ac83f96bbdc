"""In which encoding a file's text is: said where the bytes leave no doubt, else refused.

UTF-8 and byte-order marks prove themselves. Of older encodings no byte does: all that can be
asked is which of them makes sense. charset-normalizer says how disordered the text would be in
each candidate; :mod:`~civiclake.io.samples.readings` whether its words are of one script and of
one language's letters. Where two candidates differ on the text and neither reads clearly better,
a person has to say which is right.
"""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from charset_normalizer import from_bytes

from civiclake.contracts.read.faults import choice
from civiclake.errors import SourceError
from civiclake.io.samples.readings import is_korean, sense

_PIECE = 1 << 20
_MOST_BYTES = 256 << 20
"""So far a file is looked through; what comes later shows when it is read."""
_HELD_BYTES = 256 << 10
"""So much of the lines with other bytes than ASCII's is read in every candidate."""
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CANDIDATES = (
    "windows-1252", "iso-8859-15", "windows-1250", "iso-8859-2", "windows-1251", "koi8-r",
    "windows-1253", "windows-1254", "windows-1257", "gb18030", "big5", "shift_jis", "euc-kr",
)  # fmt: skip
"""Of two that read a text alike, the one that is met more often stands first."""
_LEAST = 0.9
"""The share of other signs than ASCII's that must make sense."""
_CLEAR = 0.05
"""How much better the best must be."""
_CLEARLY_COHERENT = 0.2
_ORDERLY = 0.1
_SHOWN = 48
_MOST_SHOWN = 4


@dataclass(frozen=True)
class Encoding:
    """What was found, and what a person must look at."""

    name: str
    note: str | None = None


@dataclass(frozen=True)
class _Reading:
    names: tuple[str, ...]
    text: str
    score: float
    coherence: float
    """How much its letters' frequencies are like a language's, as charset-normalizer has it."""


def find(binary: io.BufferedIOBase, name: str) -> Encoding:
    """The encoding of a file.

    Args:
        binary: its bytes, unpacked, from the first one.
        name: of the file, for the sentence.

    Raises:
        SourceError: it can't be told; the sentence names the candidates and how they read.
    """
    first = binary.read(_PIECE)
    marked = _marked(first)
    if marked:
        return Encoding(marked)
    unmarked = _wide(first)
    if unmarked:
        return Encoding(unmarked, f"taken for {unmarked}, because every other byte is 0")
    lines = _Lines()
    for piece in _pieces(first, binary):
        lines.take(piece)
    if lines.fault is None:
        return Encoding("utf-8")
    if lines.is_utf8_mostly:
        raise SourceError(
            f"{name} is utf-8 but for {lines.bad} places, the first in line {lines.fault}: whoever"
            " delivers it must write it in one encoding"
        )
    return _older(bytes(lines.held), name)


def wide(head: bytes) -> str | None:
    """The encoding whose bytes are zero here and there, though it is text's."""
    return _marked(head) or _wide(head)


def _marked(head: bytes) -> str | None:
    return next((found for mark, found in _MARKS if head.startswith(mark)), None)


def in_words(text: str) -> str:
    """A short piece of a text for a sentence."""
    return " ".join(text.split())[:_SHOWN]


def _pieces(first: bytes, binary: io.BufferedIOBase) -> Iterator[bytes]:
    piece = first
    count = len(piece)
    while piece and count <= _MOST_BYTES:
        yield piece
        piece = binary.read(_PIECE)
        count += len(piece)
    if not piece:
        yield b""


def _wide(head: bytes) -> str | None:
    """UTF-16 without a mark: of mostly Latin text every other byte is 0."""
    if len(head) < 4 or b"\0" not in head:
        return None
    even, odd = head[: len(head) // 2 * 2 : 2], head[1::2]
    if odd.count(0) > 0.4 * len(odd) and even.count(0) < 0.05 * len(even):
        return "utf-16-le"
    return "utf-16-be" if even.count(0) > 0.4 * len(even) and not odd.count(0) else None


class _Lines:
    """A file's lines as they pass: whether they are UTF-8, and some of those that are not ASCII."""

    def __init__(self) -> None:
        self._rest = b""
        self._line = 0
        self._sound = 0
        self.bad = 0
        self.fault: int | None = None
        self.held = bytearray()

    @property
    def is_utf8_mostly(self) -> bool:
        """Whether next to all that is not ASCII is sound UTF-8, which no other encoding makes."""
        return self._sound > 20 * self.bad

    def take(self, piece: bytes) -> None:
        """The next bytes; none at the end."""
        data = self._rest + piece
        cut = data.rfind(b"\n") + 1 if piece else len(data)
        whole, self._rest = data[:cut], data[cut:]
        if not whole.isascii():
            for number, line in enumerate(whole.split(b"\n"), start=self._line + 1):
                if not line.isascii():
                    self._look(line, number)
        self._line += whole.count(b"\n")

    def _look(self, line: bytes, number: int) -> None:
        try:
            line.decode()
            self._sound += 1
        except UnicodeDecodeError:
            self.bad += 1
            self.fault = self.fault or number
        if len(self.held) < _HELD_BYTES:
            self.held += line + b"\n"


def _older(data: bytes, name: str) -> Encoding:
    readings = _readings(data)
    fitting = [r for r in readings if r.score >= _LEAST]
    best = _clearly_best(fitting)
    if best is not None:
        return _guessed(best, readings)
    doubtful = fitting or readings
    if not doubtful:
        raise SourceError(
            f"{name} is no text in utf-8, nor in {choice(_CANDIDATES)}: ask for utf-8"
        )
    shown = "; ".join(
        f"as {' or '.join(r.names[:2])}: {_line_of(r.text)}" for r in doubtful[:_MOST_SHOWN]
    )
    raise SourceError(
        f"{name} is not utf-8, and which older encoding it is can't be told ({shown}): say the one"
        f" that reads right with --encoding, such as --encoding {doubtful[0].names[0]}"
    )


def _clearly_best(fitting: Sequence[_Reading]) -> _Reading | None:
    """The one that no other comes near, by its words or else by its letters' frequencies."""
    near = [r for r in fitting if fitting[0].score - r.score < _CLEAR]
    near = [r for r in near if is_korean(r.text)] or near
    ranked = sorted(near, key=lambda r: -r.coherence)
    if len(ranked) > 1 and ranked[0].coherence - ranked[1].coherence < _CLEARLY_COHERENT:
        return None
    return ranked[0] if ranked else None


def _guessed(best: _Reading, readings: Sequence[_Reading]) -> Encoding:
    alike = f" (like {', '.join(best.names[1:])})" if best.names[1:] else ""
    others = [f"{r.names[0]} would read {_line_of(r.text)}" for r in readings if r is not best][:2]
    beside = f"; {', '.join(others)}" if others else ""
    return Encoding(
        best.names[0],
        f"the encoding is taken for {best.names[0]}{alike}: {_line_of(best.text)}{beside}",
    )


def _readings(data: bytes) -> list[_Reading]:
    """The text in every candidate that can read it, those alike together, the best first."""
    texts: dict[str, list[str]] = {}
    for name in _CANDIDATES:
        try:
            texts.setdefault(data.decode(name), []).append(name)
        except UnicodeDecodeError:
            continue
    found = []
    for text, names in texts.items():
        disorder, coherence = _detected(data, names[0])
        found.append(_Reading(tuple(names), text, sense(text) - disorder, coherence))
    return sorted(found, key=lambda r: -r.score)


def _detected(data: bytes, name: str) -> tuple[float, float]:
    """What charset-normalizer calls mess, of which little is in every text, and coherence."""
    found = from_bytes(data, cp_isolation=[name], threshold=1.0).best()
    if found is None:
        return 1.0, 0.0
    return (found.chaos if found.chaos > _ORDERLY else 0.0), found.coherence


def _line_of(text: str) -> str:
    """The shortest of the first lines: the rest of a long one may show nothing."""
    lines = [line.strip() for line in text.split("\n")[:20] if line.strip()]
    return repr(in_words(_around(min(lines, key=len)))) if lines else "''"


def _around(line: str) -> str:
    """The line from a little before its first sign that is not ASCII."""
    place = next((n for n, sign in enumerate(line) if not sign.isascii()), 0)
    return line[max(0, place - _SHOWN // 2) :]
