"""How a CSV text begins: a `sep=` line, titles, the line of names, and its delimiter."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from civiclake.io.reading.csv_header import SEPARATOR, padding

LINES = 200
"""So many lines are looked at."""
_RECORDS = 60
_DELIMITERS = ",;\t|"
_MOSTLY = 0.6
"""The share of a usual record's values that a header has names for; a title has fewer."""


@dataclass(frozen=True)
class Top:
    """Where the names stand, and what stands above."""

    names: tuple[str, ...]
    """Trimmed; empty where a column has none."""
    delimiter: str
    line: int
    """Of the names, counted from 1."""
    titles: str
    """What stands above them, in short; a `sep=` line and blank lines are none."""


@dataclass(frozen=True)
class _Record:
    line: int
    values: tuple[str, ...]

    @property
    def filled(self) -> int:
        return sum(1 for value in self.values if value.strip())


def find(lines: Sequence[str]) -> Top | None:
    """How a text begins, by its first lines; None where no line holds anything.

    Raises:
        csv.Error: its quoting is broken.
    """
    told = SEPARATOR.fullmatch(lines[0]) if lines else None
    skipped = 1 if told else 0
    delimiter = told[1] if told else _delimiter(lines)
    records = _records(lines[skipped:], delimiter, skipped)
    if not records:
        return None
    place = _header(records)
    names = tuple(name.strip() for name in records[place].values)
    titles = " / ".join(" ".join(v for v in r.values if v.strip()) for r in records[:place])
    first = records[place + 1].values if place + 1 < len(records) else ()
    names = (*names, *padding(names, first))
    return Top(names, delimiter, records[place].line, titles[:80])


def _records(lines: Sequence[str], delimiter: str, skipped: int = 0) -> list[_Record]:
    """The records that hold anything, each with the line that it begins in."""
    reader = csv.reader(lines, delimiter=delimiter)
    found: list[_Record] = []
    begins = skipped + 1
    for values in reader:
        record = _Record(begins, tuple(values))
        if record.filled:
            found.append(record)
        begins = reader.line_num + skipped + 1
        if len(found) == _RECORDS:
            break
    return found


def _delimiter(lines: Sequence[str]) -> str:
    """What splits most records into most values, as many in each."""

    def agreed(delimiter: str) -> tuple[bool, float]:
        widths = Counter(len(r.values) for r in _records(lines, delimiter))
        if not widths:
            return False, 0.0
        width, count = max(widths.items(), key=lambda item: (item[1], item[0]))
        # One record alone agrees with none: a list or an outline within a value may be long.
        return width > 1 and count > 1, (width - 1) * count / widths.total()

    return max(_DELIMITERS, key=agreed)


def _header(records: Sequence[_Record]) -> int:
    """The first record that is as full as records are here."""
    usual = median(r.filled for r in records[len(records) // 2 :])
    return next((n for n, r in enumerate(records) if r.filled >= _MOSTLY * usual), 0)
