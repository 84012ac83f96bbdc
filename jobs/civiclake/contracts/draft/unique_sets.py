"""Which columns together tell every row of a sample apart: minimal unique column combinations.

The search goes level by level, as the apriori way of Heise et al. (DUCC, PVLDB 7(4), 2013) and of
Abedjan and Naumann (HCA, CIKM 2011) does, and prunes by what they prune by: a set that holds a
unique set is not minimal, and a set whose numbers of different values multiply to less than the
rows can't be unique. As in HyUCC (Papenbrock and Naumann, BTW 2017) every pair of rows that
refutes one set is kept as the columns in which the two agree: all sets within them are refuted
without another look at the rows.
"""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import prod

WIDEST = 4
"""So many columns are tried together."""
_ALWAYS = 2
"""Pairs are tried beside a number that is a key by itself; wider sets where nothing else is."""
SECONDS = 20.0
"""So long is searched; what was found until then is told as such."""

Codes = Sequence[int]
"""A column: the same number wherever the same text stands."""


@dataclass(frozen=True)
class Found:
    """The minimal unique sets, in the order of their width and of the columns given."""

    sets: tuple[tuple[int, ...], ...]
    finished: bool
    """Whether all sets up to the width of the narrowest were tried."""


def coded(values: Sequence[str | None]) -> list[int]:
    """A column as numbers; an absent value is one of its own."""
    known: dict[str | None, int] = {}
    return [known.setdefault(v.strip() or None if v else None, len(known)) for v in values]


def shuffled(columns: Sequence[Codes]) -> list[list[int]]:
    """All columns in one other order of rows: what repeats in a sorted file shows early then."""
    order = list(range(len(columns[0]) if columns else 0))
    random.Random(0).shuffle(order)  # noqa: S311
    return [[column[row] for row in order] for column in columns]


def search(columns: Sequence[Codes], widest: int = WIDEST, seconds: float = SECONDS) -> Found:
    """The narrowest sets of columns that no two rows agree in, minimal each.

    Args:
        columns: from :func:`coded`, all equally long, those to be preferred first.
        widest: the most columns of a set.
        seconds: how long to search at most.
    """
    if not columns or not columns[0]:
        return Found((), True)
    deadline = time.monotonic() + seconds
    looking = _Looking(shuffled(columns))
    if looking.rows_repeat():
        return Found((), True)
    for width in range(1, widest + 1):
        if width > _ALWAYS and looking.unique:
            break
        for together in combinations(range(len(columns)), width):
            if time.monotonic() > deadline:
                return Found(tuple(looking.unique), False)
            looking.at(together)
    return Found(tuple(looking.unique), True)


def lost_rows(columns: Sequence[Codes]) -> int:
    """How many rows a key of these columns would take for another version of an earlier one."""
    return len(columns[0]) - len(set(zip(*columns, strict=True)))


def nearest(columns: Sequence[Codes], widest: int = WIDEST) -> tuple[tuple[int, ...], int]:
    """The set that comes nearest to a key, column by column the best, and the rows it loses."""
    chosen: tuple[int, ...] = ()
    lost = len(columns[0]) if columns else 0
    while len(chosen) < min(widest, len(columns)):
        tried = (
            (lost_rows([columns[i] for i in (*chosen, n)]), n)
            for n in range(len(columns))
            if n not in chosen
        )
        fewest, column = min(tried)
        if fewest >= lost:
            break
        chosen, lost = (*chosen, column), fewest
    return tuple(sorted(chosen)), lost


def expected_pairs(columns: Sequence[Codes]) -> float:
    """How many pairs of rows would agree in all columns if these had nothing to do with another.

    Where that is none, it says nothing that none does: three columns of a hundred rows that
    somebody drew by lot are unique, too.
    """
    rows = len(columns[0])
    share = 1.0
    for column in columns:
        counts = [0] * (max(column) + 1)
        for code in column:
            counts[code] += 1
        share *= sum(c * (c - 1) for c in counts) / max(1, rows * (rows - 1))
    return rows * (rows - 1) / 2 * share


class _Looking:
    """What is known so far, as sets of columns in the bits of a number."""

    def __init__(self, columns: Sequence[Codes]) -> None:
        self._columns = columns
        self._rows = len(columns[0])
        self._distinct = [len(set(column)) for column in columns]
        self.unique: list[tuple[int, ...]] = []
        self._unique_masks: list[int] = []
        self._agreements: list[int] = []

    def rows_repeat(self) -> bool:
        """Whether two rows agree in every column, so that no set of them tells them apart."""
        return self._pair(tuple(range(len(self._columns)))) is not None

    def at(self, together: tuple[int, ...]) -> None:
        """Find out whether these columns are a minimal unique set."""
        mask = sum(1 << n for n in together)
        if any(mask & known == known for known in self._unique_masks):
            return
        if any(mask & agreed == mask for agreed in self._agreements):
            return
        if prod(self._distinct[n] for n in together) < self._rows:
            return
        pair = self._pair(together)
        if pair is not None:
            self._refute(*pair)
        else:
            self._unique_masks.append(mask)
            self.unique.append(together)

    def _pair(self, together: tuple[int, ...]) -> tuple[int, int] | None:
        """Two rows that agree in these columns."""
        seen: dict[object, int] = {}
        for row, values in enumerate(zip(*(self._columns[n] for n in together), strict=True)):
            other = seen.setdefault(values, row)
            if other != row:
                return other, row
        return None

    def _refute(self, one: int, other: int) -> None:
        agreed = sum(
            1 << n for n, column in enumerate(self._columns) if column[one] == column[other]
        )
        self._agreements = [a for a in self._agreements if a & agreed != a] + [agreed]
