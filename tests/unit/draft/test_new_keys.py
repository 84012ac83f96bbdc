"""The key that `new` proposes: minimal, of names and never of counts, and honest where none is."""

from __future__ import annotations

import random
from itertools import combinations

import pytest

from civiclake.contracts.draft import unique_sets
from civiclake.contracts.draft.guess import Guess, guess
from civiclake.contracts.draft.roles import Role, role_of
from civiclake.contracts.draft.sample import Sample
from civiclake.contracts.draft.text import write_contract

MONTHS = ("January", "February", "March", "April")
REGIONS = ("Punjab", "Sindh", "KPK", "Balochistan", "Islamabad")


def _guess(header: str, *rows: str, complete: bool = True) -> Guess:
    return guess(_sample(header, *rows, complete=complete))


def _sample(header: str, *rows: str, complete: bool = True) -> Sample:
    return Sample(
        tuple(header.split(",")),
        tuple(tuple(row.split(",")) for row in rows),
        server={},
        loading={"load": "files"},
        origin="a test",
        complete=complete,
    )


def test_counts_are_no_part_of_a_key_though_they_would_be_unique() -> None:
    rows = [
        f"{month},{year},{region},{n * 37},{n}"
        for n, (month, year, region) in enumerate(
            (m, y, r) for m in MONTHS for y in (2016, 2017, 2018) for r in REGIONS
        )
    ]
    found = _guess("Month,Year,Region,Dengue_Cases,Dengue_Deaths", *rows)
    assert found.key == ("month", "year", "region")
    assert found.occurrence is None
    assert "in all 60 rows seen" in found.key_reason


def test_a_sorted_file_is_read_to_its_end() -> None:
    """In the first thousand rows the day alone is unique; in the 2,000th it is not."""
    rows = [f"{n},A,{n}" for n in range(10_000, 11_999)] + ["10000,B,1"]
    assert _guess("code,ward,cases", *rows).key == ("code", "ward")


def test_more_columns_than_two_are_tried_and_no_more_than_needed() -> None:
    rows = [
        f"{a},{b},{c},{d},x{a}"
        for a in range(3)
        for b in ("u", "v")
        for c in ("p", "q")
        for d in ("s", "t")
    ]
    assert _guess("a_code,b,c,d,e", *rows).key == ("a_code", "b", "c", "d")


def test_a_named_id_goes_before_what_is_unique_as_well() -> None:
    found = _guess("ward,tree_id,n", "W1,T1,5", "W2,T2,5", "W3,T3,7")
    assert found.key == ("tree_id",)
    assert "unique as well: ward" in found.key_reason


def test_rows_that_repeat_are_counted_and_told_apart_by_their_number() -> None:
    rows = ["LIMA,2019,55,F", "LIMA,2019,55,F", "LIMA,2019,55,F", "CUSCO,2019,9,M"]
    found = _guess("departamento,ano,edad,sexo", *rows)
    assert (found.key, found.occurrence) == ((), "equals")
    assert "2 of all 4 rows seen are the same as an earlier row" in found.key_reason


def test_it_is_said_how_many_rows_the_nearest_key_would_lose() -> None:
    rows = [f"C{n:03d},{n % 7}.5" for n in range(100)] + ["C007,1.25", "C008,2.25"]
    found = _guess("complaint_id,level", *rows)
    assert (found.key, found.occurrence) == ((), "equals")
    assert "no row repeats in all 102 rows seen" in found.key_reason
    assert "as a key complaint_id would lose 2 of 102 rows" in found.key_reason


def test_an_empty_part_is_named_by_a_word_that_does_not_occur() -> None:
    rows = [
        f"{year},{state},{year * 3}" for year in range(2000, 2010) for state in ("", "AK", "none")
    ]
    sample = _sample("year,state_abbr,population", *rows)
    found = guess(sample)
    assert found.key == ("year", "state_abbr")
    assert dict(found.absent_as) == {"state_abbr": "absent"}
    assert "state_abbr is empty in 10 of them, which `absent_as` names" in found.key_reason
    assert "{absent_as: absent}" in write_contract("a.b", sample, found, "o@example.org")


def test_an_empty_number_is_no_part_of_a_key() -> None:
    rows = ["2000,,5", "2000,1,5", "2001,1,6", "2001,2,6", "2000,2,5", "2001,,6"]
    assert _guess("year,zone,count", *rows).key == ()


def test_the_place_in_an_export_is_a_key_only_where_nothing_else_is() -> None:
    rows = ["0,All,5", "1,Theft,5", "3,Arson,9"]
    assert _guess("column_1,offence,total", *rows).key == ("offence",)
    rows = ["0,Theft,5", "1,Theft,5", "2,Arson,9"]
    found = _guess("column_1,offence,total", *rows)
    assert found.key == ("column_1",)
    assert "no key unless every delivery numbers a row alike" in found.key_reason


def test_columns_drawn_by_lot_are_told_to_be_unique_by_chance() -> None:
    rows = [f"{MONTHS[n % 4]},{n // 2}x,{n % 3}.5" for n in range(4)] + ["March,9x,1.5"]
    found = _guess("month,area,value", *rows)
    assert found.key == ("month", "area")
    assert "so few rows would be unique by chance" in found.key_reason


def test_a_first_part_is_said_to_be_one() -> None:
    found = _guess("id,n", "A,1", "B,2", complete=False)
    assert "in the first 2 rows, not all, seen" in found.key_reason


@pytest.mark.parametrize("seed", range(40))
def test_the_search_finds_what_trying_everything_finds(seed: int) -> None:
    drawn = random.Random(seed)
    width, rows = drawn.randint(2, 6), drawn.randint(2, 40)
    columns = [[drawn.randrange(drawn.randint(1, 9)) for _ in range(rows)] for _ in range(width)]
    found = unique_sets.search(columns, widest=4)
    unique: list[tuple[int, ...]] = []
    for size in range(1, 5):
        if size > 2 and unique:
            break
        unique += [
            tried
            for tried in combinations(range(width), size)
            if not any(set(known) <= set(tried) for known in unique)
            and unique_sets.lost_rows([columns[n] for n in tried]) == 0
        ]
    assert found == unique_sets.Found(tuple(unique), True)


def test_a_search_that_was_stopped_says_so() -> None:
    columns = [[n // 10 for n in range(100)], [n % 10 for n in range(100)]]
    assert unique_sets.search(columns, seconds=-1.0).finished is False


@pytest.mark.parametrize(
    ("name", "values", "role"),
    [
        ("id", "5 7 9", Role.NAMED),
        ("tdcj_number", "999508 999455", Role.NAMED),
        ("number_of_cases", "5 7 9", Role.NONE),
        ("the_number_of_crimes", "5 7 9", Role.NONE),
        ("total_code", "5 7 9", Role.NAMED),
        ("year", "2016 2016 2017", Role.DIMENSION),
        ("semana", "1 1 2", Role.DIMENSION),
        ("anything", "2016 2016 2017", Role.DIMENSION),
        ("dead", "1 2 3 4", Role.NONE),
        ("murder", "0 0 0 0 1 0 7 0 0 12", Role.NONE),
        ("age", "1 1 2 2 3 3", Role.DIMENSION),
        ("murder_rate_2016", "2016 2017", Role.NONE),
        ("idx", " ".join(map(str, range(30))), Role.NAMED),
        ("pm25", "1 2 3 4 5 6 7", Role.NONE),
    ],
)
def test_roles_of_whole_numbers(name: str, values: str, role: Role) -> None:
    counted: dict[str, int] = {}
    for value in values.split():
        counted[value] = counted.get(value, 0) + 1
    assert role_of(name, "integer", counted) is role


def test_texts_that_somebody_wrote_are_no_names() -> None:
    assert role_of("area", "string", {"x" * 70: 1, "y" * 60: 1}) is Role.NONE
    assert role_of("description", "string", {"a": 1}) is Role.NONE
    assert role_of("attributes", "string", {'{"a": 1}': 1}) is Role.NONE
