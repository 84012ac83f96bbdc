"""A finding has the form that findings/README.md says, and a line there."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

import pytest

FINDINGS = Path(__file__).resolve().parents[2] / "findings"
SCRIPTS = sorted(FINDINGS.glob("*.sh"))
README = (FINDINGS / "README.md").read_text(encoding="utf-8")
PINNED = re.compile(r"[a-z0-9-]+(\[[a-z]+\])?==\d[\w.]*")


def test_there_are_findings_and_each_is_listed_once() -> None:
    listed = re.findall(r"^\| `([a-z0-9-]+)` \|", README, re.MULTILINE)
    assert len(SCRIPTS) > 20
    assert sorted(listed) == [p.stem for p in SCRIPTS]
    assert {p.name for p in FINDINGS.iterdir()} == {p.name for p in SCRIPTS} | {"README.md"}


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda p: p.stem)
def test_a_finding_has_the_form(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    header = lines[1 : lines.index("set -euo pipefail")]
    body = "\n".join(lines[len(header) + 1 :])
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", path.stem)
    assert os.access(path, os.X_OK)
    assert lines[0] == "#!/usr/bin/env bash"
    assert all(line.startswith("#") for line in header)
    said = "\n".join(header)
    assert len(header) >= 5
    assert re.search(r"\d+\.\d+", said), "the version stands in the header"
    assert "Seen with" in said, "what was seen stands in the header"
    for needed in ("mktemp -d", "trap 'rm -rf", "uv venv -q", "python3 -m venv", "assert "):
        assert needed in body, needed
    assert "civiclake" not in body.lower()


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda p: p.stem)
def test_what_a_finding_fetches_is_pinned(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    (packages,) = re.findall(r"^packages=\((.*)\)$", text, re.MULTILINE)
    names = shlex.split(packages)
    assert names
    assert [name for name in names if not PINNED.fullmatch(name)] == []
    assert text.count("install -q") == text.count('"${packages[@]}"') == 2
    if "curl" in text:
        assert "sha256sum --check" in text
        fetched = re.findall(r"^[0-9a-f]{64}  [\w.-]+\.jar$", text, re.MULTILINE)
        assert len(fetched) >= 2


def test_what_the_documents_name_is_there() -> None:
    documents = [*(FINDINGS.parent / "docs").rglob("*.md"), FINDINGS.parent / "README.md"]
    named = {
        name
        for path in documents
        for name in re.findall(r"findings/([\w-]+\.sh)", path.read_text(encoding="utf-8"))
    }
    assert len(named) > 10
    assert named - {p.name for p in SCRIPTS} == set()


def test_where_the_product_deals_with_it_is_a_place() -> None:
    cells = [line.rstrip(" |").rpartition("|")[2] for line in README.splitlines() if "| `" in line]
    named = {name for cell in cells for name in re.findall(r"`([\w.]+/[\w./]+)`", cell)}
    roots = (FINDINGS.parent, FINDINGS.parent / "jobs" / "civiclake")
    assert len(named) > 10
    assert [n for n in sorted(named) if not any((root / n).exists() for root in roots)] == []
