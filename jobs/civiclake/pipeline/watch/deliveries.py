"""Deliveries and their deadlines: what came is noted, what did not come is found."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from pyspark.sql import SparkSession

from civiclake.contracts import derived, promise
from civiclake.contracts.derived import Derived
from civiclake.contracts.model import Dataset, Manifest
from civiclake.contracts.promise import Promise, State
from civiclake.engine.session import connect
from civiclake.io.landing.former import Night
from civiclake.io.landing.manifest import BatchManifest
from civiclake.io.landing.store import Landing
from civiclake.io.ops import deliveries
from civiclake.io.ops.account import BatchResult
from civiclake.pipeline.watch import watched
from civiclake.settings import Settings

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Absence:
    """A delivery that is owed."""

    promise: Promise
    sentence: str
    do: str = ""
    """What its owner can do, beside asking."""

    @property
    def is_told(self) -> bool:
        """Whether its owner knows."""
        return self.promise.told_at is not None


def note_merged(
    spark: SparkSession, settings: Settings, dataset: Dataset, manifest: BatchManifest
) -> None:
    """Write down that a batch is served, and whether it came in time."""
    due = _due(settings, dataset, manifest.batch_id, manifest.created_at)
    found = promise.delivered(dataset, manifest.batch_id, due, datetime.now(UTC), manifest.rows)
    _write_came(spark, settings, found)


def note_unrenewed(
    spark: SparkSession, settings: Settings, dataset: Dataset, manifest: BatchManifest
) -> None:
    """Write down that nothing new lay there, which the contract allows.

    What is known of the due date already stays: a batch came in time, or is held.
    """
    due = _due(settings, dataset, manifest.batch_id, manifest.created_at)
    if due not in _rows(deliveries.read(spark, settings), dataset.id):
        found = promise.unrenewed(dataset, manifest.batch_id, due, datetime.now(UTC))
        deliveries.write(spark, settings, [found])


def note_held(
    spark: SparkSession, settings: Settings, dataset: Dataset, batch_id: str, landed_at: datetime
) -> None:
    """Write down that a batch came and is not to be believed."""
    due = _due(settings, dataset, batch_id, landed_at)
    deliveries.write(spark, settings, [promise.held(dataset, batch_id, due, datetime.now(UTC))])


def noting(
    spark: SparkSession, settings: Settings, city: Manifest, name: str
) -> Callable[[BatchResult], None] | None:
    """What writes down how the making of a mart or a link ended.

    Args:
        spark: session on the jobs' engine.
        settings: of this installation.
        city: the compiled contracts.
        name: as the ledger has it, ``marts.<name>`` or ``link.<subject>``.
    """
    made = next((one for one in derived.derived(city) if one.id == name), None)
    if made is None:
        return None

    def note(result: BatchResult) -> None:
        now = datetime.now(UTC)
        first = watched.known(settings).get(name, now)
        due = promise.due_of(made, result.batch_id, now, min(first, now))
        if result.status != "merged":
            deliveries.write(spark, settings, [promise.held(made, result.batch_id, due, now)])
            return
        # Up to date is what it is, whether a row has changed or not.
        found = promise.delivered(made, result.batch_id, due, now, rows=1)
        _write_came(spark, settings, found)

    return note


def _write_came(spark: SparkSession, settings: Settings, found: Promise) -> None:
    if found.state is State.LATE:  # perhaps an absence of which somebody was told
        before = _rows(deliveries.read(spark, settings), found.dataset).get(found.due_at)
        found = found.model_copy(update={"told_at": before.told_at if before else None})
    deliveries.write(spark, settings, [found])


def check(
    settings: Settings,
    datasets: Sequence[Dataset],
    at: datetime,
    made: Sequence[Derived] = (),
) -> list[Absence]:
    """Find due deliveries whose deadline has passed, and write them down.

    A batch that is in landing but not served by its deadline is written down as held;
    its task has failed, so its owner knows.

    Args:
        settings: of this installation.
        datasets: the compiled contracts to look at.
        at: now.
        made: marts and links to look at.

    Returns:
        Every absence of which no owner was told yet, and those of a newest due date.
    """
    first: dict[str, datetime | None] = {one.id: None for one in made}
    first |= {d.id: Landing(settings).former(d.id).first_landed_at() for d in datasets}
    since = watched.since(settings, first, at)
    spark = connect(settings)
    try:
        known = deliveries.read(spark, settings)
        found: list[Promise] = []
        for dataset in datasets:
            rows = _rows(known, dataset.id)
            missed = promise.missed(dataset, rows, since[dataset.id], at)
            landed = _landed(settings, dataset) if missed else {}
            found += [_judged(settings, dataset, due, landed, at) for due in missed]
        for one in made:
            missed = promise.missed(one, _rows(known, one.id), since[one.id], at)
            found += [promise.absent(one, due, at) for due in missed]
        deliveries.write(spark, settings, found)
    finally:
        spark.stop()
    together = [*known, *found]
    owed = [one for one in together if one.state is State.ABSENT]
    newest = _newest(together)
    told = _Teller(datasets, made, together)
    return [told.absence(one) for one in owed if one.told_at is None or one in newest]


def told(settings: Settings, dataset_id: str, due_at: datetime) -> Promise | None:
    """Note that the owner was told of an absence; None when there is no such absence."""
    spark = connect(settings)
    try:
        row = _rows(deliveries.read(spark, settings), dataset_id).get(due_at)
        if row is None or row.state is not State.ABSENT:
            return None
        if row.told_at is None:
            row = row.model_copy(update={"told_at": datetime.now(UTC)})
            deliveries.write(spark, settings, [row])
    finally:
        spark.stop()
    return row


def newest(settings: Settings) -> list[tuple[Promise, datetime | None]]:
    """The newest state of every dataset, worst first, and when what is served was delivered."""
    spark = connect(settings)
    try:
        known = deliveries.read(spark, settings)
    finally:
        spark.stop()
    order = list(State)  # the worst first
    rows = sorted(_newest(known), key=lambda p: (order.index(p.state), -p.age_seconds, p.dataset))
    return [(row, _served_at(known, row.dataset)) for row in rows]


def _due(settings: Settings, dataset: Dataset, batch_id: str, landed_at: datetime) -> datetime:
    first = Landing(settings).former(dataset.id).first_landed_at() or landed_at
    return promise.due_of(dataset, batch_id, landed_at, min(first, landed_at))


def _rows(known: Sequence[Promise], dataset_id: str) -> dict[datetime, Promise]:
    return {row.due_at: row for row in known if row.dataset == dataset_id}


def _newest(known: Sequence[Promise]) -> list[Promise]:
    found: dict[str, Promise] = {}
    for row in known:
        if row.dataset not in found or row.due_at >= found[row.dataset].due_at:
            found[row.dataset] = row
    return list(found.values())


def _served_at(known: Sequence[Promise], dataset_id: str) -> datetime | None:
    moments = [r.delivered_at for r in known if r.dataset == dataset_id and r.delivered_at]
    return max(moments, default=None)


class _Teller:
    """Says of an absence what is known of it."""

    def __init__(
        self, datasets: Sequence[Dataset], made: Sequence[Derived], known: Sequence[Promise]
    ) -> None:
        self._datasets: Mapping[str, Dataset] = {d.id: d for d in datasets}
        self._made = {one.id: one for one in made}
        self._known = known

    def absence(self, row: Promise) -> Absence:
        served = _served_at(self._known, row.dataset)
        made = self._made.get(row.dataset)
        if made is None:
            return Absence(row, promise.sentence(row, served))
        waits = made.waits_for(row.due_at, self._datasets, self._known, self._made)
        if waits:
            do = f"The DAG `{made.dag}` makes it by itself once that has come."
            return Absence(
                row, promise.sentence(row, served, f"it waits for {', '.join(waits)}"), do
            )
        why = f"all that it is made from has come: see the DAG {made.dag}"
        do = f"Look at the DAG `{made.dag}` in Airflow: is it paused, does it wait, did it fail?"
        return Absence(row, promise.sentence(row, served, why), do)


def _landed(settings: Settings, dataset: Dataset) -> dict[datetime, Night]:
    """The newest landed batch of each due date."""
    former = Landing(settings).former(dataset.id)
    first = former.first_landed_at()
    found: dict[datetime, Night] = {}
    for night in former.nights(promise.LONGEST_LOOK_BACK):
        began = min(first or night.created_at, night.created_at)
        due = promise.due_of(dataset, night.batch_id, night.created_at, began)
        if night.is_unrenewed and (due in found or not dataset.limits.allow_empty):
            continue  # no delivery
        found[due] = night
    return found


def _judged(
    settings: Settings,
    dataset: Dataset,
    due: datetime,
    landed: dict[datetime, Night],
    at: datetime,
) -> Promise:
    """What landing knows of a due date of which the ledger has no word."""
    night = landed.get(due)
    if night is None:
        return promise.absent(dataset, due, at)
    if night.is_unrenewed:
        return promise.unrenewed(dataset, night.batch_id, due, at)
    if not night.is_committed:
        return promise.held(dataset, night.batch_id, due, at)
    # Its load could not write it down (no engine); the landing's own mark says when.
    when = Landing(settings).committed_at(dataset.id, night.batch_id)
    return promise.delivered(dataset, night.batch_id, due, when, night.rows)
