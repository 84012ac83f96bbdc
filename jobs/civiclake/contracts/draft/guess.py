"""A first contract's columns, key and loading, guessed from a sample and marked for review."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from civiclake.contracts.draft.absent import mostly_numbers
from civiclake.contracts.draft.guessed import GuessedType
from civiclake.contracts.draft.key import Key, Part, propose
from civiclake.contracts.draft.numbers import Style, comma_doubt, file_style
from civiclake.contracts.draft.personal import Suspicion, suspect
from civiclake.contracts.draft.roles import Role, role_of
from civiclake.contracts.draft.sample import Sample
from civiclake.contracts.draft.types import guess_type
from civiclake.errors import UserError

_CHANGED_NAME = re.compile(
    r"(last_)?(updated?|modified|modification|changed?)(_?(at|on|time|date|ts))?|gxsj|update_time"
)
_MOST_CODES = 20
_LONGEST_CODE = 24
_ROWS_PER_CODE = 5
_SUSPECTED_VALUES = 1000
"""So many values of a column, spread over the sample, are looked at for persons."""


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
    role: Role = Role.NONE
    """Its part in a key."""


@dataclass(frozen=True)
class Guess:
    """A whole dataset, as far as a sample can tell."""

    columns: tuple[GuessedColumn, ...]
    key: tuple[str, ...]
    key_reason: str
    sequence: str | None = None
    occurrence: str | None = None
    """How rows are told apart where no key does."""
    absent_as: Mapping[str, str] = field(default_factory=dict)
    """Word that an absent value of a key's column is taken for."""


def guess(sample: Sample) -> Guess:
    """Guess from a sample.

    Raises:
        UserError: a column has no name, or a name stands twice: no contract could read that.
    """
    _refuse_unreadable(sample)
    columns = tuple(_columns(sample))
    sequence = _sequence(columns)
    key = _key(sample, columns, sequence)
    if key.occurrence:  # rows without a name have no versions that could be in order
        sequence = None
    return Guess(columns, key.columns, key.reason, sequence, key.occurrence, key.absent_as)


def _refuse_unreadable(sample: Sample) -> None:
    places = [str(n) for n, name in enumerate(sample.header, start=1) if not name.strip()]
    if places or not sample.header:
        what = f"column {', '.join(places)} has no name" if places else "there is no column"
        raise UserError(f"{sample.origin}: {what}; whoever delivers it must name every column")
    folded = Counter(name.casefold() for name in sample.header)
    twice = sorted({n for n in sample.header if folded[n.casefold()] > 1})
    if twice:
        raise UserError(f"{sample.origin}: the column {', '.join(twice)} stands twice; keep one")


def _columns(sample: Sample) -> list[GuessedColumn]:
    found: list[GuessedColumn] = []
    taken: set[str] = set()
    counted = [sample.counted(index) for index in range(len(sample.header))]
    style = file_style(counted) if not sample.declared_types else None
    for index, source_name in enumerate(sample.header):
        name = _free(snake(source_name) or f"column_{index + 1}", taken)
        taken.add(name)
        found.append(_column(sample, index, name, counted[index], style))
    return found


def _column(
    sample: Sample, index: int, name: str, counted: Counter[str], style: Style | None
) -> GuessedColumn:
    source_name, rows = sample.header[index], len(sample.rows)
    values = sample.values(index, _SUSPECTED_VALUES)
    suspicion = suspect(name, values) or suspect(source_name, values[:0])
    kind = GuessedType("string")
    if not suspicion:  # protected values are text, whatever their digits look like
        kind = guess_type(counted, sample.declared_types.get(source_name), name=name, style=style)
    absent = sum(counted[word] for word in kind.extension.get("absent", ()))
    unnamed = source_name == f"column_{index + 1}"
    return GuessedColumn(
        name=name,
        source_name=source_name,
        type=kind,
        empty_fraction=1 - (sum(counted.values()) - absent) / rows if rows else 1.0,
        rows=rows,
        codes=() if suspicion else _codes(counted, kind),
        suspicion=suspicion,
        example_free=not counted,
        role=_role(name, kind, counted, suspicion, unnamed),
    )


def _role(
    name: str, kind: GuessedType, counted: Counter[str], hidden: Suspicion | None, unnamed: bool
) -> Role:
    """A person's name or telephone is no key; an ID number may be one, as a pseudonym."""
    if hidden:
        return Role.NAMED if hidden.what == "ID number" and counted else Role.NONE
    if (
        kind.extension or comma_doubt(counted) or mostly_numbers(counted)
    ):  # numbers as people write them, or with gaps
        return Role.NONE
    return role_of(name, kind.logical, counted, unnamed=unnamed)


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


def _codes(counted: Counter[str], kind: GuessedType) -> tuple[tuple[str, int], ...]:
    if kind.logical not in ("string", "integer"):
        return ()
    few = 1 < len(counted) <= _MOST_CODES
    often = sum(counted.values()) >= _ROWS_PER_CODE * len(counted)
    short = all(len(value) <= _LONGEST_CODE for value in counted)
    return tuple(counted.most_common()) if few and often and short else ()


def _key(sample: Sample, columns: Sequence[GuessedColumn], sequence: str | None) -> Key:
    """The source's own key, or the one that the rows show."""
    if sample.declared_key:
        names = {c.source_name: c.name for c in columns}
        declared = tuple(names[n] for n in sample.declared_key)
        return Key(declared, "the source's own primary key")
    parts = [
        Part(
            c.name,
            Role.NONE if c.name == sequence else c.role,
            tuple(row[n] for row in sample.rows) if c.role is not Role.NONE else (),
            may_be_absent=c.type.logical == "string" and not c.suspicion,
        )
        for n, c in enumerate(columns)
    ]
    return propose(parts, _repeated(sample), sample.seen)


def _repeated(sample: Sample) -> int:
    """Rows that are the same as an earlier one; blanks around a value are no part of it."""
    known = {tuple((value or "").strip() for value in row) for row in sample.rows}
    return len(sample.rows) - len(known)


def _sequence(columns: Sequence[GuessedColumn]) -> str | None:
    for column in columns:
        moment = column.type.logical in ("timestamp", "date")
        if moment and not column.empty_fraction and _CHANGED_NAME.fullmatch(column.name):
            return column.name
    return None
