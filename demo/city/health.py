"""The health department's journal of visits, night by night.

Night 1 holds two years of visits. Every later night appends corrections, new visits and
entries that are wrong, and moves a few rows back in time, as a restored backup does.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from demo.city import clock, facilities
from demo.city.truth import Accountant, Expected, broken_rule
from demo.city.visits import (
    SPOIL,
    Visit,
    dearer,
    earlier,
    late_evening_visit,
    moment,
    old_visit,
    visit_id,
    written,
)

MINIMUM = 1000
"""Fewer visits could not hold every kind of defect and stay within the contract's limits."""
_CONFLICT, _TWICE, _OLDER = "conflict", "twice", "older version first"


@dataclass
class Changes:
    """What a later night does to the journal."""

    appended: list[Visit] = field(default_factory=list)
    removed: list[tuple[str, str]] = field(default_factory=list)
    """Visit id and time of entry of rows that are replaced."""


class Journal:
    """All nights of one city; nights are made in order.

    Args:
        seed: the same seed makes the same city.
        visits: how many visits the first night holds.
    """

    def __init__(self, seed: int, visits: int) -> None:
        if visits < MINIMUM:
            raise ValueError(f"visits is {visits}: the sample city needs {MINIMUM} or more")
        self.seed, self.visits = seed, visits
        self._recent_from = visits - max(20, visits // 250)
        self._special = self._first_specials()
        self._later: dict[str, Visit] = {}
        self._touched: set[int] = set()
        self._recent: list[Visit] = []
        self._night = 1
        self._next_index = visits

    def first_night(self, accountant: Accountant | None = None) -> Iterator[list[Visit]]:
        """The journal as the first night finds it, visit by visit.

        Args:
            accountant: adds up what is handed out.
        """
        for index in range(self.visits):
            rows = self._first_rows(index)
            if accountant:
                accountant.add(rows, remember=False)
            yield rows

    def night(self, number: int) -> tuple[Changes, Expected]:
        """What a later night changes, and what must come of the batch that reads it."""
        if number != self._night + 1:
            raise ValueError(f"night {number} can't follow night {self._night}")
        if number == 2:
            first = range(self._recent_from, self.visits)
            rows = [row for index in first for row in self._first_rows(index)]
            self._recent = _overlapping(rows, 1)
        changes = self._changes(number)
        gone = set(changes.removed)
        kept = [row for row in self._recent if (row.visit_id, row.updated_at) not in gone]
        batch = kept + changes.appended
        accountant = Accountant(facilities.ids(self.seed, number), self._served)
        accountant.add(batch)
        self._later.update(accountant.now_served)
        self._recent = _overlapping(batch, number)
        self._night = number
        return changes, accountant.expected

    def _first_specials(self) -> dict[int, str]:
        """Which visits of the first night are spoilt, doubled or contested, and how."""
        each = max(2, self.visits // 1000)
        kinds = [kind for kind in (*SPOIL, _TWICE, _OLDER) for _ in range(each)]
        kinds += [_CONFLICT] * max(2, self.visits // 2000)
        # The last visit sets the watermark: it stays clean.
        chosen = random.Random(self.seed).sample(range(self.visits - 1), len(kinds))
        return dict(zip(chosen, kinds, strict=True))

    def _first_rows(self, index: int) -> list[Visit]:
        if index < self._recent_from:
            row = old_visit(self.seed, self.visits, index)
        else:
            span, place = self.visits - self._recent_from, index - self._recent_from + 1
            when = clock.midnight(1) + timedelta(seconds=max(1, 3600 * place // span))
            row = late_evening_visit(self.seed, self.visits, index, when)
        kind = self._special.get(index)
        return [row] if kind is None else _special_rows(row, kind)

    def _served(self, key: str) -> Visit | None:
        """The row that the lake serves for a visit after the nights so far."""
        if key in self._later:
            return self._later[key]
        index = int(key[1:])
        if index >= self.visits:
            return None
        first = Accountant(facilities.ids(self.seed, 1))
        first.add(self._first_rows(index))
        return first.now_served.get(key)

    def _changes(self, number: int) -> Changes:
        chance = random.Random(f"{self.seed}:{number}")
        changes = Changes()
        self._correct(changes, chance, number)
        self._move_back(changes, chance, number)
        self._enter(changes, chance, number)
        return changes

    def _correct(self, changes: Changes, chance: random.Random, number: int) -> None:
        """Newer versions of old visits, spoilt ones among them."""
        clean = max(10, self.visits // 50)
        while clean:
            index = chance.randrange(self._recent_from)
            if index in self._touched or index in self._special:
                continue
            self._touched.add(index)
            row = dearer(old_visit(self.seed, self.visits, index))
            changes.appended.append(written(row, self._daytime(chance, number)))
            clean -= 1
        mended = [i for i, kind in sorted(self._special.items()) if kind in SPOIL]
        mended = [i for i in mended if i < self._recent_from and i not in self._touched]
        for index in mended[: max(1, self.visits // 5000)]:
            self._touched.add(index)
            row = old_visit(self.seed, self.visits, index)
            changes.appended.append(written(row, self._daytime(chance, number)))

    def _move_back(self, changes: Changes, chance: random.Random, number: int) -> None:
        """Rows of the last hour give way to older versions, still within the overlap."""
        known = facilities.ids(self.seed, number)
        alone = Counter(row.visit_id for row in self._recent)
        since = clock.midnight(number - 1)
        half, last = moment(since + timedelta(minutes=30)), moment(clock.newest(number - 1))
        candidates = [
            row
            for row in self._recent
            if half < row.updated_at < last
            and alone[row.visit_id] == 1
            and broken_rule(row, known) is None
        ]
        for row in chance.sample(candidates, min(len(candidates), max(2, self.visits // 1000))):
            when = since + timedelta(seconds=chance.randrange(60, 1500))
            changes.removed.append((str(row.visit_id), row.updated_at))
            changes.appended.append(written(dearer(row, -10), when))

    def _enter(self, changes: Changes, chance: random.Random, number: int) -> None:
        """New visits of the day: most clean, some spoilt, doubled or contested."""
        few = max(1, self.visits // 5000)
        kinds: list[str | None] = [None] * max(10, self.visits // 100)
        kinds += [kind for kind in (*SPOIL, _TWICE, _OLDER, _CONFLICT) for _ in range(few)]
        chance.shuffle(kinds)
        for kind in kinds:
            recent = chance.random() < 0.3
            seconds = chance.randrange(60, 3540)
            evening = clock.midnight(number) + timedelta(seconds=seconds)
            when = evening if recent else self._daytime(chance, number)
            changes.appended += self._new_rows(number, kind, when)
        changes.appended += self._new_rows(number, None, clock.newest(number))

    def _new_rows(self, number: int, kind: str | None, when: datetime) -> list[Visit]:
        index, self._next_index = self._next_index, self._next_index + 1
        row = late_evening_visit(self.seed, self.visits, index, when)
        if index % 5 == 0:
            row = row._replace(facility_id=facilities.facility_id(facilities.COUNT + 1))
        assert row.visit_id == visit_id(index)
        return [row] if kind is None else _special_rows(row, kind)

    def _daytime(self, chance: random.Random, number: int) -> datetime:
        """Some time between the last night's run and this night's overlap."""
        start = clock.midnight(number - 1) + timedelta(hours=3)
        return start + timedelta(seconds=chance.randrange(20 * 3600))


def _overlapping(rows: list[Visit], night: int) -> list[Visit]:
    """The rows that the night after this one reads again."""
    since = moment(clock.newest(night) - clock.OVERLAP)
    return [row for row in rows if row.updated_at >= since]


def _special_rows(row: Visit, kind: str) -> list[Visit]:
    if kind == _CONFLICT:
        return [row, dearer(row)]
    if kind == _TWICE:
        return [row, row]
    if kind == _OLDER:
        return [earlier(row, 20), row]
    return [SPOIL[kind](row)]
