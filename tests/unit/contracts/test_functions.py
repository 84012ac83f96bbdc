"""Functions as steps are known by their source alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from civiclake.contracts import functions

STEP = "civiclake.applications.transit.trips.build"
SOURCES = {
    "civiclake/applications/transit/__init__.py": "",
    "civiclake/applications/transit/trips.py": (
        "from civiclake.applications.transit import stops\n"
        "from civiclake.statistics.headway import wait\n"
        "import not_installed_anywhere\n"
        "def build(inputs, parameters):\n    return stops.of(inputs)\n"
        "def _hidden(a, b): ...\n"
        "def three(a, b, c): ...\n"
    ),
    "civiclake/applications/transit/stops.py": "def of(inputs): ...\n",
    "civiclake/statistics/headway.py": "def wait(h, cv): return h / 2 * (1 + cv * cv)\n",
    "civiclake/applications/education.py": "def build(inputs, parameters): ...\n",
}


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in SOURCES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.setattr(functions, "_ROOT", tmp_path)
    return tmp_path


def test_they_are_found_without_being_imported(root: Path) -> None:
    assert functions.arguments(STEP) == ["inputs", "parameters"]
    assert functions.arguments(f"{functions.PACKAGE}.transit.trips.bild") is None
    assert functions.arguments(f"{functions.PACKAGE}.tranist.trips.build") is None
    assert functions.known() == [f"{functions.PACKAGE}.education.build", STEP]
    assert functions.is_named(STEP)
    for other in ("os.system", "civiclake.settings.load_settings", "civiclake.applications.x y"):
        assert not functions.is_named(other)


@pytest.mark.parametrize(
    ("file", "is_another"),
    [
        ("civiclake/applications/transit/trips.py", True),
        ("civiclake/applications/transit/stops.py", True),
        ("civiclake/statistics/headway.py", True),
        ("civiclake/applications/education.py", False),
    ],
)
def test_a_change_of_what_it_is_made_of_is_another_function(
    root: Path, file: str, is_another: bool
) -> None:
    before = functions.digest(STEP)
    assert functions.digest(STEP) == before
    path = root / file
    path.write_text(path.read_text() + "# more\n")
    assert (functions.digest(STEP) != before) is is_another
