"""Where the checkout and its state lie, by the variables that every task is given."""

from __future__ import annotations

import os
from pathlib import Path


def root() -> Path:
    """The checkout."""
    found = os.environ.get("CIVICLAKE_ROOT")
    return Path(found) if found else Path(__file__).resolve().parents[2]


def state_dir() -> Path:
    """Where everything is that is made at run time."""
    found = os.environ.get("CIVICLAKE_STATE_DIR")
    return Path(found) if found else root() / "var"


def manifest_path() -> Path:
    """The compiled manifest."""
    found = os.environ.get("CIVICLAKE_MANIFEST")
    return Path(found) if found else state_dir() / "manifest.json"
