"""From the ledger's rows and the contracts to what the page says; pure, and all of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from nightly.plan import CityPlan, DatasetPlan
from tonight import made, words
from tonight.reasons import Reason, reasons_of, warnings_of
from tonight.rows import Alarm, Batch, Due, Ledger, Run
from tonight.state import Age, State, at_work, judge, judge_age, task_failed
from tonight.trend import Trend, trend

HISTORY = 10
"""Batches that a row's details list."""

HasDocs = Callable[[str, str, str], bool]
"""Whether there is a Data Docs page of this department, dataset and name."""


@dataclass(frozen=True)
class Past:
    """One earlier attempt, for a row's details."""

    batch: Batch
    log: str
    docs: str


@dataclass(frozen=True)
class Row:
    """One dataset's line and its details."""

    plan: DatasetPlan
    department: str
    state: State
    work: str
    """What Airflow does with it now, such as ``running now``."""
    delivered_at: datetime | None
    """When the newest batch that was merged came first."""
    age: Age
    age_words: str
    promise: str
    newest: Batch | None
    note: str
    """Why it failed, where the ledger has no account; or that nothing was renewed."""
    docs: str
    log: str
    reasons: tuple[Reason, ...]
    warnings: tuple[Reason, ...]
    trend: Trend
    past: tuple[Past, ...]
    due: tuple[Due, ...]
    """What was due of late, the newest first."""
    waits: tuple[str, ...]
    """Of what is made from datasets: those that did not come, with their states."""
    is_made: bool
    """Whether it is made from datasets."""
    overdue: float
    """Age over promise: orders rows of the same state."""

    @property
    def verdict(self) -> str:
        """What Great Expectations and the limits said to the newest batch."""
        if self.newest is None:
            return "not judged yet"
        if self.newest.status == "held":
            return "held"
        if self.newest.status == "failed":
            return "not merged" if self.docs else "not judged"
        if self.is_made:
            return "made"
        if self.reasons:
            return "passed in part"
        return "passed with warnings" if self.warnings else "passed"


@dataclass(frozen=True)
class Department:
    """One department in the summary: its worst dataset speaks for it."""

    name: str
    state: State
    datasets: int
    first: str
    """Id of its worst dataset."""


@dataclass(frozen=True)
class Page:
    """All that the template needs."""

    now: datetime
    rows: tuple[Row, ...]
    departments: tuple[Department, ...]
    counts: Mapping[State, int]
    read: int
    merged: int
    set_aside: int
    """Of each dataset's newest batch, together."""
    fault: str
    """Why the ledger can't be read."""
    telling: tuple[str, ...]
    """How owners are told, and what waits to be."""
    alarms: tuple[Alarm, ...] = ()
    """What marts that the reader may see alarm of."""

    @property
    def datasets(self) -> int:
        """How many rows are of what departments deliver."""
        return sum(not row.is_made for row in self.rows)

    @property
    def made(self) -> int:
        """How many are of what is made from that."""
        return len(self.rows) - self.datasets

    @property
    def sources(self) -> int:
        """How many departments they are of."""
        return len({row.department for row in self.rows if not row.is_made})


def build(
    city: CityPlan,
    ledger: Ledger,
    runs: Sequence[Run],
    has_docs: HasDocs,
    now: datetime,
    telling: Sequence[str] = (),
) -> Page:
    """Put the page together.

    Args:
        city: departments and datasets that the reader may see, from the compiled manifest.
        ledger: what ``ops.*`` says.
        runs: Airflow's runs of these departments, marts and links.
        has_docs: whether a Data Docs page is there.
        now: the moment that ages are counted to.
        telling: how owners are told, in sentences.

    Returns:
        The rows, the worst first; none while the ledger could never be read, for then nothing
        is known of any dataset.
    """
    by_dataset: dict[str, list[Batch]] = {}
    for batch in ledger.batches:
        by_dataset.setdefault(batch.dataset, []).append(batch)
    known = [d.id for department in city.departments for d in department.datasets]
    nights = [b.night.date() for i in known for b in by_dataset.get(i, ())]
    last = max(nights, default=now.date())
    rows: list[Row] = []
    if ledger.batches or not ledger.fault:
        for place in made.places(city):
            own = [run for run in runs if run.department == place.dag]
            maker = _Maker(place, by_dataset.get(place.plan.id, []), own, has_docs)
            rows.append(maker.row(ledger, last, now, rows))
    rows.sort(key=lambda r: (r.state.rank, -r.overdue, -_share_set_aside(r), r.plan.id))
    newest = [row.newest for row in rows if row.newest and not row.is_made]
    merged = [batch for batch in newest if batch.status == "merged"]
    return Page(
        now=now,
        rows=tuple(rows),
        departments=_departments(rows),
        counts={state: sum(r.state is state for r in rows) for state in State},
        read=sum(b.read for b in newest),
        merged=sum(b.merged for b in merged),
        set_aside=sum(b.quarantined for b in merged),
        fault=ledger.fault,
        telling=tuple(telling),
        alarms=tuple(one for one in ledger.alarms if one.mart in {m.id for m in city.made}),
    )


class _Maker:
    """Makes one row: what is known of one dataset, in the order of its batches."""

    def __init__(
        self, place: made.Place, batches: list[Batch], runs: Sequence[Run], has_docs: HasDocs
    ) -> None:
        self.place = place
        self.plan = place.plan
        self.batches = sorted(batches, key=lambda b: (b.night, b.started_at))
        self.deliveries = [b for b in self.batches if b.is_delivery]
        self.runs = runs
        self.has_docs = has_docs

    def row(self, ledger: Ledger, last: date, now: datetime, above: Sequence[Row]) -> Row:
        plan = self.plan
        newest = self.deliveries[-1] if self.deliveries else None
        delivered_at = self._delivered_at()
        seconds = None if delivered_at is None else (now - delivered_at).total_seconds()
        age = judge_age(seconds, plan.latency_seconds)
        run, task = self._task_now()
        begun = run is not None and self.place.is_newer(run, newest)
        unwritten = task if begun else None
        due = sorted(
            (d for d in ledger.due if d.dataset == plan.id), key=lambda d: d.due_at, reverse=True
        )
        shown = run if run and unwritten else self._run_of(newest)
        waits = tuple(
            f"{row.plan.id} ({row.state.word})"
            for row in above
            if row.plan.id in self.place.inputs and row.state.is_missing
        )
        return Row(
            plan=plan,
            department=self.place.group,
            state=judge(newest, age, unwritten, due[0].state if due else ""),
            work=at_work(task, begun=begun),
            delivered_at=delivered_at,
            age=age,
            age_words="never" if seconds is None else words.span(seconds),
            promise=words.span(plan.latency_seconds),
            newest=newest,
            note=task_failed(unwritten) or self._unrenewed(),
            docs=self._docs(newest),
            log=self._log(shown, newest.attempt if newest and not unwritten else 1),
            waits=waits,
            is_made=bool(self.place.inputs),
            reasons=reasons_of(newest, ledger.counts, plan),
            warnings=warnings_of(newest, ledger.counts, plan),
            trend=trend(self.deliveries, last),
            past=tuple(
                Past(b, self._log(self._run_of(b), b.attempt), self._docs(b))
                for b in reversed(self.batches[-HISTORY:])
            ),
            due=tuple(due[:HISTORY]),
            overdue=0.0 if seconds is None else seconds / plan.latency_seconds,
        )

    def _delivered_at(self) -> datetime | None:
        """When the newest merged batch was merged first: loading it again brings nothing newer."""
        merged = [b for b in self.deliveries if b.status == "merged"]
        if not merged:
            return None
        return min(b.finished_at for b in merged if b.batch_id == merged[-1].batch_id)

    def _unrenewed(self) -> str:
        """What the newest night found, when its snapshot was the one served already."""
        nights = [b for b in self.batches if not b.is_replay]
        return nights[-1].message if nights and not nights[-1].is_delivery else ""

    def _task_now(self) -> tuple[Run | None, str | None]:
        """The department's newest run, and what its task of this dataset does."""
        run = next((run for run in self.runs if run.tasks), None)
        if run is None:
            return None, None
        states = [run.tasks.get(task) for task in self.place.tasks]
        if states[0] in ("failed", "upstream_failed"):
            return run, states[0]
        return run, states[-1] if states[0] in ("success", None) else states[0]

    def _docs(self, batch: Batch | None) -> str:
        """Address of a batch's Data Docs page below the page's own, if it is there."""
        if batch is None or not batch.data_docs:
            return ""
        place = (self.place.dag, self.plan.name, f"{batch.batch_id}.html")
        return f"docs/{'/'.join(place)}" if self.has_docs(*place) else ""

    def _run_of(self, batch: Batch | None) -> Run | None:
        """The run that wrote an account."""
        return next((run for run in self.runs if batch and self.place.wrote(run, batch)), None)

    def _log(self, run: Run | None, attempt: int) -> str:
        """Address of the task that wrote an account, in the Airflow UI."""
        if run is None:
            return ""
        task = self.place.tasks[-1 if attempt else 0]
        return (
            f"../dags/{words.quoted(run.department)}/runs/{words.quoted(run.run_id)}/tasks/{task}"
        )


def _departments(rows: Sequence[Row]) -> tuple[Department, ...]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row.department, []).append(row)
    return tuple(
        Department(name, own[0].state, len(own), own[0].plan.id)
        for name, own in sorted(found.items())
    )


def _share_set_aside(row: Row) -> float:
    return row.newest.quarantined / row.newest.read if row.newest and row.newest.read else 0.0
