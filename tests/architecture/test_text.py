"""Every module is small enough to read, and no text knows the machine that it was written on."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LONGEST = 350
# A path of someone's own machine. Written in parts, or this file would name one.
MACHINE = re.compile(
    "|".join(["/" + "work/", "/" + "root/", "/home/" + r"\w+/", "/Users/" + r"\w"])
)


def _tracked() -> list[Path]:
    done = subprocess.run(
        ["git", "ls-files", "-z"], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return [ROOT / name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()]


def _modules() -> list[Path]:
    return [p for top in ("jobs", "demo", "dags") for p in sorted((ROOT / top).rglob("*.py"))]


def test_a_module_can_be_read_at_one_sitting() -> None:
    sizes = {p: len(p.read_text(encoding="utf-8").splitlines()) for p in _modules()}
    assert len(sizes) > 50
    assert {p: n for p, n in sizes.items() if n > LONGEST} == {}


def test_no_text_names_a_path_of_one_machine() -> None:
    found = []
    for path in _tracked():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # pictures and archives
        lines = enumerate(text.splitlines(), start=1)
        found += [f"{path.relative_to(ROOT)}:{n}: {s}" for n, s in lines if MACHINE.search(s)]
    assert found == []


@pytest.mark.parametrize("line", ["cd /" + "work/main", "/" + "root/x", "/home/" + "ann/x"])
def test_such_a_path_would_be_seen(line: str) -> None:
    assert MACHINE.search(line)
