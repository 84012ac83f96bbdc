"""Compile the columns of a contract."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from civiclake.contracts.model import Column, Protection, Reference
from civiclake.contracts.notation import strip
from civiclake.contracts.read import extension, library, meaning
from civiclake.contracts.read.column_checks import (
    Context,
    check_enum,
    check_name,
    check_options,
    check_protection,
)
from civiclake.contracts.read.document import Document
from civiclake.contracts.read.extension import ColumnExtension
from civiclake.contracts.read.faults import Faults, Place
from civiclake.contracts.read.library import Library
from civiclake.contracts.read.logical_types import UnsupportedTypeError, spark_type
from civiclake.contracts.read.notation_checks import absent_words, check_notation

_REFERENCE = re.compile(r"([a-z][a-z0-9_]*\.[a-z][a-z0-9_]*)\.([a-z][a-z0-9_]*)")
_NOT_SUPPORTED = {
    "properties": "nested columns must be flattened by the source",
    "items": "lists must be flattened by the source",
    "transformLogic": "a contract says what a column is; transformations belong in the source",
    "partitioned": "tables are laid out by the maintenance job",
    "encryptedName": "restricted columns are protected by civiclake.protect",
}
_FOLDED = "\0"
"""Before a source column's name without regard to capitals, among those that are taken."""
RAW_OWN = frozenset({"_batch_id", "_record_id", "_file", "_row", "_delivered_at", "_malformed"})
"""What stands beside a source's columns in raw, and can be the name of none of them."""


@dataclass
class Compiled:
    """The columns that could be compiled, and the names of all that were written."""

    columns: tuple[Column, ...]
    raw: dict[str, dict[str, Any]]
    """Column name to the completed ODCS property, for the rules."""
    places: dict[str, Place]
    declared: frozenset[str]

    @property
    def kinds(self) -> dict[str, str | None]:
        """Logical type of every column that was written; None where it is faulty."""
        compiled = {column.name: column.logical_type for column in self.columns}
        return {name: compiled.get(name) for name in self.declared}


def compile_columns(
    properties: Any,
    place: Place,
    dataset_id: str,
    document: Document,
    shared: Library,
    faults: Faults,
    absent: Sequence[str] = (),
) -> Compiled:
    """Compile every column; each faulty one is reported and left out."""
    context = Context(document, shared, faults, dataset_id, absent)
    columns: list[Column] = []
    raw: dict[str, dict[str, Any]] = {}
    places: dict[str, Place] = {}
    taken: dict[str, str] = {}
    for index, item in enumerate(properties if isinstance(properties, list) else ()):
        here = (*place, index)
        if not isinstance(item, dict) or not isinstance(item.get("name"), str):
            continue
        name = item["name"]
        if name in places:
            document.fault(faults, here, f"column {name!r} stands twice; keep one")
            continue
        places[name] = here
        _check_source_name(item, here, taken, context)
        complete, column = _compile(item, here, len(columns) + 1, context)
        raw[name] = complete
        if column is not None:
            columns.append(column)
    compiled = Compiled(tuple(_number_keys(columns)), raw, places, frozenset(places))
    for column in compiled.columns:
        meaning.check_partners(column, raw, places[column.name], context)
    return compiled


def _check_source_name(
    item: dict[str, Any], place: Place, taken: dict[str, str], context: Context
) -> None:
    """Every name in the source leads to one column, and is none that raw has already."""
    spelled = [(str(item.get("physicalName") or item["name"]), (*place, "physicalName"))]
    own, where = spelled[0]  # landing has put it in the place of every other spelling
    if own.lower() in RAW_OWN:
        message = f"is {own!r}, a column that raw has of its own: let a query rename it"
        context.document.fault(context.faults, where, message)
    value, here = extension.find(item.get("customProperties"), place) or (None, place)
    also = value.get("also") if isinstance(value, dict) else None
    for index, other in enumerate(also if isinstance(also, list) else ()):
        spelled.append((str(other), (*here, "also", index)))
    for name, where in spelled:
        folded = f"{_FOLDED}{name.casefold()}"
        if name in taken:
            message = f"source column {name!r} is read as {taken[name]!r} already"
            context.document.fault(context.faults, where, message)
        elif taken.get(folded, item["name"]) != item["name"]:
            message = (
                f"source column {name!r} differs from that of {taken[folded]!r} by capitals alone,"
                " which no table tells apart: let a query rename it"
            )
            context.document.fault(context.faults, where, message)
        taken.setdefault(name, item["name"])
        taken.setdefault(folded, item["name"])


def _compile(
    item: dict[str, Any], place: Place, order: int, context: Context
) -> tuple[dict[str, Any], Column | None]:
    document, faults = context.document, context.faults
    before = len(faults)
    check_name(item["name"], place, context)
    for field, reason in _NOT_SUPPORTED.items():
        if item.get(field):
            document.fault(faults, (*place, field), f"is not supported: {reason}")
    complete, shared_name = library.inherit(item, place, document, context.library, faults)
    own = _extension(complete, shared_name, place, context)
    try:
        kind = spark_type(complete)
    except UnsupportedTypeError as fault:
        document.fault(faults, (*place, "logicalType"), str(fault))
        kind = None
    options = complete.get("logicalTypeOptions") or {}
    check_options(options, complete.get("logicalType"), place, context)
    check_enum(complete.get("enum"), complete.get("logicalType"), place, context)
    if shared_name is None or _shared(complete, context) is not None:
        check_protection(complete, own, place, context)
    codes = meaning.codes(own, complete, place, context)
    check = meaning.check(own, complete, place, context)
    reference = _reference(complete, own, place, context)
    check_notation(own, complete, place, context)
    if own is None or kind is None or len(faults) > before:
        return complete, None
    return complete, Column(
        name=item["name"],
        source_name=item.get("physicalName") or item["name"],
        also=tuple(own.also),
        logical_type=complete["logicalType"],
        spark_type=kind,
        description=complete.get("description") or "",
        required=bool(complete.get("required") or complete.get("primaryKey")),
        key_position=_key_position(complete, order),
        format=options.get("format") if kind in ("date", "timestamp") else None,
        timezone=options.get("defaultTimezone", "UTC"),
        absent=absent_words(own, context),
        absent_as=None if own.absent_as is None else strip(own.absent_as),
        number=own.number,
        epoch=own.epoch,
        classification=complete.get("classification") or "public",
        protection=own.protect,
        pseudonym_domain=_domain(own, shared_name, item["name"], context),
        meaning=library.meaning(complete),
        codes=codes,
        check=check,
        reference=reference,
    )


def _extension(
    column: dict[str, Any], shared_name: str | None, place: Place, context: Context
) -> ColumnExtension | None:
    found = extension.find(column.get("customProperties"), place)
    own: ColumnExtension | None = ColumnExtension()
    here = place
    if found is not None:
        value, here = found
        own = extension.parse(ColumnExtension, value, here, context.document, context.faults)
    shared = _shared(column, context)
    if own is None or shared is None:
        return own
    return library.agree_extension(own, shared_name, shared, here, context.document, context.faults)


def _shared(column: dict[str, Any], context: Context) -> ColumnExtension | None:
    for entry in column.get("authoritativeDefinitions") or ():
        if isinstance(entry, dict) and entry.get("type") == library.AUTHORITY:
            found = context.library.columns.get(str(entry.get("url")))
            return found.civiclake if found else None
    return None


def _reference(
    column: dict[str, Any], own: ColumnExtension | None, place: Place, context: Context
) -> Reference | None:
    document, faults = context.document, context.faults
    relations = column.get("relationships") or []
    here = (*place, "relationships")
    if len(relations) > 1:
        document.fault(faults, here, "allowed is one reference for a column")
        return None
    if not relations or not isinstance(relations[0], dict):
        return None
    target = relations[0].get("to")
    found = _REFERENCE.fullmatch(target) if isinstance(target, str) else None
    if found is None:
        message = f"is {target!r}; allowed is '<department>.<dataset>.<column>'"
        document.fault(faults, (*here, 0, "to"), message)
        return None
    if own is not None and own.protect is not None:
        message = "a protected column can't be a reference; drop one of the two"
        document.fault(faults, (*here, 0, "to"), message)
        return None
    return Reference(dataset=found[1], column=found[2])


def _key_position(column: dict[str, Any], order: int) -> int | None:
    if not column.get("primaryKey"):
        return None
    said = column.get("primaryKeyPosition", -1)
    # Columns without a said place come after those with one, in the order they are written.
    return int(said) if said > 0 else 1000 + order


def _number_keys(columns: list[Column]) -> list[Column]:
    """Key places become 1, 2, 3 whatever the contract counted."""
    keyed = sorted((c.key_position, c.name) for c in columns if c.key_position is not None)
    places = {name: index for index, (_, name) in enumerate(keyed, start=1)}
    return [c.model_copy(update={"key_position": places.get(c.name)}) for c in columns]


def _domain(
    own: ColumnExtension, shared_name: str | None, name: str, context: Context
) -> str | None:
    if own.protect is not Protection.PSEUDONYM:
        return None
    return shared_name or f"{context.dataset_id}.{name}"
