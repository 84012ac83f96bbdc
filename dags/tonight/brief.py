"""The pages of the city's brief: each to those who may see all that it shows."""

from __future__ import annotations

import json
import re
from pathlib import Path

from nightly.places import state_dir

INDEX = "index.html"
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*\.html")


def folder() -> Path:
    """Where `civiclake brief` writes them."""
    return state_dir() / "brief"


def find(page: str) -> tuple[Path, list[str]] | None:
    """A page's file, and the ids of the DAGs that its reader must be allowed to see.

    None for everything that was not written as a page.
    """
    if not _NAME.fullmatch(page):
        return None
    try:
        needs = json.loads((folder() / "needs.json").read_text())[page]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    path = (folder() / page).resolve()
    inside = path.parent == folder().resolve()
    return (path, [str(dag) for dag in needs]) if inside and path.is_file() else None
