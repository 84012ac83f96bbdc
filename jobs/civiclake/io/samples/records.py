"""Which list in a JSON document is the one of the records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from civiclake.io.formats.json_values import kind_of

DEPTH = 3
"""So many keys deep a list of records is looked for."""
_USUAL = (
    "data", "items", "results", "records", "rows", "features", "value", "values", "content",
    "entries", "list", "result", "hits", "objects",
)  # fmt: skip
_ENVELOPES = ("attributes", "properties")
"""Objects that hold a record's values, in ArcGIS and JSON:API, and in GeoJSON."""


def without_envelope(records: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Records with what an envelope holds by its path, such as ``attributes.NAME``."""
    inner = next((name for name in _ENVELOPES if all(_holds(r, name) for r in records)), None)
    if inner is None:
        return list(records)
    return [
        {f"{inner}.{key}": value for key, value in record[inner].items()}
        | {key: value for key, value in record.items() if key != inner}
        for record in records
    ]


def _holds(record: Mapping[str, Any], name: str) -> bool:
    return isinstance(record.get(name), Mapping) and bool(record[name])


def path_to_records(value: Mapping[str, Any] | Any) -> str | None:
    """The dotted path to the likeliest list of objects: one of a usual name, else the longest.

    An empty list counts only under a usual name: nothing else tells what it would hold.
    """
    found = [(path, items) for path, items in _lists(value, ()) if _may_be(path, items)]
    if not found:
        return None
    path, _ = min(found, key=_rank)
    return ".".join(path)


def no_records(value: Any) -> str:
    """What is there instead, as the end of a sentence."""
    held = ""
    if isinstance(value, Mapping):
        held = f" that holds {', '.join(value)[:200] or 'nothing'}"
    return (
        f"holds no list of records: it is {kind_of(value)}{held}; allowed is a list of objects,"
        f" at most {DEPTH} keys deep"
    )


def _lists(value: Any, way: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], list[Any]]]:
    if isinstance(value, list) and way:
        yield way, value
    elif isinstance(value, Mapping) and len(way) < DEPTH:
        for name, item in value.items():
            if name:
                yield from _lists(item, (*way, name))


def _may_be(path: tuple[str, ...], items: list[Any]) -> bool:
    if not items:
        return path[-1].lower() in _USUAL
    return all(isinstance(item, Mapping) for item in items)


def _rank(found: tuple[tuple[str, ...], list[Any]]) -> tuple[bool, bool, int, int]:
    path, items = found
    return (not items, path[-1].lower() not in _USUAL, len(path), -len(items))
