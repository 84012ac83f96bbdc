"""Journals: a database's table of entries, read by the time they were written.

Night 1 finds two years of entries. Every later night corrects some, enters new ones, the
wrong and the doubled among them, and moves a few back in time, as a restored backup does.
What was written in the last hour before a night is read again by the next.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from demo.city import clock
from demo.city.residents import City
from demo.city.table import CONFLICT, OLDER, TWICE, Defect, Fold, Row, Series, Shape, Version
from demo.city.truth import Expected

_FIRST = datetime(2014, 1, 1, tzinfo=UTC)
_LAST = datetime(2015, 12, 31, 20, tzinfo=UTC)


@dataclass
class Changes:
    """What a later night does to the journal's table."""

    appended: list[tuple[int, Version]] = field(default_factory=list)
    removed: list[tuple[int, Version]] = field(default_factory=list)


class Journal(Series):
    """A journal of a city.

    Args:
        shape: what its rows look like; the column ``stamp`` is filled in here.
        city: whose records.
        stamp: the column that says when a row was written.
        unique: whether the source keeps one row of an entry, the newest.
        plain: plain new entries of a night after the first, beside the spoilt and the doubled;
            by the journal's size if nothing is said.
    """

    def __init__(
        self,
        shape: Shape,
        city: City,
        *,
        stamp: str = "updated_at",
        unique: bool = False,
        plain: int | None = None,
    ) -> None:
        super().__init__(shape, city)
        self.stamp = stamp
        self._doubles = () if unique else (TWICE, OLDER, CONFLICT)
        self._plain = max(40, min(self.size // 150, 20_000)) if plain is None else plain
        self._recent_from = self.size - max(5, self.size // 300)
        self.special = self._specials()
        """Entries of the first night that are not one plain row, and what they are."""
        self._later: dict[int, Version] = {}
        self._touched: set[int] = set(self.special)
        self._played: dict[int, tuple[Changes, Expected]] = {}
        self._recent: list[tuple[int, Version]] = []
        self._next = self.size

    def _specials(self) -> dict[int, str]:
        each = max(1, self.size // 4000)
        kinds = [d.rule for d in self.shape.defects for _ in range(each)]
        kinds += [*self._doubles] * each
        # The last entry sets the watermark: it stays clean.
        places = random.Random(f"{self.city.seed}:{self.shape.id}").sample(
            range(self.size - 1), len(kinds)
        )
        return dict(zip(places, kinds, strict=True))

    def _written(self, index: int) -> datetime:
        """When an entry of the first night was written: in the order of their numbers."""
        if index < self._recent_from:
            span = int((_LAST - _FIRST).total_seconds())
            return _FIRST + timedelta(seconds=span * index // self._recent_from)
        place, recent = index - self._recent_from + 1, self.size - self._recent_from
        return clock.midnight(1) + timedelta(seconds=3600 * place // recent)

    def _version(self, index: int, changes: int, written: datetime) -> Version:
        row = self.clean(index, changes)
        return Version(self.shape.put(row, self.stamp, clock.stamp(written)), written)

    def _entry(self, index: int, written: datetime, kind: str | None) -> list[Version]:
        """An entry's rows; those that are not plain come as several or broken."""
        version = self._version(index, 0, written)
        if kind is None:
            return [version]
        if kind == TWICE:
            return [version, version]
        if kind == CONFLICT:
            return [version, self._version(index, 1, written)]
        if kind == OLDER:
            return [self._version(index, 1, written - timedelta(seconds=20)), version]
        defect = self.shape.defect(kind)
        assert isinstance(defect, Defect)
        return [version._replace(row=self.shape.spoil(version.row, defect), rule=kind)]

    def first(self, index: int) -> list[Version]:
        """What stands of an entry on the first night."""
        return self._entry(index, self._written(index), self.special.get(index))

    def rows(self, night: int) -> Iterator[Row]:
        """The first night's table, or what a later night appends to it."""
        if night == 1:
            for index in range(self.size):
                for version in self.first(index):
                    yield version.row
            return
        for _, version in self.changes(night).appended:
            yield version.row

    def expected(self, night: int) -> Expected:
        """What the batch of that night must account for, all nights before loaded."""
        if night > 1:
            return self._play(night)[1]
        fold = Fold(self.shape)
        for index in self.special:
            fold.add(self.first(index), None)
        plain = self.size - len(self.special)
        return fold.expected(read=plain, inserted=plain)

    def state(self, night: int) -> Iterator[Row]:
        """The newest row of every entry, as it stands on a night."""
        newest = {
            index: version
            for number in range(2, night + 1)
            for index, version in self.changes(number).appended
        }
        for index in range(self.items(night)):
            yield (newest[index] if index in newest else self.first(index)[-1]).row

    def changes(self, night: int) -> Changes:
        """What a night after the first does to the table."""
        return self._play(night)[0]

    def removed(self, night: int) -> list[tuple[Any, str]]:
        """Key and time of writing of rows that a night takes back."""
        place = self.shape.place(self.shape.key[0])
        gone = self.changes(night).removed
        return [(v.row[place], clock.stamp(v.written)) for _, v in gone]

    @property
    def entered_a_night(self) -> int:
        """New entries of each night after the first."""
        return self._plain + len(self.shape.defects) + len(self._doubles) + 1

    def items(self, night: int) -> int:
        """Entries that were made up to and with a night."""
        entered = (i for n in range(2, night + 1) for i, _ in self.changes(n).appended)
        return max(entered, default=self.size - 1) + 1

    def _play(self, night: int) -> tuple[Changes, Expected]:
        """A night's changes and account; nights before it are played first."""
        for number in range(len(self._played) + 2, night + 1):
            if number == 2:
                first = range(self._recent_from, self.size)
                self._recent = [(i, v) for i in first for v in self.first(i)]
            changes = self._make(number)
            gone = {(i, v.written) for i, v in changes.removed}
            kept = [(i, v) for i, v in self._recent if (i, v.written) not in gone]
            batch = [*kept, *changes.appended]
            self._played[number] = (changes, self._account(batch))
            since = clock.midnight(number)
            self._recent = [(i, v) for i, v in batch if v.written >= since]
        return self._played[night]

    def _account(self, batch: list[tuple[int, Version]]) -> Expected:
        fold, items = Fold(self.shape), defaultdict(list)
        for index, version in batch:
            items[index].append(version)
        for index, versions in items.items():
            served = fold.add(versions, self._served(index))
            if served is not None:
                self._later[index] = served
        return fold.expected()

    def _served(self, index: int) -> Version | None:
        if index in self._later or index >= self.size:
            return self._later.get(index)
        return Fold(self.shape).add(self.first(index), None)

    def _make(self, night: int) -> Changes:
        chance = random.Random(f"{self.city.seed}:{self.shape.id}:{night}")
        changes = Changes()
        self._correct(changes, chance, night)
        self._move_back(changes, chance, night)
        self._enter(changes, chance, night)
        return changes

    def _correct(self, changes: Changes, chance: random.Random, night: int) -> None:
        """Newer versions of old entries, one that was spoilt among them."""
        for _ in range(max(2, min(self.size // 200, 20_000))):
            index = chance.randrange(self._recent_from)
            if index not in self._touched:
                self._touched.add(index)
                version = self._version(index, 1, self._daytime(chance, night))
                changes.appended.append((index, version))
        spoilt = [i for i, kind in sorted(self.special.items()) if self.shape.defect(kind)]
        spoilt = [i for i in spoilt if i < self._recent_from]
        if night - 2 < len(spoilt):
            index = spoilt[night - 2]
            changes.appended.append((index, self._version(index, 0, self._daytime(chance, night))))

    def _move_back(self, changes: Changes, chance: random.Random, night: int) -> None:
        """A row of the last hour gives way to an older version, still within the overlap."""
        since = clock.midnight(night - 1)
        times = Counter(i for i, _ in self._recent)
        candidates = [
            (i, v)
            for i, v in self._recent
            if since + timedelta(minutes=30) < v.written < clock.newest(night - 1)
            and v.rule is None
            and times[i] == 1
            and i not in self._touched
        ]
        for index, version in candidates[:1]:
            self._touched.add(index)
            when = since + timedelta(seconds=chance.randrange(60, 1500))
            changes.removed.append((index, version))
            changes.appended.append((index, self._version(index, 1, when)))

    def _enter(self, changes: Changes, chance: random.Random, night: int) -> None:
        """New entries of the day: most clean, some spoilt, doubled or contested."""
        kinds: list[str | None] = [None] * self._plain
        kinds += [*(d.rule for d in self.shape.defects), *self._doubles]
        chance.shuffle(kinds)
        for kind in kinds:
            evening = clock.midnight(night) + timedelta(seconds=chance.randrange(60, 3540))
            when = evening if chance.random() < 0.3 else self._daytime(chance, night)
            changes.appended += [(self._next, v) for v in self._entry(self._next, when, kind)]
            self._next += 1
        changes.appended.append((self._next, self._version(self._next, 0, clock.newest(night))))
        self._next += 1

    def _daytime(self, chance: random.Random, night: int) -> datetime:
        """Some time between the last night's run and this night's overlap."""
        start = clock.midnight(night - 1) + timedelta(hours=3)
        return start + timedelta(seconds=chance.randrange(20 * 3600))


def entered_on(size: int, index: int) -> date:
    """The day on which an entry was written, or, after the first night, the first night's."""
    days = (_LAST - _FIRST).days
    return _FIRST.date() + timedelta(days=min(days, days * index // size))
