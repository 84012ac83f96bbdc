"""What a contract says of how values are written, held against what the column is."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from civiclake.contracts.notation import BLANKS, NumberNotation, Percent, strip
from civiclake.contracts.read import extension
from civiclake.contracts.read.column_checks import Context
from civiclake.contracts.read.extension import ColumnExtension
from civiclake.contracts.read.faults import Place, choice

Fault = Callable[[str, str], None]
"""Notes a fault: the field, and the sentence."""

_INTEGER = re.compile(r"[+-]?\d+(?:\.0*)?")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")


def absent_words(own: ColumnExtension, context: Context) -> tuple[str, ...]:
    """The words that mean in a column that there is no value, as the load sees them."""
    words = context.absent if own.absent is None else own.absent
    return tuple(dict.fromkeys(word for word in map(strip, words) if word))


def check_notation(
    own: ColumnExtension | None, column: dict[str, Any], place: Place, context: Context
) -> None:
    """Note every contradiction between a column and the way its values are said to be written."""
    if own is None:
        return
    found = extension.find(column.get("customProperties"), place)
    here = found[1] if found else place

    def fault(field: str, message: str) -> None:
        context.document.fault(context.faults, (*here, *field.split(".")), message)

    _check_absent(own, column, context, fault)
    _check_absent_as(own, column, context, fault)
    if own.number is not None:
        _check_number(own.number, column, fault)
    if own.epoch is not None:
        _check_epoch(column, fault)


def _values(own: ColumnExtension, column: dict[str, Any], context: Context) -> dict[str, str]:
    """The texts that mean something in this column, and what each is."""
    listed = [e.get("value") for e in column.get("enum") or () if isinstance(e, dict)]
    found = {str(value): "a value of its enum" for value in listed}
    table = context.library.tables.get(own.codes or "")
    if table is not None:
        found |= dict.fromkeys(table.meanings, f"a code of {own.codes}")
    return found | dict.fromkeys(own.map, "a code of the source, which map leads on")


def _check_absent(
    own: ColumnExtension, column: dict[str, Any], context: Context, fault: Fault
) -> None:
    values = _values(own, column, context)
    if own.absent_as is not None:
        values[strip(own.absent_as)] = "what absent_as says"
    said = "here" if own.absent is not None else "for all columns"
    for word in absent_words(own, context):
        if word in values:
            fault(
                "absent",
                f"holds {word!r} ({said}), which is {values[word]}; write the words that mean"
                " nothing in this column, such as absent: [], or leave the other out",
            )


def _check_absent_as(
    own: ColumnExtension, column: dict[str, Any], context: Context, fault: Fault
) -> None:
    if own.absent_as is None:
        return
    text = strip(own.absent_as)
    if not text:
        fault("absent_as", "is blank; allowed is a text that stands for the absent value")
        return
    if own.protect is not None:
        message = "would give everybody without a number the same pseudonym; leave it out"
        fault("absent_as", message)
    elif own.check is not None:
        fault("absent_as", f"is no sound value of the check {str(own.check)!r}; leave it out")
    values = _values(own, column, context)
    if values and text not in values:
        shown = choice(sorted(values)) if len(values) <= 30 else f"the {len(values)} codes listed"
        fault("absent_as", f"is {text!r}; allowed are {shown}")
    elif not _is_of_type(text, own, column):
        fault("absent_as", f"is {text!r}, which is no {column.get('logicalType')}")
    regex = (column.get("logicalTypeOptions") or {}).get("pattern")
    if isinstance(regex, str) and not _matches(regex, text):
        fault("absent_as", f"is {text!r}, which does not match the pattern {regex!r}")


def _matches(regex: str, text: str) -> bool:
    try:
        return re.fullmatch(regex, text) is not None
    except re.error:  # told elsewhere
        return True


def _is_of_type(text: str, own: ColumnExtension, column: dict[str, Any]) -> bool:
    """Whether the text can be a value; where a format says how it is written, the load tells."""
    kind = column.get("logicalType")
    if kind in ("integer", "number"):
        plain = text if own.number is None else own.number.plain(text)
        wanted = _INTEGER if kind == "integer" else _NUMBER
        return plain is not None and wanted.fullmatch(plain) is not None
    if kind == "boolean":
        return text.lower() in ("true", "false")
    if "format" in (column.get("logicalTypeOptions") or {}) or kind not in ("date", "timestamp"):
        return True
    if own.epoch is not None:
        return _NUMBER.fullmatch(text) is not None
    try:
        date.fromisoformat(text) if kind == "date" else datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _check_number(said: NumberNotation, column: dict[str, Any], fault: Fault) -> None:
    kind = column.get("logicalType")
    if kind not in ("integer", "number"):
        fault("number", f"says how numbers are written, but the column is a {kind}; leave it out")
        return
    if said == NumberNotation():
        fault("number", "says nothing that is not so anyway; leave it out")
    if said.group is not None and said.decimal in said.groups:
        message = f"is {said.group!r}, the decimal mark itself; say which other mark 'decimal' is"
        fault("number.group", message)
    if said.percent is Percent.DIVIDE and kind == "integer":
        message = "is 'divide', and a hundredth of a whole number is none; allowed is 'keep'"
        fault("number.percent", message)
    for word in said.strip:
        wrong = _wrong_word(word, said)
        if wrong:
            fault("number.strip", f"holds {word!r}; {wrong}")


def _wrong_word(word: str, said: NumberNotation) -> str:
    if not word or word != strip(word):
        return "allowed are words without blanks around them"
    if re.search(r"[%\uff05]", word):
        return "what a percent sign means is said by percent: divide or keep"
    if re.search(r"[0-9+\-\u2212]", word) or word in f".,{said.groups}{BLANKS}eE":
        return "which would be a part of the number itself"
    return ""


def _check_epoch(column: dict[str, Any], fault: Fault) -> None:
    kind = column.get("logicalType")
    if kind != "timestamp":
        fault("epoch", f"counts to an instant, but the column is a {kind}; allowed is 'timestamp'")
        return
    options = column.get("logicalTypeOptions") or {}
    if "format" in options:
        message = f"is said beside the format {options['format']!r}; a time is counted or written"
        fault("epoch", message)
    zone = options.get("defaultTimezone", "UTC")
    if zone not in ("UTC", "Etc/UTC"):
        fault("epoch", f"counts from 1970 in UTC; leave out the defaultTimezone {zone!r}")
