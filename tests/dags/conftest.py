"""Airflow's environment, which knows no `civiclake`: the manifest is made by the other one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
DAGS = ROOT / "dags"
COMMAND = ROOT / "bin" / "civiclake"

# Airflow reads these when it is imported: nothing of an installation beside us may come in.
for _name in [n for n in os.environ if n.startswith(("AIRFLOW", "CIVICLAKE_"))]:
    del os.environ[_name]
os.environ["AIRFLOW_HOME"] = tempfile.mkdtemp(prefix="airflow-home-")
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
os.environ["AIRFLOW__CORE__PLUGINS_FOLDER"] = str(DAGS / "plugins")
sys.path.insert(0, str(DAGS))


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The manifest of the real contracts."""
    state = tmp_path_factory.mktemp("compiled")
    env = {**os.environ, "CIVICLAKE_STATE_DIR": str(state)}
    subprocess.run([COMMAND, "compile"], env=env, check=True, timeout=60)
    return json.loads((state / "manifest.json").read_text())


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty state folder, known by the environment as in Airflow's services."""
    found = tmp_path / "state"
    found.mkdir()
    monkeypatch.setenv("CIVICLAKE_ROOT", str(ROOT))
    monkeypatch.setenv("CIVICLAKE_STATE_DIR", str(found))
    monkeypatch.setenv("CIVICLAKE_MANIFEST", str(found / "manifest.json"))
    # Parsing must not compile the real contracts over a test's own manifest.
    monkeypatch.setenv("CIVICLAKE_COMMAND", "true")
    return found


@pytest.fixture
def deploy(state: Path) -> Callable[[dict[str, Any]], None]:
    """Put a manifest in its place."""

    def put(manifest: dict[str, Any]) -> None:
        (state / "manifest.json").write_text(json.dumps(manifest))

    return put
