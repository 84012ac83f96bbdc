"""What check tells without failing."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from contract_city import PARKS, SmallCity

from civiclake.contracts.check import examine
from civiclake.contracts.read.globs import meet
from civiclake.contracts.warnings import warnings
from civiclake.settings import project_root

PLAIN = [
    ("a/*.csv", "a/b.csv", True),
    ("a/*.csv", "a/trees_*.csv", True),
    ("a/parks_*.csv", "a/trees_*.csv", False),
    ("a/*.csv", "a/*.json", False),
    ("a/*", "a/b/c", False),
    ("a/**", "a/b/c", True),
    ("a/b?.csv", "a/b[0-9].csv", True),
    ("a/?.csv", "a/bc.csv", False),
    ("${DROPS}/a/*2024*", "${DROPS}/a/*.csv", True),
    ("a*b*c", "*x*y*", True),
    ("a/births_[0-9]*.csv", "a/births_old.csv", False),
    ("a/births_[0-9]*.csv", "a/births_2016.csv", True),
    ("a/[a-c]*", "a/[d-f]*", False),
    ("a/[!a]", "a/[!b]", True),
    ("a/[[]b", "a/[b", True),
    ("a/[!a]", "a//", False),
]


@pytest.mark.parametrize(("first", "second", "met"), PLAIN)
def test_patterns_that_can_match_one_name(first: str, second: str, met: bool) -> None:
    assert meet(first, second, star_takes_slash=False) is met
    assert meet(second, first, star_takes_slash=False) is met


def test_a_star_in_a_bucket_goes_on_into_folders() -> None:
    assert meet("s3://b/*.csv", "s3://b/x/y.csv", star_takes_slash=True)


@pytest.fixture
def city(tmp_path: Path) -> SmallCity:
    return SmallCity(tmp_path)


def _warnings(city: SmallCity) -> list[str]:
    city.write()
    found = examine(city.schemas, city.expectations, city.marts)
    assert found.faults.problems == []
    return warnings(found)


def _second(city: SmallCity, path: str, own: dict[str, Any] | None = None, **server: Any) -> None:
    said = {"server": "source", "type": "local", "path": path, "format": "csv", **server}
    entry = {"property": "civiclake", "value": {"load": "files", **(own or {})}}
    city.add("parks/benches", PARKS, servers=[said], customProperties=[entry])


def test_two_datasets_that_can_take_one_file(city: SmallCity) -> None:
    _second(city, "${DROPS}/parks/benches*.csv")
    (warning,) = _warnings(city)
    assert warning.startswith("schemas/parks/parks.yaml:")
    assert "'${DROPS}/parks/*.csv' can match the same files as" in warning
    assert "of parks.benches; each would take the other's deliveries" in warning


def test_two_sheets_of_one_book_are_two_tables(city: SmallCity) -> None:
    city.parks["servers"][0].update(format="xlsx")
    city.parks["customProperties"][0]["value"]["sheet"] = "parks"
    _second(city, "${DROPS}/parks/*.csv", {"sheet": "benches"}, format="xlsx")
    assert _warnings(city) == []


def test_files_of_two_folders_are_told_apart(city: SmallCity) -> None:
    _second(city, "${DROPS}/benches/*.csv")
    assert _warnings(city) == []


def test_a_part_of_the_key_that_may_be_absent(city: SmallCity) -> None:
    city.column("tree_id")["required"] = False
    (warning,) = _warnings(city)
    assert "tree_id.required: is false, but 'tree_id' is a part of the key" in warning


def test_the_command_passes_and_tells_the_warnings(city: SmallCity) -> None:
    _second(city, "${DROPS}/parks/benches*.csv")
    city.write()
    folders = {
        f"CIVICLAKE_{n.upper()}_DIR": str(city.root / n) for n in ("schemas", "expectations")
    }
    done = subprocess.run(
        [project_root() / "bin/civiclake", "check", "--marts", city.root / "marts"],
        env={**os.environ, **folders},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "warning: schemas/parks/parks.yaml:" in done.stderr
    assert done.stdout.strip().endswith("sound; 1 warnings")


def test_a_figure_without_a_unit(city: SmallCity) -> None:
    made = city.mart("x", "SELECT 1 AS n, 2 AS delay, 3 AS delay_mean_s", columns=("n", "delay"))
    properties = made["schema"][0]["properties"]
    properties[1]["logicalType"] = "number"
    properties.append({**properties[1], "name": "delay_mean_s"})
    (warning,) = _warnings(city)
    assert "schema.x.properties.delay: 'delay' says no unit" in warning
    properties[1]["description"] = "Mean delay, seconds."
    assert _warnings(city) == []
