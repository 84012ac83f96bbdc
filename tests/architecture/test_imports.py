"""Who imports whom, and what must stay light."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
from importlib.machinery import PathFinder
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("pyspark", "airflow", "great_expectations", "pandas", "boto3")


def _loaded_by(code: str, *path: Path) -> set[str]:
    """Top-level modules that a fresh Python has loaded after the code."""
    show = "import json, sys; print(json.dumps(sorted({m.split('.')[0] for m in sys.modules})))"
    ways = "".join(f"sys.path.insert(0, {str(p)!r}); " for p in path)
    command = [sys.executable, "-c", f"import sys; {ways}{code}; {show}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_imports_run_downward_only() -> None:
    linter = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run(
        [linter, "--no-cache"], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stdout
    assert "0 broken" in done.stdout


def test_contracts_need_no_engine() -> None:
    package = ROOT / "jobs" / "civiclake" / "contracts"
    modules = [
        ".".join(path.relative_to(ROOT / "jobs").with_suffix("").parts)
        for path in sorted(package.rglob("*.py"))
    ]
    assert len(modules) > 15
    code = "; ".join(f"import {m.removesuffix('.__init__')}" for m in modules)
    loaded = _loaded_by(code, ROOT / "jobs")
    assert "civiclake" in loaded
    assert not loaded & set(HEAVY)


def test_the_plan_of_the_night_needs_nothing_but_python() -> None:
    loaded = _loaded_by("import nightly.plan", ROOT / "dags")
    assert "nightly" in loaded
    assert not loaded & {*HEAVY, "civiclake", "pydantic", "yaml"}


def test_a_script_run_by_its_path_hides_no_package_from_itself() -> None:
    """Its folder comes first on the path: a neighbour of a package's name would be imported."""
    packages = [sysconfig.get_path("purelib")]
    hidden = [
        path.name
        for path in (ROOT / "bench").glob("*.py")
        if path.stem in sys.stdlib_module_names or PathFinder.find_spec(path.stem, packages)
    ]
    assert hidden == []


def test_a_heavy_import_would_be_seen() -> None:
    assert "boto3" in _loaded_by("import civiclake.io.sources.s3", ROOT / "jobs")


@pytest.mark.parametrize(
    "name", ["civiclake.settings", "civiclake.secrets", "civiclake.local", "civiclake.cli"]
)
def test_what_every_command_imports_first_is_light(name: str) -> None:
    assert not _loaded_by(f"import {name}", ROOT / "jobs") & set(HEAVY)
