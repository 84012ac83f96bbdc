"""Linkage against known truth: the public FEBRL4 pairs, and a made city with its clerks' errors."""

from __future__ import annotations

import csv
import gzip
import hashlib
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from itertools import combinations
from pathlib import Path

import pyarrow as pa
import pytest
from linkage_city import Record, records, residents

from civiclake.linkage.clusters import EXACT, PROBABILISTIC
from civiclake.linkage.person import PERSON
from civiclake.linkage.profiles import PROFILE, derive
from civiclake.linkage.resolve import Former, Resolution, resolve
from civiclake.linkage.scoring import Training, train

FEBRL4 = Path(__file__).resolve().parents[2] / "data" / "febrl4"
TRAINING = Training(seed=1, max_pairs=3e5, min_profiles=1000, recall=0.8)
THRESHOLD = 0.95
PEOPLE = 2000

Pairs = set[tuple[str, str]]


def resolve_all(profiles: pa.Table, model: str | None = None) -> tuple[Resolution, str]:
    derived = derive(PERSON, profiles)
    model = model or train(PERSON, derived, TRAINING)
    return resolve(PERSON, derived, model, Former(), THRESHOLD), model


def pairs(groups: Iterable[Iterable[str]]) -> Pairs:
    return {pair for group in groups for pair in combinations(sorted(group), 2)}


def grouped(by: Mapping[str, Hashable]) -> list[list[str]]:
    found: dict[Hashable, list[str]] = defaultdict(list)
    for member, group in by.items():
        found[group].append(member)
    return list(found.values())


def measure(found: Pairs, true: Pairs) -> tuple[float, float]:
    right = len(found & true)
    return right / len(found), right / len(true)


def febrl4() -> pa.Table:
    """Both files, in the fields of a person; the social security number is no Chinese one."""
    rows = []
    for part in "ab":
        with gzip.open(FEBRL4 / f"dataset4{part}.csv.gz", "rt", encoding="utf-8") as file:
            for line in csv.DictReader(file, skipinitialspace=True):
                row = {name.strip(): (text or "").strip() for name, text in line.items()}
                name = f"{row['given_name']} {row['surname']}".strip()
                address = f"{row['street_number']} {row['address_1']}".strip()
                rows.append(
                    {
                        PROFILE: row["rec_id"],
                        "citizen_id": row["soc_sec_id"] or None,
                        "person_name": name or None,
                        "birth_date": row["date_of_birth"] or None,
                        "sex": None,
                        "phone": None,
                        "address": address or None,
                        "district_code": row["postcode"] or None,
                    }
                )
    return pa.Table.from_pylist(rows)


def test_febrl4() -> None:
    """5,000 people twice, the second time with errors: who was whom is in the record's name."""
    profiles = febrl4()
    assert profiles.num_rows == 10_000
    found, _ = resolve_all(profiles)
    got = pairs(grouped({p: m.cluster for p, m in found.members.items()}))
    true = {(f"rec-{n}-dup-0", f"rec-{n}-org") for n in range(5000)}
    precision, recall = measure(got, true)
    assert precision >= 0.99
    assert recall >= 0.99


def as_profiles(made: Iterable[Record]) -> tuple[pa.Table, dict[str, str]]:
    """Equal records share a profile, as in the lake; and the profile of each record."""
    ids: dict[tuple[str | None, ...], str] = {}
    profile_of = {}
    for record in made:
        values = tuple(record.values.values())
        profile = hashlib.sha256(repr(values).encode()).hexdigest()
        profile_of[record.record_key] = ids.setdefault(values, profile)
    rows = [{PROFILE: p, **dict(zip(PERSON.fields, v, strict=True))} for v, p in ids.items()]
    return pa.Table.from_pylist(sorted(rows, key=lambda r: str(r[PROFILE]))), profile_of


def clusters_of(found: Resolution, profile_of: Mapping[str, str]) -> dict[str, str]:
    return {key: found.members[p].cluster for key, p in profile_of.items()}


@pytest.fixture(scope="module")
def city() -> list[Record]:
    return records(residents(PEOPLE, seed=7), each=3, seed=7)


@pytest.fixture(scope="module")
def linked(city: list[Record]) -> tuple[Resolution, dict[str, str], str]:
    profiles, profile_of = as_profiles(city)
    found, model = resolve_all(profiles)
    return found, profile_of, model


def test_the_made_city(city: list[Record], linked: tuple[Resolution, dict[str, str], str]) -> None:
    found, profile_of, _ = linked
    got = pairs(grouped(clusters_of(found, profile_of)))
    true = pairs(grouped({r.record_key: r.truth for r in city}))
    precision, recall = measure(got, true)
    assert precision >= 0.995
    assert recall >= 0.98


def test_records_without_a_right_number_are_found_by_their_scores(
    city: list[Record], linked: tuple[Resolution, dict[str, str], str]
) -> None:
    """The same, for the records that only a score can place: the others would hide them."""
    found, profile_of, _ = linked
    members = {r.record_key: found.members[profile_of[r.record_key]] for r in city}
    unproven = {key for key, member in members.items() if member.method != EXACT}
    assert len(unproven) > 500
    true = pairs(grouped({r.record_key: r.truth for r in city}))
    got = pairs(grouped({key: member.cluster for key, member in members.items()}))
    precision, recall = measure(*(_touching(p, unproven) for p in (got, true)))
    assert precision >= 0.99
    assert recall >= 0.97
    scored = [m for m in members.values() if m.method == PROBABILISTIC]
    assert all(THRESHOLD <= m.match_probability <= 1 for m in scored)


def _touching(found: Pairs, keys: set[str]) -> Pairs:
    return {pair for pair in found if keys & set(pair)}


def test_twins_of_one_household_stay_two(
    city: list[Record], linked: tuple[Resolution, dict[str, str], str]
) -> None:
    """Same family name, birth, telephone and address: the given name is all there is."""
    found, profile_of, _ = linked
    by_birth = grouped({str(p.index): (p.address, p.birth) for p in residents(PEOPLE, seed=7)})
    twins = {int(i) for group in by_birth if len(group) > 1 for i in group}
    assert len(twins) >= 20
    truth = {r.record_key: r.truth for r in city if r.truth in twins}
    clusters = clusters_of(found, {key: profile_of[key] for key in truth})
    mixed = [g for g in grouped(clusters) if len({truth[key] for key in g}) > 1]
    assert mixed == []


def test_five_nights_one_after_the_other_equal_all_at_once(
    city: list[Record], linked: tuple[Resolution, dict[str, str], str]
) -> None:
    """New records, changed ones and lost ones: only what is new is scored, nothing differs."""
    _, _, model = linked
    people = residents(PEOPLE, seed=7)[:400]
    now = {r.record_key: r for r in city if r.truth < 300}
    former, was = Former(), 0
    for night in range(1, 6):
        fresh = {r.record_key: r for r in records(people[: 280 + 20 * night], 1, 7, night)}
        corrected = {
            key: Record(r.dataset, key, r.truth, fresh[f"{night}-{r.truth}-0"].values)
            for key, r in list(now.items())[night::40]
            if f"{night}-{r.truth}-0" in fresh
        }
        now = {**now, **corrected, **fresh}
        for lost in list(now)[night::50]:
            del now[lost]
        profiles, _ = as_profiles(now.values())
        derived = derive(PERSON, profiles)
        step = resolve(PERSON, derived, model, former, THRESHOLD)
        whole = resolve(PERSON, derived, model, Former(), THRESHOLD)
        assert step.members == whole.members
        assert step.edges == whole.edges
        assert step.scored < derived.num_rows or night == 1
        assert step.scored >= derived.num_rows - was
        former, was = _left_by(step, former), derived.num_rows


def _left_by(found: Resolution, former: Former) -> Former:
    ids = {
        p: found.kept.get(m.cluster, f"{m.cluster}-{len(former.ids)}")
        for p, m in found.members.items()
    }
    return Former(ids=ids, edges=found.edges, scored=frozenset(found.members))


def test_the_model_holds_no_value_of_anybody(
    city: list[Record], linked: tuple[Resolution, dict[str, str], str]
) -> None:
    _, _, model = linked
    for record in city[:300]:
        for name in ("citizen_id", "person_name", "phone", "address"):
            value = record.values[name]
            assert value is None or value not in model


def test_the_same_records_give_the_same_model_and_clusters(
    city: list[Record], linked: tuple[Resolution, dict[str, str], str]
) -> None:
    found, _, model = linked
    profiles, _ = as_profiles(city)
    again, same = resolve_all(profiles)
    assert same == model
    assert again.members == found.members
