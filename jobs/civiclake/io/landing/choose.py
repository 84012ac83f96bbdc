"""Which of the files that a department has delivered a batch takes, and as of when."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from civiclake.contracts.model import Dataset, History, Load
from civiclake.io.landing.delivery import UNFINISHED, Delivery, ask
from civiclake.io.landing.former import Former, Identity
from civiclake.io.landing.manifest import MAX_CLOCK_SKEW
from civiclake.io.landing.store import Landing

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Choice:
    """What a batch takes of what is delivered."""

    deliveries: Sequence[Delivery]
    """Oldest first."""
    unrenewed: str | None = None
    """Of a snapshot that is the one served already: since when, in a sentence."""


def choose(
    landing: Landing,
    dataset: Dataset,
    found: Sequence[Delivery],
    left: Sequence[str],
    now: datetime,
    *,
    whole: bool,
) -> Choice:
    """Choose the deliveries of a batch.

    Args:
        landing: knows what earlier batches have taken.
        dataset: the compiled contract.
        found: all that is delivered.
        left: names of what is still being written.
        now: by which a clock is ahead.
        whole: take everything, whatever earlier batches have brought.
    """
    former = landing.former(dataset.id)
    taken = former.times(delivery.identity for delivery in found)
    dated = _dated(dataset, found, former, taken, now)
    known = {} if whole else taken
    if dataset.load is not Load.SNAPSHOT:
        return Choice([d for d in dated if d.identity not in known])
    newest = dated[-1:]  # the newest is the whole of it
    growing = [name for name in left if not name.lower().endswith(UNFINISHED)]
    if not newest or newest[0].identity not in known:
        return Choice(newest)
    return Choice([], None if growing else _unrenewed(dataset, newest[0]))


def _dated(
    dataset: Dataset,
    found: Sequence[Delivery],
    former: Former,
    taken: Mapping[Identity, datetime],
    now: datetime,
) -> list[Delivery]:
    """The deliveries by their times, oldest first; one of the future gets a time of ours.

    When it was written nobody knows. Taken for the earliest that it can be, right after the
    batch before it, it outranks what is served and nothing that is delivered later.
    """
    if all(d.modified_at <= now + MAX_CLOCK_SKEW for d in found):
        return list(found)
    earliest = _earliest(dataset, former, now)
    made: list[Delivery] = []
    for number, delivery in enumerate(found, start=1):
        if delivery.modified_at > now + MAX_CLOCK_SKEW:
            moment = taken.get(delivery.identity)
            if moment is None:  # several of them stay in the order of the clock that wrote them
                moment = earliest + timedelta(microseconds=number)
                _log.warning("%s", _ahead(dataset, delivery, moment, now))
            delivery = replace(delivery, modified_at=moment)
        made.append(delivery)
    return sorted(made, key=lambda d: (d.modified_at, d.origin))


def _earliest(dataset: Dataset, former: Former, now: datetime) -> datetime:
    """After this a file was written that no batch so far has seen."""
    if dataset.history is History.SNAPSHOT:
        return now  # a state of tonight, not of the night before
    return former.newest_at() or now - timedelta(seconds=dataset.latency_seconds)


def _ahead(dataset: Dataset, delivery: Delivery, moment: datetime, now: datetime) -> str:
    return (
        f"{dataset.id}: {delivery.name} says that it was changed {_minute(delivery.modified_at)},"
        f" but it is {_minute(now)}: it counts as delivered {_minute(moment)}; {ask(dataset)}"
        " to set the clock that writes it"
    )


def _unrenewed(dataset: Dataset, delivery: Delivery) -> str:
    since = f"not renewed since {_minute(delivery.modified_at)}"
    said = f"{dataset.id}: nothing new is delivered: {delivery.name} is {since} and served already"
    if dataset.limits.allow_empty:
        return f"{said}, which {dataset.path} allows"
    return f"{said}: {ask(dataset)} to deliver, or set limits.allow_empty if that is normal"


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
