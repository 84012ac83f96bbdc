"""Arrow's values as the house's text, the same whether they stand alone or inside of others."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from civiclake.io.formats.text import cell, number
from civiclake.io.reading.inspect import Unreadable

MAX_VALUE_BYTES = 8 << 20
_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_OUT_OF_RANGE = "<value"
"""So Arrow's text of a day or an instant begins whose year it does not write."""


class NoText(Exception):
    """A value has no text."""

    def __init__(self, row: int, why: str) -> None:
        super().__init__(why)
        self.row = row
        """Of the column, from 0."""


def texts(column: pa.Array) -> list[str | None]:
    """A column as text, by Arrow's own casts as far as they lose nothing.

    Raises:
        NoText: it holds bytes that are no text.
        Unreadable: its type has no text, or a value is too long.
    """
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _coded(column)
    if isinstance(kind, pa.BaseExtensionType):
        return _extension(column)
    if pa.types.is_nested(kind):
        return [cell(value) for value in values(column)]
    if is_text(kind):
        return _decoded(column)
    if pa.types.is_float16(kind):  # Arrow writes more digits than the number has
        return [None if v is None else _half(v) for v in column.to_pylist()]
    if pa.types.is_duration(kind):
        ticks = column.cast(pa.int64()).to_pylist()
        return [None if t is None else _duration(t, _PER_SECOND[kind.unit]) for t in ticks]
    if pa.types.is_timestamp(kind):
        return _moments(column)
    try:
        found: list[str | None] = pc.cast(column, pa.string()).to_pylist()
    except pa.ArrowException:
        raise Unreadable(f"it holds a column of type {kind}, which has no text") from None
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return [None if text is None else number(text) for text in found]
    return _days(column, found) if pa.types.is_date(kind) else found


def values(column: pa.Array) -> list[Any]:
    """A column's values, as records have them: numbers are numbers, all else is text.

    Raises:
        NoText: it holds bytes that are no text.
        Unreadable: a type in it has no text, or a value is too long.
    """
    kind = column.type
    if pa.types.is_dictionary(kind):
        return values(column.dictionary_decode())
    if pa.types.is_struct(kind):
        return _structs(column)
    if pa.types.is_nested(kind):
        return _lists(column)
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        return list(column.to_pylist())
    found = texts(column)
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return [None if text is None else _number(text) for text in found]
    return found


def is_text(kind: pa.DataType) -> bool:
    """Whether it is text, or bytes that may be."""
    types = pa.types
    return bool(types.is_string(kind) or types.is_large_string(kind) or is_bytes(kind))


def is_bytes(kind: pa.DataType) -> bool:
    """Whether nothing says that it is text."""
    types = pa.types
    return bool(
        types.is_binary(kind)
        or types.is_large_binary(kind)
        or types.is_fixed_size_binary(kind)
        or types.is_binary_view(kind)
    )


def _coded(column: pa.Array) -> list[str | None]:
    """A dictionary's texts are made once."""
    coded, places = column.dictionary, column.indices.to_pylist()
    if is_text(coded.type):
        _check_lengths(coded)
    try:
        found = texts(coded)
    except NoText:  # which may stand in another batch, or in no row at all
        return texts(column.dictionary_decode())
    return [None if place is None else found[place] for place in places]


def _check_lengths(coded: pa.Array) -> None:
    longest = pc.max(pc.binary_length(coded)).as_py() or 0
    if longest > MAX_VALUE_BYTES:
        raise Unreadable(f"it holds a value of over {MAX_VALUE_BYTES >> 20} MiB")


def _extension(column: pa.Array) -> list[str | None]:
    if column.type.extension_name != "arrow.uuid":
        return texts(column.storage)
    found = column.storage.to_pylist()
    return [None if value is None else str(uuid.UUID(bytes=value)) for value in found]


def _decoded(column: pa.Array) -> list[str | None]:
    if not is_bytes(column.type):
        try:
            return [cell(value) for value in column.to_pylist()]
        except UnicodeDecodeError:
            row = next(row for row, value in enumerate(column) if not _is_sound(value))
            raise NoText(row, "it is damaged: what it calls text is no UTF-8") from None
    found: list[str | None] = []
    for row, value in enumerate(column.to_pylist()):
        try:
            found.append(None if value is None else value.decode("utf-8"))
        except UnicodeDecodeError:
            raise NoText(row, f"the value {value[:20]!r} is bytes that are no text") from None
    return [cell(value) for value in found]


def _is_sound(value: pa.Scalar) -> bool:
    try:
        value.as_py()
    except UnicodeDecodeError:
        return False
    return True


def _moments(column: pa.Array) -> list[str | None]:
    """ISO 8601; with a zone, the instant in UTC."""
    kind = column.type
    bare = column.cast(pa.int64()).cast(pa.timestamp(kind.unit))
    text = pc.replace_substring(pc.cast(bare, pa.string()), " ", "T", max_replacements=1)
    text = pc.replace_substring_regex(text, r"(\.\d*?)0+$", r"\1")
    text = pc.replace_substring_regex(text, r"\.$", "")
    found = _days(bare, text.to_pylist())
    return [None if t is None else f"{t}Z" for t in found] if kind.tz is not None else found


def _days(column: pa.Array, found: list[str | None]) -> list[str | None]:
    """Days and instants whose years have five digits and more are written by NumPy."""
    if not any(text is not None and text.startswith(_OUT_OF_RANGE) for text in found):
        return found
    kind = column.type
    unit = {pa.date32(): "D", pa.date64(): "ms"}.get(kind) or kind.unit
    wide = pa.int32() if unit == "D" else pa.int64()
    ticks = column.cast(wide).to_pylist()
    return [
        _day(tick, unit, is_date=pa.types.is_date(kind))
        if text is not None and text.startswith(_OUT_OF_RANGE)
        else text
        for text, tick in zip(found, ticks, strict=True)
    ]


def _day(tick: int, unit: str, *, is_date: bool) -> str:
    moment = np.array([tick]).astype(f"M8[{unit}]")[0]
    text = str(moment.astype("M8[D]") if is_date else moment)
    return text.rstrip("0").rstrip(".") if "." in text else text


def _duration(ticks: int, per_second: int) -> str:
    """``H:MM:SS``; hours may pass 24, as in a timetable."""
    seconds, rest = divmod(abs(ticks), per_second)
    shown = f"{'-' * (ticks < 0)}{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    digits = len(str(per_second)) - 1
    return f"{shown}.{rest:0{digits}d}".rstrip("0") if rest else shown


def _half(value: float) -> str:
    return np.format_float_positional(np.float16(value), trim="-")


def _number(text: str) -> Decimal | str:
    found = Decimal(text)
    return found if found.is_finite() else text


def _structs(column: pa.Array) -> list[Any]:
    names = [field.name for field in column.type]
    parts = [_inner(part, name) for part, name in zip(column.flatten(), names, strict=True)]
    rows = zip(*parts, strict=True) if parts else iter([()] * len(column))
    there = column.is_valid().to_pylist()
    return [
        dict(zip(names, row, strict=True)) if is_there else None
        for row, is_there in zip(rows, there, strict=True)
    ]


def _inner(column: pa.Array, name: str) -> list[Any]:
    try:
        return values(column)
    except NoText as error:
        raise NoText(error.row, f"in its {name}, {error}") from None


def _lists(column: pa.Array) -> list[Any]:
    """Lists and maps, which are lists of pairs."""
    is_map = pa.types.is_map(column.type)
    ends = _ends(column.offsets) if is_map else _ends_of_lists(column)
    try:
        held = _pairs(column) if is_map else values(column.flatten())
    except NoText as error:
        row = next(row for row, end in enumerate(ends[1:]) if error.row < end)
        raise NoText(row, str(error)) from None
    there = column.is_valid().to_pylist()
    return [
        held[begin:end] if is_there else None
        for begin, end, is_there in zip(ends[:-1], ends[1:], there, strict=True)
    ]


def _ends(offsets: pa.Array) -> list[int]:
    found = offsets.to_pylist()
    return [end - found[0] for end in found]


def _ends_of_lists(column: pa.Array) -> list[int]:
    lengths = [length or 0 for length in pc.list_value_length(column).to_pylist()]
    found: list[int] = np.cumsum([0, *lengths]).tolist()
    return found


def _pairs(column: pa.MapArray) -> list[Any]:
    """The pairs of all maps, one after the other."""
    start, end = column.offsets[0].as_py(), column.offsets[-1].as_py()
    parts = [part.slice(start, end - start) for part in (column.keys, column.items)]
    return [list(pair) for pair in zip(*map(values, parts), strict=True)]
