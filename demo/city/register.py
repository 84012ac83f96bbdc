"""Registers: delivered whole each night, so that what is gone is deleted.

From night 2 on some entries are changed, some are new, some are gone; one that was spoilt
is mended, and one that was sound is spoilt for a night. Where the lake keeps every version,
a change of the night before is taken back as well.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Set
from datetime import datetime
from functools import cache
from itertools import islice
from typing import NamedTuple

from civiclake.contracts.model import History
from demo.city import clock
from demo.city.residents import City
from demo.city.table import TWICE, Fold, Row, Series, Shape, Version
from demo.city.truth import Expected

_FEW_VERSIONS = 3
"""Changes a night, at least, of a register whose versions are kept: a city has all kinds."""


class Kept(NamedTuple):
    """One row that the lake serves of an entry, with the deliveries that begin and end it."""

    row: Row
    since: datetime
    until: datetime | None = None


class Register(Series):
    """A register of a city.

    Args:
        shape: what its rows look like.
        city: whose records.
        grows: whether entries are added and, unless ``keeps``, go away.
        keeps: whether other datasets refer to it, so that no entry may go that they name.
        unique: whether the source keeps one row of an entry.
        history: what the lake keeps of it, as the contract says.
    """

    def __init__(
        self,
        shape: Shape,
        city: City,
        *,
        grows: bool = True,
        keeps: bool = False,
        unique: bool = False,
        history: History = History.LATEST,
    ) -> None:
        super().__init__(shape, city)
        self.history = history
        self._doubles = () if unique or not shape.defects else (TWICE,)
        self._versioned = history is History.HISTORY
        self._grows, self._closes = grows, grows and (self._versioned or not keeps)
        # A record that refers to a spoilt entry would be wrong itself: see `sound`.
        self._spoil_from = sound(self.size) if keeps else 0
        self._night = cache(self._make_night)
        self.special = self._specials()
        """Entries that are not one plain row, and what they are."""

    def _specials(self) -> dict[int, str]:
        each = max(1, self.size // 4000)
        kinds = [d.rule for d in self.shape.defects for _ in range(each)]
        kinds += self._doubles
        chosen = random.Random(f"{self.city.seed}:{self.shape.id}").sample(
            range(self._spoil_from, self.size), len(kinds)
        )
        return dict(zip(chosen, kinds, strict=True))

    def _make_night(self, night: int) -> dict[int, str]:
        """Who is touched on a later night, and how; the same entry never twice."""
        chance = random.Random(f"{self.city.seed}:{self.shape.id}:{night}")
        taken = self._touched(night - 1)
        found: dict[int, str] = {}
        for way in self._ways():
            index = self._untouched(chance, way, taken)
            if index is not None:
                found[index] = way
                taken.add(index)
        mended = [i for i, kind in sorted(self.special.items()) if kind != TWICE]
        if night - 2 < len(mended):
            found[mended[night - 2]] = "mended"
        if self._versioned and night > 2:
            changed = (i for i, way in self._night(night - 1).items() if way == "changed")
            found.update((i, "back") for i in islice(changed, 1))
        return found

    def _ways(self) -> list[str]:
        few = min(2000, max(1, self.size // 500))
        changed = max(few, _FEW_VERSIONS) if self._versioned else few
        ways = ["changed"] * changed + ["closed"] * (few if self._closes else 0)
        return [*ways, "spoilt"] if self.shape.defects else ways

    def _untouched(self, chance: random.Random, way: str, taken: Set[int]) -> int | None:
        """An entry that nothing has befallen yet, or None where there is no such entry left."""
        first = 0 if way == "changed" else self._spoil_from
        room = self.size - first
        # Only when it may be full is it counted: a big register has thousands of changes.
        if len(taken) >= room and sum(index >= first for index in taken) >= room:
            return None
        while True:
            index = chance.randrange(self.size)
            if way != "changed":
                index = max(index, first + index % room)
            if index not in taken:
                return index

    def items(self, night: int) -> int:
        """Entries that were ever made, up to and with a night."""
        return self.size + self.added(night)

    def added(self, night: int) -> int:
        """Entries that are there on a night and were not on the first."""
        return (night - 1) * max(1, self.size // 400) if self._grows else 0

    def versions(self, index: int, night: int) -> list[Version]:
        """An entry's rows in the delivery of a night."""
        if index >= self.size + self.added(night):
            return []
        written = clock.logical_date(night)
        ways = {self._night(n)[index]: n for n in range(2, night + 1) if index in self._night(n)}
        if "closed" in ways:
            return []
        kind = self.special.get(index)
        if ways.get("spoilt") == night:
            kind = self.shape.defects[night % len(self.shape.defects)].rule
        elif "mended" in ways:
            kind = None
        row = self.clean(index, int("changed" in ways and "back" not in ways))
        defect = self.shape.defect(kind) if kind else None
        if defect:
            return [Version(self.shape.spoil(row, defect), written, defect.rule)]
        return [Version(row, written)] * (2 if kind == TWICE else 1)

    def rows(self, night: int) -> Iterator[Row]:
        """The whole register as it is on that night."""
        for index in range(self.size + self.added(night)):
            for version in self.versions(index, night):
                yield version.row

    def expected(self, night: int) -> Expected:
        """What the batch of that night must account for, all nights before loaded."""
        fold, deleted = Fold(self.shape), 0
        touched = self._touched(night)
        # A night of its own is compared with no other: all that is sound is new.
        alone = night == 1 or self.history is History.SNAPSHOT
        for index in sorted(touched):
            served: Version | None = None
            for earlier in () if alone else range(1, night):
                served = self._after(index, earlier, served)
            versions = self.versions(index, night)
            fold.add(versions, served)
            deleted += served is not None and not versions
        plain = self.size - len(touched) + self.added(night)
        known = 0 if alone else self.size - len(touched) + self.added(night - 1)
        return fold.expected(read=plain, inserted=plain - known, unchanged=known, deleted=deleted)

    def _touched(self, night: int) -> set[int]:
        """Entries that are not one plain row that stays, up to and with a night."""
        return {i for n in range(2, night + 1) for i in self._night(n)} | self.special.keys()

    def _after(self, index: int, night: int, served: Version | None) -> Version | None:
        versions = self.versions(index, night)
        return Fold(self.shape).add(versions, served) if versions else None

    def kept(self, night: int) -> Iterator[Kept]:
        """What the lake serves when all nights up to this one were loaded, entry by entry."""
        for index in range(self.size + self.added(night)):
            yield from self._kept(index, night)

    def _kept(self, index: int, night: int) -> list[Kept]:
        """An entry's rows; a version ends where the next begins, or where the entry is gone."""
        found: list[Kept] = []
        served: Version | None = None
        for number in range(1, night + 1):
            now = clock.logical_date(number)
            before = None if self.history is History.SNAPSHOT else served
            served = self._after(index, number, before)
            if served is before:
                continue
            if before is not None:
                ended = found.pop()
                if self._versioned:
                    found.append(ended._replace(until=now))
            if served is not None:
                found.append(Kept(self.shape.served(served.row), now))
        return found


def sound(size: int) -> int:
    """How many of a register's entries other datasets may name: these are never spoilt."""
    return size * 3 // 4
