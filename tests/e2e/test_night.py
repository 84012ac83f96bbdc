"""The main job, end to end: the real scheduler runs real nights against real sources.

The tests run in their order: a lake has a history.
"""

from __future__ import annotations

from e2e_city import MART, City, secret_values

from civiclake.contracts.load import load_city
from demo import sources
from demo.city.truth import Truth

ACCOUNT = ("read", "inserted", "updated", "unchanged", "superseded", "late", "quarantined")


def assert_true_to(city: City, truth: Truth) -> None:
    """Every dataset's account is the one that its generator worked out, rule by rule."""
    wrong = {}
    for dataset, expected in truth.datasets.items():
        found = city.numbers(dataset, truth.night)
        for name, wanted in {"status": "merged", **expected.model_dump()}.items():
            if found[name] != wanted:
                wrong[f"{dataset} {name}"] = (found[name], wanted)
    assert wrong == {}


def test_night_one_is_true_to_what_the_sources_hold(city: City, first_night: Truth) -> None:
    assert len(first_night.datasets) >= 30
    assert first_night.datasets["health.visits"].quarantined > 0
    assert_true_to(city, first_night)


def test_the_lake_serves_what_was_loaded(city: City, first_night: Truth) -> None:
    (stop_times,) = city.query("SELECT count(*) FROM unified.transport_stop_times")
    (days,) = city.query("SELECT count(*) FROM unified.meteorology_daily")
    assert stop_times[0] == first_night.datasets["transport.stop_times"].inserted
    visits = first_night.datasets["health.visits"].inserted
    assert city.query("SELECT count(*) FROM unified.health_visits") == [(visits,)]
    assert days[0] == first_night.datasets["meteorology.daily"].inserted


def test_the_mart_was_run_by_its_inputs(city: City, first_night: Truth) -> None:
    run = city.mart_runs()[-1]
    assert run["run_type"] == "asset_triggered"
    visits = first_night.datasets["health.visits"].inserted
    found = city.query("SELECT sum(visits), count(*) FROM marts.visits_by_weather")
    assert found[0][0] <= visits
    assert found[0][0] > 0
    assert found[0][1] == first_night.datasets["meteorology.daily"].inserted
    extra = city.api.asset_events("civiclake://marts/visits_by_weather")[-1]["extra"]
    assert extra["batch_id"] == first_night.batch_id


def test_a_mart_is_run_by_the_mart_that_it_reads(city: City, first_night: Truth) -> None:
    (run,) = city.api.runs("mart_education_supply")
    assert run["run_type"] == "asset_triggered"
    (read,) = city.query("SELECT count(DISTINCT district_code) FROM marts.education_access")
    found = city.query(
        "SELECT sum(children), count(DISTINCT district_code) FROM marts.education_supply"
    )
    assert found[0][0] > 0
    assert found[0][1] >= read[0] > 1


def test_asset_events_carry_the_batchs_numbers(city: City, first_night: Truth) -> None:
    for dataset, expected in first_night.datasets.items():
        uri = f"civiclake://unified/{dataset.replace('.', '_')}"
        extra = city.api.asset_events(uri)[-1]["extra"]
        assert extra["batch_id"] == first_night.batch_id
        assert {n: extra[n] for n in ACCOUNT} == expected.model_dump(include=set(ACCOUNT))


def test_a_tasks_log_tells_its_steps(city: City, first_night: Truth) -> None:
    log = city.api.log("health", city.run_of("health", 1), "visits.load")
    assert "civiclake load health.visits --batch-id 20160101T020000Z" in log
    for step in ("stage", "judge", "verdict", "classify", "set_aside", "merge"):
        assert step in log
    assert f"{first_night.datasets['health.visits'].read}" in log


def test_night_two_is_true_to_what_the_sources_hold(city: City, second_night: Truth) -> None:
    visits = second_night.datasets["health.visits"]
    assert visits.updated > 0
    assert visits.late > 0
    assert visits.superseded > 0
    assert_true_to(city, second_night)


def test_the_same_night_again_changes_nothing(city: City, second_night: Truth) -> None:
    before = city.versions()
    city.run_night(2)
    after = city.versions()
    moved = {name: version for name, version in after.items() if before[name] != version}
    assert city.contents(moved) == city.contents({name: before[name] for name in moved})
    assert {name.replace(".", "_", 1) for name in second_night.datasets} <= before.keys()
    for dataset, expected in second_night.datasets.items():
        found = {n: city.numbers(dataset, 2)[n] for n in ACCOUNT}
        assert found == expected.again().model_dump(include=set(ACCOUNT)), dataset


def test_former_states_are_served_beside_todays(city: City, second_night: Truth) -> None:
    employers = second_night.datasets["employment.employers"]
    assert employers.updated > 0
    assert employers.deleted > 0
    (ended,) = city.query("SELECT count(*) FROM unified.employment_employers WHERE NOT _is_current")
    assert ended == (employers.updated + employers.deleted,)
    states = city.query(
        "SELECT CAST(_snapshot_date AS string), count(*) FROM unified.statistics_population"
        " GROUP BY 1 ORDER BY 1"
    )
    first = sources.read_truth(city.settings, 1).datasets["statistics.population"]
    second = second_night.datasets["statistics.population"]
    assert states == [("2016-01-01", first.inserted), ("2016-01-02", second.inserted)]


def test_no_secret_stands_in_any_log(city: City, second_night: Truth) -> None:
    run_dir = city.settings.run_dir
    logs = [*(city.settings.state_dir / "airflow" / "logs").rglob("*.log"), *run_dir.rglob("*.log")]
    assert len(logs) > 30
    told = {path: path.read_text(errors="replace") for path in logs}
    hidden = secret_values(city.settings)
    assert len(hidden) >= 10
    leaks = [
        (str(path), value[:3]) for path, text in told.items() for value in hidden if value in text
    ]
    assert leaks == []
    assert {"pseudonym_key_k1", "connect_token"} <= {
        path.name for path in city.settings.secrets_dir.iterdir()
    }


def test_every_table_has_its_pool(city: City) -> None:
    pools = city.api.pools()
    made = load_city(city.settings.schemas_dir, city.settings.expectations_dir)
    assert {f"table_{d.table}" for d in made.datasets} | {MART} <= set(pools)
    assert all(pools[name] == 1 for name in pools if name.startswith(("table_", "mart_")))


def test_everything_listens_on_the_loopback_alone(city: City) -> None:
    listening = city.listening()
    assert len(listening) >= 6  # the UI, two engines, two PostgreSQL, the object store
    assert {address for _, address in listening} <= {"127.0.0.1", "::1", "::ffff:127.0.0.1"}
