"""A mart's folder: its contract, and the query beside it.

``marts/<application>/<mart>/mart.yaml`` is an ODCS contract as any other; what only a mart needs
(what it reads, its step, the groups by which it is refreshed) stands in its ``civiclake`` entry.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from civiclake.contracts import functions
from civiclake.contracts.inputs import OWN_TABLES
from civiclake.contracts.model import Alert, Behind, Mart
from civiclake.contracts.read import extension, odcs
from civiclake.contracts.read.columns import Compiled
from civiclake.contracts.read.contract import Reader
from civiclake.contracts.read.document import Document, read_yaml
from civiclake.contracts.read.faults import Faults, Place, choice, did_you_mean
from civiclake.contracts.read.library import Library
from civiclake.contracts.read.made import MartExtension, reading_words
from civiclake.contracts.rules import structural

CONTRACT, QUERY = "mart.yaml", "query.sql"
_OF_SOURCES = ("physicalName", "relationships")


@dataclass
class MartDraft:
    """A mart's folder as far as it could be read."""

    id: str
    """What the folder's name says."""
    document: Document
    compiled: Compiled
    place: Place
    """Where the ``civiclake`` entry stands in the contract."""
    mart: Mart | None
    text: str = ""
    """Its query, where its step is one."""

    @property
    def shown(self) -> str:
        """How faults call the contract."""
        return self.document.shown

    @property
    def query_shown(self) -> str:
        """How faults call the query."""
        return self.shown.removesuffix(CONTRACT) + QUERY


def read_mart(folder: Path, shown: str, shared: Library, faults: Faults) -> MartDraft | None:
    """Read a mart's folder; its query is judged when all contracts are known (`mart_query`).

    Args:
        folder: ``marts/<application>/<mart>``.
        shown: how faults call the folder.
        shared: columns and code lists that contracts share.
        faults: grows by what is wrong.
    """
    document = read_yaml(folder / CONTRACT, f"{shown}/{CONTRACT}", faults)
    if document is None:
        return None
    before = len(faults)
    data = odcs.validate(document, faults)
    reader = Reader(document, faults, data)
    application, name = folder.parent.name, folder.name
    mart_id = f"marts.{name}"
    reader.check_identity((application, name), {"id": mart_id, "domain": application})
    if name in OWN_TABLES:
        reader.fault(
            ("id",), f"{mart_id} is the table of {OWN_TABLES[name]}; name the mart another"
        )
    table, place = reader.table(name)
    own = reader.extension(MartExtension, "{inputs: [...], step: query.sql}")
    compiled = _columns(reader.columns(table, (*place, "properties"), mart_id, shared, ()))
    _check_columns(reader, compiled)
    draft = MartDraft(mart_id, document, compiled, reader.own_place(), None)
    found = structural.made_rules(compiled, table.get("quality"), place, document, faults)
    owner, latency = reader.owner(), reader.seconds("latency", "ly")
    retention = reader.seconds("retention", "ret")
    if "servers" in data:
        reader.fault(("servers",), "a mart has no source; leave it out")
    if own is None:
        return draft
    draft.text = _step(reader, folder, own.step)
    if owner is None or len(faults) > before:
        return draft
    about = data.get("description") or {}
    draft.mart = Mart(
        name=name,
        application=application,
        version=str(data["version"]),
        description=table.get("description") or about.get("purpose", ""),
        limitations=about.get("limitations") or "",
        path=f"{application}/{name}/{CONTRACT}",
        owner=owner,
        columns=compiled.columns,
        rules=found,
        latency_seconds=latency,
        retention_seconds=retention,
        **_own(own),
    )
    return draft


def _own(own: MartExtension) -> dict[str, Any]:
    """What the contract's ``civiclake`` entry says, as the mart has it."""
    same = ("step", "parameters", "refresh_by", "groups", "smallest_group", "group_size")
    several = ("inputs", "shows", "reads_restricted")
    return {
        **{name: getattr(own, name) for name in same},
        **{name: tuple(getattr(own, name)) for name in several},
        "behind": {n: Behind(**said.model_dump()) for n, said in own.behind.items()},
        "alerts": tuple(Alert(**said.model_dump()) for said in own.alerts),
    }


def _columns(read: Compiled) -> Compiled:
    """A group that is computed may be that of no value, where the contract says so."""
    columns = tuple(
        column.model_copy(update={"required": False})
        if read.raw[column.name].get("required") is False
        else column
        for column in read.columns
    )
    return replace(read, columns=columns)


def _check_columns(reader: Reader, compiled: Compiled) -> None:
    """A mart's column is computed, not read: it has a meaning, and no source."""
    for name, raw in compiled.raw.items():
        place = compiled.places[name]
        for field in _OF_SOURCES:
            if raw.get(field):
                reader.fault((*place, field), "is of a source's column; a mart's is computed")
        found = extension.find(raw.get("customProperties"), place)
        value: Any = found[0] if found else None
        if found and isinstance(value, dict):
            for word in reading_words(value):
                message = "says how a source's text is read; a mart's column is computed"
                reader.fault((*found[1], word), message)
        if not str(raw.get("description") or "").strip():
            message = "'description' is missing: what the figure is, and in which unit"
            reader.fault(place, message)
    if compiled.columns and not any(c.key_position for c in compiled.columns):
        message = "no column is of the key; let primaryKey: true say what a row stands for"
        reader.fault(("schema", 0, "properties"), message)


def _step(reader: Reader, folder: Path, step: str) -> str:
    """The query's text; nothing for a function, which must be there."""
    place = (*reader.own_place(), "step")
    file = folder / QUERY
    if step == QUERY:
        if file.is_file():
            return file.read_text(encoding="utf-8")
        reader.fault(place, f"is {step!r}, but there is no such file beside {CONTRACT}")
        return ""
    if file.is_file():
        reader.fault(place, f"is {step!r}, but {QUERY} stands beside it; keep one of the two")
    if not functions.is_named(step):
        reader.fault(
            place,
            f"is {step!r}; allowed are {QUERY!r} and functions of {functions.PACKAGE}, such as"
            f" '{functions.PACKAGE}.transit.trips.build'",
        )
        return ""
    given = functions.arguments(step)
    if given is None:
        known = functions.known()
        hint = did_you_mean(step, known)
        reader.fault(place, f"there is no function {step!r}; allowed are {choice(known)}{hint}")
    elif len(given) != functions.ARGUMENTS:
        message = f"{step} takes {choice(given)}; a step takes its inputs and its parameters"
        reader.fault(place, message)
    return ""
