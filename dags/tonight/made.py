"""Where a row's account comes from: a dataset's two tasks, or the one of a mart or a link."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from nightly.plan import LEDGER, CityPlan, DatasetPlan, InputPlan, MadePlan
from tonight.rows import Batch, Run, batch_time


@dataclass(frozen=True)
class Place:
    """A row of the page before anything is known of it."""

    plan: DatasetPlan
    group: str
    """Its department, or what stands for one."""
    dag: str
    tasks: tuple[str, ...]
    """The tasks of its DAG that work for it, in their order."""
    inputs: tuple[str, ...] = ()
    """Ids of what it is made from; a dataset is made from nothing."""

    def wrote(self, run: Run, batch: Batch) -> bool:
        """Whether a run may have written an account: the first of the newest that may has.

        A department's run is named after its night. A mart's run is of when its inputs had come,
        and its account of the night that they came for.
        """
        if not self.inputs:
            return run.batch_id == batch.batch_id
        begun = batch_time(run.batch_id)
        return begun is not None and begun <= batch.started_at

    def is_newer(self, run: Run, newest: Batch | None) -> bool:
        """Whether the ledger holds nothing of a run."""
        begun = batch_time(run.batch_id)
        if newest is None or begun is None:
            return newest is None
        return begun > (newest.started_at if self.inputs else newest.night)


def places(city: CityPlan) -> Iterator[Place]:
    """All rows of a city: datasets first, then what is made from them."""
    for department in city.departments:
        for plan in department.datasets:
            tasks = (f"{plan.name}.extract", f"{plan.name}.load")
            yield Place(plan, department.name, department.name, tasks)
    seen = {plan.id for department in city.departments for plan in department.datasets}
    seen |= {made.id for made in city.made} | set(LEDGER)
    for made in city.made:
        inputs = tuple(_row_of(i) for i in made.inputs)
        yield Place(_as_dataset(made, seen), f"{made.kind}s", made.dag, (made.task,), inputs)


def _row_of(one: InputPlan) -> str:
    """Id of the row that tells of an input: the two tables of a link are made at once."""
    kind, _, name = one.id.partition(".")
    return f"link.{name.removesuffix('_link')}" if kind == "links" else one.id


def _as_dataset(made: MadePlan, seen: Collection[str]) -> DatasetPlan:
    """What the page says of any row; of datasets that the reader may not see, no name."""
    hidden = sum(_row_of(i) not in seen for i in made.inputs)
    shown = [i.id for i in made.inputs if _row_of(i) in seen]
    sources = ", ".join([*shown, *([f"{hidden} that you may not see"] if hidden else [])])
    what = "Mart" if made.kind == "mart" else f"The same {made.name} in all records"
    return DatasetPlan(
        id=made.id,
        name=made.name,
        table=made.name,
        version="",
        description=f"{made.description} {what}, made from {sources}.".strip(),
        contract="",
        owner=made.answers.name,
        contact=made.answers.contact,
        connection=None,
        after=(),
        latency_seconds=made.latency_seconds,
        channel=made.answers.channel,
    )
