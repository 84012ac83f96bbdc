"""Contracts of every version of the standard that published contracts carry."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from contract_city import SmallCity

from civiclake.contracts.check import check
from civiclake.contracts.load import load_city
from civiclake.contracts.model import Dataset
from civiclake.contracts.read.odcs_versions import READ


@pytest.fixture
def city(tmp_path: Path) -> SmallCity:
    return SmallCity(tmp_path)


def _parks(city: SmallCity, version: str, **area: Any) -> Dataset:
    """The parks of a contract of that version, with more said of their area."""
    city.parks["apiVersion"] = version
    city.parks["schema"][0]["properties"][1].update(area)
    city.write()
    return load_city(city.schemas, city.expectations, city.marts).dataset("parks.parks")


@pytest.mark.parametrize("version", READ)
def test_every_version_says_the_same(city: SmallCity, version: str) -> None:
    plain = _parks(city, READ[-1])
    assert _parks(city, version) == plain


@pytest.mark.parametrize("version", ["v3.0.0", "v3.0.1", "v3.0.2"])
def test_an_open_bound_of_the_first_versions(city: SmallCity, version: str) -> None:
    said = {"minimum": 0, "exclusiveMinimum": True, "maximum": 9, "exclusiveMaximum": False}
    found = _parks(city, version, logicalTypeOptions=said)
    rule = next(r for r in found.rules if r.id == "range:area_m2")
    assert rule.kwargs == {
        "column": "area_m2", "min_value": 0, "strict_min": True, "max_value": 9,
    }  # fmt: skip


def test_a_moment_of_the_first_versions_is_a_date_by_its_physical_type(city: SmallCity) -> None:
    found = _parks(city, "v3.0.2", logicalType="date", physicalType="TIMESTAMP_TZ")
    assert found.column("area_m2").spark_type == "timestamp"
    assert _parks(city, "v3.0.2", physicalType="date").column("area_m2").spark_type == "date"


def test_a_metric_of_the_first_versions(city: SmallCity) -> None:
    city.parks["schema"][0]["quality"] = [
        {"type": "library", "rule": "rowCount", "mustBeGreaterThan": 1}
    ]
    found = _parks(city, "v3.0.1")
    assert {r.id: r.kwargs for r in found.rules}["row_count"] == {"min_value": 2}


def test_words_of_the_first_versions_are_faults_in_later_ones(city: SmallCity) -> None:
    city.parks["schema"][0]["properties"][1]["logicalTypeOptions"] = {
        "minimum": 0, "exclusiveMinimum": True,
    }  # fmt: skip
    city.parks["apiVersion"] = "v3.1.0"
    city.write()
    (problem,) = check(city.schemas, city.expectations, city.marts)
    assert "exclusiveMinimum: is True; allowed is a value of type number" in problem


@pytest.mark.parametrize("version", ["v2.2.2", "v4.0.0", "3.1.0", 3])
def test_an_unknown_version_is_refused_with_those_that_are_read(
    city: SmallCity, version: object
) -> None:
    city.parks["apiVersion"] = version
    city.write()
    (problem,) = check(city.schemas, city.expectations, city.marts)
    assert f"apiVersion: is {version!r}; allowed are 'v3.0.0', 'v3.0.1', 'v3.0.2'" in problem
