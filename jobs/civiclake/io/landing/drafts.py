"""A batch's folder while it is being written, and what is left of those that were not finished."""

from __future__ import annotations

import itertools
import os
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

import psutil


class Draft:
    """A batch's folder while it is being written."""

    def __init__(self, folder: Path, batch_id: str) -> None:
        self.folder, self.batch_id = folder, batch_id
        self.needed: int | None = None
        """Bytes that it will take, where they are known beforehand."""
        self._numbers = itertools.count(1)  # readers of one table may ask at the same time

    def place(self, name: str) -> str:
        """A numbered name that no reader takes for a hidden file or a pattern."""
        plain = re.sub(r"[^0-9A-Za-z._-]", "_", name)[-100:]
        return f"{next(self._numbers):04d}-{plain}"

    def path(self, relative: str) -> Path:
        """The file of that relative name; its folder is made."""
        found = self.folder / relative
        found.parent.mkdir(exist_ok=True, mode=0o700)
        return found


def sweep(drafts: Iterable[Path]) -> None:
    """Remove those whose process is gone."""
    for draft in drafts:
        pid = draft.name.rpartition(".")[2]
        if not pid.isdigit() or int(pid) == os.getpid() or not psutil.pid_exists(int(pid)):
            shutil.rmtree(draft, ignore_errors=True)
