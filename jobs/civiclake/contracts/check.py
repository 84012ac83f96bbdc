"""``civiclake check``: every fault of a city at once, those across files among them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from civiclake.contracts.city import City, read_city
from civiclake.contracts.dataset import Draft
from civiclake.contracts.inputs import readable
from civiclake.contracts.model import Column, Dataset
from civiclake.contracts.read.faults import choice, did_you_mean
from civiclake.contracts.read.identity import links


def check(schemas_dir: Path, expectations_dir: Path, marts_dir: Path | None = None) -> list[str]:
    """All faults, one sentence each: file, place, value, what is allowed."""
    return examine(schemas_dir, expectations_dir, marts_dir).faults.problems


def examine(schemas_dir: Path, expectations_dir: Path, marts_dir: Path | None = None) -> City:
    """Read a city and compare its files with each other.

    Args:
        schemas_dir: contracts by department, with ``_columns/`` and ``_codes/``.
        expectations_dir: suites by department; a dataset may have none.
        marts_dir: folders of marts by application; ``marts`` beside the contracts, if not said.
    """
    city = read_city(schemas_dir, expectations_dir, marts_dir or schemas_dir.parent / "marts")
    _one_table_each(city)
    _one_schedule_each(city)
    for draft in city.drafts:
        for column in draft.compiled.columns:
            _check_reference(city, draft, column)
    _no_circles(city)
    _marts_know_their_inputs(city)
    _no_circles_of_marts(city)
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
    leads = {d.id: d.dataset.references for d in city.drafts if d.dataset is not None}
    for draft in city.drafts:
        circle = _circle(draft.id, leads)
        # Reported once, at the first of its members.
        if circle and draft.id == min(circle):
            way = " -> ".join([*circle, circle[0]])
            message = f"references run in a circle: {way}; leave one out"
            draft.document.fault(city.faults, ("id",), message)


def _circle(start: str, leads: Mapping[str, Iterable[str]]) -> list[str] | None:
    """A way from one back to itself, if there is one."""
    ways = [[start]]
    seen: set[str] = set()
    while ways:
        way = ways.pop()
        for following in leads.get(way[-1], ()):
            if following == start:
                return way
            if following not in seen:
                seen.add(following)
                ways.append([*way, following])
    return None


def _marts_know_their_inputs(city: City) -> None:
    if not city.marts:
        return
    # The parser takes longer to import than most commands take to begin.
    from civiclake.contracts.mart_check import check_mart
    from civiclake.contracts.mart_query import query_faults

    datasets = [d.dataset for d in city.drafts if d.dataset is not None]
    marts = [d.mart for d in city.marts if d.mart is not None]
    tables = readable(datasets, marts, links(datasets))
    known = dict.fromkeys([*(d.id for d in city.drafts), *(d.id for d in city.marts), *tables])
    for draft in city.marts:
        check_mart(draft, tables, known, city.faults)
        if draft.mart is not None and draft.mart.is_query:
            for fault in query_faults(draft.mart, draft.text, tables):
                city.faults.add(fault.place(draft.query_shown), fault.message)
    if city.pages:
        from civiclake.contracts.page_check import check_page

        for page in city.pages:
            check_page(page, {mart.id: mart for mart in marts}, city.faults)


def _no_circles_of_marts(city: City) -> None:
    inputs = {d.id: d.mart.inputs for d in city.marts if d.mart is not None}
    for draft in city.marts:
        circle = _circle(draft.id, inputs)
        if circle and draft.id == min(circle):
            way = " -> ".join([*circle, circle[0]])
            message = f"marts are made from each other in a circle: {way}; leave one out"
            draft.document.fault(city.faults, (*draft.place, "inputs"), message)
