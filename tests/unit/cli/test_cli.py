"""The command line, as a person and as a scheduler meet it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from civiclake.cli import app
from civiclake.settings import project_root


def _run(tmp_path: Path, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from civiclake.cli import main; main()", *words]
    kept = {k: v for k, v in os.environ.items() if not k.startswith("CIVICLAKE_")}
    env = {**kept, "CIVICLAKE_STATE_DIR": str(tmp_path / "state"), **env}
    return subprocess.run(command, capture_output=True, text=True, env=env, check=False)


@pytest.mark.parametrize(
    "words",
    [
        (), ("extract",), ("load",), ("mart",), ("check",), ("render",), ("sql",), ("up",),
        ("quarantine", "replay"), ("engine", "up"), ("analyst", "add"), ("batches",),
        ("diff",), ("new",), ("deliveries",), ("deliveries", "check"), ("backfill",),
        ("backfill", "run"), ("backfill", "swap"), ("maintain",), ("education", "districts"),
        ("education", "improve"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_help_teaches(words: tuple[str, ...]) -> None:
    done = CliRunner().invoke(app, [*words, "--help"])
    assert done.exit_code == 0
    assert "Usage: " in done.output
    assert len(done.output.splitlines()) > 4


def test_check_counts_a_sound_city(tmp_path: Path) -> None:
    done = _run(tmp_path, "check")
    assert done.returncode == 0
    contracts = list((project_root() / "schemas").glob("[!_]*/*.yaml"))
    assert len(contracts) >= 30
    assert done.stdout.startswith(f"{len(contracts)} contracts, ")


def test_faulty_contracts_are_all_listed_and_nothing_is_run(tmp_path: Path) -> None:
    schemas = tmp_path / "schemas" / "parks"
    schemas.mkdir(parents=True)
    (schemas / "trees.yaml").write_text("apiVersion: v3.2.0\nkind: DataContract\nowner: me\n")
    done = _run(tmp_path, "load", "parks.trees", CIVICLAKE_SCHEMAS_DIR=str(tmp_path / "schemas"))
    assert done.returncode == 2
    said = json.loads(done.stdout)
    assert said["kind"] == "ContractError"
    assert "unknown field 'owner'" in said["error"]
    assert "'version' is missing" in said["error"]
    assert not (tmp_path / "state" / "lake").exists()


def test_an_unknown_dataset_is_one_sentence_for_people_and_for_the_scheduler(
    tmp_path: Path,
) -> None:
    done = _run(tmp_path, "extract", "health.visit", "--batch-id", "b1")
    assert done.returncode == 2
    assert "did you mean 'health.visits'" in json.loads(done.stdout)["error"]
    assert "there is no dataset 'health.visit'" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("words", [(), ("health.visits", "--all")], ids=["nothing", "both"])
def test_what_to_maintain_is_said_and_not_guessed(tmp_path: Path, words: tuple[str, ...]) -> None:
    done = _run(tmp_path, "maintain", *words)
    assert done.returncode == 2
    assert "name one thing to maintain, or say --all" in done.stderr


def test_without_an_engine_a_load_says_what_to_start_and_may_be_tried_again(
    tmp_path: Path,
) -> None:
    env = {"CIVICLAKE_ENGINE__CONNECT_PORT": "1"}
    done = _run(tmp_path, "quarantine", "list", **env)
    assert done.returncode == 75
    assert "run `civiclake engine up`" in done.stderr


def test_render_prints_the_whole_suite(tmp_path: Path) -> None:
    done = _run(tmp_path, "render", "suite", "health.visits")
    rules = json.loads(done.stdout)["expectations"]
    assert {"contract", "suite"} == {rule["meta"]["origin"] for rule in rules}
    done = _run(tmp_path, "render", "ddl", "health.visits")
    assert done.stdout.startswith("CREATE TABLE IF NOT EXISTS unified.`health_visits`")
    assert "patient_name" not in done.stdout


def test_the_project_root_is_found() -> None:
    assert (project_root() / "schemas").is_dir()
