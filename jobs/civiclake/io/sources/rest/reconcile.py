"""Which records of a walk count where rows move between pages: of each key the newest."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from civiclake.contracts.model import Dataset, Load
from civiclake.errors import SourceError
from civiclake.io.formats.json_path import MISSING, find
from civiclake.io.formats.json_values import as_record
from civiclake.io.formats.text import cell
from civiclake.io.landing.delivery import ask
from civiclake.io.reading.inspect import Unreadable
from civiclake.io.sources import tables
from civiclake.io.sources.rest.page import Page
from civiclake.io.sources.rest.paging import Walk

IDENTICAL, DIFFERING = "identical_rows", "differing_rows"
Order = tuple[int, Any]
_log = logging.getLogger(__name__)


@dataclass
class Reconciled:
    """Which records of a walk count: of each key the newest."""

    winners: dict[tuple[str, ...], tuple[Order, int, int]] = field(default_factory=dict)
    newest: tuple[Order, str] | None = None
    losers: list[tuple[tuple[str, ...], int, int]] = field(default_factory=list)
    """Records that don't count, by what they share with one that does, page and number."""


def reconcile(walk: Walk, pages: list[Page]) -> Reconciled:
    """Look at every record of a walk."""
    dataset, found = walk.dataset, Reconciled()
    key = (dataset.source.rest.key,) if dataset.source.rest.key else _identifying(dataset)
    column = dataset.column(dataset.sequence) if dataset.sequence else None
    zone = ZoneInfo(column.timezone) if column else UTC
    unit = tables.per_second(dataset)
    for place, page in enumerate(pages):
        for number, record in enumerate(checked(walk, page)):
            values = tuple(cell(_value(record, path)) for path in key)
            # What has no key of its own is nobody else's version: the checks will tell.
            named = tuple(v for v in values if v is not None)
            # Rows of a line list have no key at all: each is its own.
            whole = bool(key) and len(named) == len(values)
            identity = named if whole else ("", f"{place}/{number}")
            text = cell(_value(record, column.source_name)) if column else None
            order = order_of(text, zone)
            before = found.winners.get(identity)
            if before is None or order >= before[0]:
                found.winners[identity] = (order, place, number)
                if before is not None:
                    found.losers.append((identity, *before[1:]))
            else:
                found.losers.append((identity, place, number))
            if text is not None and _is_past(order, pages[0].fetched_at, unit):
                mark = (order, text)
                found.newest = mark if found.newest is None else max(found.newest, mark)
    return found


def folded(walk: Walk, pages: list[Page], found: Reconciled) -> dict[str, int]:
    """How many records don't count, by whether they are the same as the one that does; told."""
    if not found.losers:
        return {}
    wins = {identity: found.winners[identity][1:] for identity, _, _ in found.losers}
    places = {place for _, place, _ in found.losers} | {place for place, _ in wins.values()}
    records = {
        (place, number): record
        for place in sorted(places)
        for number, record in enumerate(checked(walk, pages[place]))
    }
    same = sum(records[place, number] == records[wins[i]] for i, place, number in found.losers)
    differ = len(found.losers) - same
    _log.warning(
        "%s: %d records of one walk have a key that came before (%d the same, %d other): of each"
        " key the newest counts; where they are things of their own, name what tells them apart"
        " as the key in %s", walk.dataset.id, len(found.losers), same, differ, walk.dataset.path,
    )  # fmt: skip
    return {kind: n for kind, n in ((IDENTICAL, same), (DIFFERING, differ)) if n}


def _identifying(dataset: Dataset) -> tuple[str, ...]:
    """What tells one record from another; a change log has many of one key."""
    names = list(dataset.key) if dataset.occurrence is None else []
    if dataset.load is Load.CHANGES:
        names += [name for name in (dataset.sequence, dataset.operation) if name]
    return tuple(dataset.column(name).source_name for name in dict.fromkeys(names))


def checked(walk: Walk, page: Page) -> Iterator[dict[str, Any]]:
    """The records of a page; one that is none is told."""
    for number, record in enumerate(walk.records(page), start=1):
        try:
            yield as_record(record, f"record {number} of {page.file}")
        except Unreadable as error:
            raise SourceError(
                f"{walk.dataset.id}: {page.address}: {error}: {ask(walk.dataset)} to mend it"
            ) from None


def _value(record: Mapping[str, Any], path: str) -> Any:
    found = find(record, path)
    return None if found is MISSING else found


def order_of(text: str | None, zone: Any) -> Order:
    """What can be compared: nothing, numbers among themselves, moments among themselves."""
    try:
        return (1, Decimal(text or ""))
    except InvalidOperation:
        pass
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return (0, 0)
    return (2, moment if moment.tzinfo else moment.replace(tzinfo=zone))


def _is_past(order: Order, moment: datetime, per_second: int | None) -> bool:
    if order[0] == 1:  # a number that counts no time has no future
        return per_second is None or order[1] <= Decimal(moment.timestamp()) * per_second
    return order[0] == 2 and order[1] <= moment
