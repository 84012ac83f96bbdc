"""Two versions of a contract's columns: what changed, and for whom it matters."""

from __future__ import annotations

import re
from collections.abc import Iterator

from civiclake.contracts.diff.model import Change, breaking, compatible, text
from civiclake.contracts.diff.notation import NOTATION, notation_changes
from civiclake.contracts.diff.rules import rule_changes
from civiclake.contracts.model import Column, Dataset, Mart, Protection
from civiclake.contracts.render.layers import unified_type
from civiclake.contracts.standards import Codes

_DECIMAL = re.compile(r"decimal\((\d+),(\d+)\)")
_WIDER = {
    ("int", "bigint"),
    ("int", "double"),
    ("float", "double"),
}
_WHOLE_DIGITS = {"int": 10, "bigint": 20}
_CLASSES = ("public", "internal", "confidential", "restricted")
_STRENGTH = {None: 0, Protection.PSEUDONYM: 1, Protection.DROP: 2}
_COMPARED = frozenset(
    {
        "name", "source_name", "logical_type", "spark_type", "description", "required",
        "key_position", "format", "timezone", "classification", "protection",
        "pseudonym_domain", "codes", "reference",
    }
    | NOTATION
)  # fmt: skip


def column_changes(old: Dataset | Mart, new: Dataset | Mart) -> Iterator[Change]:
    """Every change of the columns and of the rules on them."""
    before = {c.name: c for c in old.columns}
    after = {c.name: c for c in new.columns}
    renamed = _renamed(before, after)
    for name, column in before.items():
        if name not in after:
            yield _gone(column, renamed.get(name))
    for name, column in after.items():
        if name in before:
            yield from _changed(before[name], column)
        elif name not in renamed.values():
            yield _came(column)
    yield from rule_changes(old, new, frozenset(before) & frozenset(after))


def _renamed(before: dict[str, Column], after: dict[str, Column]) -> dict[str, str]:
    """Old name to new name of columns that are read from the same column of the source."""
    came = {c.source_name: c.name for c in after.values() if c.name not in before}
    gone = [c for c in before.values() if c.name not in after]
    return {c.name: came[c.source_name] for c in gone if c.source_name in came}


def _place(column: Column) -> str:
    return f"columns.{column.name}"


def _gone(column: Column, renamed_to: str | None) -> Change:
    if renamed_to:
        said, remedy = f"is renamed to {renamed_to}", "queries must be told the new name"
        return breaking("column_renamed", _place(column), said, remedy)
    if column.protection is Protection.DROP:
        # Nobody who queries ever saw it.
        return compatible("column_dropped", _place(column), "is dropped; it was never served")
    remedy = "keep it (empty, if need be) until nobody queries it"
    return breaking("column_dropped", _place(column), "is dropped", remedy)


def _came(column: Column) -> Change:
    if column.required:
        remedy = "let it be optional at first: what is served has no value for it"
        return breaking("column_added_required", _place(column), "is new and required", remedy)
    return compatible("column_added", _place(column), "is new and optional")


def _changed(old: Column, new: Column) -> Iterator[Change]:
    yield from _type(old, new)
    yield from _required(old, new)
    yield from _protection(old, new)
    yield from _codes(old.codes, new.codes, _place(new))
    yield from _reading(old, new)
    if old.spark_type == new.spark_type:
        yield from notation_changes(old, new, _place(new))
    yield from _reference(old, new)
    if old.description != new.description:
        yield text("text_changed", _place(new), "its description reads otherwise")
    before, after = old.model_dump(mode="json"), new.model_dump(mode="json")
    for field in sorted({*before, *after} - _COMPARED):
        if before.get(field) != after.get(field):
            said = f"{field} was {before.get(field)}, is {after.get(field)}"
            yield compatible("changed", f"{_place(new)}.{field}", said)


def is_wider(old: str, new: str) -> bool:
    """Whether every value of the old Spark type is a value of the new one."""
    if (old, new) in _WIDER:
        return True
    target = _DECIMAL.fullmatch(new)
    if target is None:
        return False
    precision, scale = int(target[1]), int(target[2])
    source = _DECIMAL.fullmatch(old)
    if source:
        return scale >= int(source[2]) and precision - scale >= int(source[1]) - int(source[2])
    return precision - scale >= _WHOLE_DIGITS.get(old, 39)


def _type(old: Column, new: Column) -> Iterator[Change]:
    # A column that is not served as what it is in the source has changed by its protection.
    if old.protection is not new.protection or old.spark_type == new.spark_type:
        return
    if unified_type(old) == unified_type(new):
        return
    said = f"was {old.spark_type}, is {new.spark_type}"
    if is_wider(old.spark_type, new.spark_type):
        yield compatible("type_widened", _place(new), said)
        return
    narrower = is_wider(new.spark_type, old.spark_type)
    kind = "type_narrowed" if narrower else "type_changed"
    remedy = "add a column of the new type beside it, and drop this one when nobody queries it"
    yield breaking(kind, _place(new), said, remedy)


def _required(old: Column, new: Column) -> Iterator[Change]:
    if new.required and not old.required:
        remedy = "rows without a value are set aside from now on: ask the department first"
        yield breaking("newly_required", _place(new), "is required now", remedy)
    if old.required and not new.required:
        yield compatible("no_longer_required", _place(new), "may be empty now")


def _protection(old: Column, new: Column) -> Iterator[Change]:
    was, now = old.protection, new.protection
    said = f"was protected by {was or 'nothing'}, is by {now or 'nothing'}"
    if _STRENGTH[now] < _STRENGTH[was]:
        remedy = "privacy: what was hidden would be served; ask whoever answers for the data"
        yield breaking("protection_weakened", _place(new), said, remedy)
    elif was is not now:
        remedy = "queries see other values or none: tell them, then rebuild the table"
        yield breaking("protection_strengthened", _place(new), said, remedy)
    elif old.pseudonym_domain != new.pseudonym_domain:
        said = f"pseudonyms were of {old.pseudonym_domain}, are of {new.pseudonym_domain}"
        remedy = "joins with tables of the old pseudonyms find nothing: rebuild all of them"
        yield breaking("pseudonym_domain_changed", _place(new), said, remedy)
    elif old.classification != new.classification:
        said = f"was {old.classification}, is {new.classification}"
        if _CLASSES.index(new.classification) < _CLASSES.index(old.classification):
            remedy = "privacy: more people may see it; ask whoever answers for the data"
            yield breaking("classification_lowered", _place(new), said, remedy)
        else:
            yield compatible("classification_raised", _place(new), said)


def _codes(old: Codes | None, new: Codes | None, place: str) -> Iterator[Change]:
    if old is None and new is None:
        return
    if old is None or new is None:
        said = f"was {'free text' if old is None else f'coded by {old.list_id}'}, is "
        said += "free text" if new is None else f"coded by {new.list_id}"
        remedy = "add a coded column beside it, and drop this one when nobody queries it"
        yield breaking("codes_changed", place, said, remedy)
        return
    gone = old.values.keys() - new.values.keys()
    withdrawn = sorted(gone & new.replaced.keys())
    if withdrawn:
        said = ", ".join(f"{code} (now {new.replaced[code]})" for code in withdrawn[:10])
        yield compatible("code_withdrawn", place, f"{new.list_id} has withdrawn {said}")
    lost = sorted(gone - new.replaced.keys())
    if lost:
        said = f"the code list {new.list_id} lost {', '.join(lost[:10])}"
        remedy = "keep withdrawn codes in the list, or map them to their successors"
        yield breaking("code_lost", place, said, remedy)
    more = sorted(new.values.keys() - old.values.keys())
    if more:
        said = f"the code list {new.list_id} has {', '.join(more[:10])} besides"
        yield compatible("code_added", place, said)
    if any(old.values[c] != new.values[c] for c in old.values.keys() & new.values.keys()):
        yield text("text_changed", place, f"labels of {new.list_id} read otherwise")
    if old.list_id != new.list_id:
        said = f"the code list was {old.list_id}, is {new.list_id}"
        yield compatible("code_list_renamed", place, said)
    yield from _mapping(old, new, place)


def _mapping(old: Codes, new: Codes, place: str) -> Iterator[Change]:
    def target(codes: Codes, source: str) -> str | None:
        found = codes.mapping.get(source, source)
        return codes.replaced.get(found, found if found in codes.values else None)

    for source in sorted({*old.mapping, *new.mapping}):
        was, now = target(old, source), target(new, source)
        if was == now:
            continue
        said = f"the source's {source} was {was or 'unknown'}, is {now or 'unknown'}"
        if was is None:
            yield compatible("map_added", place, said)
        else:
            remedy = "rows before and after would mean different things: rebuild the table"
            yield breaking("map_changed", place, said, remedy)


def _reading(old: Column, new: Column) -> Iterator[Change]:
    """How the source's text is read; only another zone gives another value."""
    if old.timezone != new.timezone and new.spark_type == old.spark_type == "timestamp":
        said = f"was read in {old.timezone}, is read in {new.timezone}"
        remedy = "rows before and after would mean different moments: rebuild the table"
        yield breaking("timezone_changed", _place(new), said, remedy)
    for field in ("source_name", "format"):
        was, now = getattr(old, field), getattr(new, field)
        if was != now:
            said = f"{field} was {was}, is {now}"
            yield compatible("reading_changed", f"{_place(new)}.{field}", said)


def _reference(old: Column, new: Column) -> Iterator[Change]:
    if old.reference == new.reference:
        return
    if new.reference is None:
        yield compatible("reference_dropped", _place(new), "refers to nothing any more")
        return
    said = f"must stand in {new.reference.dataset}.{new.reference.column} now"
    remedy = "rows that don't are set aside from now on: ask the department first"
    yield breaking("reference_added", _place(new), said, remedy)
