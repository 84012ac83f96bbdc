"""The night as plain data, read from the compiled manifest with the standard library alone.

The manifest is made by the other environment (`civiclake compile`); here it is only read.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from nightly.places import manifest_path

DEFAULT_SCHEDULE = "0 2 * * *"


@dataclass(frozen=True)
class RulePlan:
    """What a reader of a broken rule wants to know."""

    description: str
    sets_aside: bool
    """Whether rows that break it are set aside; the others are only counted."""


@dataclass(frozen=True)
class OwnerPlan:
    """Who answers for a task, and how alerts get there."""

    name: str
    contact: str = ""
    channel: str = ""
    """Airflow connection of its own; empty: the city's."""

    @property
    def ways(self) -> dict[str, str]:
        """What an alert says of the way to its owner."""
        said = {"contact": self.contact, "channel": self.channel}
        return {name: value for name, value in said.items() if value}


OPERATORS = OwnerPlan("Operators")
"""They answer for what belongs to no department."""


@dataclass(frozen=True)
class DatasetPlan:
    """What the tasks of one dataset need to know."""

    id: str
    name: str
    table: str
    version: str
    description: str
    contract: str
    owner: str
    contact: str
    connection: str | None
    after: tuple[str, ...]
    """Names of the department's datasets that must be loaded before."""
    latency_seconds: int
    rules: Mapping[str, RulePlan] = field(default_factory=dict)
    channel: str = ""
    """Airflow connection of its owner, as :class:`OwnerPlan` has it."""

    @property
    def answers(self) -> OwnerPlan:
        """Who answers for it."""
        return OwnerPlan(self.owner, self.contact, self.channel)

    @property
    def layer(self) -> str:
        """Where its table stands."""
        return "unified"


@dataclass(frozen=True)
class MadeInputPlan:
    """A mart or a table of links, as another mart reads it."""

    id: str
    """As contracts name it: ``marts.<name>`` or ``links.<table>``."""
    layer: str
    table: str
    description: str
    owner: str
    contact: str
    latency_seconds: int


InputPlan = DatasetPlan | MadeInputPlan


@dataclass(frozen=True)
class DepartmentPlan:
    """One department's night."""

    name: str
    schedule: str
    datasets: tuple[DatasetPlan, ...]

    @property
    def latency_seconds(self) -> int:
        """The strictest promise among its datasets."""
        return min(d.latency_seconds for d in self.datasets)

    @property
    def owners(self) -> list[str]:
        """Who answers for it, each once."""
        return list(dict.fromkeys(f"{d.owner} <{d.contact}>" for d in self.datasets))


LEDGER = ("ops.batches", "ops.outcomes", "ops.deliveries", "marts.alerts")
"""What marts read that no delivery brings (`civiclake.contracts.ledger_columns`)."""
BUILD_SECONDS = 3600
"""What is made has so long after its slowest input's promise (`civiclake.contracts.derived`)."""


@dataclass(frozen=True)
class MadePlan:
    """A mart or a kind of link: made from datasets, and owed as they are."""

    name: str
    kind: str
    """``mart`` or ``link``."""
    task: str
    """The one task of its DAG."""
    id: str
    """As the ledger has it."""
    inputs: tuple[InputPlan, ...]
    answers: OwnerPlan
    promised_seconds: int | None = None
    """How old it may be, where its contract says so."""
    description: str = ""

    @property
    def is_of_ledger(self) -> bool:
        """Whether nothing that arrives makes it run: it is made before the brief."""
        return all(one.id in LEDGER for one in self.inputs)

    @property
    def dag(self) -> str:
        """Id of its DAG."""
        return "brief" if self.is_of_ledger else f"{self.kind}_{self.name}"

    @property
    def latency_seconds(self) -> int:
        """What it promises."""
        if self.promised_seconds is not None:
            return self.promised_seconds
        return max(i.latency_seconds for i in self.inputs) + BUILD_SECONDS


@dataclass(frozen=True)
class MartPlan:
    """One table that is made from others."""

    name: str
    inputs: tuple[InputPlan, ...]
    """Their arrival makes it run."""
    answers: OwnerPlan = OPERATORS
    """Who is asked when it fails: its own owner, and nobody of whom it reads."""
    description: str = ""
    contract: str = ""
    promised_seconds: int | None = None
    has_alerts: bool = False
    """Whether its rows may alarm."""

    @property
    def made(self) -> MadePlan:
        """As what is made from datasets."""
        made = MadePlan(
            self.name, "mart", "build", f"marts.{self.name}", self.inputs, self.answers,
            self.promised_seconds, self.description,
        )  # fmt: skip
        return replace(made, task=f"mart_{self.name}") if made.is_of_ledger else made

    @property
    def input(self) -> MadeInputPlan:
        """As another mart reads it."""
        latency = self.made.latency_seconds
        return MadeInputPlan(
            f"marts.{self.name}", "marts", self.name, self.description, self.answers.name,
            self.answers.contact, latency,
        )  # fmt: skip


@dataclass(frozen=True)
class LinkPlan:
    """One kind of thing that is recognised across departments."""

    name: str
    inputs: tuple[DatasetPlan, ...]
    """Their arrival makes it run."""
    answers: OwnerPlan = OPERATORS

    @property
    def made(self) -> MadePlan:
        """As what is made from datasets."""
        return MadePlan(self.name, "link", "link", f"link.{self.name}", self.inputs, self.answers)

    @property
    def tables(self) -> list[MadeInputPlan]:
        """As marts read them: the things, and which record belongs to which."""
        owner, latency = self.answers, self.made.latency_seconds
        told = {self.name: f"each {self.name} once", f"{self.name}_link": "which record is whose"}
        return [
            MadeInputPlan(f"links.{t}", "unified", t, what, owner.name, owner.contact, latency)
            for t, what in told.items()
        ]


@dataclass(frozen=True)
class CityPlan:
    """All that runs in a night."""

    departments: tuple[DepartmentPlan, ...]
    marts: tuple[MartPlan, ...]
    links: tuple[LinkPlan, ...]
    shown: tuple[str, ...] = ()
    """Names of the marts that pages of the brief show."""

    @property
    def made(self) -> list[MadePlan]:
        """All that is made from datasets."""
        return [one.made for one in (*self.links, *self.marts)]


def read_plan(path: Path | None = None) -> CityPlan:
    """Read the manifest: a process does so once for each time that it is written.

    Raises:
        RuntimeError: there is none, or it holds no dataset; Airflow shows it as an import error.
    """
    path = path or manifest_path()
    try:
        found = path.stat()
    except FileNotFoundError:
        raise RuntimeError(f"{path} is missing: run `civiclake compile`, or `make up`") from None
    return _parsed(path, found.st_mtime_ns, found.st_ino, found.st_size)


@lru_cache(maxsize=1)
def _parsed(path: Path, *_version: int) -> CityPlan:
    manifest = json.loads(path.read_text())
    if not manifest.get("datasets"):
        raise RuntimeError(f"{path} holds no dataset: add contracts, then run `civiclake compile`")
    by_department: dict[str, list[Mapping[str, Any]]] = {}
    for dataset in manifest["datasets"]:
        by_department.setdefault(dataset["department"], []).append(dataset)
    departments = tuple(_department(n, d) for n, d in sorted(by_department.items()))
    known = {dataset.id: dataset for d in departments for dataset in d.datasets}
    links = [
        LinkPlan(link["name"], tuple(known[i] for i in link["inputs"]))
        for link in manifest.get("links", ())
    ]
    marts = _marts(manifest.get("marts", ()), {**known, **_tables(links)})
    read = {name for page in manifest.get("pages", ()) for name in page.get("marts", ())}
    shown = tuple(mart.name for mart in marts if mart.input.id in read)
    return CityPlan(departments, tuple(marts), tuple(links), shown)


def _tables(links: Iterable[LinkPlan]) -> dict[str, MadeInputPlan]:
    return {table.id: table for link in links for table in link.tables}


def _ledger() -> dict[str, MadeInputPlan]:
    owner = OPERATORS
    return {
        name: MadeInputPlan(
            name, *name.split("."), "what the lake notes of its own work", owner.name,
            owner.contact, 0,
        )
        for name in LEDGER
    }  # fmt: skip


def _marts(said: Iterable[Mapping[str, Any]], known: Mapping[str, InputPlan]) -> list[MartPlan]:
    """The marts; the manifest has each after those that it reads."""
    there = {**known, **_ledger()}
    found = []
    for mart in said:
        plan = MartPlan(
            mart["name"],
            tuple(there[i] for i in mart["inputs"]),
            _owner(mart.get("owner")),
            mart.get("description", ""),
            mart.get("path", ""),
            mart.get("latency_seconds"),
            bool(mart.get("alerts")),
        )
        there[plan.input.id] = plan.input
        found.append(plan)
    return found


def _owner(said: Mapping[str, Any] | None) -> OwnerPlan:
    if said is None:
        return OPERATORS
    return OwnerPlan(said["name"], said["contact"], said.get("channel") or "")


def _department(name: str, datasets: list[Mapping[str, Any]]) -> DepartmentPlan:
    schedules = [d["schedule"] for d in datasets if d.get("schedule")]
    here = {d["id"]: d["name"] for d in datasets}
    return DepartmentPlan(
        name=name,
        schedule=schedules[0] if schedules else DEFAULT_SCHEDULE,
        datasets=tuple(_dataset(d, here) for d in datasets),
    )


def _dataset(dataset: Mapping[str, Any], here: Mapping[str, str]) -> DatasetPlan:
    referenced = {c["reference"]["dataset"] for c in dataset["columns"] if c.get("reference")}
    return DatasetPlan(
        id=dataset["id"],
        name=dataset["name"],
        table=f"{dataset['department']}_{dataset['name']}",
        version=dataset["version"],
        description=dataset.get("description", ""),
        contract=dataset["path"],
        owner=dataset["owner"]["name"],
        contact=dataset["owner"]["contact"],
        channel=dataset["owner"].get("channel") or "",
        connection=dataset["source"].get("connection"),
        after=tuple(sorted(here[r] for r in referenced if r in here and r != dataset["id"])),
        latency_seconds=dataset.get("latency_seconds", 86400),
        rules={
            rule["id"]: RulePlan(rule.get("description") or "", rule["severity"] == "critical")
            for rule in dataset.get("rules", ())
        },
    )
