"""What several modules of the unit tests start from."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def schemas(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of contracts, which the commands of the test work on."""
    found = tmp_path / "schemas"
    found.mkdir()
    monkeypatch.setenv("CIVICLAKE_SCHEMAS_DIR", str(found))
    monkeypatch.setenv("CIVICLAKE_EXPECTATIONS_DIR", str(tmp_path / "expectations"))
    return found
