"""A CSV file: its encoding, its delimiter and the line of its header are found by looking."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path

from civiclake.contracts.draft.sample import Sample
from civiclake.contracts.model import FileFormat
from civiclake.errors import SourceError
from civiclake.io.reading.inspect import Unreadable, text_lines, unparsable
from civiclake.io.samples import csv_top
from civiclake.io.samples.asked import Asked
from civiclake.io.samples.collect import Collected, collect
from civiclake.io.samples.csv_top import Top
from civiclake.io.samples.files import described, encoding_of, sample, unpacked


def take(path: Path, department: str, asked: Asked) -> Sample:
    """The header and the rows.

    Raises:
        SourceError: it can't be read, or has no header.
    """
    encoding = encoding_of(path, FileFormat.CSV, asked)
    with unpacked(path) as binary:
        first = list(itertools.islice(text_lines(binary, encoding.name), csv_top.LINES))
        top = csv_top.find(first)
    if top is None:
        raise SourceError(f"{path.name} is empty: a line of it must name the columns")
    with unpacked(path) as binary:
        body = _Body(text_lines(binary, encoding.name), top)
        found = collect(body.rows(), asked.rows)
    header, found = _without_padding(top, found)
    loading = {
        **({} if top.delimiter == "," else {"delimiter": top.delimiter}),
        **({"header_row": top.line} if top.titles else {}),
    }
    source = described(FileFormat.CSV, encoding=encoding.name).source
    notes = (encoding.note, *_notes(top, header, body))
    return sample(path, department, source, found, header, loading, notes)


class _Body:
    """The records below the header, all as wide as it; others are counted."""

    def __init__(self, lines: Iterator[str], top: Top) -> None:
        self._lines, self._top = lines, top
        self.ragged = 0
        self.first_ragged = 0

    def rows(self) -> Iterator[Sequence[str]]:
        """The records, by the rules of the night's reader.

        Raises:
            Unreadable: the quoting of one is broken.
        """
        skipped = self._top.line - 1
        lines = itertools.islice(self._lines, skipped, None)
        reader = csv.reader(lines, delimiter=self._top.delimiter, strict=True)
        width = len(self._top.names)
        least = max(n for n, name in enumerate(self._top.names) if name) + 1
        begins = self._top.line
        try:
            next(reader)
            begins = reader.line_num + skipped + 1
            for row in reader:
                if len(row) >= least and not any(row[width:]):
                    yield [*row[:width], *[""] * (width - len(row))]
                elif row:
                    self.ragged += 1
                    self.first_ragged = self.first_ragged or begins
                begins = reader.line_num + skipped + 1
        except csv.Error as error:
            ends = reader.line_num + skipped
            raise Unreadable(unparsable(error, begins, ends)) from None


def _without_padding(top: Top, found: Collected) -> tuple[tuple[str, ...], Collected]:
    """Without the columns that have neither a name nor any value."""
    kept = [
        n
        for n, name in enumerate(top.names)
        if name or any((row[n] or "").strip() for row in found.rows)
    ]
    header = tuple(top.names[n] or f"column_{n + 1}" for n in kept)
    if len(kept) == len(top.names):
        return header, found
    rows = tuple(tuple(row[n] for n in kept) for row in found.rows)
    return header, Collected(rows, found.complete)


def _notes(top: Top, header: Sequence[str], body: _Body) -> Iterator[str]:
    if top.titles:
        yield (
            f"line {top.line} is taken for the header, and what stands above it for titles"
            f" ({top.titles})"
        )
    named = set(top.names)
    called = [name for name in header if name not in named]
    if called:
        yield f"columns without a name are called by their place ({', '.join(called)})"
    if body.ragged:
        yield (
            f"{body.ragged:,} records have another number of values than the header, the first in"
            f" line {body.first_ragged}; they were passed over"
        )
