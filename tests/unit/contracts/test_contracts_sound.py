"""One faulty contract stops its own dataset and those that lean on it, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from contract_city import PARKS, SmallCity
from contract_spoilers import extension, rule

from civiclake.cli import city as cli_city
from civiclake.contracts.load import load_sound
from civiclake.contracts.model import Manifest
from civiclake.errors import ContractError
from civiclake.settings import Settings, load_settings


@pytest.fixture
def city(tmp_path: Path) -> SmallCity:
    made = SmallCity(tmp_path)
    made.add("works/permits", PARKS)
    made.mart("areas", inputs=["parks.parks"])
    return made


def _loaded(city: SmallCity, former: Manifest | None = None) -> Manifest:
    city.write()
    return load_sound(city.schemas, city.expectations, city.marts, former)


def _ids(manifest: Manifest) -> list[str]:
    return [dataset.id for dataset in manifest.datasets]


def test_a_sound_city_has_no_faults(city: SmallCity) -> None:
    made = _loaded(city)
    assert made.faults == {}
    assert _ids(made) == ["parks.parks", "parks.trees", "works.permits"]


def test_a_faulty_contract_stops_its_dataset(city: SmallCity) -> None:
    city.trees.pop("team")
    made = _loaded(city)
    assert _ids(made) == ["parks.parks", "works.permits"]
    assert list(made.faults) == ["parks.trees"]
    assert "an owner is missing" in made.faults["parks.trees"][0]
    assert [mart.name for mart in made.marts] == ["areas"]


@pytest.mark.parametrize("text", ["a: [", ""])
def test_a_contract_that_can_not_be_read_stops_its_dataset(city: SmallCity, text: str) -> None:
    city.files["schemas/works/broken.yaml"] = text
    made = _loaded(city)
    assert _ids(made) == ["parks.parks", "parks.trees", "works.permits"]
    assert list(made.faults) == ["works.broken"]


def test_a_faulty_suite_stops_its_dataset(city: SmallCity) -> None:
    rule("expect_column_values_to_be_in_set", column="tree_id", value_set=[None])(city)
    assert list(_loaded(city).faults) == ["parks.trees"]


def test_what_refers_to_a_faulty_dataset_is_stopped_with_it(city: SmallCity) -> None:
    city.parks.pop("team")
    made = _loaded(city)
    assert _ids(made) == ["works.permits"]
    assert made.faults["parks.trees"] == made.faults["parks.parks"]
    assert made.marts == ()


def test_a_faulty_shared_column_stops_those_that_point_to_it(city: SmallCity) -> None:
    city.person["person_id"]["clasification"] = "x"
    made = _loaded(city)
    assert _ids(made) == ["parks.parks", "works.permits"]
    assert "clasification" in made.faults["parks.trees"][0]


def test_a_faulty_code_list_stops_those_that_name_it(city: SmallCity) -> None:
    city.species["titel"] = "x"
    assert _ids(_loaded(city)) == ["parks.parks", "works.permits"]


def test_a_faulty_mart_stops_no_dataset(city: SmallCity) -> None:
    city.mart("broken", inputs=["parks.park"])
    made = _loaded(city)
    assert list(made.faults) == ["marts.broken"]
    assert len(made.datasets) == 3


def test_what_is_faulty_now_stays_as_it_was_last(city: SmallCity) -> None:
    good = _loaded(city)
    city.trees.pop("team")
    city.mart("areas", "SELECT 1 AS m", inputs=["parks.parks"])
    city.parks["version"] = "1.1.0"
    made = _loaded(city, good)
    assert made.dataset("parks.trees") == good.dataset("parks.trees")
    assert made.dataset("parks.parks").version == "1.1.0"
    assert made.marts == good.marts
    assert set(made.faults) == {"parks.trees", "marts.areas"}


def test_a_city_without_a_sound_contract_is_refused(city: SmallCity) -> None:
    city.parks.pop("team")
    city.files["schemas/works/permits.yaml"] = "a: ["
    city._extra.clear()
    with pytest.raises(ContractError, match="an owner is missing"):
        _loaded(city)


@pytest.fixture
def settings(city: SmallCity, tmp_path: Path) -> Settings:
    folders = {f"{n}_dir": tmp_path / n for n in ("schemas", "expectations", "marts")}
    return load_settings().model_copy(update={"state_dir": tmp_path / "var", **folders})


def test_a_command_runs_for_every_dataset_but_the_faulty(
    city: SmallCity, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    city.column("species")["customProperties"] = extension(codes="specis")
    city.write()
    for _ in range(2):  # compiled anew, then from the manifest
        assert cli_city.dataset(settings, "works.permits").id == "works.permits"
        assert "1 faults in contracts" in caplog.text
        with pytest.raises(ContractError, match="there is no code list 'specis'"):
            cli_city.dataset(settings, "parks.trees")


def test_a_faulty_mart_is_told_when_it_is_asked_for(city: SmallCity, settings: Settings) -> None:
    city.mart("broken", inputs=["parks.park"])
    city.write()
    assert cli_city.with_mart(settings, "areas").marts
    with pytest.raises(ContractError, match="there is no input"):
        cli_city.with_mart(settings, "broken")


def test_the_night_works_by_what_was_sound_last(
    city: SmallCity, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    city.write()
    good = cli_city.compile_city(settings)
    city.trees.pop("team")
    city.write()
    assert cli_city.problems(cli_city.compile_city(settings))
    monkeypatch.setenv(cli_city.DEPLOYED, str(settings.manifest_path))
    assert cli_city.dataset(settings, "parks.trees") == good.dataset("parks.trees")
