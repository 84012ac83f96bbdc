"""What a column says of itself: its name, the options of its type, its class."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from civiclake.contracts.model import Protection
from civiclake.contracts.read import patterns
from civiclake.contracts.read.document import Document
from civiclake.contracts.read.extension import ColumnExtension
from civiclake.contracts.read.faults import Faults, Place, choice, did_you_mean
from civiclake.contracts.read.library import Library
from civiclake.contracts.read.logical_types import check_format, is_timezone
from civiclake.contracts.read.values import TIMES, comparable, misfit, time_misfit

CLASSES = ("public", "internal", "confidential", "restricted")
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_LOWEST, _HIGHEST = ("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")


@dataclass
class Context:
    """What every check of a column needs to know."""

    document: Document
    library: Library
    faults: Faults
    dataset_id: str
    absent: Sequence[str] = ()
    """The dataset's words for an absent value."""


def check_name(name: str, place: Place, context: Context) -> None:
    """A column is named as every table and every SQL can take it."""
    if not _NAME.fullmatch(name):
        message = (
            f"is {name!r}; allowed are small letters, digits and underscores, a letter first"
            " (the source's own name goes into physicalName)"
        )
        context.document.fault(context.faults, (*place, "name"), message)


def check_options(
    options: dict[str, Any], logical: str | None, place: Place, context: Context
) -> None:
    """What ``logicalTypeOptions`` says can be held."""
    document, faults = context.document, context.faults
    here = (*place, "logicalTypeOptions")

    def fault(field: str, message: str) -> None:
        document.fault(faults, (*here, field), message)

    pattern = options.get("format")
    if logical in ("date", "timestamp") and isinstance(pattern, str):
        wrong = check_format(pattern)
        if wrong:
            fault("format", f"is {pattern!r}; {wrong}")
    elif logical == "string" and pattern is not None:
        fault("format", f"is {pattern!r}, which is not checked; write it as a pattern")
    zone = options.get("defaultTimezone")
    if isinstance(zone, str) and not is_timezone(zone):
        fault(
            "defaultTimezone",
            f"is {zone!r}; allowed is an IANA time zone such as 'Asia/Shanghai'",
        )
    if "multipleOf" in options:
        fault("multipleOf", "is not supported; write it as a rule in the dataset's suite")
    regex = options.get("pattern")
    if isinstance(regex, str):
        wrong = patterns.fault(regex)
        if wrong:
            fault("pattern", f"is {regex!r}; {wrong}")
    _check_bounds(options, logical, fault)


def _check_bounds(
    options: dict[str, Any], logical: str | None, fault: Callable[[str, str], None]
) -> None:
    """Bounds are of the column's type, each is said once, and something lies between them."""
    wrong = False
    for field in (*_LOWEST, *_HIGHEST):
        allowed = time_misfit(options[field], str(logical)) if field in options else None
        if logical in TIMES and allowed:
            fault(field, f"is {options[field]!r}; allowed is {allowed}")
            wrong = True
    for pair in (_LOWEST, _HIGHEST):
        if all(field in options for field in pair):
            fault(pair[1], f"stands beside {pair[0]}; keep one of the two")
            wrong = True
    sides = ((_LOWEST, _HIGHEST), (("minLength",), ("maxLength",)))
    for lows, highs in () if wrong else sides:
        low = next((f for f in lows if f in options), None)
        high = next((f for f in highs if f in options), None)
        if low and high and _leaves_nothing(options[low], options[high], f"{low} {high}"):
            message = f"is {options[low]!r}, above {high} {options[high]!r}; nothing could pass"
            fault(low, message)


def _leaves_nothing(low: Any, high: Any, fields: str) -> bool:
    try:
        first, last = comparable(low), comparable(high)
        return bool(first > last or (first == last and "exclusive" in fields))
    except (TypeError, ValueError):  # reported by the standard's own schema
        return False


def check_enum(values: Any, logical: str | None, place: Place, context: Context) -> None:
    """The values of an enumeration are of the column's type; null is none."""
    for index, entry in enumerate(values if isinstance(values, list) else ()):
        if not isinstance(entry, dict) or "value" not in entry:
            continue
        value, where = entry["value"], (*place, "enum", index, "value")
        if value is None:
            message = "is null, with which every value would pass; leave it out"
            context.document.fault(context.faults, where, message)
        elif allowed := misfit(value, logical):
            message = f"is {value!r}; allowed is {allowed}, as the column is of type {logical}"
            context.document.fault(context.faults, where, message)


def check_protection(
    column: dict[str, Any], own: ColumnExtension | None, place: Place, context: Context
) -> None:
    """Restricted columns are protected, and only those."""
    document, faults = context.document, context.faults
    level = column.get("classification") or "public"
    if level not in CLASSES:
        hint = did_you_mean(level, CLASSES)
        message = f"is {level!r}; allowed are {choice(CLASSES)}{hint}"
        document.fault(faults, (*place, "classification"), message)
        return
    if own is None:
        return
    if level == "restricted" and own.protect is None:
        message = (
            "is 'restricted' without a protection; add a customProperties entry"
            " {property: civiclake, value: {protect: pseudonym}} (or protect: drop)"
        )
        document.fault(faults, (*place, "classification"), message)
    if own.protect is not None and level != "restricted":
        message = f"is {level!r}, but the column is protected; allowed is 'restricted'"
        document.fault(faults, (*place, "classification"), message)
    if own.protect is Protection.PSEUDONYM and column.get("logicalType") != "string":
        message = f"is {column.get('logicalType')!r}; a pseudonym is made of a 'string' only"
        document.fault(faults, (*place, "logicalType"), message)
    if own.protect is Protection.DROP and column.get("primaryKey"):
        message = "a column of the key can't be dropped; use protect: pseudonym"
        document.fault(faults, (*place, "primaryKey"), message)
