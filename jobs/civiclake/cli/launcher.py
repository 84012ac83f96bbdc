"""``python -m civiclake.cli.launcher SOCKET``: the warm process that every task is a fork of."""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Callable, Sequence
from pathlib import Path

import civiclake
from civiclake.cli import run
from civiclake.io.verdict import gx
from civiclake.local import launcher


def main(path: str) -> None:
    """Import what commands import late, serve, and begin anew when the files have changed."""
    is_stale = _watch()
    _preload()
    launcher.serve(Path(path), _run, is_stale)
    os.execv(sys.executable, [sys.executable, "-m", "civiclake.cli.launcher", path])  # noqa: S606


def _run(arguments: Sequence[str]) -> int:
    sys.argv = ["civiclake", *arguments]
    return run()


def _preload() -> None:
    """Spark's client, Great Expectations, and our own modules that tasks use."""

    gx.warm_up()


def _watch() -> Callable[[], bool]:
    """Whether our sources, or the packages' folder, are newer than what is imported."""
    sources = [Path(folder) for folder in civiclake.__path__]
    packages = Path(sysconfig.get_paths()["purelib"])

    def newest() -> int:
        files = [file for folder in sources for file in folder.rglob("*.py")]
        return max(p.stat().st_mtime_ns for p in (packages, *sources, *files))

    seen = newest()
    return lambda: newest() != seen


if __name__ == "__main__":
    main(sys.argv[1])
