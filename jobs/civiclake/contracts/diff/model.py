"""What a comparison of contracts says: levels, changes, and the version that they want."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Any, NamedTuple

from civiclake.contracts.frozen import Frozen
from civiclake.contracts.model import Dataset, Mart

_SEMVER = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:[-+].*)?")


class Level(StrEnum):
    """Whom a change can hurt."""

    TEXT = "text"
    """Nobody: words for people. Wants a new patch version."""
    COMPATIBLE = "compatible"
    """Nobody who keeps to the contract. Wants a new minor version."""
    BREAKING = "breaking"
    """Whoever delivers or queries by the old contract. Wants a new major version."""


class Change(Frozen):
    """One difference between two versions of a contract."""

    level: Level
    kind: str
    """Short and stable, such as ``column_dropped``."""
    place: str
    """Such as ``columns.age_years``; empty for the whole contract."""
    message: str
    remedy: str = ""
    """What is to be done about a breaking change."""


class ContractDiff(Frozen):
    """What became of one contract."""

    dataset: str
    old_version: str | None = None
    """None: the contract is new."""
    new_version: str | None = None
    """None: the contract was removed."""
    wanted_version: str = ""
    """The least version that tells the changes."""
    changes: tuple[Change, ...] = ()
    problem: str = ""
    """Why this may not be published as it stands; empty when it may."""
    advice: str = ""
    """What would be better, though nothing breaks."""

    @property
    def level(self) -> Level:
        """The gravest of its changes."""
        found = {change.level for change in self.changes}
        ordered = (Level.BREAKING, Level.COMPATIBLE)
        return next((level for level in ordered if level in found), Level.TEXT)


class Published(NamedTuple):
    """One version of a contract, as far as it could be read."""

    dataset: Dataset | Mart | None
    """Of a dataset or a mart, where it is sound."""
    version: str
    status: str
    """ODCS ``status``, such as ``active`` or ``deprecated``."""
    content: dict[str, Any]
    """The file as it was read."""


class Version(NamedTuple):
    """A semantic version, without what may follow the patch."""

    major: int
    minor: int
    patch: int

    @classmethod
    def read(cls, said: str) -> Version | None:
        """The version that a text says, or None when it says none."""
        found = _SEMVER.fullmatch(said)
        return cls(int(found[1]), int(found[2]), int(found[3])) if found else None

    def after(self, level: Level) -> Version:
        """The least version that tells a change of that level."""
        if level is Level.BREAKING:
            return Version(self.major + 1, 0, 0)
        if level is Level.COMPATIBLE:
            return Version(self.major, self.minor + 1, 0)
        return Version(self.major, self.minor, self.patch + 1)

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"


def breaking(kind: str, place: str, message: str, remedy: str) -> Change:
    """A change that hurts somebody, and what is to be done about it."""
    return Change(level=Level.BREAKING, kind=kind, place=place, message=message, remedy=remedy)


def compatible(kind: str, place: str, message: str) -> Change:
    """A change that hurts nobody."""
    return Change(level=Level.COMPATIBLE, kind=kind, place=place, message=message)


def text(kind: str, place: str, message: str) -> Change:
    """A change of words."""
    return Change(level=Level.TEXT, kind=kind, place=place, message=message)
