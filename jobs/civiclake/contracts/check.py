"""``civiclake check``: every fault of a city at once, those across files among them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from civiclake.contracts.city import City, read_city
from civiclake.contracts.dataset import Draft
from civiclake.contracts.model import Column, Dataset
from civiclake.contracts.read.faults import choice, did_you_mean
from civiclake.settings import MARTS_DIR


def check(schemas_dir: Path, expectations_dir: Path, marts_dir: Path = MARTS_DIR) -> list[str]:
    """All faults, one sentence each: file, place, value, what is allowed."""
    return examine(schemas_dir, expectations_dir, marts_dir).faults.problems


def examine(schemas_dir: Path, expectations_dir: Path, marts_dir: Path = MARTS_DIR) -> City:
    """Read a city and compare its files with each other."""
    city = read_city(schemas_dir, expectations_dir, marts_dir)
    _one_table_each(city)
    _one_schedule_each(city)
    for draft in city.drafts:
        for column in draft.compiled.columns:
            _check_reference(city, draft, column)
    _no_circles(city)
    _marts_know_their_inputs(city)
    return city


def _one_table_each(city: City) -> None:
    tables: dict[str, Draft] = {}
    for draft in city.drafts:
        table = draft.id.replace(".", "_")
        first = tables.setdefault(table, draft)
        if first is not draft:
            message = (
                f"fills table {table!r}, which {first.document.shown} fills already; rename one"
            )
            draft.document.fault(city.faults, ("id",), message)


def _one_schedule_each(city: City) -> None:
    """A department is one DAG, so its datasets can't ask for different hours."""
    first: dict[str, Dataset] = {}
    for draft in city.drafts:
        dataset = draft.dataset
        if dataset is None or dataset.schedule is None:
            continue
        other = first.setdefault(dataset.department, dataset)
        if other.schedule != dataset.schedule:
            message = (
                f"schedule is {dataset.schedule!r}, but {other.id} says {other.schedule!r};"
                " a department runs at one hour"
            )
            draft.document.fault(city.faults, ("customProperties",), message)


def _check_reference(city: City, draft: Draft, column: Column) -> None:
    reference = column.reference
    if reference is None:
        return
    place = (*draft.compiled.places[column.name], "relationships", 0, "to")

    def fault(message: str) -> None:
        draft.document.fault(city.faults, place, message)

    target = city.draft(reference.dataset)
    if target is None:
        known = [d.id for d in city.drafts]
        hint = did_you_mean(reference.dataset, known)
        fault(f"there is no dataset {reference.dataset!r}; allowed are {choice(known)}{hint}")
        return
    if target is draft:
        fault("refers to its own dataset, which is not supported; leave it out")
        return
    if reference.column not in target.compiled.declared:
        known = sorted(target.compiled.declared)
        hint = did_you_mean(reference.column, known)
        what = f"{reference.dataset} has no column {reference.column!r}"
        fault(f"{what}; allowed are {choice(known)}{hint}")
        return
    other = {c.name: c for c in target.compiled.columns}.get(reference.column)
    if other is None:  # faulty itself, and reported there
        return
    if other.spark_type != column.spark_type:
        fault(f"is of type {other.spark_type}, but {column.name!r} is of type {column.spark_type}")
    if other.protection is not None:
        fault("is a protected column; a reference to it can't be checked")


def _no_circles(city: City) -> None:
    datasets = {d.id: d.dataset for d in city.drafts if d.dataset is not None}
    for draft in city.drafts:
        circle = _circle(draft.id, datasets)
        # Reported once, at the first of its members.
        if circle and draft.id == min(circle):
            way = " -> ".join([*circle, circle[0]])
            message = f"references run in a circle: {way}; leave one out"
            draft.document.fault(city.faults, ("id",), message)


def _circle(start: str, datasets: Mapping[str, Dataset]) -> list[str] | None:
    """A way from the dataset back to itself, if there is one."""
    ways = [[start]]
    seen: set[str] = set()
    while ways:
        way = ways.pop()
        found = datasets.get(way[-1])
        for following in found.references if found else ():
            if following == start:
                return way
            if following not in seen:
                seen.add(following)
                ways.append([*way, following])
    return None


def _marts_know_their_inputs(city: City) -> None:
    if not city.marts:
        return
    from civiclake.contracts.mart_query import group_faults, query_faults

    known = [d.id for d in city.drafts]
    datasets = [d.dataset for d in city.drafts if d.dataset is not None]
    served = {d.id: [column.name for column in d.unified_columns] for d in datasets}
    for draft in city.marts:
        shown, mart = draft.shown, draft.mart
        for said in group_faults(mart, served):
            city.faults.add(shown, said)
        for fault in query_faults(mart, draft.text, datasets):
            city.faults.add(fault.place(shown), fault.message)
        for name in mart.inputs or ("",):
            if name not in known:
                hint = did_you_mean(name, known)
                message = f"inputs: there is no dataset {name!r}; allowed are {choice(known)}{hint}"
                city.faults.add(shown, message)
