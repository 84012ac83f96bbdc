"""The guide lists every module of methods, and each test that it names exists."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NOT_METHODS = {"__init__", "measured"}


def _rows() -> list[list[str]]:
    text = (ROOT / "docs" / "guides" / "methods.md").read_text(encoding="utf-8")
    rows = [
        [c.strip() for c in line.strip("|").split("|")] for line in text.splitlines() if "|" in line
    ]
    return [row for row in rows if row[-1].startswith("`test_")]


def test_every_module_has_a_row() -> None:
    named = {name for row in _rows() for name in re.findall(r"`(\w+)`", row[1])}
    modules = {p.stem for p in (ROOT / "jobs" / "civiclake" / "statistics").glob("*.py")}
    assert named == modules - NOT_METHODS


def test_every_reference_test_exists() -> None:
    tests = "".join(p.read_text(encoding="utf-8") for p in Path(__file__).parent.glob("test_*.py"))
    assert len(_rows()) > 20
    assert [row[-1] for row in _rows() if f"def {row[-1].strip('`')}(" not in tests] == []


def test_every_reference_says_where_it_comes_from() -> None:
    folders = [p for p in Path(__file__).parent.iterdir() if p.is_dir() and p.name != "__pycache__"]
    assert len(folders) >= 5
    for folder in folders:
        readme = (folder / "README.md").read_text(encoding="utf-8")
        assert re.search(r"BSD|MIT|CC|GPL", readme), folder.name
    size = sum(p.stat().st_size for f in folders for p in f.iterdir())
    assert size < 3_000_000
