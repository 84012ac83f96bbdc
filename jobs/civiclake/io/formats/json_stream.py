"""JSON text read piece by piece: a list of any length in the memory of its longest element.

The library's own decoder reads each piece; this module only finds where pieces begin.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from civiclake.io.formats.json_values import DECODER
from civiclake.io.reading.inspect import LONGEST_LINE, Unreadable

_BLANK = re.compile(r"[ \t\n\r]*")
MAX_DEPTH = 100
"""Lists and objects in each other, beside the records."""
_FORGET = 1 << 16
"""Characters that may stand behind the place before they are let go."""
_UNFINISHED = 64
"""Characters from the end within which a word, a number or an escape may be unfinished."""


class Reader:
    """A place in a JSON text, moving forward.

    Args:
        blocks: the text, in blocks of any length.
    """

    def __init__(self, blocks: Iterator[str]) -> None:
        self._blocks = blocks
        self._text = ""
        self._at = 0
        self._before = 0
        self._ended = False

    def peek(self) -> str:
        """The next sign that is not blank; "" at the end."""
        while True:
            end = _BLANK.match(self._text, self._at)
            self._at = end.end() if end else self._at
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def value(self) -> Any:
        """The next value, whole.

        Raises:
            Unreadable: it is no JSON, or longer than a record may be.
        """
        if not self.peek():
            raise Unreadable("it is cut off before its end")
        while True:
            try:
                found, end = DECODER.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                self._wait_or_refuse(error)
                continue
            except Unreadable as error:
                raise Unreadable(f"{error} (in the value at character {self._place():,})") from None
            except ValueError as error:  # a number of more digits than Python reads
                raise Unreadable(
                    f"a number can't be read in the value at character {self._place():,} ({error})"
                ) from None
            # A number at the end of what was read may go on.
            if end < len(self._text) or not self._more():
                self._at = end
                return found

    def elements(self) -> Iterator[Any]:
        """The elements of the list that begins here."""
        for _ in self._items("[", "]"):
            yield self.value()

    def members(self) -> Iterator[str]:
        """The names of the object that begins here; whoever asks for the next one has read
        or skipped the value."""
        for _ in self._items("{", "}"):
            if self.peek() != '"':
                raise self._fault("a name in double quotes")
            name = str(self.value())
            self._expect(":")
            yield name

    def skip(self, depth: int = 0) -> None:
        """Pass over the next value, however long."""
        if depth > MAX_DEPTH:
            raise Unreadable("its values are nested too deeply")
        sign = self.peek()
        if sign == "[":
            for _ in self._items("[", "]"):
                self.skip(depth + 1)
        elif sign == "{":
            for _ in self.members():
                self.skip(depth + 1)
        else:
            self.value()

    def end(self) -> None:
        """Nothing but blanks may follow.

        Raises:
            Unreadable: something does.
        """
        if self.peek():
            raise Unreadable(
                f"something follows its end at character {self._place():,}: {self._near()}"
            )

    def _items(self, opening: str, closing: str) -> Iterator[None]:
        self._expect(opening)
        if self.peek() == closing:
            self._at += 1
            return
        while True:
            yield None
            sign = self.peek()
            if sign not in (",", closing):
                raise self._fault(f"a comma or {closing}")
            self._at += 1
            if sign == closing:
                return

    def _expect(self, sign: str) -> None:
        if self.peek() != sign:
            raise self._fault(sign)
        self._at += 1

    def _wait_or_refuse(self, error: json.JSONDecodeError) -> None:
        """What is no JSON may only be unfinished: then it fails close to the end."""
        cut = error.msg.startswith("Unterminated") or len(self._text) - error.pos < _UNFINISHED
        if cut and len(self._text) - self._at > LONGEST_LINE:
            raise Unreadable(f"it holds a value of over {LONGEST_LINE >> 20} MiB")
        # Doubled each time, or a long value would be read again and again.
        if cut and self._more(2 * (len(self._text) - self._at)):
            return
        if cut and (error.pos >= len(self._text) or self._text.rstrip()[-1:] not in "]}"):
            raise Unreadable("it is cut off before its end")
        where = self._before + error.pos + 1
        raise Unreadable(f"it is no JSON: {error.msg} at character {where:,}")

    def _fault(self, wanted: str) -> Unreadable:
        if not self.peek():
            return Unreadable("it is cut off before its end")
        return Unreadable(
            f"it is no JSON: {wanted} is missing at character {self._place():,}: {self._near()}"
        )

    def _place(self) -> int:
        return self._before + self._at + 1

    def _near(self) -> str:
        return repr(self._text[self._at : self._at + 20])

    def _more(self, wanted: int = 1) -> bool:
        """Read on, and forget what was passed; False at the end of the text."""
        if self._ended:
            return False
        if self._at > _FORGET:
            self._before += self._at
            self._text, self._at = self._text[self._at :], 0
        parts, read = [self._text], 0
        while read < wanted:
            block = next(self._blocks, None)
            if block is None:
                self._ended = True
                break
            parts.append(block)
            read += len(block)
        self._text = "".join(parts)
        return read > 0
