"""What a column says of itself: its name, the options of its type, its class."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from civiclake.contracts.document import Document
from civiclake.contracts.extension import ColumnExtension
from civiclake.contracts.faults import Faults, Place, choice, did_you_mean
from civiclake.contracts.library import Library
from civiclake.contracts.logical_types import check_format, is_timezone
from civiclake.contracts.model import Protection

CLASSES = ("public", "internal", "confidential", "restricted")
_NAME = re.compile(r"[a-z][a-z0-9_]*")


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
        try:
            re.compile(regex)
        except re.error as error:
            fault("pattern", f"is {regex!r}; not a regular expression: {error}")
    for low, high in (("minimum", "maximum"), ("minLength", "maxLength")):
        if _above(options.get(low), options.get(high)):
            message = f"is {options[low]!r}, above {high} {options[high]!r}; nothing could pass"
            fault(low, message)


def _above(low: Any, high: Any) -> bool:
    try:
        return bool(low > high)
    except TypeError:  # one of the two is not said
        return False


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
