"""Which batches a backfill applies, and on which version of the served table."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from civiclake.io.lake.delta_log import read_said
from civiclake.io.landing.manifest import BatchManifest
from civiclake.io.ops.ledger import Merged


@dataclass(frozen=True)
class Range:
    """Days whose batches are read again; None leaves a side open."""

    first: date | None
    last: date | None

    def holds(self, manifest: BatchManifest) -> bool:
        """Whether the batch is of one of these days."""
        day = day_of(manifest)
        after = self.first is None or self.first <= day
        return after and (self.last is None or day <= self.last)


@dataclass(frozen=True)
class Plan:
    """What is to be done."""

    base_version: int | None
    """Version of the served table to build on; None: begin with an empty one."""
    batches: tuple[str, ...]
    """In the order in which they were merged first."""
    why: str = ""
    """Why the table is built from nothing though the range begins later."""


def day_of(manifest: BatchManifest) -> date:
    """The night of a batch: its id's, or else when it was landed."""
    try:
        moment = datetime.strptime(manifest.batch_id, "%Y%m%dT%H%M%SZ")
    except ValueError:
        moment = manifest.created_at.astimezone(UTC)
    return moment.date()


@dataclass(frozen=True)
class Commits:
    """What the served table's own history says."""

    first: Mapping[str, int]
    """Batch to the version of its first commit."""
    swapped: int
    """Newest version that a swap made, or -1."""


def commits(history: Sequence[tuple[int, str | None]]) -> Commits:
    """Read Delta's history, given as version and metadata of each commit."""
    first: dict[str, int] = {}
    swapped = -1
    for version, said in sorted(history, key=lambda one: one[0]):
        data = read_said(said)
        if "backfill_id" in data:
            swapped = version
        if "batch_id" in data:
            first.setdefault(str(data["batch_id"]), version)
    return Commits(first, swapped)


def plan(
    order: Sequence[Merged],
    chosen: Collection[str],
    history: Commits,
    contract_version: str,
) -> Plan:
    """Build on the version before the first of the chosen batches, or from nothing.

    All batches after it are applied too, so that what came later stays right. It must be
    certain that the version holds what came before, by the contract as it is now.

    Args:
        order: every batch of the table, in the order of the first merge.
        chosen: ids of the batches in the range.
        history: from :func:`commits`.
        contract_version: of the contract as it is now.
    """
    every = tuple(m.batch_id for m in order)
    start = min(index for index, m in enumerate(order) if m.batch_id in chosen)
    head, tail = order[:start], order[start:]
    if not head:
        return Plan(None, every)
    first_of = history.first
    lost = [m.batch_id for m in tail if m.changed and m.batch_id not in first_of]
    if lost:
        return Plan(None, every, f"the table's history does not reach back to batch {lost[0]}")
    versions = [first_of[m.batch_id] for m in tail if m.batch_id in first_of]
    if not versions:
        return Plan(None, every, "the range has changed nothing that the history would show")
    first = min(versions)
    if history.swapped >= first:
        return Plan(None, every, f"version {history.swapped} was swapped in since")
    mixed = [m.batch_id for m in head if first_of.get(m.batch_id, -1) > first]
    if mixed:
        return Plan(None, every, f"batch {mixed[0]} was merged in between")
    major = contract_version.partition(".")[0]
    other = [m for m in head if m.contract_version.partition(".")[0] != major]
    if other:
        said = other[0].contract_version
        return Plan(None, every, f"batches before were loaded by version {said} of the contract")
    return Plan(first - 1, tuple(m.batch_id for m in tail))
