"""A first contract's columns, key and loading, guessed from a sample and marked for review."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from civiclake.contracts.guess_personal import Suspicion, suspect
from civiclake.contracts.guess_types import GuessedType, guess_type
from civiclake.contracts.sample import Sample
from civiclake.errors import UserError

_KEY_NAME = re.compile(r"(.*_)?(id|code|no|nr|number|key|uuid|bh)")
_CHANGED_NAME = re.compile(
    r"(last_)?(updated?|modified|modification|changed?)(_?(at|on|time|date|ts))?|gxsj|update_time"
)
_MOST_CODES = 20
_LONGEST_CODE = 24
_ROWS_PER_CODE = 5
_MOST_KEY_CANDIDATES = 12
"""Pairs of more columns than these are not tried."""


@dataclass(frozen=True)
class GuessedColumn:
    """One column, as far as a sample can tell."""

    name: str
    source_name: str
    type: GuessedType
    empty_fraction: float
    rows: int
    codes: tuple[tuple[str, int], ...] = ()
    """Values that look like codes, with their number, most frequent first."""
    suspicion: Suspicion | None = None
    example_free: bool = False
    """Nothing was seen in it."""


@dataclass(frozen=True)
class Guess:
    """A whole dataset, as far as a sample can tell."""

    columns: tuple[GuessedColumn, ...]
    key: tuple[str, ...]
    key_reason: str
    sequence: str | None = None


def guess(sample: Sample) -> Guess:
    """Guess from a sample.

    Raises:
        UserError: a column has no name, or a name stands twice: no contract could read that.
    """
    _refuse_unreadable(sample)
    columns = tuple(_columns(sample))
    key, reason = _key(sample, columns)
    return Guess(columns, key, reason, _sequence(columns))


def _refuse_unreadable(sample: Sample) -> None:
    places = [str(n) for n, name in enumerate(sample.header, start=1) if not name.strip()]
    if places or not sample.header:
        what = f"column {', '.join(places)} has no name" if places else "there is no column"
        raise UserError(f"{sample.origin}: {what}; whoever delivers it must name every column")
    twice = sorted(n for n, count in Counter(sample.header).items() if count > 1)
    if twice:
        raise UserError(f"{sample.origin}: the column {', '.join(twice)} stands twice; keep one")


def _columns(sample: Sample) -> list[GuessedColumn]:
    found: list[GuessedColumn] = []
    taken: set[str] = set()
    for index, source_name in enumerate(sample.header):
        name = _free(snake(source_name) or f"column_{index + 1}", taken)
        taken.add(name)
        values = sample.values(index)
        suspicion = suspect(name, values) or suspect(source_name, values)
        kind = guess_type(values, sample.declared_types.get(source_name))
        if suspicion:  # protected values are text, whatever their digits look like
            kind = GuessedType("string")
        found.append(
            GuessedColumn(
                name=name,
                source_name=source_name,
                type=kind,
                empty_fraction=1 - len(values) / len(sample.rows) if sample.rows else 1.0,
                rows=len(sample.rows),
                codes=() if suspicion else _codes(values, kind),
                suspicion=suspicion,
                example_free=not values,
            )
        )
    return found


def snake(name: str) -> str:
    """A column's name as contracts want it; nothing when no Latin letter or digit is in it."""
    plain = (
        unicodedata.normalize("NFKD", name.replace("ß", "ss")).encode("ascii", "ignore").decode()
    )
    parted = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", plain)
    cleaned = re.sub(r"[^a-z0-9]+", "_", parted.lower()).strip("_")
    if cleaned and not cleaned[0].isalpha():
        return f"column_{cleaned}"
    return cleaned


def _free(name: str, taken: set[str]) -> str:
    if name not in taken:
        return name
    return next(f"{name}_{n}" for n in range(2, len(taken) + 3) if f"{name}_{n}" not in taken)


def _codes(values: Sequence[str], kind: GuessedType) -> tuple[tuple[str, int], ...]:
    if kind.logical not in ("string", "integer"):
        return ()
    counted = Counter(values)
    few = 1 < len(counted) <= _MOST_CODES and len(values) >= _ROWS_PER_CODE * len(counted)
    short = all(len(value) <= _LONGEST_CODE for value in counted)
    return tuple(counted.most_common()) if few and short else ()


def _key(sample: Sample, columns: Sequence[GuessedColumn]) -> tuple[tuple[str, ...], str]:
    """The key and in words how it was found."""
    names = {c.source_name: c.name for c in columns}
    if sample.declared_key:
        return tuple(names[n] for n in sample.declared_key), "the source's own primary key"
    full = [i for i, c in enumerate(columns) if not c.empty_fraction and _may_be_key(c)]
    ranked = sorted(full, key=lambda i: (not _KEY_NAME.fullmatch(columns[i].name), i))
    seen = f"in the {len(sample.rows):,} rows seen"
    for index in ranked:
        if _unique(sample, (index,)):
            return (columns[index].name,), f"its values are all different {seen}"
    for pair in combinations(ranked[:_MOST_KEY_CANDIDATES], 2):
        if _unique(sample, pair):
            ordered = sorted(pair)
            return tuple(columns[i].name for i in ordered), f"together they are unique {seen}"
    # A contract must have one: all that is never empty comes closest to telling rows apart.
    whole = sorted(full) or [0]
    return tuple(columns[i].name for i in whole), f"NO KEY WAS FOUND, rows repeat {seen}"


def _may_be_key(column: GuessedColumn) -> bool:
    hidden = column.suspicion is not None and column.suspicion.what != "ID number"
    return not hidden and column.type.logical not in ("number", "boolean")


def _unique(sample: Sample, indices: Sequence[int]) -> bool:
    rows = [tuple((row[i] or "").strip() for i in indices) for row in sample.rows]
    return bool(rows) and len(set(rows)) == len(rows)


def _sequence(columns: Sequence[GuessedColumn]) -> str | None:
    for column in columns:
        moment = column.type.logical in ("timestamp", "date")
        if moment and not column.empty_fraction and _CHANGED_NAME.fullmatch(column.name):
            return column.name
    return None
