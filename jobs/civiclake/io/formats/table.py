"""What every reader hands on: a header and rows of text; and how records become that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from civiclake.contracts.model import Dataset
from civiclake.io.formats.text import cell
from civiclake.io.reading.inspect import Unreadable

MAX_COLUMNS = 2000
"""Names that the records of one file may bring; more is no table."""

Row = Sequence[str | None]


@dataclass(frozen=True)
class Table:
    """A file's rows while they are read."""

    header: list[str]
    """Names of the columns; those of records may come late, so look again after the last row."""
    rows: Iterator[Row]
    """Text or None for each column; a row that is longer or shorter is ragged."""
    grows: bool = False
    """Whether a short row only lacks what came late, as records do."""
    header_row: int = 1
    """Row of a sheet in which the names stand."""


def from_records(records: Iterator[Mapping[str, Any]], dataset: Dataset) -> Table:
    """Records with names of their own, one row each.

    A value in a value becomes JSON text in one column, unless the contract names a dotted
    path into it (``address.street``, ``coordinates.0``): then all of its parts are columns.
    """
    header: list[str] = []
    wanted = [name for c in dataset.columns for name in (c.source_name, *c.also) if "." in name]
    inner = frozenset(
        name[:place] for name in wanted for place, sign in enumerate(name) if sign == "."
    )
    return Table(header, _rows(records, header, inner), grows=True)


def _rows(
    records: Iterator[Mapping[str, Any]], header: list[str], inner: frozenset[str]
) -> Iterator[Row]:
    places: dict[str, int] = {}
    for number, record in enumerate(records, start=1):
        row: list[str | None] = [None] * len(header)
        for name, value in (_opened(record, inner, number) if inner else record).items():
            place = places.get(name)
            if place is None:
                if len(header) == MAX_COLUMNS:
                    raise Unreadable(f"its records have over {MAX_COLUMNS:,} different names")
                place = places[name] = len(header)
                _text(name, number, "a name")
                header.append(name)
                row.append(None)
            row[place] = _text(value, number, name)
        yield row


def _text(value: Any, number: int, name: str) -> str | None:
    """A value's text; what is wrong with it is told with its place."""
    try:
        return cell(value)
    except Unreadable as error:
        raise Unreadable(f"record {number}, {name}: {error}") from None


def _opened(record: Mapping[str, Any], inner: frozenset[str], number: int) -> Mapping[str, Any]:
    """The record's values by their paths.

    Raises:
        Unreadable: a key is spelled like the path to another value; one of them would be lost.
    """
    found: dict[str, Any] = {}
    for name, value in _flat(record, inner):
        if name in found:
            raise Unreadable(
                f"record {number} has two values called {name}: one by a key that holds the dot,"
                " one inside an object"
            )
        found[name] = value
    return found


def _flat(
    value: Mapping[str, Any], inner: frozenset[str], way: str = ""
) -> Iterator[tuple[str, Any]]:
    """The record's values, those on the way to a wanted path opened."""
    for key, item in value.items():
        name = way + key
        if name not in inner:
            yield name, item
        elif isinstance(item, Mapping):
            yield from _flat(item, inner, name + ".")
        elif isinstance(item, list):
            parts = {str(place): part for place, part in enumerate(item)}
            yield from _flat(parts, inner, name + ".")
        elif item is not None:
            yield name, item
