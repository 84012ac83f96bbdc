"""What marts and links promise, and which of their inputs they wait for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from contract_city import SmallCity

from civiclake.contracts import promise
from civiclake.contracts.derived import BUILD_SECONDS, Derived, derived
from civiclake.contracts.load import load_city
from civiclake.contracts.model import Manifest

DUE = datetime(2026, 11, 29, 3, 30, tzinfo=UTC)  # a Sunday


@pytest.fixture
def city(tmp_path: Path) -> Manifest:
    made = SmallCity(tmp_path)
    made.own["schedule"] = "0 1 * * *"
    weekly: dict[str, Any] = {"load": "files", "schedule": "30 3 * * 0"}
    made.add("roads/works", made.parks)["customProperties"][0]["value"] = weekly
    made.mart("areas", inputs=["parks.trees", "parks.parks"])
    made.mart("works", inputs=["parks.trees", "roads.works"])
    made.write()
    return load_city(made.schemas, made.expectations, made.marts)


def one(city: Manifest, name: str) -> Derived:
    return next(made for made in derived(city) if made.id == name)


def test_a_mart_is_due_with_the_input_that_comes_least_often(city: Manifest) -> None:
    areas, works = one(city, "marts.areas"), one(city, "marts.works")
    assert (areas.schedule, works.schedule) == ("0 1 * * *", "30 3 * * 0")
    assert areas.latency_seconds == 2 * 86400 + BUILD_SECONDS
    assert (works.owner.name, works.owner.contact) == ("Planning", "plan@city.example")
    assert (works.dag, works.inputs) == ("mart_works", ("parks.trees", "roads.works"))


def test_links_are_owed_as_well(city: Manifest) -> None:
    assert [made.id for made in derived(city) if made.dag.startswith("link_")] == [
        f"link.{link.name}" for link in city.links
    ]


def test_a_mart_of_marts_is_due_with_them_and_waits_for_them(tmp_path: Path) -> None:
    made = SmallCity(tmp_path)
    made.own["schedule"] = "0 1 * * *"
    made.mart("a_late_one", inputs=["marts.x"])
    made.mart("x", inputs=["parks.trees"])
    made.write()
    city = load_city(made.schemas, made.expectations, made.marts)
    assert [mart.name for mart in city.marts] == ["x", "a_late_one"]
    of_marts, first = one(city, "marts.a_late_one"), one(city, "marts.x")
    assert of_marts.latency_seconds == first.latency_seconds + BUILD_SECONDS
    assert of_marts.schedule == "0 1 * * *"
    others = {found.id: found for found in derived(city)}
    (waits,) = of_marts.waits_for(DUE, {}, [], others)
    assert waits == "marts.x (not delivered: ask Planning, plan@city.example)"
    came = promise.delivered(first, "b", DUE.replace(hour=1, minute=0), DUE, rows=1)
    assert of_marts.waits_for(DUE, {}, [came], others) == []


def test_it_names_the_inputs_that_did_not_come_in_its_night(city: Manifest) -> None:
    works = one(city, "marts.works")
    datasets = {dataset.id: dataset for dataset in city.datasets}
    trees, roads = datasets["parks.trees"], datasets["roads.works"]
    tonight = DUE.replace(hour=1, minute=0)
    came = promise.delivered(trees, "b", tonight, tonight, rows=1)
    (waits,) = works.waits_for(DUE, datasets, [came])
    assert waits == "roads.works (not delivered: ask Parks, ann@parks.example)"
    absent = promise.absent(roads, DUE, DUE + timedelta(days=3))
    before = promise.delivered(roads, "a", DUE - timedelta(days=7), DUE - timedelta(days=7), rows=1)
    (waits,) = works.waits_for(DUE, datasets, [came, absent, before])
    assert waits.startswith("roads.works (absent: ask")
    late = promise.delivered(roads, "c", DUE, DUE + timedelta(days=3), rows=1)
    assert works.waits_for(DUE, datasets, [came, late]) == []
