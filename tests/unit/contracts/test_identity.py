"""Who says who: derived from the shared columns that contracts point to."""

from __future__ import annotations

from civiclake.contracts.load import load_city
from civiclake.contracts.model import Column, Dataset, Protection
from civiclake.contracts.read.identity import identities, links
from civiclake.settings import project_root

ROOT = project_root()
CITY = load_city(ROOT / "schemas", ROOT / "expectations")
VISITS = CITY.dataset("health.visits")


def _column(name: str, meaning: str | None, protection: Protection | None = None) -> Column:
    return Column(
        name=name, source_name=name, logical_type="string", spark_type="string", meaning=meaning,
        protection=protection,
    )  # fmt: skip


def _dataset(*columns: Column) -> Dataset:
    return VISITS.model_copy(update={"columns": columns})


def test_the_sample_citys_contracts_say_who() -> None:
    by_name = {link.name: link.inputs for link in CITY.links}
    assert "health.visits" in by_name["person"]
    assert {"health.facilities", "transport.stops"} <= set(by_name["place"])
    moving = {"transport.vehicle_positions", "transport.shapes", "geography.road_segments"}
    assert not moving & set(by_name["place"])  # where a bus was is no place
    (visits,) = identities("person", [VISITS])
    assert {f: c.name for f, c in visits.columns.items()}.items() >= {
        "citizen_id": "citizen_id", "person_name": "patient_name", "phone": "phone",
    }.items()  # fmt: skip


def test_too_little_says_nobody() -> None:
    name = _column("name", "person.person_name", Protection.DROP)
    sex, plain = _column("sex", "person.sex"), _column("note", None)
    assert links([_dataset(name, sex, plain)]) == ()
    phone = _column("phone", "person.phone", Protection.DROP)
    assert [link.name for link in links([_dataset(name, phone)])] == ["person"]
    number = _column("id", "person.citizen_id", Protection.PSEUDONYM)
    assert [link.name for link in links([_dataset(number)])] == ["person"]


def test_the_preferred_meaning_and_the_first_column_count() -> None:
    number = _column("id", "person.citizen_id", Protection.PSEUDONYM)
    guardian = _column("guardian_id", "person.citizen_id", Protection.PSEUDONYM)
    scene, home = _column("scene", "place.district_code"), _column("home", "person.district_code")
    (found,) = identities("person", [_dataset(number, guardian, scene, home)])
    assert found.columns["citizen_id"].name == "id"
    assert found.columns["district_code"].name == "home"


def test_what_would_be_served_is_never_taken_from_a_protected_column() -> None:
    address = _column("home", "place.address", Protection.DROP)
    assert identities("place", [_dataset(address)]) == []
    code = _column("code", "organisation.credit_code", Protection.PSEUDONYM)
    name = _column("owner", "organisation.organisation_name", Protection.DROP)
    (found,) = identities("organisation", [_dataset(code, name)])
    assert set(found.columns) == {"credit_code"}
