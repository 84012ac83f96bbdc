"""No mart of public safety holds a person, reads one, or is made of a mart that does."""

from __future__ import annotations

import pytest
import yaml

from civiclake.contracts.load import load_city
from civiclake.contracts.model import Mart
from civiclake.settings import project_root

ROOT = project_root()
CITY = load_city(ROOT / "schemas", ROOT / "expectations")
SAFETY = [mart for mart in CITY.marts if mart.application == "safety"]
PERSONS = yaml.safe_load((ROOT / "schemas" / "_columns" / "person.yaml").read_text("utf-8"))
OF_PERSONS = {*PERSONS, "person_id", "reporter_id", "household_no"} - {"district_code"}
"""Columns that mean a person, and what datasets of public security call them."""


def test_there_are_marts_and_columns_of_persons() -> None:
    assert len(SAFETY) >= 2
    assert {"citizen_id", "person_name", "phone", "home_cell"} <= OF_PERSONS


@pytest.mark.parametrize("mart", SAFETY, ids=[mart.name for mart in SAFETY])
def test_a_mart_of_public_safety_holds_and_reads_nobody(mart: Mart) -> None:
    assert mart.shows == mart.reads_restricted == ()
    assert {column.name for column in mart.columns} & OF_PERSONS == set()
    assert [c.name for c in mart.columns if c.protection is not None] == []
    links = [name for name in mart.inputs if name.startswith("links.")]
    assert links == []
    made_of = {name.removeprefix("marts.") for name in mart.inputs if name.startswith("marts.")}
    shown = [one.name for one in CITY.marts if one.name in made_of and one.shows]
    assert shown == []


@pytest.mark.parametrize("mart", SAFETY, ids=[mart.name for mart in SAFETY])
def test_its_contract_says_what_recorded_incidents_are(mart: Mart) -> None:
    text = " ".join((ROOT / "marts" / mart.path).read_text("utf-8").split())
    assert "Recorded incidents measure recording too" in text
    assert "Places are scored, never persons" in text
