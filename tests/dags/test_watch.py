"""A new, changed or faulty contract, compiled for real by the other environment."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import pytest
from airflow.dag_processing.dagbag import DagBag
from conftest import COMMAND, DAGS, ROOT

from nightly import watch


@pytest.fixture
def schemas(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A city of its own to change."""
    for name in ("schemas", "expectations"):
        shutil.copytree(ROOT / name, tmp_path / name)
        monkeypatch.setenv(f"CIVICLAKE_{name.upper()}_DIR", str(tmp_path / name))
    return tmp_path / "schemas"


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, schemas: Path) -> Path:
    """The real command, each call of which is written down."""
    log, program = tmp_path / "calls", tmp_path / "civiclake"
    program.write_text(f'#!/bin/sh\necho "$@" >>{log}\nexec {COMMAND} "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("CIVICLAKE_COMMAND", str(program))
    return log


def add_dataset(schemas: Path) -> Path:
    """One more dataset of the weather service: a copy of its contract under another name."""
    text = (schemas / "meteorology" / "daily.yaml").read_text()
    text = text.replace("id: meteorology.daily", "id: meteorology.weekly")
    path = schemas / "meteorology" / "weekly.yaml"
    path.write_text(text.replace("- name: daily", "- name: weekly"))
    return path


def tasks(bag: DagBag, dag_id: str) -> set[str]:
    return set(bag.dags[dag_id].task_ids)


def test_a_new_contract_shows_up_as_tasks_and_a_removed_one_goes(
    schemas: Path, calls: Path, state: Path
) -> None:
    watch.compile_changed()
    before = tasks(DagBag(str(DAGS)), "meteorology")
    new = add_dataset(schemas)
    bag = DagBag(str(DAGS))
    assert bag.import_errors == {}
    assert tasks(bag, "meteorology") == before | {"weekly.extract", "weekly.load"}
    new.unlink()
    assert tasks(DagBag(str(DAGS)), "meteorology") == before
    assert calls.read_text().split() == ["compile"] * 3


def test_nothing_is_compiled_while_nothing_changes(schemas: Path, calls: Path) -> None:
    watch.compile_changed()
    began = time.perf_counter()
    for _ in range(20):
        watch.compile_changed()
    assert (time.perf_counter() - began) / 20 < 0.05
    assert calls.read_text().split() == ["compile"]


def test_a_changed_suite_is_compiled_too(schemas: Path, calls: Path, state: Path) -> None:
    watch.compile_changed()
    before = json.loads((state / "manifest.json").read_text())["fingerprint"]
    suite = schemas.parent / "expectations" / "health" / "visits.json"
    suite.write_text(suite.read_text() + "\n")
    watch.compile_changed()
    assert json.loads((state / "manifest.json").read_text())["fingerprint"] != before


def test_faults_are_all_shown_by_this_file_alone(schemas: Path, calls: Path, state: Path) -> None:
    watch.compile_changed()
    good = json.loads((state / "manifest.json").read_text())
    contract = schemas / "meteorology" / "daily.yaml"
    sound = contract.read_text()
    contract.write_text(
        sound.replace("codes: weather", "codes: wether").replace("role: owner", "role: boss")
    )
    for _ in range(2):
        bag = DagBag(str(DAGS))
        ((file, told),) = bag.import_errors.items()
        assert Path(file).name == "contracts.py"
        assert "wether" in told
        assert "an owner is missing" in told
        assert set(bag.dags) >= {"health", "meteorology", "transport", "public_security"}
    now = json.loads((state / "manifest.json").read_text())
    assert now["datasets"] == good["datasets"]
    assert list(now["faults"]) == ["meteorology.daily"]
    assert calls.read_text().split() == ["compile"] * 2
    contract.write_text(sound)
    assert DagBag(str(DAGS)).import_errors == {}


def test_a_fault_keeps_no_other_contract_from_the_night(
    schemas: Path, calls: Path, state: Path
) -> None:
    watch.compile_changed()
    contract = schemas / "health" / "visits.yaml"
    contract.write_text(contract.read_text().replace("role: owner", "role: boss"))
    add_dataset(schemas)
    bag = DagBag(str(DAGS))
    assert [Path(file).name for file in bag.import_errors] == ["contracts.py"]
    assert {"weekly.extract", "weekly.load"} <= tasks(bag, "meteorology")
    assert "visits.load" in tasks(bag, "health")


def test_a_command_that_fails_otherwise_is_tried_again(
    schemas: Path, state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "broken"
    program.write_text("#!/bin/sh\necho 'no space left' >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("CIVICLAKE_COMMAND", str(program))
    with pytest.raises(RuntimeError, match="ended with code 1: no space left"):
        watch.compile_changed()
    monkeypatch.setenv("CIVICLAKE_COMMAND", str(COMMAND))
    watch.compile_changed()
    assert (state / "manifest.json").exists()
