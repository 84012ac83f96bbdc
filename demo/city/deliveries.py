"""Deliveries: files that a department hands over one by one, each night a new one.

Night 1 finds the files of some past days. Night 2 brings, beside the new file, one that
was delivered before, unchanged; one with a row corrected; and one that was mislaid, whose
rows are older than what is served. Every later night repeats the first of these.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import accumulate

from demo.city import clock
from demo.city.residents import City
from demo.city.table import CONFLICT, TWICE, Fold, Row, Series, Shape, Version
from demo.city.truth import Expected

PAST = 6
"""Files that lie there on the first night."""


@dataclass(frozen=True)
class File:
    """One version of one delivered file."""

    name: str
    """Without ending; the same name again replaces what lay there."""
    delivered: datetime
    part: int
    """Which part of the items it holds."""
    changes: dict[int, int]
    """Items that are not as they were first written, and how often they were changed."""
    items: tuple[int, ...] | None = None
    """The items it holds when it does not hold its whole part."""


class Deliveries(Series):
    """A dataset of a city that comes in files.

    Args:
        shape: what its rows look like.
        city: whose records.
        events: whether rows are written once, so that nothing is ever corrected.
        per_file: items of a file, or how many a part has when that differs; default: a sixth of
            those of the first night.
        part: where the numbers of the next part begin, when parts differ: above what any has.
        stamp: the column that says when a row was written, if there is one: the rows of a
            file that is delivered again then keep their time.
    """

    def __init__(
        self,
        shape: Shape,
        city: City,
        *,
        events: bool = False,
        per_file: int | Callable[[City, int], int] | None = None,
        part: int = 0,
        stamp: str | None = None,
    ) -> None:
        super().__init__(shape, city)
        self._events, self._stamp = events, stamp
        self._held = per_file if callable(per_file) else None
        fixed = None if callable(per_file) else per_file
        self._part = part or fixed or max(1, self.size // PAST)
        self._special = self._specials()

    def _items_of(self, part: int) -> range:
        """Numbers of a part's items."""
        start = part * self._part
        return range(start, start + (self._held(self.city, part) if self._held else self._part))

    def _specials(self) -> dict[int, str]:
        each = max(1, self.size // 4000)
        kinds = [d.rule for d in self.shape.defects for _ in range(each)]
        kinds += [TWICE, CONFLICT] * each
        chance = random.Random(f"{self.city.seed}:{self.shape.id}")
        # The first part is delivered again and corrected: it stays clean.
        parts = [self._items_of(part) for part in range(1, PAST)]
        ends = list(accumulate(map(len, parts)))
        chosen = []
        for place in chance.sample(range(ends[-1]), len(kinds)):
            part = bisect_right(ends, place)
            chosen.append(parts[part][place - ends[part]])
        return dict(zip(chosen, kinds, strict=True))

    def files(self, night: int) -> list[File]:
        """The files that a night brings, the oldest first."""
        if night == 1:
            return [_new(part) for part in range(PAST)]
        again = clock.midnight(night) + timedelta(minutes=40)
        found = [_new(PAST + night - 2), replace(_new(0), delivered=again)]
        if night == 2 and not self._events:
            item = self._plain(1)
            found.append(replace(_new(1), delivered=again, changes={item: 1}))
            early, item = _new(2), self._plain(2)
            mislaid = early.delivered - timedelta(minutes=20)
            name = f"{early.name}-preliminary"
            found.append(File(name, mislaid, early.part, {item: 1}, (item,)))
        return sorted(found, key=lambda f: f.delivered)

    def _plain(self, part: int) -> int:
        return next(i for i in self._items_of(part) if i not in self._special)

    def _indices(self, file: File) -> range | tuple[int, ...]:
        return file.items or self._items_of(file.part)

    def items(self, night: int) -> int:
        """Items of all files up to and with a night's; where parts differ, their numbers' end."""
        return self._part * (PAST + night - 1)

    def versions(self, index: int, file: File) -> list[Version]:
        """An item's rows in a file."""
        changes = file.changes.get(index, 0)
        again = self._stamp and not changes
        written = first_delivered(file.part) if again else file.delivered
        kind = self._special.get(index)
        if kind == TWICE:
            return [self._version(index, 0, written)] * 2
        if kind == CONFLICT:
            return [self._version(index, n, written) for n in (0, 1)]
        version = self._version(index, changes, written)
        defect = self.shape.defect(kind) if kind else None
        if defect:
            return [version._replace(row=self.shape.spoil(version.row, defect), rule=defect.rule)]
        return [version]

    def _version(self, index: int, changes: int, written: datetime) -> Version:
        row = self.clean(index, changes)
        if self._stamp:
            row = self.shape.put(row, self._stamp, clock.stamp(written))
        return Version(row, written)

    def file_rows(self, file: File) -> Iterator[Row]:
        """The rows of a file."""
        for index in self._indices(file):
            for version in self.versions(index, file):
                yield version.row

    def rows(self, night: int) -> Iterator[Row]:
        """The rows of all files that a night brings."""
        for file in self.files(night):
            yield from self.file_rows(file)

    def expected(self, night: int) -> Expected:
        """What the batch of that night must account for, all nights before loaded."""
        fold = Fold(self.shape)
        plain = {"read": 0, "inserted": 0, "unchanged": 0}
        for file in self.files(night):
            outcome = "inserted" if file.part >= PAST or night == 1 else "unchanged"
            for index in self._noted(file):
                before = self._version(index, 0, first_delivered(file.part))
                fold.add(self.versions(index, file), before if outcome == "unchanged" else None)
            counted = len(self._indices(file)) - len(self._noted(file))
            plain["read"] += counted
            plain[outcome] += counted
        return fold.expected(**plain)

    def _noted(self, file: File) -> list[int]:
        """Items of a file that are not plain rows."""
        held = self._indices(file)
        return sorted(i for i in {*self._special, *file.changes} if i in held)


def first_delivered(part: int) -> datetime:
    """When a part was first delivered: half an hour after the midnight that ended its day."""
    return clock.midnight(2 - PAST + part) + timedelta(minutes=30)


def _new(part: int) -> File:
    delivered = first_delivered(part)
    return File(f"{delivered - timedelta(days=1):%Y-%m-%d}", delivered, part, {})
