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
from civiclake.io.inspect import Unreadable, text_blocks


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

    As in :mod:`civiclake.io.formats.json_path`, a key may hold dots; but a stream can't look
    for the longest one first, so two that may be meant are refused.
    """
    here = ".".join(way) or "the document"
    if not path:
        if reader.peek() != "[":
            raise Unreadable(_no_list(reader, here))
        yield from reader.elements()
        return
    if reader.peek() != "{":
        raise Unreadable(f"{here} is {_kind(reader)}, so it has no {path}")
    keys, names, met = set(heads(path)), list[str](), ""
    for name in reader.members():
        names.append(name)
        if name not in keys:
            reader.skip()
        elif met:
            twice = f"names {name} more than once" if met == name else f"has both {met} and {name}"
            raise Unreadable(f"{here} {twice}")
        else:
            met = name
            yield from _find(reader, path[len(name) + 1 :], (*way, name))
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


def _kind(reader: Reader) -> str:
    opening = {"{": "an object", "[": "a list"}.get(reader.peek())
    return opening or kind_of(reader.value())
