"""A JSON document: one list of records, read record by record wherever in it the list stands."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

from civiclake.contracts.model import Dataset
from civiclake.io.formats.json_path import heads
from civiclake.io.formats.json_stream import Reader
from civiclake.io.formats.json_values import as_record, kind_of
from civiclake.io.formats.table import Table, from_records
from civiclake.io.reading.inspect import Unreadable, text_blocks


def read(binary: io.BufferedIOBase, dataset: Dataset) -> Table:
    """One row for each object of the list that ``records`` leads to (none: the document)."""
    reader = Reader(text_blocks(binary, dataset.source.encoding))
    return from_records(_records(reader, dataset.source.records or ""), dataset)


def _records(reader: Reader, path: str) -> Iterator[dict[str, Any]]:
    for number, value in enumerate(_find(reader, path, ()), start=1):
        yield as_record(value, f"record {number}")
    reader.end()


def _find(reader: Reader, path: str, way: tuple[str, ...]) -> Iterator[Any]:
    """The elements of the list at the path; what stands beside the way is passed over.

    As in :mod:`civiclake.io.formats.json_path`, a key may hold dots, and the longest one goes
    before others. A stream can't go back: a longer one that follows one that led on is refused.
    """
    here = ".".join(way) or "the document"
    if not path:
        if reader.peek() != "[":
            raise Unreadable(_no_list(reader, here))
        yield from reader.elements()
        return
    if reader.peek() != "{":
        raise Unreadable(f"{here} is {_kind(reader)}, so it has no {path}")
    keys, names, met, ends = set(heads(path)), list[str](), "", list[str]()
    for name in reader.members():
        rest = path[len(name) + 1 :]
        if name in keys and name in names:
            raise Unreadable(f"{here} names {name} more than once")
        if name not in keys or len(name) < len(met):
            reader.skip()
        elif rest and reader.peek() != "{":  # no way leads on there
            ends.append(f"{'.'.join((*way, name))} is {_passed(reader)}, so it has no {rest}")
        elif met:
            raise Unreadable(f"{here} has both {met} and {name}")
        else:
            met = name
            yield from _find(reader, rest, (*way, name))
        names.append(name)
    if not met and ends:
        raise Unreadable(ends[0])
    if not met:
        held = ", ".join(names)[:200] or "nothing"
        missing = ".".join((*way, path.partition(".")[0]))
        raise Unreadable(f"it has no {missing} ({here} holds {held})")


def _no_list(reader: Reader, here: str) -> str:
    said = f"{here} is {_kind(reader)}, not a list of records"
    if here != "the document" or reader.peek() != "{":
        return said
    names = []
    for name in reader.members():
        names.append(name)
        reader.skip()
    held = ", ".join(names)[:200] or "nothing"
    return f"{said}: name the list as `records` (it holds {held})"


def _passed(reader: Reader) -> str:
    """What the next value is, passed over."""
    is_list, kind = reader.peek() == "[", _kind(reader)
    if is_list:
        reader.skip()
    return kind


def _kind(reader: Reader) -> str:
    opening = {"{": "an object", "[": "a list"}.get(reader.peek())
    return opening or kind_of(reader.value())
