"""The model of the city: one for a seed, with departments that agree and defects as reported."""

from __future__ import annotations

import re
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from itertools import islice
from pathlib import Path

import pytest
from stdnum.cn import ric, uscc

from civiclake.contracts.load import load_city
from civiclake.contracts.model import Load, Protection
from demo.city import clock, places
from demo.city.chance import Draw, shuffled
from demo.city.deliveries import Deliveries
from demo.city.journal import Journal
from demo.city.model import Model
from demo.city.register import Register, sound
from demo.city.residents import HOUSEHOLDS, MINIMUM, City
from demo.city.table import Row, Series
from demo.city.tables import employment, health, security
from demo.city.tables.common import VISITED, facility_id

ROOT = Path(__file__).resolve().parents[2]
SEED, RESIDENTS = 7, 800
MODEL = Model(City(SEED, RESIDENTS))
CONTRACTS = load_city(ROOT / "schemas", ROOT / "expectations")
SERIES = sorted(MODEL.series)


def _values(name: str, column: str, night: int = 1) -> list[object]:
    series = MODEL.series[name]
    place = series.shape.place(column)
    return [row[place] for row in series.rows(night)]


def test_residents_have_numbers_that_are_valid_and_nobody_s() -> None:
    people = [MODEL.city.resident(index) for index in range(RESIDENTS)]
    assert len({p.citizen_id for p in people}) == len({p.phone for p in people}) == RESIDENTS
    for person in people:
        assert ric.is_valid(person.citizen_id)
        assert person.citizen_id.startswith("530100")  # of no district: given to nobody
        assert person.citizen_id[6:14] == f"{person.born:%Y%m%d}"
        assert (int(person.citizen_id[16]) % 2 == 1) == (person.sex == "M")
        assert re.fullmatch(r"100\d{8}", person.phone)
        assert 0 <= person.age_on(date(2015, 12, 31)) < 90


def test_numbers_stay_apart_in_a_large_city() -> None:
    city = City(SEED, 5_000_000)
    far = [city.resident(index).citizen_id for index in range(0, 5_000_000, 250)]
    assert len(set(far)) == len(far) == 20_000


def test_ages_are_completed_years() -> None:
    person = next(p for p in map(MODEL.city.resident, range(50)) if p.born.day < 28)
    birthday = person.born.replace(year=2015)
    eve = date.fromordinal(birthday.toordinal() - 1)
    assert person.age_on(birthday) == person.age_on(eve) + 1 == 2015 - person.born.year


def test_households_live_together_and_children_with_a_parent() -> None:
    homes: dict[int, list[tuple[str, str]]] = {}
    for person in map(MODEL.city.resident, range(RESIDENTS)):
        home = person.household
        homes.setdefault(home.number, []).append((person.kind, home.address))
        assert home.address.startswith(f"昆明市{person.district.name}")
    for number, people in homes.items():
        assert tuple(kind for kind, _ in people) == HOUSEHOLDS[number % len(HOUSEHOLDS)]
        assert len({address for _, address in people}) == 1


def test_a_child_s_number_leads_to_a_child() -> None:
    city = MODEL.city
    children = [p.index for p in map(city.resident, range(RESIDENTS)) if p.kind == "child"]
    assert [city.child(n) for n in range(city.children)] == children
    adults = {city.resident(city.adult(n)).kind for n in range(city.adults)}
    assert adults == {"single", "parent"}


def test_people_live_where_the_census_says() -> None:
    found = Counter(MODEL.city.household(n).spot.district.code for n in range(4000))
    total = sum(d.weight for d in places.DISTRICTS)
    for district in places.DISTRICTS:
        wanted = 4000 * district.weight / total
        assert abs(found[district.code] - wanted) < 5 * wanted**0.5, district.name


def test_a_small_city_is_refused() -> None:
    with pytest.raises(ValueError, match=f"residents is 10: the sample city needs {MINIMUM}"):
        City(SEED, 10)


def test_roads_of_a_district_have_names_of_their_own() -> None:
    for district in places.DISTRICTS:
        roads = range(places.ROADS_PER_DISTRICT)
        assert len({places.road_name(district, n) for n in roads}) == len(roads)


@pytest.mark.parametrize("name", SERIES)
def test_every_night_balances(name: str) -> None:
    for night in (1, 2, 3, 4):
        account = MODEL.series[name].expected(night)
        assert account.balances
        assert account.read == sum(1 for _ in MODEL.series[name].rows(night)) or night > 1
        assert account.quarantined == sum(account.reasons.values())


@pytest.mark.parametrize("residents", [MINIMUM, 600, 2_000])
def test_no_night_is_held_for_its_faults(residents: int) -> None:
    model = Model(City(SEED, residents))
    allowed = {d.id: d.limits.max_set_aside_fraction for d in CONTRACTS.datasets}
    for night in (1, 2, 3):
        for name, wanted in model.expected(night).items():
            aside = wanted.quarantined
            assert aside <= allowed[name] * wanted.read, (name, night, aside, wanted.read)


@pytest.mark.parametrize("name", SERIES)
def test_a_seed_makes_one_city_and_another_seed_another(name: str) -> None:
    def rows(seed: int, night: int) -> list[Row]:
        return list(Model(City(seed, RESIDENTS)).series[name].rows(night))

    assert rows(SEED, 1) == rows(SEED, 1)
    assert rows(SEED, 3) == rows(SEED, 3)
    if name != "geography.divisions":  # real: the same in every city
        assert rows(SEED, 1) != rows(SEED + 1, 1)


@pytest.mark.parametrize("name", SERIES)
def test_the_shape_is_the_contract_s(name: str) -> None:
    shape, dataset = MODEL.series[name].shape, CONTRACTS.dataset(name)
    assert shape.columns == tuple(c.source_name for c in dataset.columns)
    assert shape.key == tuple(dataset.column(k).source_name for k in dataset.key)
    dropped = {c.source_name for c in dataset.columns if c.protection is Protection.DROP}
    assert set(shape.hidden) == dropped
    rules = {rule.id for rule in dataset.rules}
    assert {defect.rule for defect in shape.defects} <= rules
    kinds = {Load.SNAPSHOT: Register, Load.INCREMENTAL: Journal, Load.FILES: Deliveries}
    assert isinstance(MODEL.series[name], kinds[dataset.load])


@pytest.mark.parametrize("name", SERIES)
def test_every_defect_is_there_and_changes_its_columns_alone(name: str) -> None:
    series = MODEL.series[name]
    account = series.expected(1)
    assert {d.rule for d in series.shape.defects} == account.reasons.keys() - {"duplicate_key"}
    clean = series.clean(3)
    for defect in series.shape.defects:
        spoilt = series.shape.spoil(clean, defect)
        changed = {
            column
            for column, old, new in zip(series.shape.columns, clean, spoilt, strict=True)
            if old != new
        }
        assert changed == {defect.column, *(column for column, _ in defect.beside)}


def test_later_nights_bring_every_kind_of_change() -> None:
    total: Counter[str] = Counter()
    for account in MODEL.expected(2).values():
        total.update(account.model_dump(exclude={"reasons"}))
    assert all(count > 0 for count in total.values()), total


def test_departments_agree_on_who_lives_here() -> None:
    known = {MODEL.city.resident(n).citizen_id for n in range(RESIDENTS)}
    registered = set(_values("public_security.residents", "citizen_id"))
    wrong = [d for d in security.RESIDENTS.defects if d.column == "citizen_id"]
    assert len(known - registered) == len(wrong)
    for name, series in MODEL.series.items():
        for column in ("citizen_id", "reporter_id"):
            if column not in series.shape.columns:
                continue
            spoils = [d for d in series.shape.defects if d.column == column]
            strangers = set(_values(name, column)) - known - {None}
            assert len(strangers) <= len(spoils), name


def test_a_record_is_about_whom_the_truth_names() -> None:
    city = MODEL.city
    keys = {(dataset, key): who for dataset, key, who in MODEL.who_is_who(2)}
    for series in MODEL.series.values():
        if series.shape.who is not None:
            assert series.shape.label.format(5) == series.clean(5)[0]
    about = 0
    for name, series in MODEL.series.items():
        columns = {"citizen_id", "reporter_id"} & set(series.shape.columns)
        for column in columns:
            place, key = series.shape.place(column), series.shape.place(series.shape.key[0])
            for night in (1, 2):
                for row in series.rows(night):
                    number = row[place]
                    if row[key] is not None and number is not None and ric.is_valid(number):
                        about += 1
                        assert city.resident(keys[name, row[key]]).citizen_id == number
    assert about > 3000


def test_departments_agree_on_organisations_and_facilities() -> None:
    codes = {
        employment.employer_code(MODEL.city, n)
        for n in range(employment.employer_count(MODEL.city) + 10)
    }
    assert all(uscc.is_valid(code) for code in codes)
    assert len(codes) == employment.employer_count(MODEL.city) + 10
    paid = set(_values("finance.payments", "payee_credit_code"))
    assert len(paid - codes) <= 1
    visited = {facility_id(n) for n in range(1, VISITED + 1)}
    for name in ("health.visits", "health.notifiable_cases", "medical.bed_occupancy"):
        assert len(set(_values(name, "facility_id")) - visited) <= 1, name
    employers = set(_values("employment.employers", "employer_id"))
    assert len(set(_values("employment.contracts", "employer_id")) - employers) <= 1


@pytest.mark.parametrize("name", ["employment.employers", "education.schools"])
def test_an_entry_that_others_name_is_sound_and_stays(name: str) -> None:
    register = MODEL.series[name]
    assert isinstance(register, Register)
    for night in (1, 2, 3, 4):
        for index in range(sound(register.size)):
            (version,) = register.versions(index, night)
            assert version.rule is None


def test_the_outbreak_is_there_to_be_found() -> None:
    count = health.case_count(MODEL.city)
    late = range(count - int(count * health.OUTBREAK_FRACTION), count)
    rows = [MODEL.series["health.notifiable_cases"].clean(n) for n in range(count)]
    disease, district = (
        health.NOTIFIABLE_CASES.place(c) for c in ("disease_code", "district_code")
    )
    cases = [n for n, row in enumerate(rows) if row[disease] == health.OUTBREAK_DISEASE]
    assert cases and set(cases) <= set(late)
    assert {rows[n][district] for n in cases} == {health.OUTBREAK_DISTRICT}


def test_a_third_of_the_incidents_is_at_the_hotspots() -> None:
    incidents = [security.incident_place(MODEL.city, n) for n in range(300)]

    def near(latitude: Decimal, longitude: Decimal) -> bool:
        return any(
            abs(latitude - lat) <= Decimal("0.0016") and abs(longitude - lon) <= Decimal("0.0016")
            for _, lat, lon in security.HOTSPOTS
        )

    hot = sum(near(latitude, longitude) for _, latitude, longitude in incidents)
    assert 100 <= hot <= 110


def test_former_codes_are_written_by_those_who_would() -> None:
    former = {d.former_code for d in places.DISTRICTS if d.former_code}
    assert former == {"530121", "530122"}
    assert former <= set(_values("statistics.population", "district_code"))
    assert former <= set(_values("public_security.residents", "district_code"))
    assert not former & set(_values("health.notifiable_cases", "district_code"))


def _journals() -> Iterator[tuple[str, Journal]]:
    for name, series in MODEL.series.items():
        if isinstance(series, Journal):
            yield name, series


def test_no_row_of_a_night_is_younger_than_its_run() -> None:
    for name, journal in _journals():
        place = journal.shape.place(journal.stamp)
        for night in (1, 2, 3, 4):
            newest = max(row[place] for row in journal.rows(night))
            assert newest == clock.stamp(clock.newest(night)), name


def test_a_visit_is_some_time_before_it_is_written() -> None:
    columns = health.VISITS.columns
    for row in islice(MODEL.series["health.visits"].rows(1), 500):
        visit = dict(zip(columns, row, strict=True))
        if visit["visited_at"] != "2015-02-30 10:15:00":
            assert "2013-12-31" <= visit["visited_at"] < visit["updated_at"]


def test_chance_can_be_asked_again() -> None:
    assert [Draw(1, "x").below(1000) for _ in range(3)] == [Draw(1, "x").below(1000)] * 3
    assert sorted(shuffled(SEED, "cards", n, 360) for n in range(360)) == list(range(360))
    draw = Draw(1, "y")
    assert len({draw.below(10**6) for _ in range(8)}) == 8


@pytest.mark.parametrize(
    "name", ["health.visits", "public_security.residents", "geography.parcels", "finance.payments"]
)
def test_memory_does_not_grow_with_the_city(name: str) -> None:
    def peak(residents: int) -> int:
        series: Series = Model(City(SEED, residents)).series[name]
        tracemalloc.start()
        try:
            for _ in series.rows(1):
                pass
            series.expected(2)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak(2_400) < peak(600) + 400_000
