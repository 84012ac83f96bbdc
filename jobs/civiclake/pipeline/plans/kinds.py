"""What can be planned: the kinds that ``marts/planning/kinds.yaml`` declares."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path

import yaml
from pydantic import Field, ValidationError, field_validator

from civiclake.contracts.frozen import Frozen
from civiclake.contracts.model import Dataset
from civiclake.contracts.read.faults import choice, did_you_mean
from civiclake.errors import UserError
from civiclake.pipeline.plans.reach import Reach

KINDS = Path("planning") / "kinds.yaml"
"""Below the folder of marts."""
EVERYBODY = (0, 150)


class Solve(StrEnum):
    """Which question is asked."""

    P_MEDIAN = "p-median"
    """The least sum of people times way."""
    MAXIMAL_COVERING = "maximal-covering"
    """The most people within reach."""
    SET_COVERING = "set-covering"
    """The fewest sites that have everybody within reach."""
    P_CENTER = "p-center"
    """The least way for whoever has it worst."""


class By(StrEnum):
    """What a minute is."""

    FOOT = "foot"
    CAR = "car"


class Goes(StrEnum):
    """Who is on the way."""

    IN = "in"
    OUT = "out"


class Facilities(Frozen):
    """Which rows of the lake are the ones that stand already."""

    dataset: str = Field(pattern=r"[a-z0-9_]+\.[a-z0-9_]+")
    id: str
    name: str = "name"
    latitude: str = "latitude"
    longitude: str = "longitude"
    where: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)

    @property
    def columns(self) -> tuple[str, ...]:
        """Of the dataset, all that are read."""
        return (self.id, self.name, self.latitude, self.longitude, *self.where)


class Capacity(Frozen):
    """How many people a facility can serve."""

    column: str
    people: float = Field(gt=0)
    """Per unit of the column."""


class Kind(Frozen):
    """One kind of facility, and what is asked of it where nothing else is said."""

    name: str
    title: str
    facilities: Facilities | None = None
    capacity: Capacity | None = None
    ages: tuple[int, int] = EVERYBODY
    goes: Goes = Goes.IN
    solve: Solve
    within: Reach
    by: By

    @field_validator("within", mode="before")
    @classmethod
    def _reach(cls, said: object) -> object:
        return Reach.of(said) if isinstance(said, str) else said


def read_kinds(path: Path) -> dict[str, Kind]:
    """All kinds by name.

    Raises:
        UserError: the file is not there or says something that is not allowed.
    """
    try:
        said = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path}: the file that declares what can be planned is missing") from None
    except yaml.YAMLError as error:
        raise UserError(f"{path}: {str(error).splitlines()[0]}") from None
    if not isinstance(said, dict) or not said:
        raise UserError(f"{path}: one entry for each kind is wanted, such as 'library: ...'")
    return {str(name): _kind(path, str(name), entry) for name, entry in said.items()}


def _kind(path: Path, name: str, entry: object) -> Kind:
    if not isinstance(entry, dict):
        raise UserError(f"{path}: {name}: title, solve, within and by are wanted")
    try:
        return Kind.model_validate({**entry, "name": name})
    except ValidationError as error:
        fault = error.errors()[0]
        place = ".".join(map(str, (name, *fault["loc"])))
        raise UserError(f"{path}: {place}: {fault['msg']}") from None


def find_kind(kinds: Mapping[str, Kind], name: str) -> Kind:
    """The kind of this name.

    Raises:
        UserError: there is none.
    """
    if name not in kinds:
        raise UserError(
            f"kind {name!r} is not known; allowed are {choice(kinds)}{did_you_mean(name, kinds)}"
        )
    return kinds[name]


def check_kinds(path: Path, datasets: Iterable[Dataset]) -> None:
    """Hold what a file declares against the contracts; a city without it plans nothing.

    Raises:
        UserError: it says what is not allowed, or names what the contracts do not have.
    """
    known = tuple(datasets)
    if path.is_file():
        for kind in read_kinds(path).values():
            check_kind(known, kind)


def check_kind(datasets: Iterable[Dataset], kind: Kind) -> None:
    """Refuse a declaration that names what the contracts do not have.

    Raises:
        UserError: there is no such dataset or column.
    """
    if kind.facilities is None:
        return
    of = kind.facilities
    known = {one.id: one for one in datasets}
    if of.dataset not in known:
        hint = did_you_mean(of.dataset, known)
        raise UserError(f"kind {kind.name}: there is no dataset {of.dataset!r}{hint}")
    _check_columns(kind, of, known[of.dataset], kind.capacity)


def _check_columns(kind: Kind, of: Facilities, dataset: Dataset, capacity: Capacity | None) -> None:
    served = {column.name: column for column in dataset.columns}
    for name in (*of.columns, *([capacity.column] if capacity else [])):
        if name not in served:
            raise UserError(
                f"kind {kind.name}: {of.dataset} has no column {name!r}; allowed are"
                f" {choice(served)}{did_you_mean(name, served)}"
            )
