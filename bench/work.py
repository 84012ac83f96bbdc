"""A piece of the nightly work, and what is left when an engine has done it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bench.results import Cost


@dataclass(frozen=True)
class Work:
    """One piece of work that several engines do."""

    title: str
    """As the results name it."""
    slug: str
    """As folders are named after it; others may start from what it has left."""
    kind: str
    """``initial``, ``changes``, or another word that the engine knows."""
    delivery: str
    """Which files it reads."""
    rows: int
    """Records of that delivery."""
    start: str | None = None
    """The slug of the state that it starts from; None is an empty lake."""


@dataclass(frozen=True)
class Outcome:
    """The tables of one engine after a work."""

    taps: Path
    mart: Path
    quarantine: Path


class States(dict[str, Path]):
    """The folders that the last run of each work has left, by the work's slug."""

    def keep(self, slug: str, folder: Path) -> None:
        """Keep what a run has left, in place of what the run before it left."""
        if slug in self:
            shutil.rmtree(self[slug])
        self[slug] = folder

    def can_start(self, work: Work) -> bool:
        """Whether the state is there that a work starts from."""
        return work.start is None or work.start in self


class Contender(Protocol):
    """Something that can do the work, be measured, and be looked at afterwards."""

    name: str
    kinds: frozenset[str]
    """Kinds of work that it does."""

    def run(self, work: Work, number: int) -> Cost:
        """Do a work once, from its starting state, and say what it took."""

    def outcome(self, work: Work) -> Outcome:
        """The tables that the last run of a work has left."""

    def can_start(self, work: Work) -> bool:
        """Whether it has the state that a work starts from."""


class ContenderFailed(Exception):
    """An engine could not do a work; the others go on."""
