"""The benchmark's deliveries hold what is said of them, and the city of its own is sound."""

from __future__ import annotations

import csv
import gzip
from collections import Counter
from pathlib import Path

import pytest

from bench.taps import generate, shape
from civiclake.contracts.load import load_city
from civiclake.steps.rules import is_row_rule

ROWS, EXISTING = 2_000, 10_000


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two deliveries and the stops."""
    found = tmp_path_factory.mktemp("taps")
    generate.write_stops(found)
    generate.write_initial(found, EXISTING)
    generate.write_changes(found, ROWS, EXISTING)
    return found


def _records(data: Path, delivery: str) -> list[list[str]]:
    found = []
    for path in shape.delivered(data, delivery):
        with gzip.open(path, "rt", newline="") as file:
            header, *rows = csv.reader(file)
        assert tuple(header) == shape.COLUMNS
        found += rows
    return found


def _key(number: int) -> str:
    return f"T{number:011d}"


def test_a_first_delivery_holds_every_key_once(data: Path) -> None:
    records = _records(data, shape.INITIAL)

    assert sorted(r[0] for r in records) == [_key(n) for n in range(EXISTING)]
    assert {len(r) for r in records} == {len(shape.COLUMNS)}


def test_changes_have_the_shares_that_are_stated(data: Path) -> None:
    records = _records(data, shape.CHANGES)
    expected = generate.expected(data, shape.CHANGES)
    keys = Counter(r[0] for r in records)
    updated = {key for key in keys if key < _key(EXISTING)}

    assert len(records) == expected.records == ROWS
    assert len(updated) == expected.updated == ROWS // 10
    assert sum(n - 1 for n in keys.values()) == expected.superseded == ROWS // 100
    assert expected.quarantined == ROWS // 200
    assert expected.rows_after == EXISTING + expected.inserted
    counted = expected.updated + expected.inserted + expected.superseded + expected.quarantined
    assert counted == ROWS


def test_updates_are_drawn_over_the_whole_table(data: Path) -> None:
    numbers = [int(r[0][1:]) for r in _records(data, shape.CHANGES)]
    tenths = {n * 10 // EXISTING for n in numbers if n < EXISTING}

    assert tenths == set(range(10))


def test_of_a_key_that_comes_twice_one_version_is_older(data: Path) -> None:
    moments: dict[str, set[str]] = {}
    records = _records(data, shape.CHANGES)
    for record in records:
        moments.setdefault(record[0], set()).add(record[1])
    first = max(r[1] for r in _records(data, shape.INITIAL))

    again = [key for key, n in Counter(r[0] for r in records).items() if n > 1]
    assert again
    assert all(len(moments[key]) == 2 for key in again)
    assert min(m for found in moments.values() for m in found) > first


def test_each_broken_record_is_of_a_known_kind(data: Path) -> None:
    records = _records(data, shape.CHANGES)
    short = [r for r in records if len(r) != len(shape.COLUMNS)]
    places = [(shape.COLUMNS.index(name), fault) for name, fault in generate.FAULTS]
    faulty = [r for r in records if any(len(r) > at and r[at] == said for at, said in places)]

    assert short
    assert len(short) + len([r for r in faulty if r not in short]) == ROWS // 200


def test_the_same_seed_gives_the_same_bytes(data: Path, tmp_path: Path) -> None:
    generate.write_changes(tmp_path, ROWS, EXISTING)

    for ours, theirs in zip(
        shape.delivered(tmp_path, shape.CHANGES), shape.delivered(data, shape.CHANGES), strict=True
    ):
        assert ours.read_bytes() == theirs.read_bytes()


def test_the_contract_has_the_columns_and_the_stated_number_of_rules() -> None:
    city = shape.CITY
    found = load_city(city / "schemas", city / "expectations", city / "marts")
    taps = found.dataset("transport.taps")

    assert tuple(column.name for column in taps.columns) == shape.COLUMNS
    assert len([rule for rule in taps.rules if is_row_rule(rule)]) == shape.RULES
    assert [mart.name for mart in found.marts] == ["taps_by_line"]
