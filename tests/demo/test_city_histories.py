"""Registers whose former states are kept: what changes, goes back and ends, night by night."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import pytest

from civiclake.contracts.load import load_city
from civiclake.contracts.model import History
from demo.city import clock
from demo.city.model import Model
from demo.city.register import Kept, Register, sound
from demo.city.residents import City
from demo.city.table import Row

ROOT = Path(__file__).resolve().parents[2]
MODEL = Model(City(7, 800))
CONTRACTS = load_city(ROOT / "schemas", ROOT / "expectations")
EMPLOYERS, POPULATION = "employment.employers", "statistics.population"
NIGHTS = (1, 2, 3, 4)


def _register(name: str, model: Model = MODEL) -> Register:
    found = model.series[name]
    assert isinstance(found, Register)
    return found


def _chains(night: int) -> dict[str, list[Kept]]:
    """Every employer's versions."""
    found: dict[str, list[Kept]] = {}
    for kept in _register(EMPLOYERS).kept(night):
        found.setdefault(kept.row[0], []).append(kept)
    return found


def test_the_city_uses_every_kind_of_history() -> None:
    assert {dataset.history for dataset in CONTRACTS.datasets} == set(History)


def test_a_register_knows_what_its_contract_keeps() -> None:
    for name, series in MODEL.series.items():
        if isinstance(series, Register):
            assert series.history is CONTRACTS.dataset(name).history, name


def test_versions_follow_each_other_without_gap_or_overlap() -> None:
    chains = _chains(4)
    for versions in chains.values():
        for former, later in pairwise(versions):
            assert former.until == later.since
            assert former.row != later.row
        assert all(v.until is None or v.since < v.until for v in versions)
        assert all(v.until is not None for v in versions[:-1])
    assert {len(versions) for versions in chains.values()} == {1, 2, 3}


def test_names_addresses_and_industries_change_and_one_changes_back() -> None:
    register, told = _register(EMPLOYERS), set()
    for versions in _chains(4).values():
        for former, later in pairwise(versions):
            pairs = zip(register.shape.columns, former.row, later.row, strict=True)
            told |= {column for column, old, new in pairs if old != new}
    assert {"name", "address", "industry_section"} <= told
    assert told <= {"name", "address", "industry_section", "district_code"}
    back = [v for v in _chains(3).values() if len(v) == 3]
    assert back
    for first, between, last in back:
        assert first.row == last.row != between.row
        assert [v.since for v in (first, between, last)] == [
            clock.logical_date(n) for n in (1, 2, 3)
        ]


def test_an_employer_that_nobody_names_closes_every_night() -> None:
    register = _register(EMPLOYERS)
    free = {register.clean(n)[0] for n in range(sound(register.size), register.size)}
    for night in NIGHTS[1:]:
        now = clock.logical_date(night)
        ended = {key for key, versions in _chains(night).items() if versions[-1].until == now}
        assert ended and ended <= free
        assert len(ended) == register.expected(night).deleted


@pytest.mark.parametrize("name", [EMPLOYERS, POPULATION, "education.schools"])
@pytest.mark.parametrize("night", NIGHTS[1:])
def test_the_account_is_the_difference_of_two_nights(name: str, night: int) -> None:
    register = _register(name)
    before = Counter(register.kept(night - 1))
    after, account = Counter(register.kept(night)), register.expected(night)
    gone, fresh = (before - after).total(), (after - before).total()
    if register.history is History.SNAPSHOT:
        assert (gone, fresh) == (0, account.inserted)
        assert account.updated == account.unchanged == account.deleted == 0
        return
    assert account.updated > 0
    assert gone == account.updated + account.deleted
    # Where versions are kept, what is gone stands there still, with its end.
    ended = gone if register.history is History.HISTORY else 0
    assert fresh == account.inserted + account.updated + ended


def test_population_is_one_full_state_a_night() -> None:
    register = _register(POPULATION)
    states: dict[datetime, list[Row]] = {}
    for kept in register.kept(3):
        assert kept.until is None
        states.setdefault(kept.since, []).append(kept.row)
    nights = [clock.logical_date(night) for night in (1, 2, 3)]
    assert sorted(states) == nights
    for night, rows in enumerate((states[moment] for moment in nights), start=1):
        account = register.expected(night)
        sound_rows = account.read - account.quarantined - account.superseded
        assert len(rows) == account.inserted == sound_rows
        key = [register.shape.place(column) for column in register.shape.key]
        assert len({tuple(row[place] for place in key) for row in rows}) == len(rows)
    first, second, third = (set(states[moment]) for moment in nights)
    assert first != second != third


@pytest.mark.parametrize("night", NIGHTS)
def test_the_same_delivery_again_brings_nothing(night: int) -> None:
    for name, account in MODEL.expected(night).items():
        again = account.again()
        assert again.balances, name
        assert again.inserted == again.updated == again.deleted == 0
        assert (again.read, again.reasons) == (account.read, account.reasons)
        assert again.again() == again


def test_a_register_that_runs_out_of_entries_changes_no_more() -> None:
    """A small city is played for months: nothing is looked for in vain."""
    register = _register(EMPLOYERS, Model(City(7, 500)))
    last = register.expected(60)
    assert (last.updated, last.deleted, last.quarantined) == (0, 0, 0)
    assert last.balances
