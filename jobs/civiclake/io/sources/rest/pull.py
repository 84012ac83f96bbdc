"""Records of a REST API: pages kept as they came, rows that move while paging reconciled."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

from civiclake.contracts.model import Dataset, NewColumn
from civiclake.contracts.rest import PagingKind
from civiclake.errors import BatchHeld, SourceError, SourceUnavailable, UserError
from civiclake.io.formats.table import from_records
from civiclake.io.landing.delivery import ask
from civiclake.io.landing.drift import refuse_unfit
from civiclake.io.landing.store import Landing
from civiclake.io.reading.inspect import Unreadable
from civiclake.io.sources import tables
from civiclake.io.sources.parts import Lines, Parts, csv_line
from civiclake.io.sources.registry import Asked, Pulled
from civiclake.io.sources.rest.client import Client, shown
from civiclake.io.sources.rest.ends import told
from civiclake.io.sources.rest.page import Page
from civiclake.io.sources.rest.paging import INDEX, RESUME, Walk
from civiclake.io.sources.rest.reconcile import Reconciled, checked, folded, order_of, reconcile

WALKS = 3
"""Times that a register is walked through until it holds still."""
_PAGES = "pages"


def pull(asked: Asked) -> Pulled:
    """Walk through the pages into the draft.

    Rows move while others are added and deleted, so the same record may come on two pages,
    and one may be jumped over. Of a record that comes twice the newest counts; and when the
    server tells a total that the walk did not meet, the walk begins again.

    The watermark is never later than the first page: what changed on a page already passed
    comes the next night.

    Args:
        asked: dataset, draft and watermark of the batch.
    """
    dataset = asked.dataset
    folder = Landing(asked.settings).pages_dir(dataset.id, asked.batch_id)
    for old in folder.parent.glob(f"*{folder.suffix}"):
        if old.stat().st_mtime < time.time() - RESUME.total_seconds():
            shutil.rmtree(old, ignore_errors=True)
    with closing(Client(dataset)) as client:
        walk = Walk(client, dataset, folder, _parameters(dataset, asked.watermark))
        try:
            pages, found = _settled(walk)
            left_out = folded(walk, pages, found)
            files = _write(asked, walk, pages, found)
        except SourceUnavailable:
            raise  # the pages stay for the next try
        except Unreadable as error:
            walk.forget()
            raise SourceError(
                f"{dataset.id}: {client.location}: {error}: {ask(dataset)} to mend it"
            ) from None
        except Exception:
            walk.forget()
            raise
    return Pulled(files, _watermark(found, asked.watermark), left_out)


def _parameters(dataset: Dataset, watermark: str | None) -> dict[str, str]:
    rest = dataset.source.rest
    found = dict(rest.parameters)
    if watermark is not None and rest.since_parameter:
        found[rest.since_parameter] = _since(dataset, watermark)
    return found


def _since(dataset: Dataset, watermark: str) -> str:
    """The watermark less the overlap, written as the source writes it."""
    if order_of(watermark, UTC)[0] == 1:
        unit = tables.per_second(dataset)
        if dataset.overlap_seconds and unit is None:
            raise UserError(
                f"{dataset.path}: sequence {dataset.sequence} is a number in the source: "
                "an overlap goes with times; leave it out, or say with `epoch` what it counts"
            )
        return f"{tables.counted_back(dataset, watermark):f}" if unit else watermark
    moment = datetime.fromisoformat(watermark) - timedelta(seconds=dataset.overlap_seconds)
    text = moment.isoformat()
    return text.replace("+00:00", "Z") if watermark.endswith("Z") else text


def _settled(walk: Walk) -> tuple[list[Page], Reconciled]:
    """The pages of a walk that adds up."""
    counted = []
    for _ in range(WALKS):
        pages = walk.run()
        found = reconcile(walk, pages)
        if _adds_up(walk.dataset, pages, len(found.winners)):
            return pages, found
        totals = f"the total went from {pages[0].total} to {told(pages)}"
        counted.append(f"{len(found.winners)} records ({totals})")
        walk.forget()
    raise SourceError(
        f"{walk.dataset.id}: {walk.client.location} does not hold still: {WALKS} walks brought "
        f"{', '.join(counted)}: run the batch later, or {ask(walk.dataset)} for paging "
        "by cursor"
    )


def _adds_up(dataset: Dataset, pages: list[Page], count: int) -> bool:
    first, last = pages[0].total, told(pages)
    if last is None:
        return True
    by_number = dataset.source.rest.paging.kind in (PagingKind.PAGE, PagingKind.OFFSET)
    # A row deleted and one jumped over leave the last total right, but not the first.
    return count == last and (first == last or not by_number)


def _watermark(found: Reconciled, before: str | None) -> str | None:
    if found.newest is None:
        return before
    order, text = found.newest
    return text if before is None or order > order_of(before, UTC) else before


def _write(asked: Asked, walk: Walk, pages: list[Page], found: Reconciled) -> Any:
    """The pages as they came, and the records as parts; returns the parts."""
    dataset, draft = asked.dataset, asked.draft
    spelled = [(c.source_name, *c.also) for c in dataset.columns]
    spelled += [(name,) for name in _kept_besides(walk, pages)]
    header = tuple(names[0] for names in spelled)
    moment = pages[0].fetched_at
    parts = Parts(
        draft, dataset.name, header, shown(walk.client.location), moment, moment.isoformat(),
        as_came=f"{_PAGES}/{INDEX}",
    )  # fmt: skip
    names: list[str] = []
    files = parts.fill(_lines(walk, pages, found, spelled, names))
    walk.folder.rename(draft.folder / _PAGES)
    if any(file.rows for file in files):
        _check_shape(dataset, names)
    return files


def _kept_besides(walk: Walk, pages: list[Page]) -> list[str]:
    """What the contract does not know and raw keeps: told when every record was looked at."""
    dataset = walk.dataset
    if dataset.drift.new_column is not NewColumn.EVOLVE:
        return []
    records = (record for page in pages for record in checked(walk, page))
    table = from_records(records, dataset)
    for _ in table.rows:
        pass
    added = _added(dataset, table.header)
    known = [column.source_name for column in dataset.columns]
    refuse_unfit(dataset, shown(walk.client.location), added, [*table.header, *known])
    return added


def _lines(
    walk: Walk,
    pages: list[Page],
    found: Reconciled,
    spelled: Sequence[Sequence[str]],
    names: list[str],
) -> Lines:
    """The records that count, a line each; the names that they brought are noted."""
    wins = {(place, number) for _, place, number in found.winners.values()}
    table = from_records(_winners(walk, pages, wins), walk.dataset)
    places: list[int | None] = []
    known = 0
    for row in table.rows:
        if len(table.header) > known:
            names[:], known = table.header, len(table.header)
            places = [next((names.index(n) for n in s if n in names), None) for s in spelled]
        yield csv_line(None if p is None or p >= len(row) else row[p] for p in places)


def _winners(walk: Walk, pages: list[Page], wins: set[tuple[int, int]]) -> Iterator[dict[str, Any]]:
    for place, page in enumerate(pages):
        for number, record in enumerate(checked(walk, page)):
            if (place, number) in wins:
                yield record


def _check_shape(dataset: Dataset, names: list[str]) -> None:
    """Hold records with columns unknown to the contract, or without one that it knows."""
    spelled = {c.source_name: {c.source_name, *c.also} for c in dataset.columns}
    missing = [name for name, words in spelled.items() if not words & set(names)]
    if missing and not dataset.source.rest.omits_nulls:
        raise BatchHeld(
            f"{dataset.id}: no record has {', '.join(missing)}: {ask(dataset)} to bring it back, "
            f"take it out of {dataset.path}, or set rest.omits_nulls if empty values are left out"
        )
    added = _added(dataset, names)
    if added and dataset.drift.new_column is NewColumn.HOLD:
        raise BatchHeld(
            f"{dataset.id}: the records have {', '.join(added)[:200]}, unknown to the contract: add"
            f" it to {dataset.path} or set drift.new_column to evolve (keep it in raw) or ignore; "
            f"{ask(dataset)} what it is"
        )


def _added(dataset: Dataset, names: Sequence[str]) -> list[str]:
    """Names that the contract does not know."""
    known = {word for c in dataset.columns for word in (c.source_name, *c.also)}
    # An object that a dotted path leads into is known by it.
    roots = {word.partition(".")[0] for word in known if "." in word}
    return [n for n in names if n not in known and n.partition(".")[0] not in roots]
