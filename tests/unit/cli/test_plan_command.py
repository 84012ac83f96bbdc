"""The command refuses what cannot be meant in one sentence, before any engine is asked."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from civiclake import cli
from civiclake.contracts.load import load_city
from civiclake.pipeline.plans.kinds import check_kind, read_kinds
from civiclake.settings import project_root


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("libary", "--new", "1"), "did you mean 'library'?"),
        (("library",), "say how many (--new 3)"),
        (("library", "--new", "0"), "new 0: 1 and more is allowed"),
        (("library", "--new", "1", "--within", "300"), "within '300'"),
        (("library", "--new", "1", "--picture", "a.png"), "ends in .svg is allowed"),
        (("library", "--new", "1", "--geojson", "no/a.geojson"), "the folder no is not there"),
        (("library", "--new", "1", "--fix", "no.csv"), "no.csv: no such file"),
        (
            ("library", "--new", "1", "--solve", "p-center", "--capacity", "9"),
            "p-median is allowed",
        ),
    ],
)
def test_what_cannot_be_meant_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    words: tuple[str, ...],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["civiclake", "plan", *words])
    assert cli.run() == 2
    told = capsys.readouterr()
    assert said in told.err
    assert told.err.startswith("civiclake: ")
    assert told.err.count("\n") == 1
    assert told.out == ""


def test_the_check_holds_kinds_against_the_contracts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "planning").mkdir()
    (tmp_path / "planning" / "kinds.yaml").write_text(
        "library: {title: Libraries, solve: p-median, within: 1km, by: foot,"
        " facilities: {dataset: culture.venues, id: venue}}"
    )
    monkeypatch.setattr(sys, "argv", ["civiclake", "check", "--marts", str(tmp_path)])
    assert cli.run() == 2
    assert "kind library: culture.venues has no column 'venue'" in capsys.readouterr().err


def test_every_kind_names_what_the_contracts_have() -> None:
    root = project_root()
    city = load_city(root / "schemas", root / "expectations")
    (demand,) = (mart for mart in city.marts if mart.name == "planning_demand")
    bands = demand.parameters["bands"]
    for kind in read_kinds(root / "marts" / "planning" / "kinds.yaml").values():
        check_kind(city.datasets, kind)
        assert [*kind.ages] in [*bands, [0, 150]]
