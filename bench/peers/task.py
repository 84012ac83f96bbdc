"""The command line that all peers share; what they do with it is their own."""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.taps import shape


@dataclass(frozen=True)
class Task:
    """What to read and where to write."""

    files: list[str]
    stops: str
    lake: Path

    @property
    def taps(self) -> str:
        """The table that the records are merged into."""
        return str(self.lake / "taps")

    @property
    def mart(self) -> str:
        """Taps, fares and stops of each day and line."""
        return str(self.lake / "taps_by_line")

    @property
    def quarantine(self) -> str:
        """Records that broke a rule, as they came, with reasons."""
        return str(self.lake / "quarantine")

    @property
    def is_first(self) -> bool:
        """Whether there is no table yet."""
        return not (self.lake / "taps" / "_delta_log").is_dir()


Do = Callable[[Task], None]


def main(works: Mapping[str, Do]) -> None:
    """Do the work that the command line names.

    With ``--warm`` the program first does all its works on small deliveries, says ``ready``,
    waits for a line, works, says ``done``, and waits again: what lies between the two words is
    what a session costs that was there already.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("work", choices=sorted(works))
    parser.add_argument("--files", nargs="+", required=True)
    parser.add_argument("--stops", required=True)
    parser.add_argument("--lake", type=Path, required=True)
    parser.add_argument("--warm", type=Path)
    said = parser.parse_args()
    _go_first_when_memory_ends()
    do, task = works[said.work], Task(said.files, said.stops, said.lake)
    if said.warm is None:
        do(task)
        return
    with tempfile.TemporaryDirectory() as folder:
        _warm_up(works, said.warm, Path(folder))
    _say("ready")
    sys.stdin.readline()
    do(task)
    _say("done")
    sys.stdin.read()


def _warm_up(works: Mapping[str, Do], data: Path, folder: Path) -> None:
    stops = str(shape.stops_file(data))
    deliveries = {"initial": shape.INITIAL, "changes": shape.CHANGES}
    for kind, delivery in deliveries.items():
        files = [str(path) for path in shape.delivered(data, delivery)]
        works[kind](Task(files, stops, folder / "lake"))


def _go_first_when_memory_ends() -> None:
    """A peer that takes all memory is ended by the system, not the engine beside it."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("900")


def _say(word: str) -> None:
    sys.stdout.write(word + "\n")
    sys.stdout.flush()
