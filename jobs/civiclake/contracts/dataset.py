"""Compile one contract into a :class:`~civiclake.contracts.model.Dataset`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from civiclake.contracts.model import Dataset, Owner
from civiclake.contracts.read import extension, odcs
from civiclake.contracts.read.columns import Compiled, compile_columns
from civiclake.contracts.read.document import Document
from civiclake.contracts.read.extension import DatasetExtension
from civiclake.contracts.read.faults import Faults, Place, choice
from civiclake.contracts.read.library import Library
from civiclake.contracts.read.loading_checks import check_loading
from civiclake.contracts.read.owners import owner as owners_of
from civiclake.contracts.read.server import read_source
from civiclake.contracts.rules import loading, structural

_SECONDS = {
    **dict.fromkeys(("s", "second", "seconds"), 1),
    **dict.fromkeys(("min", "minute", "minutes"), 60),
    **dict.fromkeys(("h", "hr", "hour", "hours"), 3600),
    **dict.fromkeys(("d", "day", "days"), 86400),
    **dict.fromkeys(("w", "week", "weeks"), 7 * 86400),
    **dict.fromkeys(("m", "month", "months"), 31 * 86400),
    **dict.fromkeys(("y", "yr", "yrs", "year", "years"), 366 * 86400),
}
_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass
class Draft:
    """A contract as far as it could be read."""

    id: str
    """What the file's place says; other contracts refer to it even when it is faulty."""
    document: Document
    compiled: Compiled
    dataset: Dataset | None


def compile_contract(document: Document, shared: Library, faults: Faults) -> Draft:
    """Read one contract; every fault is noted, and the draft holds what could be read."""
    path = PurePosixPath(document.shown)
    department, name = path.parent.name, path.stem
    dataset_id = f"{department}.{name}"
    before = len(faults)
    data = odcs.validate(document, faults)
    reader = _Reader(document, faults, data)
    reader.check_identity(department, name)
    table, place = reader.table(name)
    own = reader.extension()
    absent = own.absent if own else ()
    compiled = reader.columns(table, (*place, "properties"), dataset_id, shared, absent)
    found = structural.contract_rules(compiled, table.get("quality"), place, document, faults)
    owner = reader.owner()
    latency = reader.latency()
    source = read_source(data, table, name, own, document, faults)
    if own is not None:
        found = loading.follow(found, own, compiled.columns)
        check_loading(own, compiled, place, reader.own_place(), reader.fault)
    if own is None or source is None or owner is None or len(faults) > before:
        return Draft(dataset_id, document, compiled, None)
    dataset = Dataset(
        id=dataset_id,
        department=department,
        name=name,
        version=str(data["version"]),
        description=table.get("description") or (data.get("description") or {}).get("purpose", ""),
        path=f"{department}/{path.name}",
        owner=owner,
        source=source,
        columns=compiled.columns,
        load=own.load,
        history=own.history,
        sequence=own.sequence,
        occurrence=own.occurrence,
        operation=own.operation,
        operations=own.known_operations,
        event_time=own.event_time,
        overlap_seconds=own.overlap_seconds,
        drift=own.drift,
        limits=own.limits,
        rules=found,
        latency_seconds=latency,
        schedule=own.schedule,
    )
    return Draft(dataset_id, document, compiled, dataset)


@dataclass
class _Reader:
    """The parts of a contract outside its columns."""

    document: Document
    faults: Faults
    data: dict[str, Any]

    def fault(self, place: Place, message: str) -> None:
        self.document.fault(self.faults, place, message)

    def check_identity(self, department: str, name: str) -> None:
        """A contract's place, id and domain say the same."""
        for word in (department, name):
            if not _NAME.fullmatch(word):
                allowed = "small letters, digits and underscores, a letter first"
                self.fault((), f"the path holds {word!r}; allowed are {allowed}")
        wanted = {"id": f"{department}.{name}", "kind": "DataContract"}
        if "domain" in self.data:
            wanted["domain"] = department
        for field, value in wanted.items():
            said = self.data.get(field)
            if field in self.data and said != value:
                self.fault((field,), f"is {said!r}; allowed is {value!r}, as the path says")

    def table(self, name: str) -> tuple[dict[str, Any], Place]:
        """The one table of the contract."""
        tables = self.data.get("schema")
        if not isinstance(tables, list) or not tables or not isinstance(tables[0], dict):
            if "schema" not in self.data:
                self.fault((), "'schema' is missing: it lists the table and its columns")
            elif not tables:
                self.fault(("schema",), "allowed is a list of one table")
            return {}, ("schema", 0)
        if len(tables) > 1:
            self.fault(("schema", 1), "allowed is one table for a contract; make it two files")
        table: dict[str, Any] = tables[0]
        if table.get("name") != name:
            said = table.get("name")
            self.fault(("schema", 0, "name"), f"is {said!r}; allowed is {name!r}, as the path says")
        if "properties" not in table:
            self.fault(("schema", 0, "properties"), "'properties' is missing: the columns")
        if table.get("relationships"):
            message = "is not supported on a table; write it at the column it belongs to"
            self.fault(("schema", 0, "relationships"), message)
        return table, ("schema", 0)

    def columns(
        self,
        table: dict[str, Any],
        place: Place,
        dataset_id: str,
        shared: Library,
        absent: Sequence[str],
    ) -> Compiled:
        """The table's columns, at least one."""
        properties = table.get("properties")
        found = compile_columns(
            properties, place, dataset_id, self.document, shared, self.faults, absent
        )
        if not found.declared and "properties" in table:
            self.fault(place, "allowed is at least one column")
        return found

    def extension(self) -> DatasetExtension | None:
        """The contract's own ``civiclake`` entry."""
        found = extension.find(self.data.get("customProperties"), ())
        if found is None:
            message = "the entry 'civiclake' is missing, which says at least {load: ...}"
            self.fault(("customProperties",), message)
            return None
        value, place = found
        return extension.parse(DatasetExtension, value, place, self.document, self.faults)

    def own_place(self) -> Place:
        """Where that entry stands, or should."""
        found = extension.find(self.data.get("customProperties"), ())
        return found[1] if found else ("customProperties",)

    def owner(self) -> Owner | None:
        """Who answers for the dataset."""
        team = self.data.get("team")
        members = team.get("members", []) if isinstance(team, dict) else team or []
        people = [m for m in members if isinstance(m, dict) and m.get("username")]
        owners = [m for m in people if m.get("role") == "owner"]
        if not owners:
            message = (
                "an owner is missing; allowed is a team with a member of role 'owner', such as"
                " {members: [{username: name@city.example, role: owner}]}"
            )
            self.fault(("team",), message)
            return None
        name = str((team.get("name") if isinstance(team, dict) else None) or owners[0]["username"])
        urls = [str(s["url"]) for s in self.data.get("support") or [] if s and s.get("url")]
        return owners_of(
            name, urls, str(owners[0]["username"]), lambda said: self.fault(("support",), said)
        )

    def latency(self) -> int:
        """How old the newest delivery may be, in seconds."""
        for index, entry in enumerate(self.data.get("slaProperties") or ()):
            if not isinstance(entry, dict) or entry.get("property") not in ("latency", "ly"):
                continue
            place = ("slaProperties", index)
            seconds = _SECONDS.get(str(entry.get("unit", "d")).lower())
            if seconds is None:
                hint = choice(("min", "h", "d", "w", "y"))
                self.fault((*place, "unit"), f"is {entry['unit']!r}; allowed are {hint}")
                return 86400
            value = entry.get("value")
            if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
                self.fault((*place, "value"), f"is {value!r}; allowed is a number above 0")
                return 86400
            return int(value * seconds)
        return 86400
