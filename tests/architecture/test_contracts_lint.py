"""The public linter passes every contract: CivicLake's own fields stand where ODCS lets them."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from datacontract.data_contract import DataContract

ROOT = Path(__file__).resolve().parents[2]
CONTRACTS = sorted(p for p in (ROOT / "schemas").glob("*/*.yaml") if p.parent.name[0] != "_")
MARTS = sorted((ROOT / "marts").glob("*/*/mart.yaml"))


def _complaints(path: Path) -> list[str]:
    run = DataContract(data_contract_file=str(path)).lint()
    assert run.checks
    return [f"{c.name}: {c.reason}" for c in run.checks if str(c.result.value) != "passed"]


def test_there_are_contracts() -> None:
    assert len(CONTRACTS) >= 30
    assert MARTS


@pytest.mark.parametrize("path", CONTRACTS + MARTS, ids=lambda p: f"{p.parent.name}.{p.stem}")
def test_every_contract_passes_the_public_linter(path: Path) -> None:
    assert _complaints(path) == []


def test_the_linter_does_complain(tmp_path: Path) -> None:
    contract = yaml.safe_load(CONTRACTS[0].read_text())
    contract["kidn"] = contract.pop("kind")
    spoilt = tmp_path / "spoilt.yaml"
    spoilt.write_text(yaml.safe_dump(contract))
    assert _complaints(spoilt)
