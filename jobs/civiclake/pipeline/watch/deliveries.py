"""Deliveries and their deadlines: what came is noted, what did not come is found."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pyspark.sql import SparkSession

from civiclake.contracts import promise
from civiclake.contracts.model import Dataset
from civiclake.contracts.promise import Promise, State
from civiclake.engine.session import connect
from civiclake.io.landing.former import Night
from civiclake.io.landing.manifest import BatchManifest
from civiclake.io.landing.store import Landing
from civiclake.io.ops import deliveries
from civiclake.local.files import write_whole
from civiclake.local.held import held
from civiclake.settings import Settings

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Absence:
    """A delivery that is owed."""

    promise: Promise
    sentence: str

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
    if found.state is State.LATE:  # perhaps an absence of which somebody was told
        before = _rows(deliveries.read(spark, settings), dataset.id).get(due)
        found = found.model_copy(update={"told_at": before.told_at if before else None})
    deliveries.write(spark, settings, [found])


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


def check(settings: Settings, datasets: Sequence[Dataset], at: datetime) -> list[Absence]:
    """Find due deliveries whose deadline has passed, and write them down.

    A batch that is in landing but not served by its deadline is written down as held;
    its task has failed, so its owner knows.

    Args:
        settings: of this installation.
        datasets: the compiled contracts to look at.
        at: now.

    Returns:
        Every absence of which no owner was told yet, and those of a newest due date.
    """
    watched = _watched(settings, datasets, at)
    spark = connect(settings)
    try:
        known = deliveries.read(spark, settings)
        found: list[Promise] = []
        for dataset in datasets:
            rows = _rows(known, dataset.id)
            missed = promise.missed(dataset, rows, watched[dataset.id], at)
            landed = _landed(settings, dataset) if missed else {}
            found += [_judged(settings, dataset, due, landed, at) for due in missed]
        deliveries.write(spark, settings, found)
    finally:
        spark.stop()
    together = [*known, *found]
    owed = [one for one in together if one.state is State.ABSENT]
    newest = _newest(together)
    return [_told(one, together) for one in owed if one.told_at is None or one in newest]


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


def _told(row: Promise, known: Sequence[Promise]) -> Absence:
    return Absence(row, promise.sentence(row, _served_at(known, row.dataset)))


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


def _watched(settings: Settings, datasets: Sequence[Dataset], at: datetime) -> dict[str, datetime]:
    """Since when each dataset is watched: its first batch, or the first check that knew it."""
    path = settings.run_dir / "watched.json"
    with held(path.with_suffix(".lock"), "looking for deliveries"):
        found = _watched_before(path)
        landing = Landing(settings)
        for dataset in datasets:
            first = landing.former(dataset.id).first_landed_at() or at
            found[dataset.id] = min(first, found.get(dataset.id, first))
        said = {name: moment.isoformat() for name, moment in found.items()}
        write_whole(path, json.dumps(said, indent=1))
    return found


def _watched_before(path: Path) -> dict[str, datetime]:
    """What was written down by the check before; nothing where that can't be read."""
    try:
        said = json.loads(path.read_text()) if path.exists() else {}
        return {name: datetime.fromisoformat(moment) for name, moment in said.items()}
    except (ValueError, AttributeError, TypeError) as error:
        log.warning(
            "%s can't be read (%s) and is begun anew: datasets that never delivered are watched"
            " from now on", path, error,
        )  # fmt: skip
        return {}
