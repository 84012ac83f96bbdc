"""The generated journal: the same for a seed, with the defects that it reports and no others."""

from __future__ import annotations

import re
import tracemalloc
from collections import Counter
from datetime import date

import pytest

from demo.city import clock, facilities, people
from demo.city.health import MINIMUM, Changes, Journal
from demo.city.truth import DUPLICATE_KEY, Accountant, Expected, broken_rule
from demo.city.visits import SPOIL, Visit, late_evening_visit, old_visit

SEED = 7


def _first(seed: int, visits: int) -> tuple[list[Visit], Expected]:
    accountant = Accountant(facilities.ids(seed, 1))
    rows = [row for group in Journal(seed, visits).first_night(accountant) for row in group]
    return rows, accountant.expected


def _nights(seed: int, visits: int, last: int) -> list[tuple[Changes, Expected]]:
    journal = Journal(seed, visits)
    return [journal.night(number) for number in range(2, last + 1)]


@pytest.mark.parametrize("visits", [MINIMUM, 3000, 12_345])
def test_every_night_balances(visits: int) -> None:
    _, first = _first(SEED, visits)
    for account in (first, *(expected for _, expected in _nights(SEED, visits, 4))):
        assert account.balances
        assert account.quarantined == sum(account.reasons.values()) > 0
        assert account.inserted > 0
    assert first.inserted + first.quarantined + first.superseded == first.read


def test_a_seed_makes_one_city_and_another_seed_another() -> None:
    assert _first(SEED, 1500) == _first(SEED, 1500)
    assert _nights(SEED, 1500, 3) == _nights(SEED, 1500, 3)
    assert _first(SEED, 1500)[0] != _first(SEED + 1, 1500)[0]
    assert _nights(SEED, 1500, 2) != _nights(SEED + 1, 1500, 2)


def test_the_reported_defects_are_the_rows_and_every_rule_has_some() -> None:
    rows, expected = _first(SEED, 4000)
    known = facilities.ids(SEED, 1)
    broken = Counter(rule for rule in (broken_rule(row, known) for row in rows) if rule)
    assert set(broken) == set(SPOIL)
    versions: dict[tuple[str | None, str], set[Visit]] = {}
    for row in rows:
        if broken_rule(row, known) is None:
            versions.setdefault((row.visit_id, row.updated_at), set()).add(row)
    contested = sum(len(found) for found in versions.values() if len(found) > 1)
    assert expected.reasons == {**broken, DUPLICATE_KEY: contested}


@pytest.mark.parametrize("rule", SPOIL)
def test_a_spoilt_row_breaks_its_rule_and_no_other(rule: str) -> None:
    known = facilities.ids(SEED, 1)
    for index in range(30):
        clean = old_visit(SEED, 1000, index)
        assert broken_rule(clean, known) is None
        spoilt = SPOIL[rule](clean)
        assert broken_rule(spoilt, known) == rule
        changed = [name for name in Visit._fields if getattr(clean, name) != getattr(spoilt, name)]
        assert changed == [rule.partition(":")[2]]


def test_no_row_of_a_night_is_younger_than_its_run() -> None:
    rows, _ = _first(SEED, 2000)
    assert max(row.updated_at for row in rows) == f"{clock.newest(1):%Y-%m-%d %H:%M:%S}+00"
    for number, (changes, _) in enumerate(_nights(SEED, 2000, 4), start=2):
        newest = max(row.updated_at for row in changes.appended)
        assert newest == f"{clock.newest(number):%Y-%m-%d %H:%M:%S}+00"


def test_later_nights_bring_every_kind_of_change() -> None:
    for changes, expected in _nights(SEED, 2000, 3):
        for outcome in ("inserted", "updated", "unchanged", "superseded", "late", "quarantined"):
            assert getattr(expected, outcome) > 0, outcome
        assert set(expected.reasons) == {*SPOIL, DUPLICATE_KEY}
        assert changes.removed


def test_a_visit_is_some_time_before_it_is_written() -> None:
    late = late_evening_visit(SEED, 1000, 5, clock.newest(1))
    for row in (*(old_visit(SEED, 1000, n) for n in range(50)), late):
        assert row.visited_at < row.updated_at
        assert "2014-01-01" <= row.visited_at < "2016-01-02"


def test_nights_are_made_in_order_and_a_city_is_not_too_small() -> None:
    with pytest.raises(ValueError, match="night 3 can't follow night 1"):
        Journal(SEED, 1000).night(3)
    with pytest.raises(ValueError, match="visits is 10: the sample city needs 1000 or more"):
        Journal(SEED, 10)


def test_memory_does_not_grow_with_the_city() -> None:
    def peak(visits: int) -> int:
        tracemalloc.start()
        try:
            for _ in Journal(SEED, visits).first_night():
                pass
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak(9_000) < peak(1_500) + 300_000


def test_people_have_numbers_that_are_valid_and_nobody_s() -> None:
    weights = [2 ** (17 - place) % 11 for place in range(18)]  # ISO 7064, MOD 11-2
    for index in range(200):
        person = people.person(SEED, index)
        assert re.fullmatch(r"99010\d\d{8}\d{3}[0-9X]", person.citizen_id)
        digits = [10 if c == "X" else int(c) for c in person.citizen_id]
        assert sum(d * w for d, w in zip(digits, weights, strict=True)) % 11 == 1
        assert person.citizen_id[6:14] == f"{person.born:%Y%m%d}"
        assert (int(person.citizen_id[16]) % 2 == 1) == (person.sex == "M")
        assert re.fullmatch(r"100\d{8}", person.phone)
        assert 0 <= person.age_on(date(2015, 12, 31)) <= 120


def test_ages_are_completed_years() -> None:
    person = people.person(SEED, 1)
    birthday = person.born.replace(year=2015) if person.born.day < 28 else date(2015, 3, 1)
    eve = date.fromordinal(birthday.toordinal() - 1)
    assert person.age_on(birthday) == person.age_on(eve) + 1 == 2015 - person.born.year


def test_the_register_opens_closes_and_changes() -> None:
    first, second, third = (
        {f.facility_id: f for f in facilities.register(SEED, night)} for night in (1, 2, 3)
    )
    assert len(first) == len(second) == len(third) == facilities.COUNT
    assert first.keys() - second.keys() == {"F0040"}
    assert second.keys() - first.keys() == {"F0041"}
    assert sum(first[key] != second[key] for key in first.keys() & second.keys()) == 1
    assert sum(second[key] != third[key] for key in second) == 1
    assert {f.kind for f in first.values()} <= {
        "hospital",
        "community",
        "township",
        "clinic",
        "emergency",
        "maternal",
    }
