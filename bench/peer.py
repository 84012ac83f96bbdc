"""A peer: a program that does the work as the tool's own users would write it."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO

from bench import copies
from bench.installation import folder_bytes
from bench.meter import Meter
from bench.results import Cost
from bench.taps import shape
from bench.work import ContenderFailed, Outcome, States, Work
from civiclake.engine.java import java_home
from civiclake.settings import project_root

LAKE = "lake"
READY, DONE = "ready", "done"
"""What a program that warms up first says; in between it waits for a line."""


class Peer:
    """One program of ``bench/peers``.

    Args:
        name: as the results name it.
        module: of ``bench.peers``.
        python: the interpreter of its environment.
        data: where the deliveries are.
        folder: where its lakes are made.
        kinds: what it can do.
        warm: deliveries to warm up with before it is measured; a program whose users keep no
            session warm is measured from its start to its end.
        wants_deletion_vectors: whether its users would let a table have them.
    """

    def __init__(
        self,
        name: str,
        module: str,
        python: Path,
        data: Path,
        folder: Path,
        *,
        kinds: Iterable[str] = ("initial", "changes"),
        warm: Path | None = None,
        wants_deletion_vectors: bool = False,
    ) -> None:
        self.name, self.kinds = name, frozenset(kinds)
        self.wants_deletion_vectors = wants_deletion_vectors
        self._command = [str(python), "-m", f"bench.peers.{module}"]
        self._data, self._folder, self._warm = data, folder, warm
        self._states = States()

    def run(self, work: Work, number: int) -> Cost:
        """Do a work once, in a folder of its own."""
        folder = self._folder / f"{work.slug}-{number}"
        if work.start:
            copies.copy(self._states[work.start], folder)
        else:
            folder.mkdir(parents=True)
        before = folder_bytes(folder)
        meter = self._measured(self._line(work, folder))
        self._states.keep(work.slug, folder)
        grown = folder_bytes(folder) - before
        return meter.cost(work.title, work.rows, grown, engine=self.name)

    def outcome(self, work: Work) -> Outcome:
        """The tables that the last run of a work has left."""
        lake = self._states[work.slug] / LAKE
        return Outcome(lake / "taps", lake / "taps_by_line", lake / "quarantine")

    def can_start(self, work: Work) -> bool:
        """Whether it has the state that a work starts from."""
        return self._states.can_start(work)

    def has(self, slug: str) -> bool:
        """Whether it has that state."""
        return slug in self._states

    def start_from(self, slug: str, source: str, taps: Path) -> Path:
        """Make a state of another one by putting a table made elsewhere in its table's place.

        Args:
            slug: of the state that is made.
            source: slug of the state to begin with: what the tool keeps beside the table stays.
            taps: the table; its data files are linked.

        Returns:
            The table, which is this peer's own now.
        """
        folder = self._folder / f"{slug}-0"
        own = folder / LAKE / "taps"
        copies.copy(self._states[source], folder)
        shutil.rmtree(own)
        copies.copy(taps, own)
        self._states[slug] = folder
        return own

    def _line(self, work: Work, folder: Path) -> list[str]:
        files = map(str, shape.delivered(self._data, work.delivery))
        line = [*self._command, work.kind, "--stops", str(shape.stops_file(self._data))]
        line += ["--lake", str(folder / LAKE)]
        line += ["--warm", str(self._warm)] if self._warm else []
        return [*line, "--files", *files]

    def _measured(self, line: Sequence[str]) -> Meter:
        log = self._folder / "log.txt"
        log.parent.mkdir(parents=True, exist_ok=True)
        # pyspark notes in the environment that this process is a client of Connect.
        env = {k: v for k, v in os.environ.items() if not k.startswith(("SPARK_", "PYSPARK_"))}
        env |= {"PYTHONPATH": str(project_root()), "JAVA_HOME": str(java_home())}
        with log.open("w") as file:
            if self._warm:
                meter, code = _from_ready_to_done(line, env, file)
            else:
                with Meter() as meter:
                    code = subprocess.run(line, env=env, stdout=file, stderr=file).returncode
        if code:
            said = log.read_text(errors="replace")[-1500:]
            raise ContenderFailed(f"{self.name} ended with {code}: {said}")
        return meter


def _from_ready_to_done(
    line: Sequence[str], env: Mapping[str, str], log: IO[str]
) -> tuple[Meter, int]:
    """Measure a program between the two words that it says, so without its warming up."""
    pipe = subprocess.PIPE
    with subprocess.Popen(line, env=env, text=True, stdin=pipe, stdout=pipe, stderr=log) as program:
        assert program.stdin and program.stdout
        _wait_for(program.stdout, READY)
        with Meter([program.pid]) as meter:
            with contextlib.suppress(BrokenPipeError):  # it has failed, and its code says so
                program.stdin.write("go\n")
                program.stdin.flush()
            _wait_for(program.stdout, DONE)
        with contextlib.suppress(BrokenPipeError):
            program.stdin.close()
        return meter, program.wait()


def _wait_for(said: IO[str], word: str) -> None:
    """Read until the word stands on a line, or until the program has ended."""
    for line in said:
        if line.strip() == word:
            return
