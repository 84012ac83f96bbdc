"""The departments' systems hold what the truth says, and are read as the night reads them."""

from __future__ import annotations

import csv
import gzip
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from city_oracle import Lake, landed

from civiclake.contracts.load import load_city
from civiclake.contracts.model import Dataset
from civiclake.errors import UserError
from civiclake.io.extract import extract
from civiclake.io.landing.manifest import BatchManifest
from civiclake.io.landing.store import Landing
from civiclake.settings import Settings
from demo import sources
from demo.city.truth import Truth
from demo.systems import databases
from demo.systems.site import Site

ROOT = Path(__file__).resolve().parents[2]
RESIDENTS, SEED = 700, 11
CITY = load_city(ROOT / "schemas", ROOT / "expectations")


@pytest.fixture
def surroundings(systems: Settings, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    found = sources.environment(systems)
    for name, value in found.items():
        monkeypatch.setenv(name, value)
    return found


@pytest.fixture(scope="module")
def nights(systems: Settings) -> Iterator[Callable[[int], tuple[Truth, list[BatchManifest]]]]:
    """Prepare a night and extract every dataset of it, once; nights come in order."""
    done: dict[int, tuple[Truth, list[BatchManifest]]] = {}

    def upto(night: int) -> tuple[Truth, list[BatchManifest]]:
        for number in range(len(done) + 1, night + 1):
            truth = sources.prepare(systems, number, RESIDENTS, seed=SEED)
            batches = []
            for dataset in CITY.datasets:
                batches.append(extract(systems, dataset, truth.batch_id))
                Landing(systems).mark_committed(dataset.id, truth.batch_id)
            done[number] = (truth, batches)
        return done[night]

    with pytest.MonkeyPatch.context() as patch:
        for name, value in sources.environment(systems).items():
            patch.setenv(name, value)
        yield upto


@pytest.mark.parametrize("night", [1, 2, 3])
def test_each_night_brings_as_many_rows_as_its_truth_reads(
    nights: Callable[[int], tuple[Truth, list[BatchManifest]]], night: int
) -> None:
    truth, batches = nights(night)
    assert {b.dataset: b.rows for b in batches} == {
        name: account.read for name, account in truth.datasets.items()
    }
    assert all(account.balances for account in truth.datasets.values())
    assert {b.batch_id for b in batches} == {f"2016010{night}T020000Z"}


def test_what_was_landed_comes_to_what_the_truth_says(
    systems: Settings, nights: Callable[[int], tuple[Truth, list[BatchManifest]]]
) -> None:
    """Every rule, key and sequence judged anew, from the files as they were landed."""
    nights(3)
    lake = Lake(CITY, ROOT / "schemas" / "_codes")
    wrong = {}
    for number in (1, 2, 3):
        truth, batches = nights(number)
        by_id = {batch.dataset: batch for batch in batches}
        for dataset in _parents_first():
            folder = Landing(systems).batch_dir(dataset.id, truth.batch_id)
            found = lake.load(dataset, list(landed(by_id[dataset.id], folder)))
            wanted = truth.datasets[dataset.id].model_dump()
            different = {k: (found.get(k, 0), v) for k, v in wanted.items() if found.get(k, 0) != v}
            if different:
                wrong[f"night {number}, {dataset.id}"] = different
        if number == 1:
            _assert_answers(lake, json.loads(sources.read_answers(systems)))
    assert wrong == {}


def _assert_answers(lake: Lake, told: dict[str, Any]) -> None:
    """The answers are of the rows that the lake serves on the first night, no others."""
    residents = [row for row, _ in lake.tables["public_security.residents"].rows.values()]
    libraries = next(plan for plan in told["plans"] if plan["kind"] == "library")
    assert Counter(row["home_cell"] for row in residents) == libraries["people"]
    people = {code: found["residents"] for code, found in told["health"]["by_district"].items()}
    assert Counter(row["district_code"] for row in residents) == people
    seats: Counter[str] = Counter()
    for row, _ in lake.tables["education.schools"].rows.values():
        seats[row["district_code"]] += row["places"]
    assert seats == {code: d["seats"] for code, d in told["education"]["by_district"].items()}
    years: defaultdict[Any, set[int]] = defaultdict(set)
    for row, _ in lake.tables["education.enrolments"].rows.values():
        years[row["citizen_id"]].add(row["school_year"])
    lasts = {
        row["enrolment_id"]: max(years[row["citizen_id"]]) == row["school_year"]
        for row, _ in lake.tables["education.enrolments"].rows.values()
        if row["citizen_id"]
    }
    assert all(lasts.get(key, True) for key in told["education"]["leavers"])


def _parents_first() -> list[Dataset]:
    """Every dataset after those it refers to."""
    left, found = {d.id: d for d in CITY.datasets}, []
    while left:
        ready = [d for d in left.values() if not left.keys() & set(d.references)]
        found += ready
        for dataset in ready:
            del left[dataset.id]
    return found


def test_a_night_that_was_played_is_left_as_it_is(
    systems: Settings, nights: Callable[[int], tuple[Truth, list[BatchManifest]]]
) -> None:
    truth, _ = nights(3)
    before = _fingerprint(systems)
    assert sources.prepare(systems, 3) == truth
    assert sources.prepare(systems, 1) == sources.read_truth(systems, 1)
    assert _fingerprint(systems) == before


def test_another_city_in_the_same_place_is_refused(
    systems: Settings, tmp_path: Path, nights: Callable[[int], tuple[Truth, list[BatchManifest]]]
) -> None:
    nights(1)
    before = _fingerprint(systems)
    with pytest.raises(UserError, match=r"hold a city of 700 residents \(seed 11\), not of 1300"):
        sources.prepare(systems, 1, 1300)
    with pytest.raises(UserError, match=r"not of 700 \(seed 12\)"):
        sources.prepare(systems, 1, seed=12)
    with pytest.raises(UserError, match="the first night is 1"):
        sources.prepare(systems, 0)
    with pytest.raises(UserError, match=r"night 9 is not prepared: run `python -m demo prepare 9`"):
        sources.read_truth(systems, 9)
    with pytest.raises(UserError, match="night 1 is not prepared: run `python -m demo prepare 1`"):
        sources.read_answers(Settings(state_dir=tmp_path))
    assert _fingerprint(systems) == before


def test_a_city_of_another_version_is_refused(tmp_path: Path) -> None:
    settings = Settings(state_dir=tmp_path)
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "city.json").write_text('{"seed": 7, "residents": 800, "night": 2}')
    with pytest.raises(UserError, match="another version of CivicLake made: run `make clean`"):
        sources.size(settings)


def test_starting_again_changes_nothing(systems: Settings) -> None:
    before = {name: running.pid for name, running in sources.status(systems).items() if running}
    ports = sources.start(systems)
    assert sources.start(systems) == ports
    after = {name: running.pid for name, running in sources.status(systems).items() if running}
    assert after == before and len(before) == len(sources.status(systems))


def test_the_reader_may_read_and_nothing_else(
    systems: Settings,
    surroundings: dict[str, str],
    nights: Callable[[int], tuple[Truth, list[BatchManifest]]],
) -> None:
    nights(1)
    with psycopg.connect(
        host=surroundings["HEALTH_DB_HOST"],
        port=surroundings["HEALTH_DB_PORT"],
        user=surroundings["HEALTH_DB_USER"],
        password=surroundings["HEALTH_DB_PASSWORD"],
        dbname="his",
        autocommit=True,
    ) as connection:
        assert (connection.execute("SELECT count(*) FROM facilities").fetchone() or (0,))[0] >= 40
        for statement in ("DELETE FROM visits", "SELECT * FROM demo.nights", "DROP TABLE visits"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)


def test_no_secret_stands_in_the_truth_or_in_a_log(
    systems: Settings,
    surroundings: dict[str, str],
    nights: Callable[[int], tuple[Truth, list[BatchManifest]]],
) -> None:
    nights(1)
    secrets = [path.read_text().strip() for path in systems.secrets_dir.iterdir()]
    assert len(secrets) >= 4
    texts = [*systems.run_dir.rglob("*.log"), *(systems.state_dir / "demo").glob("*.json")]
    texts += list(systems.landing_dir.rglob("manifest.json"))
    assert len(texts) > 8
    for path in texts:
        content = path.read_text(errors="replace")
        assert not [s for s in secrets if s in content], path


def test_the_truth_is_plain_json(
    systems: Settings, nights: Callable[[int], tuple[Truth, list[BatchManifest]]]
) -> None:
    truth, _ = nights(1)
    content = json.loads(sources.truth_path(systems, 1).read_text())
    assert content["batch_id"] == "20160101T020000Z"
    assert set(content["datasets"]) == {d.id for d in CITY.datasets} == set(truth.datasets)


def _fingerprint(systems: Settings) -> object:
    with databases.server(Site(systems)).connect("his") as connection:
        table = connection.execute(
            "SELECT count(*), md5(string_agg(v::text, '|' ORDER BY v::text)) FROM visits v"
        ).fetchone()
    drops = sorted(p for p in sources.drops_dir(systems).rglob("*") if p.is_file())
    return table, [(p.name, p.stat().st_mtime_ns, p.read_bytes()) for p in drops]


def test_who_is_who_names_a_resident_for_every_record_about_somebody(
    systems: Settings, nights: Callable[[int], tuple[Truth, list[BatchManifest]]]
) -> None:
    nights(1)
    with gzip.open(sources.who_path(systems), "rt", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {int(row["resident"]) for row in rows} == set(range(RESIDENTS))
    about = {d.id for d in CITY.datasets if any(c.pseudonym_domain for c in d.columns)}
    assert {row["dataset"] for row in rows} == about
