"""Great Expectations' Data Docs: a page of them, and never any other file."""

from __future__ import annotations

import re
from pathlib import Path

from nightly.places import state_dir

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


def docs_dir() -> Path:
    """Where the pages are written."""
    return state_dir() / "data_docs"


def find(department: str, dataset: str, page: str) -> Path | None:
    """A page's file; None for everything that is not a page below the folder of Data Docs."""
    if not all(_NAME.fullmatch(part) for part in (department, dataset, page)):
        return None
    root = docs_dir().resolve()
    path = (root / department / dataset / page).resolve()
    inside = path.is_relative_to(root) and path.suffix == ".html"
    return path if inside and path.is_file() else None
