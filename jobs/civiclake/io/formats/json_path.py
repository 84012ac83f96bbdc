"""Dotted paths into a JSON value: the one way to name a place in it.

A key that holds dots itself is tried first, the longest one before shorter ones, so
``@odata.nextLink`` is one key where the object has it, and two steps where it has not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

MISSING: Final = object()
"""Nothing stands there, not even null."""
_LONGEST_PLACE = 9
"""Digits of a place in a list."""


def find(value: Any, path: str | None) -> Any:
    """What a path leads to (none: the value itself), or :data:`MISSING`.

    A number is a key of an object or a place in a list: ``coordinates.0``.
    """
    if not path:
        return value
    for inner, rest in _steps(value, path):
        found = find(inner, rest)
        if found is not MISSING:
            return found
    return MISSING


def ends_early(value: Any, path: str | None) -> bool:
    """Whether the way ends before the path does, at null, an empty text or an empty object.

    So lists without items are written by what turns XML into JSON (``{"items": ""}`` for
    ``items.item``), and by what leaves out all that is empty.
    """
    if value is None or value in ("", {}):
        return True
    if not path:
        return False
    return any(ends_early(inner, rest) for inner, rest in _steps(value, path))


def _steps(value: Any, path: str) -> Iterator[tuple[Any, str]]:
    """What the first key of a path leads to, with the rest of the path."""
    if isinstance(value, Mapping):
        for key in heads(path):
            if key in value:
                yield value[key], path[len(key) + 1 :]
    elif isinstance(value, list):
        head, _, rest = path.partition(".")
        digits = head.isascii() and head.isdigit() and len(head) <= _LONGEST_PLACE
        if digits and int(head) < len(value):
            yield value[int(head)], rest


def heads(path: str) -> Iterator[str]:
    """The keys that a path may begin with, the longest first."""
    yield path
    end = path.rfind(".")
    while end >= 0:
        yield path[:end]
        end = path.rfind(".", 0, end)
