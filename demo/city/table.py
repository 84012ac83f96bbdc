"""What every generated dataset has: a shape, clean rows by number, and ways to spoil one.

A table's items have keys of their own, so what comes of an item depends on its rows alone.
The account of a night is therefore a count of the many items that are delivered as they
always were, plus a fold over the few that are not.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from demo.city.residents import City
from demo.city.truth import DUPLICATE_KEY, Expected

Row = tuple[Any, ...]
RowMaker = Callable[[City, int, int], Row]
"""The clean row of an item: city, number of the item, how often it was changed since."""


class Version(NamedTuple):
    """One row as it is delivered."""

    row: Row
    written: datetime
    """What orders the versions of a key: its own column, or the time of delivery."""
    rule: str | None = None
    """The rule of the contract that it breaks; one at most."""


@dataclass(frozen=True)
class Defect:
    """How to break one rule of the contract, and no other."""

    rule: str
    column: str
    value: Any
    """What stands in the column then, or a function of what stood there."""
    beside: tuple[tuple[str, Any], ...] = ()
    """Further columns that must be wrong with it."""


TWICE, OLDER, CONFLICT = "twice", "older version first", "conflict"
"""Items that are not spoilt and yet not one plain row."""


@dataclass(frozen=True)
class Shape:
    """What the generator must know of a contract; tests hold the two together."""

    id: str
    columns: tuple[str, ...]
    """As the source names them."""
    key: tuple[str, ...]
    make: RowMaker
    count: Callable[[City], int]
    """Items of the first night."""
    hidden: tuple[str, ...] = ()
    """Columns that are dropped before the lake compares."""
    defects: tuple[Defect, ...] = ()
    who: Callable[[City, int], int] | None = None
    """The resident that an item is about."""
    label: str = ""
    """How the key of such an item is written, as a format of its number."""

    def place(self, column: str) -> int:
        """Where a column stands in a row."""
        return self.columns.index(column)

    def spoil(self, row: Row, defect: Defect) -> Row:
        """The row with one rule broken."""
        value = defect.value
        if callable(value):
            value = value(row[self.place(defect.column)])
        row = self.put(row, defect.column, value)
        for column, other in defect.beside:
            row = self.put(row, column, other)
        return row

    def put(self, row: Row, column: str, value: Any) -> Row:
        """The row with another value in a column."""
        place = self.place(column)
        return (*row[:place], value, *row[place + 1 :])

    def served(self, row: Row, *beside: str) -> Row:
        """What of a row the lake holds."""
        away = {*self.hidden, *beside}
        return tuple(v for name, v in zip(self.columns, row, strict=True) if name not in away)

    def defect(self, kind: str) -> Defect | None:
        """The defect that breaks the rule of that name."""
        return next((d for d in self.defects if d.rule == kind), None)


class Fold:
    """Adds up a batch, item by item, as the lake must."""

    def __init__(self, shape: Shape) -> None:
        self._shape = shape
        self.count: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()

    def add(self, versions: Iterable[Version], served: Version | None) -> Version | None:
        """Account for one item's rows in a batch; the version that is served afterwards."""
        sound = []
        for version in versions:
            self.count["read"] += 1
            if version.rule is None:
                sound.append(version)
            else:
                self.reasons[version.rule] += 1
        if not sound:
            return served
        newest = max(v.written for v in sound)
        top = [v for v in sound if v.written == newest]
        values = {self._shape.served(v.row) for v in top}
        if len(values) > 1:
            self.reasons[DUPLICATE_KEY] += len(top)
            self.count["superseded"] += len(sound) - len(top)
            return served
        self.count["superseded"] += len(sound) - 1
        return self._merge(top[0], served)

    def _merge(self, mine: Version, served: Version | None) -> Version:
        if served is None:
            self.count["inserted"] += 1
            return mine
        if self._shape.served(mine.row) == self._shape.served(served.row):
            self.count["unchanged"] += 1
            return served
        if mine.written < served.written:
            self.count["late"] += 1
            return served
        assert mine.written > served.written, "contested with what is served: not played here"
        self.count["updated"] += 1
        return mine

    def expected(self, **more: int) -> Expected:
        """The account so far, with items that were only counted."""
        total = Counter(self.count)
        total.update(more)
        reasons = dict(sorted(self.reasons.items()))
        return Expected(**total, quarantined=sum(reasons.values()), reasons=reasons)


class Series(ABC):
    """A dataset of a city, night by night; what the kinds of series share.

    Args:
        shape: what its rows look like.
        city: whose records.
    """

    def __init__(self, shape: Shape, city: City) -> None:
        self.shape, self.city = shape, city
        self.size = shape.count(city)

    @abstractmethod
    def rows(self, night: int) -> Iterator[Row]:
        """What a night brings to the source, row by row."""

    @abstractmethod
    def items(self, night: int) -> int:
        """How many items there were up to and with a night."""

    @abstractmethod
    def expected(self, night: int) -> Expected:
        """What the batch of that night must account for, all nights before loaded."""

    def clean(self, index: int, changes: int = 0) -> Row:
        """An item's clean row."""
        return self.shape.make(self.city, index, changes)
