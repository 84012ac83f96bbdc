"""Pages of the brief against the marts that they show: every fault with file, place and value."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from civiclake.contracts.inputs import of_mart
from civiclake.contracts.model import Mart
from civiclake.contracts.page import Chart, Page, Part
from civiclake.contracts.page_read import PageDraft
from civiclake.contracts.read.faults import Faults, Place, choice, did_you_mean
from civiclake.contracts.read.query import Query, UnreadableQuery

_BRACED = re.compile(r"\{([^{}]*)\}")


def check_page(draft: PageDraft, marts: Mapping[str, Mart], faults: Faults) -> None:
    """Note what is wrong with a page by the marts that it shows.

    Args:
        draft: the page.
        marts: all that are sound, by id.
        faults: grows.
    """
    page = draft.page
    if page is None:
        return
    for place, message in _faults(page, marts):
        draft.document.fault(faults, place, message)


def _faults(page: Page, marts: Mapping[str, Mart]) -> Iterator[tuple[Place, str]]:
    for word, said in (("headlines", page.headlines), ("parts", page.parts)):
        if not said:
            yield (word,), "is empty; a page says at least one thing, and shows one"
    for index, one in enumerate(page.headlines):
        place: Place = ("headlines", index)
        messages, columns = _query_faults(one.query, marts)
        yield from (((*place, "query"), message) for message in messages)
        for name in _BRACED.findall(one.says) if columns else ():
            yield from _is_given((*place, "says"), name, columns)
    for index, part in enumerate(page.parts):
        place = ("parts", index)
        messages, columns = _query_faults(part.query, marts)
        yield from (((*place, "query"), message) for message in messages)
        if messages:
            continue
        yield from _of_persons(place, part, marts, columns)
        if part.chart is not None:
            yield from _of_chart((*place, "chart"), part.chart, columns)


def _query_faults(text: str, marts: Mapping[str, Mart]) -> tuple[list[str], list[str]]:
    """What is wrong with a query, and the columns that it gives."""
    try:
        query = Query(text)
    except UnreadableQuery as error:
        return [str(error)], []
    found = [fault.message for fault in query.faults(list(marts))]
    columns = query.columns
    if columns is None:
        found.append("gives columns by a star; name each, for the page says what they mean")
    known = [of_mart(name, marts[name].columns) for name in query.tables if name in marts]
    hidden = {column: one.id for one in known for column in one.restricted}
    for name in query.used:
        if name in hidden:
            found.append(
                f"names {name!r} of {hidden[name]}, which is restricted; a page is for everybody"
            )
    if not found:
        there = {c.lower() for one in known for c in one.columns} | {
            c.lower() for c in columns or ()
        }
        for name in query.used:
            if name.lower() not in there and not query.has_own_names:
                hint = did_you_mean(name, there)
                found.append(f"names {name!r}, which none of its marts has{hint}")
    return found, columns or []


def _of_persons(
    place: Place, part: Part, marts: Mapping[str, Mart], columns: list[str]
) -> Iterator[tuple[Place, str]]:
    """Where a mart has a smallest group, the page knows how many persons a row is of."""
    small = [name for name in Query(part.query).tables if marts[name].smallest_group]
    if part.persons is not None:
        yield from _is_given((*place, "persons"), part.persons, columns)
    elif small:
        yield (
            place,
            f"'persons' is missing: {small[0]} has a smallest group"
            f" ({marts[small[0]].smallest_group}); name the column that counts a row's persons:"
            f" {choice(columns)}",
        )


def _of_chart(place: Place, chart: Chart, columns: list[str]) -> Iterator[tuple[Place, str]]:
    for field, name in (("by", chart.by), ("value", chart.value), ("series", chart.series)):
        if name is not None:
            yield from _is_given((*place, field), name, columns)
    if chart.series is not None and chart.kind != "lines":
        yield (*place, "series"), "goes with lines; leave it out"


def _is_given(place: Place, name: str, columns: list[str]) -> Iterator[tuple[Place, str]]:
    if name not in columns:
        hint = did_you_mean(name, columns)
        message = f"names {name!r}; allowed is a column that the query gives: {choice(columns)}"
        yield place, f"{message}{hint}"
