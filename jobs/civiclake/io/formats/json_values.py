"""JSON values as records need them: every digit kept, no name twice, nothing that JSON has not."""

from __future__ import annotations

import json
from decimal import Decimal, InvalidOperation
from typing import Any

from civiclake.io.reading.inspect import Unreadable


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        doubled = sorted({name for name in names if names.count(name) > 1})
        raise Unreadable(f"an object names {', '.join(doubled)[:100]} more than once")
    return found


def _constant(name: str) -> Any:
    raise Unreadable(f"it holds {name}, which JSON does not have")


def _number(text: str) -> Decimal | str:
    """A number exactly; what no computer counts with (an exponent of 19 digits) stays the text
    that it is, so that only its record is set aside."""
    try:
        return Decimal(text)
    except InvalidOperation:
        return text


DECODER = json.JSONDecoder(parse_float=_number, parse_constant=_constant, object_pairs_hook=_object)
"""Reads numbers exactly, and refuses what readers understand differently."""


def kind_of(value: Any) -> str:
    """A value in words."""
    if value is None:
        return "null"
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false"}
    return names.get(type(value), "a number")


def as_record(value: Any, place: str) -> dict[str, Any]:
    """The value, which must be an object.

    Raises:
        Unreadable: it is something else.
    """
    if not isinstance(value, dict):
        raise Unreadable(f"{place} is {kind_of(value)}, not an object")
    return value
