"""Two versions of how a column's values are written: what was served may mean another thing."""

from __future__ import annotations

import re
from collections.abc import Iterator

from civiclake.contracts.diff.model import Change, breaking, compatible
from civiclake.contracts.model import Column
from civiclake.contracts.notation import NumberNotation

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_REMEDY = "rows before and after would mean different things: rebuild the table"

NOTATION = frozenset({"absent", "absent_as", "number", "epoch"})
"""The fields of a column that are compared here."""


def notation_changes(old: Column, new: Column, place: str) -> Iterator[Change]:
    """Every change of how values are written, and whether any value is read otherwise by it."""
    if old.absent != new.absent:
        said = f"{_words(old.absent)} meant no value, {_words(new.absent)} do now"
        yield _change("absent_changed", place, said, safe=_is_safe(old, new))
    if old.absent_as != new.absent_as:
        said = f"an absent value was taken for {old.absent_as or 'none'}, is for {new.absent_as}"
        # Until then, rows without a value were set aside.
        safe = old.absent_as is None and old.required and new.required
        yield _change("absent_as_changed", place, said, safe=safe)
    if old.number != new.number:
        was, now = old.number or NumberNotation(), new.number or NumberNotation()
        said = f"numbers were written {_shown(was)}, are {_shown(now)}"
        yield _change("number_changed", place, said, safe=_takes_more(was, now))
    if old.epoch != new.epoch:
        said = f"times were {_counted(old)}, are {_counted(new)}"
        yield _change("epoch_changed", place, said, safe=False)


def _change(kind: str, place: str, said: str, *, safe: bool) -> Change:
    return compatible(kind, place, said) if safe else breaking(kind, place, said, _REMEDY)


def _is_safe(old: Column, new: Column) -> bool:
    """Whether the new words could be no value before: they were set aside by their type."""
    more = set(new.absent) - set(old.absent)
    if old.logical_type in ("integer", "number"):
        had_meaning = any(_NUMBER.fullmatch(word) for word in more)
    else:
        had_meaning = not old.is_cast
    return set(old.absent) <= set(new.absent) and not had_meaning


def _takes_more(old: NumberNotation, new: NumberNotation) -> bool:
    """Whether every text that was a number still is the same one."""
    return (
        old.decimal == new.decimal
        and set(old.strip) <= set(new.strip)
        and old.group in (None, new.group)
        and old.percent in (None, new.percent)
    )


def _words(words: tuple[str, ...]) -> str:
    return ", ".join(repr(word) for word in words) or "no words"


def _shown(notation: NumberNotation) -> str:
    said = notation.model_dump(mode="json", exclude_defaults=True)
    return ", ".join(f"{field} {value}" for field, value in said.items()) or "plainly"


def _counted(column: Column) -> str:
    return "written" if column.epoch is None else f"counted in {column.epoch}"
