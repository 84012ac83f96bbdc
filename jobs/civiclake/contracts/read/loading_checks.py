"""What a contract says of loading goes together: load, history, sequence, operations and key."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from civiclake.contracts.loading import History, Load, Occurrence
from civiclake.contracts.model import Protection
from civiclake.contracts.read.columns import Compiled
from civiclake.contracts.read.extension import DatasetExtension
from civiclake.contracts.read.faults import Place, choice, did_you_mean
from civiclake.contracts.read.logical_types import ORDERABLE

Fault = Callable[[Place, str], None]

_HISTORIES = {
    Load.INCREMENTAL: (History.LATEST, History.HISTORY, History.APPEND),
    Load.FILES: (History.LATEST, History.HISTORY, History.APPEND),
    Load.SNAPSHOT: (History.LATEST, History.HISTORY, History.SNAPSHOT),
    Load.CHANGES: (History.LATEST, History.HISTORY),
}
_WHY_NOT = {
    (Load.SNAPSHOT, History.APPEND): "a snapshot deletes what is gone",
    (Load.CHANGES, History.APPEND): "a change log changes and deletes",
}
_OCCURRENCES = {
    (Load.SNAPSHOT, History.LATEST): (Occurrence.EQUALS,),
    (Load.SNAPSHOT, History.SNAPSHOT): (Occurrence.EQUALS,),
    (Load.FILES, History.LATEST): (Occurrence.EQUALS,),
    (Load.FILES, History.APPEND): (Occurrence.ROW,),
}
_NO_OCCURRENCE = {
    Load.INCREMENTAL: "rows past a watermark are a part of the source: which of several equal rows"
    " changed can't be told; load it as a snapshot, or name its key",
    Load.CHANGES: "a change log speaks of keys: which of several equal rows it means can't be told",
}
_NO_VERSIONS = (
    "rows without a name of their own have no versions: which of them ended and which went on can't"
    " be told; allowed are 'latest' (as it is now), and for a snapshot 'snapshot' (night by night)"
)
_TIMES = ("date", "timestamp")


def check_loading(
    own: DatasetExtension, compiled: Compiled, table: Place, here: Place, fault: Fault
) -> None:
    """Note every fault of loading.

    Args:
        own: the contract's ``civiclake`` entry.
        compiled: the columns.
        table: place of the table.
        here: place of the ``civiclake`` entry.
        fault: notes a fault.
    """
    _check_history(own, here, fault)
    _check_cut(own, here, fault)
    _check_operations(own, compiled, here, fault)
    if own.sequence is not None:
        kinds = _TIMES if own.history is History.HISTORY else ORDERABLE
        _check_column(own.sequence, kinds, compiled, (*here, "sequence"), fault)
    if own.event_time is not None:
        place = (*here, "event_time")
        _check_column(own.event_time, _TIMES, compiled, place, fault, may_be_empty=True)
    _check_occurrence(own, compiled, here, fault)
    _check_key(compiled, table, fault, is_line_list=own.occurrence is not None)


def _check_history(own: DatasetExtension, here: Place, fault: Fault) -> None:
    allowed = _HISTORIES[own.load]
    if own.history not in allowed:
        why = _WHY_NOT.get((own.load, own.history), "only a snapshot is a night's full state")
        message = f"is {own.history.value!r}, but {why}; allowed are {choice(map(str, allowed))}"
        fault((*here, "history"), message)
    by_night = own.history in (History.HISTORY, History.SNAPSHOT)
    if own.load is Load.SNAPSHOT and by_night and own.sequence is not None:
        message = "a snapshot's rows are valid from the night they were delivered; leave it out"
        fault((*here, "sequence"), message)


def _check_cut(own: DatasetExtension, here: Place, fault: Fault) -> None:
    if own.goes_by_sequence and own.sequence is None:
        message = "'sequence' is missing: the column that tells new rows from old ones"
        fault((*here, "sequence"), message)
    if not own.goes_by_sequence and own.overlap_seconds:
        fault((*here, "overlap"), f"is {own.overlap!r}; only incremental loads overlap")


def _check_occurrence(own: DatasetExtension, compiled: Compiled, here: Place, fault: Fault) -> None:
    """A line list wants a delivery that is the whole state of what it names, and no order."""
    if own.occurrence is None:
        return
    place, said = (*here, "occurrence"), own.occurrence.value
    allowed = _OCCURRENCES.get((own.load, own.history), ())
    if own.load in _NO_OCCURRENCE:
        fault(place, f"is {said!r}, but {_NO_OCCURRENCE[own.load]}")
        return
    if own.history is History.HISTORY:
        fault(place, f"is {said!r}, but {_NO_VERSIONS}")
    elif own.history in _HISTORIES[own.load] and own.occurrence not in allowed:
        why = "an event keeps its place" if own.history is History.APPEND else "rows may move"
        allows = f"with history {own.history.value!r} allowed is {choice(map(str, allowed))}"
        fault(place, f"is {said!r}, but {why}; {allows}")
    if own.sequence is not None:
        message = "equal rows are no versions of one thing; leave it out, or leave out 'occurrence'"
        fault((*here, "sequence"), message)
    keys = [name for name, column in compiled.raw.items() if column.get("primaryKey")]
    if own.occurrence is Occurrence.ROW and keys:
        message = (
            f"is 'row', so that a row's file and number are its key, but {keys[0]!r} has"
            " primaryKey: true; leave out one of the two"
        )
        fault(place, message)


def _check_operations(own: DatasetExtension, compiled: Compiled, here: Place, fault: Fault) -> None:
    place = (*here, "operation")
    if own.load is not Load.CHANGES:
        if own.operation is not None:
            fault(place, "only a change log has operations; allowed is load: changes")
        if own.operations:
            fault((*here, "operations"), "only a change log has operations; leave them out")
        return
    if own.operation is None:
        fault(place, "'operation' is missing: the column that says what was done to a key")
        return
    _check_column(own.operation, ("string",), compiled, place, fault)
    raw = compiled.raw.get(own.operation, {})
    column = next((c for c in compiled.columns if c.name == own.operation), None)
    if raw.get("primaryKey"):
        fault(place, f"column {own.operation!r} is a part of the key; an operation is none")
    if column is not None and (column.codes or column.protection or column.reference):
        message = (
            f"column {own.operation!r} is coded, protected or a reference; its words are"
            " told by 'operations' alone"
        )
        fault(place, message)
    lost = sorted({*column.absent} & {*own.known_operations}) if column is not None else []
    if lost:
        fault(place, f"holds {choice(lost)}, which is a word for an absent value as well")


def _check_column(
    name: str,
    kinds: Sequence[str],
    compiled: Compiled,
    place: Place,
    fault: Fault,
    *,
    may_be_empty: bool = False,
) -> None:
    """A column that the load leans on: there, never empty, of a fitting type, and not dropped."""
    column: dict[str, Any] | None = compiled.raw.get(name)
    if column is None:
        hint = did_you_mean(name, compiled.declared)
        allowed = choice(sorted(compiled.declared))
        fault(place, f"there is no column {name!r}; allowed are {allowed}{hint}")
        return
    if not column.get("required") and not may_be_empty:
        fault(place, f"column {name!r} may be empty; it wants required: true")
    if column.get("logicalType") not in kinds:
        kind = column.get("logicalType")
        fault(place, f"column {name!r} is a {kind}; allowed are {choice(kinds)}")
    if any(c.name == name and c.protection is Protection.DROP for c in compiled.columns):
        fault(place, f"column {name!r} is dropped; the merge could not see it")


def _check_key(compiled: Compiled, table: Place, fault: Fault, *, is_line_list: bool) -> None:
    keys = [n for n, c in compiled.raw.items() if c.get("primaryKey")]
    if compiled.declared and not keys and not is_line_list:
        message = (
            "no column has primaryKey: true; rows are merged by their key. Of a list without an"
            " id, 'occurrence: equals' in civiclake keeps every row, equal ones too"
        )
        fault((*table, "properties"), message)
    positions = [c.get("primaryKeyPosition", -1) for c in compiled.raw.values()]
    said = [p for p in positions if isinstance(p, int) and p > 0]
    if len(said) != len(set(said)):
        fault((*table, "properties"), "two columns have the same primaryKeyPosition")
