"""What a column's values mean: codes of a list, numbers with a check digit, positions."""

from __future__ import annotations

import re
from typing import Any

from civiclake.contracts.model import Column
from civiclake.contracts.read import extension
from civiclake.contracts.read.column_checks import Context
from civiclake.contracts.read.extension import ColumnExtension
from civiclake.contracts.read.faults import Place, choice, did_you_mean
from civiclake.contracts.read.logical_types import SUPPORTED
from civiclake.contracts.standards import Check, CheckKind, Codes

_LATITUDE = re.compile(r"(?<![a-z])lat(?P<rest>itude)?(?![a-z])")
_DATED = ("date", "timestamp")
_SHOWN_CODES = 30


def codes(
    own: ColumnExtension | None, column: dict[str, Any], place: Place, context: Context
) -> Codes | None:
    """The code list that a column names, with the source's own codes."""
    if own is None:
        return None
    document, faults, shared = context.document, context.faults, context.library
    here = _entry(column, place)
    if own.codes is None:
        for field, said in (("map", own.map), ("as_of", own.as_of)):
            if said:
                message = f"{field} wants the code list it belongs to (codes: ...)"
                document.fault(faults, (*here, field), message)
        return None
    found = shared.codes.get(own.codes)
    if found is None:
        if own.codes not in shared.broken:
            known = sorted(shared.codes)
            hint = did_you_mean(own.codes, known)
            message = f"there is no code list {own.codes!r}; allowed are {choice(known)}{hint}"
            document.fault(faults, (*here, "codes"), message)
        return None
    table = shared.tables[own.codes]
    for source, code in own.map.items():
        if code not in table.current:
            message = f"leads to {code!r}; allowed are {_shown(own.codes, table.current)}"
            hint = did_you_mean(code, table.current)
            document.fault(faults, (*here, "map", source), message + hint)
    _check_coded(own, column, place, context)
    return Codes(
        list_id=own.codes,
        values=found.codes,
        mapping=own.map,
        replaced={old: today for old in found.replaced if (today := table.today(old))},
        table=found.table,
        fingerprint=shared.fingerprints.get(own.codes, ""),
        revision=found.revision or "",
        carries=table.replaces,
        as_of=own.as_of,
    )


def _shown(name: str, allowed: frozenset[str]) -> str:
    if len(allowed) <= _SHOWN_CODES:
        return choice(sorted(allowed))
    return f"the {len(allowed)} codes of today that `civiclake codes show {name}` lists"


def _entry(column: dict[str, Any], place: Place) -> Place:
    found = extension.find(column.get("customProperties"), place)
    return found[1] if found else place


def _check_coded(
    own: ColumnExtension, column: dict[str, Any], place: Place, context: Context
) -> None:
    document, faults = context.document, context.faults
    if column.get("logicalType") in SUPPORTED and column["logicalType"] != "string":
        message = f"is {column['logicalType']!r}; codes are of type 'string'"
        document.fault(faults, (*place, "logicalType"), message)
    if own.protect is not None:
        message = "a protected column can't be coded; choose one"
        document.fault(faults, (*place, "classification"), message)
    if column.get("enum"):
        message = "a coded column has its values from the list; leave enum out"
        document.fault(faults, (*place, "enum"), message)
    if own.check is not None:
        message = f"is {str(own.check)!r}, but the column is coded; choose one"
        document.fault(faults, (*_entry(column, place), "check"), message)


def check(
    own: ColumnExtension | None, column: dict[str, Any], place: Place, context: Context
) -> Check | None:
    """The check that a column names."""
    if own is None:
        return None
    document, faults = context.document, context.faults
    here = _entry(column, place)
    if own.check is not CheckKind.COORDINATES:
        for field in ("longitude", "within"):
            if getattr(own, field) is not None:
                message = "belongs to the check 'coordinates'; write check: coordinates beside it"
                document.fault(faults, (*here, field), message)
    if own.check is None:
        return None
    wanted = "number" if own.check is CheckKind.COORDINATES else "string"
    said = column.get("logicalType")
    if said in SUPPORTED and said != wanted:
        message = f"is {said!r}; the check {str(own.check)!r} wants {wanted!r}"
        document.fault(faults, (*place, "logicalType"), message)
    if own.check is not CheckKind.COORDINATES:
        return Check(kind=own.check)
    area = own.within
    if area is not None and (area.south >= area.north or area.west >= area.east):
        message = "is empty; allowed is south below north and west below east"
        document.fault(faults, (*here, "within"), message)
    longitude = own.longitude or _LATITUDE.sub(_longitude, column["name"])
    return Check(kind=own.check, longitude=longitude, within=area)


def _longitude(found: re.Match[str]) -> str:
    return "longitude" if found["rest"] else "lon"


def check_partners(
    column: Column, raw: dict[str, dict[str, Any]], place: Place, context: Context
) -> None:
    """The columns that a column's codes or check look at stand in the table, rightly typed."""
    if column.codes is not None and column.codes.as_of is not None:
        _check_partner(column.codes.as_of, "as_of", _DATED, column, raw, place, context)
    if column.check is not None and column.check.longitude is not None:
        _check_partner(
            column.check.longitude, "longitude", ("number",), column, raw, place, context
        )


def _check_partner(
    name: str,
    field: str,
    kinds: tuple[str, ...],
    column: Column,
    raw: dict[str, dict[str, Any]],
    place: Place,
    context: Context,
) -> None:
    document, faults = context.document, context.faults
    here = (*_entry(raw[column.name], place), field)
    found = raw.get(name)
    if found is None or name == column.name:
        allowed = [n for n, c in raw.items() if c.get("logicalType") in kinds and n != column.name]
        hint = did_you_mean(name, allowed)
        message = f"there is no column {name!r} beside it; allowed are {choice(allowed)}{hint}"
        document.fault(faults, here, message)
    elif found.get("logicalType") not in kinds:
        message = f"column {name!r} is a {found.get('logicalType')}; allowed is a {choice(kinds)}"
        document.fault(faults, here, message)
