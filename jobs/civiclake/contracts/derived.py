"""What is made from datasets, and owed as they are: marts and links."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from pydantic import BaseModel, ConfigDict

from civiclake.contracts import promise, schedule
from civiclake.contracts.inputs import LINKS
from civiclake.contracts.model import Alert, Dataset, Manifest, Mart, Owner
from civiclake.contracts.promise import Promise, State
from civiclake.contracts.read import owners

OPERATORS = Owner(name="Operators", contact="the city's operators")
"""They answer for links."""
BUILD_SECONDS = 3600
"""What is made from an input that came at its very deadline is due this much later."""
_DAYS = 62
_CAME = (State.DELIVERED, State.LATE, State.EMPTY)


class Derived(BaseModel):
    """A mart or a kind of link, with what it promises."""

    model_config = ConfigDict(frozen=True)

    id: str
    """As the ledger has it: ``marts.<name>`` or ``link.<subject>``."""
    dag: str
    """The DAG that makes it."""
    inputs: tuple[str, ...]
    schedule: str
    """When it is due, as cron text: with the input that comes least often, or last."""
    latency_seconds: int
    owner: Owner

    def waits_for(
        self,
        due_at: datetime,
        datasets: Mapping[str, Dataset],
        known: Collection[Promise],
        made: Mapping[str, Derived] | None = None,
    ) -> list[str]:
        """Its inputs that did not come in a night, each with its state and whom to ask.

        Args:
            due_at: when it was due itself.
            datasets: the contracts, by id.
            known: rows of ``ops.deliveries``.
            made: other marts and links, by id.
        """
        states = {(row.dataset, row.due_at): row.state for row in known}
        found = []
        for name in dict.fromkeys(row_of(one) for one in self.inputs):
            one = datasets.get(name) or (made or {}).get(name)
            if one is None:
                continue
            cron = promise.cron(one) if isinstance(one, Dataset) else one.schedule
            state = states.get((name, schedule.last_before(cron, due_at)))
            if state not in _CAME:
                what = state.value if state else "not delivered"
                found.append(f"{name} ({what}: ask {one.owner.name}, {one.owner.contact})")
        return found


def answers(city: Manifest, mart: Mart, alert: Alert) -> Owner:
    """Who is told of an alert: whom it names itself, else the mart's owner."""
    said = alert.owner
    if said is None:
        return mart.owner
    own = sorted((d for d in city.datasets if d.department == said), key=lambda d: d.id)
    if own:
        return own[0].owner
    return owners.owner(mart.owner.name, [said], mart.owner.contact, lambda _: None)


def row_of(input_id: str) -> str:
    """Id under which the ledger has an input: both tables of a link are made at once."""
    kind, _, name = input_id.partition(".")
    return f"link.{name.removesuffix('_link')}" if kind == LINKS else input_id


def derived(city: Manifest) -> list[Derived]:
    """All marts and links of a city whose inputs have contracts."""
    datasets = {dataset.id: dataset for dataset in city.datasets}
    made: dict[str, Derived] = {}
    tables: dict[str, Derived] = {}
    for link in city.links:
        one = _derived(f"link.{link.name}", f"link_{link.name}", link.inputs, datasets, tables)
        if one is not None:
            made[one.id] = one
            tables |= {f"{LINKS}.{link.name}": one, f"{LINKS}.{link.name}_link": one}
    for mart in city.marts:  # each after those that it reads
        one = _derived(mart.id, f"mart_{mart.name}", mart.inputs, datasets, tables)
        if one is not None:
            promised = mart.latency_seconds or one.latency_seconds
            update = {"owner": mart.owner, "latency_seconds": promised}
            made[mart.id] = tables[mart.id] = one.model_copy(update=update)
    return list(made.values())


def _derived(
    name: str,
    dag: str,
    inputs: tuple[str, ...],
    datasets: Mapping[str, Dataset],
    tables: Mapping[str, Derived],
) -> Derived | None:
    own = [datasets[i] for i in inputs if i in datasets]
    before = [tables[i] for i in inputs if i in tables]
    if not own and not before:
        return None
    latencies = [*(d.latency_seconds for d in own), *(d.latency_seconds for d in before)]
    schedules = {*(promise.cron(d) for d in own), *(d.schedule for d in before)}
    return Derived(
        id=name,
        dag=dag,
        inputs=inputs,
        schedule=_slowest(schedules),
        latency_seconds=max(latencies) + BUILD_SECONDS,
        owner=OPERATORS,
    )


def _slowest(schedules: Collection[str]) -> str:
    """The schedule that fires least often, of several such the one that fires last by day."""
    return min(schedules, key=_rank)


@lru_cache(maxsize=1_000)
def _rank(text: str) -> tuple[int, float, str]:
    """How often a schedule fires, and how early; a city has few, and each mart asks."""
    until = datetime(2026, 3, 1, tzinfo=UTC)
    fired = schedule.between(text, until - timedelta(days=_DAYS), until, 24 * 60 * _DAYS)
    hour = fired[-1].hour * 60 + fired[-1].minute if fired else 0
    return (len(fired), -hour, text)
