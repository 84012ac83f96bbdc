"""Folders put back to a former state: every run of a work begins with the same bytes."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

_WRITTEN_ONCE = (".parquet", ".bin", ".gz")
"""Data files, deletion vectors and landed bytes: nobody writes into one that is there."""
_LOG = "_delta_log"


def copy(source: Path, target: Path, names: Iterable[str] | None = None) -> None:
    """Copy a folder of Delta tables; what is written once is linked, a table's log is copied.

    Args:
        source: folder to copy.
        target: where the copy is made; it must not be there.
        names: of the entries to take; all by default.
    """
    target.mkdir(parents=True, mode=0o755)
    for path in sorted(source.iterdir()):
        if names is not None and path.name not in names:
            continue
        if path.is_dir():
            shutil.copytree(path, target / path.name, copy_function=_link_or_copy)
        else:
            _link_or_copy(str(path), str(target / path.name))


def _link_or_copy(source: str, target: str) -> None:
    if source.endswith(_WRITTEN_ONCE) and _LOG not in Path(source).parts:
        os.link(source, target)
    else:
        shutil.copy2(source, target)
