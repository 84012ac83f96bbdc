"""Shortfalls equal the World Bank's example; the integer program equals trying everything."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from civiclake.errors import UserError
from civiclake.statistics.allocation import move, open_new
from civiclake.statistics.shortfall import Shortfall, shortfall


def test_shortfall_of_the_world_banks_example() -> None:
    # Haughton and Khandker, Handbook on Poverty and Inequality (2009), pp. 70-72, country C.
    found = shortfall([1, 1, 1, 1], [100, 110, 150, 160], [125] * 4)
    assert found.share_below == 0.5
    assert found.depth == pytest.approx(0.08)
    assert found.severity == pytest.approx(0.0136)
    # Ten people who share what each of them had are ten people.
    many = shortfall([10, 10, 20], [1000, 1100, 3100], [125] * 3)
    assert many.severity == pytest.approx(0.0136)


def _severity(people: list[int], have: np.ndarray, floor: list[float]) -> float:
    return float(shortfall(people, have, floor).severity or 0)


def _tried_new(
    people: list[int], have: list[int], floor: list[float], units: int, size: list[int]
) -> tuple[float, int]:
    """The least severity of all ways to open up to so many, and the fewest units that give it."""
    tried = [
        (round(_severity(people, np.add(have, np.multiply(given, size)), floor), 12), sum(given))
        for given in product(range(units + 1), repeat=len(people))
        if sum(given) <= units
    ]
    return min(tried)


@pytest.mark.parametrize("seed", range(6))
def test_opening_equals_trying_everything(seed: int) -> None:
    chance = np.random.default_rng(seed)
    people = [int(n) for n in chance.integers(0, 400, 4)]
    have = [int(n) for n in chance.integers(0, 300, 4)]
    floor = [float(f) for f in chance.choice([0.8, 1.0], 4)]
    size = [int(n) for n in chance.choice([25, 40, 55], 4)]
    found = open_new(people, have, floor, 5, size)
    severity, used = _tried_new(people, have, floor, 5, size)
    assert found.after_shortfall.severity == pytest.approx(severity, abs=1e-9)
    assert found.units_used == used
    assert found.bound_gap == 0
    assert found.after.tolist() == (np.array(have) + found.given * np.array(size)).tolist()


@pytest.mark.parametrize("seed", range(6))
def test_moving_equals_trying_everything(seed: int) -> None:
    chance = np.random.default_rng(100 + seed)
    people = [int(n) for n in chance.integers(50, 400, 5)]
    have = [int(n) for n in chance.integers(0, 40, 5)]
    floor, groups = [0.06] * 5, ["a", "a", "a", "b", "b"]
    found = move(people, have, floor, 3, groups)
    best = min(
        (round(_severity(people, np.add(have, change), floor), 12), sum(np.abs(change)) // 2)
        for change in product(range(-3, 4), repeat=5)
        if sum(change[:3]) == 0
        and sum(change[3:]) == 0
        and sum(np.abs(change)) <= 6
        and all(c >= 0 or h + c >= 0.06 * p for c, h, p in zip(change, have, people, strict=True))
    )
    assert found.after_shortfall.severity == pytest.approx(best[0], abs=1e-9)
    assert found.units_used == best[1] == int(found.taken.sum())
    assert found.after.sum() == sum(have)


def test_the_worst_off_come_first_and_ties_go_by_order() -> None:
    found = open_new([100, 100, 100], [60, 20, 90], [1] * 3, 2, [30] * 3)
    assert found.given.tolist() == [0, 2, 0]
    alike = open_new([100, 100, 100], [40, 40, 40], [1] * 3, 2, [30] * 3)
    assert alike.given.tolist() == [1, 1, 0]


def test_what_lifts_nobody_is_not_done_and_said() -> None:
    enough = open_new([100], [100], [1], 3, [30])
    assert enough.given.tolist() == [0]
    nobody_else = "units are used: more would bring nobody nearer to the floor"
    assert enough.gap == f"0 of 3 {nobody_else}"
    some = open_new([100, 0], [80, 0], [1, 1], 3, [30, 30])
    assert (some.units_used, some.gap) == (1, f"1 of 3 {nobody_else}")
    alone = move([100, 10], [1, 50], [0.1, 0.1], 4, ["primary", "senior"])
    assert "nobody of the same kind has more to spare" in str(alone.gap)
    nobody = open_new([0, 0], [3, 4], [1, 1], 1, [30, 30])
    assert nobody.before_shortfall == Shortfall(None, None, None, "no place with people in it")
    assert shortfall([3, 4], [0, 0], [1, 1]) == Shortfall(1.0, 1.0, 1.0)


def test_what_cannot_be_meant_is_refused() -> None:
    with pytest.raises(UserError, match="units: -1"):
        open_new([1], [1], [1], -1, [30])
    with pytest.raises(UserError, match="a unit that adds 0"):
        open_new([1], [1], [1], 1, [0])
    with pytest.raises(UserError, match="one is 0, below which nobody can be"):
        shortfall([1], [1], [0])
    with pytest.raises(UserError, match="people: number 2 is nan"):
        move([1, None], [1, 1], [1, 1], 1, ["a", "a"])
    with pytest.raises(UserError, match="columns of one length"):
        move([1, 1], [1, 1], [1, 1], 1, ["a"])
    with pytest.raises(UserError, match="up to 500000 are allowed"):
        open_new([1e9], [0], [1], 600_000, [1])
