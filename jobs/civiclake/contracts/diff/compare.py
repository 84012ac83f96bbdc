"""Two versions of a city's contracts: what changed, for whom it matters, and what is to be done.

A contract is a promise to both sides: the department that delivers and the people who
query. A change is *breaking* when something that was right before is refused, means
something else or is no longer there; everything else is *compatible*, or a mere *text*.
The suites under ``expectations/`` are no part of a contract's version and not compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from civiclake.contracts.city import City
from civiclake.contracts.diff.columns import column_changes
from civiclake.contracts.diff.model import (
    Change,
    ContractDiff,
    Level,
    Published,
    Version,
    breaking,
    compatible,
    text,
)
from civiclake.contracts.model import Dataset, Load, Mart, naming
from civiclake.contracts.read.codes import CodeTable, read_table
from civiclake.contracts.read.faults import Faults
from civiclake.contracts.read.library import CODES

_DELETING = frozenset({Load.SNAPSHOT, Load.CHANGES})
"""Loads under which a served row can vanish."""
_TIGHTER = ("newly_required", "column_added_required", "rule_added", "rule_tightened")
_TEXTS = ("description", "path", "owner")
_RETIRED = ("deprecated", "retired")
_REBUILD = "rebuild the table with `civiclake backfill {id} --swap`"


def published(city: City) -> dict[str, Published]:
    """What a city's contracts promise, by dataset; a faulty one is there without its content."""
    found = {}
    tables: dict[str, CodeTable | None] = {}
    for draft in city.drafts:
        data = draft.document.data if isinstance(draft.document.data, dict) else {}
        dataset = draft.dataset
        found[draft.id] = Published(
            dataset=dataset and _with_tables(dataset, city.schemas_dir / CODES, tables),
            version=str(data.get("version", "")),
            status=str(data.get("status", "")),
            content=data,
        )
    for made in city.marts:
        data = made.document.data if isinstance(made.document.data, dict) else {}
        found[made.id] = Published(
            dataset=made.mart,
            version=str(data.get("version", "")),
            status=str(data.get("status", "")),
            content={**data, "query": made.text},
        )
    return found


def _with_tables(dataset: Dataset, folder: Path, tables: dict[str, CodeTable | None]) -> Dataset:
    """The dataset with the codes of long lists, which stand in tables beside their files."""
    columns = []
    for column in dataset.columns:
        codes = column.codes
        if codes is not None and codes.table is not None:
            if codes.table not in tables:
                tables[codes.table] = read_table(folder / codes.table, codes.table, Faults())
            update = _held(tables[codes.table])
            column = column.model_copy(update={"codes": codes.model_copy(update=update)})
        columns.append(column)
    return dataset.model_copy(update={"columns": tuple(columns)})


def _held(table: CodeTable | None) -> dict[str, dict[str, str]]:
    """Today's codes with their labels, and what became of the others."""
    if table is None:
        return {}
    now = {
        code: next(m.label for m in table.meanings[code] if m.is_current) for code in table.current
    }
    return {"values": now, "replaced": {c: t for c, t in table.undated() if c not in now}}


def compare(old: Mapping[str, Published], new: Mapping[str, Published]) -> tuple[ContractDiff, ...]:
    """The contracts that differ, by id.

    Args:
        old: what was promised, from :func:`published`.
        new: what is to be promised.
    """
    diffs = []
    for name in sorted({*old, *new}):
        before, after = old.get(name), new.get(name)
        if before is None and after is not None:
            diffs.append(_added(name, after))
        elif after is None and before is not None:
            diffs.append(_removed(name, before))
        elif before and after:
            changes = tuple(_changes(name, before, after))
            if not changes and _without_version(before) != _without_version(after):
                changes = (text("text_changed", "", "words of the contract read otherwise"),)
            if changes or before.version != after.version:
                diffs.append(_judged(name, before, after, changes))
    return tuple(diffs)


def _without_version(side: Published) -> dict[str, Any]:
    return {field: value for field, value in side.content.items() if field != "version"}


def _added(name: str, after: Published) -> ContractDiff:
    change = compatible("dataset_added", "", "is new")
    return ContractDiff(dataset=name, new_version=after.version, changes=(change,))


def _removed(name: str, before: Published) -> ContractDiff:
    if before.status in _RETIRED:
        change = compatible("dataset_removed", "", f"is removed; it was {before.status} before")
        return ContractDiff(dataset=name, old_version=before.version, changes=(change,))
    change = breaking(
        "dataset_removed",
        "",
        "is removed",
        "keep the contract with status: deprecated for a while, then remove it",
    )
    problem = f"{name} is removed, but was {before.status or 'active'}: {change.remedy}"
    return ContractDiff(
        dataset=name, old_version=before.version, changes=(change,), problem=problem
    )


def _judged(
    name: str, before: Published, after: Published, changes: tuple[Change, ...]
) -> ContractDiff:
    """Hold the new version against what the changes want."""
    found = ContractDiff(
        dataset=name, old_version=before.version, new_version=after.version, changes=changes
    )
    old = Version.read(before.version) or Version(0, 0, 0)
    new = Version.read(after.version)
    problem = advice = ""
    wanted = None
    if new is None:
        problem = (
            f"version is {after.version!r}; allowed is one such as 1.4.0 (semantic versioning)"
        )
    else:
        wanted = old.after(found.level)
        if new < old:
            problem = f"version went back from {old} to {new}; a version is given out once"
        elif found.level is Level.BREAKING and new.major <= old.major:
            count = sum(c.level is Level.BREAKING for c in changes)
            what = f"{count} breaking change{'' if count == 1 else 's'}"
            problem = f"{what} under version {new}; wanted is {wanted}, a new major version"
        elif new < wanted:
            advice = f"the change would be told by version {wanted}; the contract says {new}"
    shown = f"{name}: {problem}" if problem else ""
    return found.model_copy(
        update={"wanted_version": str(wanted or ""), "problem": shown, "advice": advice}
    )


def _changes(name: str, before: Published, after: Published) -> Iterator[Change]:
    old, new = before.dataset, after.dataset
    if new is None or old is None:
        if before.content != after.content:
            side = "old" if old is None else "new"
            yield breaking(
                "unreadable",
                "",
                f"the {side} version is faulty, so nothing shows that the change is compatible",
                "see `civiclake check`" if new is None else "give it a new major version",
            )
        return
    if isinstance(old, Dataset) and isinstance(new, Dataset):
        yield from _loading(old, new)
        yield from column_changes(old, new)
    elif isinstance(old, Mart) and isinstance(new, Mart):
        yield from _making(old, new, before.content["query"] != after.content["query"])
        yield from map(_of_made, column_changes(old, new))
    yield from _rest(before, after)


def _of_made(change: Change) -> Change:
    """A mart delivers nothing: what its rows must hold is a promise to those who query it."""
    if change.kind not in _TIGHTER:
        return change
    return change.model_copy(update={"level": Level.COMPATIBLE, "remedy": ""})


def _loading(old: Dataset, new: Dataset) -> Iterator[Change]:
    """Key, sequence, history and load: what a row of the table stands for."""
    rebuild = _REBUILD.format(id=new.id)
    if set(old.key) != set(new.key):
        said = f"the key was {_key(old)}, is {_key(new)}"
        yield breaking("key_changed", "key", said, f"a row means another thing: {rebuild}")
    elif old.key != new.key:
        yield compatible("key_order", "key", f"the key's order is {', '.join(new.key)}")
    if old.occurrence != new.occurrence:
        said = f"occurrence was {old.occurrence or 'none'}, is {new.occurrence or 'none'}"
        remedy = f"what tells one row from another changes: {rebuild}"
        yield breaking("occurrence_changed", "occurrence", said, remedy)
    if new.occurrence is not None and new.load is Load.FILES:
        was, now = old.source.location or "", new.source.location or ""
        if naming(was) != naming(now) or (naming(now) is None and was != now):
            said = f"location was {was}, is {now}: served rows name their files otherwise"
            remedy = f"a file that is delivered again would not replace its rows: {rebuild}"
            yield breaking("files_renamed", "source.location", said, remedy)
    for field in ("sequence", "history"):
        was, now = getattr(old, field), getattr(new, field)
        if was != now:
            said = f"{field} was {was or 'the delivery'}, is {now or 'the delivery'}"
            remedy = f"other versions of a row are kept from now on: {rebuild}"
            yield breaking(f"{field}_changed", field, said, remedy)
    if old.load != new.load:
        said = f"load was {old.load}, is {new.load}"
        if (old.load in _DELETING) != (new.load in _DELETING):
            remedy = f"whether vanished rows are deleted changes: {rebuild}"
            yield breaking("load_changed", "load", said, remedy)
        else:
            yield compatible("load_changed", "load", said)


def _making(old: Mart, new: Mart, is_rewritten: bool) -> Iterator[Change]:
    """Key and step of a mart; figures that are computed otherwise are told, and no breach."""
    if set(old.key) != set(new.key):
        said = f"the key was {_key(old)}, is {_key(new)}"
        remedy = "a row means another thing: give it a name of its own beside this one"
        yield breaking("key_changed", "key", said, remedy)
    if is_rewritten and old.step == new.step:
        yield compatible("step_changed", "step", f"{new.step} reads otherwise")


def _key(dataset: Dataset | Mart) -> str:
    return ", ".join(dataset.key) or "none"


_COMPARED = frozenset(
    {"columns", "rules", "version", "sequence", "history", "load", "id", "occurrence"}
)


def _rest(before: Published, after: Published) -> Iterator[Change]:
    """Everything else: texts, and how the pipeline gets at the data."""
    assert before.dataset is not None and after.dataset is not None
    old, new = before.dataset.model_dump(mode="json"), after.dataset.model_dump(mode="json")
    for field in sorted({*old, *new} - _COMPARED):
        if old.get(field) == new.get(field):
            continue
        if field in _TEXTS:
            yield text("text_changed", field, f"{field} reads otherwise")
        elif isinstance(new.get(field), dict) and isinstance(old.get(field), dict):
            for inner in sorted({*old[field], *new[field]}):
                was, now = old[field].get(inner), new[field].get(inner)
                if was != now:
                    yield compatible("changed", f"{field}.{inner}", f"was {was}, is {now}")
        else:
            was, now = old.get(field), new.get(field)
            yield compatible("changed", field, f"was {was}, is {now}")
    if before.status != after.status:
        was, now = before.status or "nothing", after.status or "nothing"
        yield text("status_changed", "status", f"status was {was}, is {now}")
