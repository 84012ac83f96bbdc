"""Registers: delivered whole each night, so that what is gone is deleted.

From night 2 on some entries are changed, some are new, some are gone; one that was spoilt
is mended, and one that was sound is spoilt for a night.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import cache

from demo.city import clock
from demo.city.residents import City
from demo.city.table import TWICE, Fold, Row, Series, Shape, Version
from demo.city.truth import Expected


class Register(Series):
    """A register of a city.

    Args:
        shape: what its rows look like.
        city: whose records.
        grows: whether entries are added and, unless ``keeps``, go away.
        keeps: whether other datasets refer to it, so that no entry may go.
        unique: whether the source keeps one row of an entry.
    """

    def __init__(
        self,
        shape: Shape,
        city: City,
        *,
        grows: bool = True,
        keeps: bool = False,
        unique: bool = False,
    ) -> None:
        super().__init__(shape, city)
        self._doubles = () if unique or not shape.defects else (TWICE,)
        self._grows, self._closes = grows, grows and not keeps
        # A record that refers to a spoilt entry would be wrong itself: see `sound`.
        self._spoil_from = sound(self.size) if keeps else 0
        self._night = cache(self._make_night)
        self._special = self._specials()

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
        before = {i for n in range(2, night) for i in self._night(n)} | self._special.keys()
        few = min(2000, max(1, self.size // 500))
        ways = ["changed"] * few
        ways += ["closed"] * (few if self._closes else 0)
        ways += ["spoilt"] if self.shape.defects else []
        found: dict[int, str] = {}
        while len(found) < len(ways) and len(before) + len(found) < self.size:
            index = chance.randrange(self.size)
            way = ways[len(found)]
            if way == "spoilt":
                index = max(index, self._spoil_from + index % (self.size - self._spoil_from))
            if index not in before and index not in found:
                found[index] = way
        mended = [i for i, kind in sorted(self._special.items()) if kind != TWICE]
        if night - 2 < len(mended):
            found[mended[night - 2]] = "mended"
        return found

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
        kind = self._special.get(index)
        if ways.get("spoilt") == night:
            kind = self.shape.defects[night % len(self.shape.defects)].rule
        elif "mended" in ways:
            kind = None
        row = self.clean(index, int("changed" in ways))
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
        touched = {i for n in range(2, night + 1) for i in self._night(n)} | self._special.keys()
        for index in sorted(touched):
            served: Version | None = None
            for earlier in range(1, night):
                served = self._after(index, earlier, served)
            versions = self.versions(index, night)
            fold.add(versions, served)
            deleted += served is not None and not versions
        fresh = self.added(night) - self.added(night - 1) if night > 1 else self.size - len(touched)
        known = 0 if night == 1 else self.size - len(touched) + self.added(night - 1)
        return fold.expected(read=fresh + known, inserted=fresh, unchanged=known, deleted=deleted)

    def _after(self, index: int, night: int, served: Version | None) -> Version | None:
        versions = self.versions(index, night)
        return Fold(self.shape).add(versions, served) if versions else None


def sound(size: int) -> int:
    """How many of a register's entries other datasets may name: these are never spoilt."""
    return size * 3 // 4
