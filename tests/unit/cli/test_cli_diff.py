"""``civiclake diff`` on folders, files and revisions of a git repository."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from contract_city import SmallCity
from typer.testing import CliRunner, Result

from civiclake.cli import app
from civiclake.errors import ContractError, UserError


def _git(folder: Path, *words: str) -> None:
    who = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b.example"}
    who |= {"GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b.example"}
    subprocess.run(
        ["git", *words], cwd=folder, check=True, capture_output=True, env={**os.environ, **who}
    )


@pytest.fixture
def city(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SmallCity:
    """A city in a repository of its own, with one commit."""
    made = SmallCity(tmp_path / "repo").write()
    monkeypatch.setenv("CIVICLAKE_SCHEMAS_DIR", str(made.schemas))
    _git(made.root, "init", "-q", "-b", "main")
    _git(made.root, "add", "-A")
    _git(made.root, "commit", "-q", "-m", "first")
    return made


def _run(*words: str) -> Result:
    return CliRunner().invoke(app, ["diff", *words])


def _narrow(city: SmallCity, version: str = "1.0.0") -> None:
    city.column("height_m")["physicalType"] = "numeric(4,2)"
    city.trees["version"] = version
    city.write()


def test_the_working_tree_is_held_against_the_last_commit(city: SmallCity) -> None:
    assert _run().stdout == "no contract differs\n"
    _narrow(city)
    city.species["codes"].pop("elm")
    city.write()
    done = _run()
    assert isinstance(done.exception, ContractError)
    assert done.exception.exit_code == 2
    assert "type_narrowed" not in done.stdout  # words for people
    assert "was decimal(5,2), is decimal(4,2)" in done.stdout
    assert "lost elm" in done.stdout  # all at once
    assert done.exception.problems == (
        "parks.trees: 2 breaking changes under version 1.0.0; wanted is 2.0.0, a new major version",
    )


def test_a_new_major_version_lets_it_pass(city: SmallCity) -> None:
    _narrow(city, "2.0.0")
    done = _run("--json")
    assert done.exit_code == 0
    (found,) = json.loads(done.stdout)
    assert (found["dataset"], found["level"], found["problem"]) == ("parks.trees", "breaking", "")


def test_revisions_are_held_against_each_other(city: SmallCity) -> None:
    _narrow(city)
    _git(city.root, "commit", "-q", "-a", "-m", "second")
    assert _run().stdout == "no contract differs\n"
    assert isinstance(_run("HEAD~1").exception, ContractError)
    assert isinstance(_run("main~1", "main").exception, ContractError)
    back = _run("main", "main~1", "--json")
    assert [c["kind"] for c in json.loads(back.stdout)[0]["changes"]] == ["type_widened"]


def test_a_revision_older_than_the_contracts_holds_none(tmp_path: Path, city: SmallCity) -> None:
    _git(city.root, "checkout", "-q", "--orphan", "bare")
    _git(city.root, "rm", "-r", "-q", "--cached", ".")
    _git(city.root, "commit", "-q", "--allow-empty", "-m", "nothing yet")
    found = json.loads(_run("bare", "main", "--json").stdout)
    assert [c["changes"][0]["kind"] for c in found] == ["dataset_added"] * 2


def test_compatible_changes_pass_unless_it_shall_be_strict(city: SmallCity) -> None:
    city.column("height_m")["physicalType"] = "numeric(7,3)"
    city.write()
    assert _run().exit_code == 0
    strict = _run("--strict").exception
    assert isinstance(strict, ContractError)
    assert "would be told by version 1.1.0" in str(strict)


def test_folders_and_files(city: SmallCity, tmp_path: Path) -> None:
    other = SmallCity(tmp_path / "other")
    _narrow(other)
    assert isinstance(_run(str(city.schemas), str(other.schemas)).exception, ContractError)
    # One file is one contract: the others are not missed.
    loose = tmp_path / "proposal.yaml"
    loose.write_text((other.schemas / "parks/trees.yaml").read_text())
    found = _run("HEAD", str(loose)).exception
    assert isinstance(found, ContractError)
    assert len(found.problems) == 1
    loose.write_text("id: nowhere\n")
    assert "id is 'nowhere'; allowed is '<department>.<dataset>'" in str(
        _run("HEAD", str(loose)).exception
    )


def test_an_unknown_revision_is_an_error_unless_the_clone_may_lack_it(city: SmallCity) -> None:
    for unknown in ("HEAD~1", "no-such-branch", "--output=x"):
        words = ("--", unknown) if unknown.startswith("-") else (unknown,)
        error = _run(*words).exception
        assert isinstance(error, UserError)
        assert "no revision that this clone holds" in str(error)
    told = _run("--if-known", "HEAD~1")
    assert told.exit_code == 0
    assert "contracts were not compared" in told.stderr


def test_without_a_repository_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = SmallCity(tmp_path).write()
    monkeypatch.setenv("CIVICLAKE_SCHEMAS_DIR", str(made.schemas))
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert "is in no git repository" in str(_run().exception)
