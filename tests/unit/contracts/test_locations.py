"""How a source is reached is said in its own words; what renames delivered files is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from contract_city import SmallCity

from civiclake.contracts.diff.compare import _loading
from civiclake.contracts.load import load_city
from civiclake.contracts.model import Dataset, Load, Occurrence, Tls
from civiclake.errors import ContractError

SERVERS: dict[str, dict[str, Any]] = {
    "mysql": {"type": "mysql", "host": "h", "port": "1", "database": "d"},
    "s3": {"type": "s3", "location": "s3://b/*.csv", "format": "csv"},
    "local": {"type": "local", "path": "/d/*.csv", "format": "csv"},
}


def _trees(root: Path, kind: str, **own: Any) -> Dataset:
    city = SmallCity(root)
    city.trees["servers"] = [{"server": "source", **SERVERS[kind]}]
    city.own.update(own)
    if kind != "mysql":
        city.own.update(load="files")
        del city.own["overlap"]
    if kind == "local":
        city.own.pop("connection", None)
    city.write()
    return load_city(city.schemas, city.expectations, city.marts).dataset("parks.trees")


def test_tls_and_region_are_taken_from_the_contract(tmp_path: Path) -> None:
    found = _trees(tmp_path / "1", "mysql", tls={"ca": "${CA}"})
    assert found.source.tls == Tls(ca="${CA}")
    found = _trees(tmp_path / "2", "s3", s3={"region": "eu-west-1", "addressing": "virtual"})
    assert (found.source.s3.region, found.source.s3.addressing) == ("eu-west-1", "virtual")
    assert Dataset.model_validate_json(found.model_dump_json()) == found


@pytest.mark.parametrize(
    ("kind", "own", "words"),
    [
        ("s3", {"tls": {"mode": "required"}}, "goes with a server of type"),
        ("local", {"s3": {"region": "x"}}, "goes with a server of type 's3', not 'local'"),
        ("mysql", {"tls": {"mode": "verify_ca"}}, "wants `ca`"),
        ("mysql", {"tls": {"mode": "required", "ca": "/x"}}, "looks at no `ca`"),
        ("mysql", {"tls": {"mode": "verify_identiy"}}, "verify_identity"),
        ("s3", {"s3": {"addressing": "dns"}}, "'path' or 'virtual'"),
    ],
)
def test_what_does_not_fit_is_refused(
    tmp_path: Path, kind: str, own: dict[str, Any], words: str
) -> None:
    with pytest.raises(ContractError) as caught:
        _trees(tmp_path, kind, **own)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("was", "now", "renames"),
    [
        ("/d/*.csv", "/d/*/*.csv", True),
        ("/d/*/*.csv", "/d/x/*.csv", True),
        ("/d/*.csv", "/elsewhere/deeper/*.csv", False),
        ("/d/*.csv", "/d/trees.csv", False),
        ("/d/**/*.csv", "/e/**/*.csv", True),
        ("/d/*.csv", "/d/**/*.csv", True),
    ],
)
def test_a_location_that_renames_files_of_a_line_list_asks_for_a_rebuild(
    tmp_path: Path, was: str, now: str, renames: bool
) -> None:
    trees = _trees(tmp_path, "local")
    for occurrence in (None, Occurrence.EQUALS):
        old, new = (
            trees.model_copy(
                update={
                    "load": Load.FILES,
                    "occurrence": occurrence,
                    "source": trees.source.model_copy(update={"location": location}),
                }
            )
            for location in (was, now)
        )
        found = [change for change in _loading(old, new) if change.kind == "files_renamed"]
        assert bool(found) == (renames and occurrence is not None)
        assert all("backfill parks.trees --swap" in change.remedy for change in found)
